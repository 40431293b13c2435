-- What grows in Dagster's own tables and that no call of Dagster's deletes. Read from Dagster
-- 1.13.27 (dagster/_core/storage/*/schema.py); `columns` is asked first, and where a column that
-- is used here is missing, nothing is deleted.
--
-- Statements that walk a table look at a batch of rows from `after` on, and tell the `last` one
-- looked at (null: there was none), whether `any_old` was among them, and how many were `deleted`.
-- Times are without a zone, in UTC.

-- name: try_lock
select pg_try_advisory_lock(%(lock_class)s, 0) as taken;

-- name: columns
select table_name, column_name
from information_schema.columns
where table_schema = 'public';

-- Runs among these that hold what the UI shows as an asset's latest: its latest event of a kind,
-- by partition, or the latest result of a check.
-- name: runs_to_keep
select distinct event.run_id
from public.event_logs as event
where event.run_id = any(%(runs)s)
  and event.asset_key is not null
  and event.dagster_event_type in ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
  and not exists (
      select from public.event_logs as later
      where later.asset_key = event.asset_key
        and later.dagster_event_type = event.dagster_event_type
        and later.partition is not distinct from event.partition
        and later.id > event.id
  )
union
select checked.run_id
from public.asset_check_executions as checked
where checked.run_id = any(%(runs)s)
  and not exists (
      select from public.asset_check_executions as later
      where later.asset_key = checked.asset_key
        and later.check_name = checked.check_name
        and later.partition is not distinct from checked.partition
        and (checked.execution_status = 'PLANNED' or later.execution_status <> 'PLANNED')
        and later.id > checked.id
  );

-- name: walk_checks
with looked_at as (
    select
        id, asset_key, check_name, partition, run_id, create_timestamp < %(before)s as is_old
    from public.asset_check_executions
    where id > %(after)s
    order by id
    limit %(batch)s
), latest as (
    select
        asset_key, check_name, partition,
        max(id) as begun,
        max(id) filter (where execution_status <> 'PLANNED') as done
    from public.asset_check_executions
    where (asset_key, check_name) in (select asset_key, check_name from looked_at where is_old)
    group by asset_key, check_name, partition
), gone as (
    delete from public.asset_check_executions
    where id = any(array(
        select checked.id
        from looked_at as checked
        join latest
            on latest.asset_key = checked.asset_key
            and latest.check_name = checked.check_name
            and latest.partition is not distinct from checked.partition
        where checked.is_old
          -- The UI shows the latest, and beside one that is only planned the last with a result.
          and checked.id < latest.begun
          and checked.id is distinct from latest.done
          and not exists (
              select from public.runs as run
              where run.run_id = checked.run_id
                and run.status not in ('SUCCESS', 'FAILURE', 'CANCELED')
          )
    ))
    returning 1
)
select
    (select max(id) from looked_at) as last,
    (select bool_or(is_old) from looked_at) as any_old,
    (select count(*) from gone) as deleted;

-- Events without a run: reported beside runs, or left by a deletion that was cut short. The next
-- event of the same kind is looked up with a limit: as a join it would be one of all with all.
-- name: walk_events
with looked_at as (
    select
        id, run_id, asset_key, dagster_event_type, partition, "timestamp" < %(before)s as is_old
    from public.event_logs
    where id > %(after)s
    order by id
    limit %(batch)s
), gone as (
    delete from public.event_logs
    where id = any(array(
        select event.id
        from looked_at as event
        where event.is_old
          and not exists (select from public.runs as run where run.run_id = event.run_id)
          and (
              event.asset_key is null
              or (
                  select later.id
                  from public.event_logs as later
                  where later.asset_key = event.asset_key
                    and later.dagster_event_type = event.dagster_event_type
                    and later.partition is not distinct from event.partition
                    and later.id > event.id
                  order by later.id
                  limit 1
              ) is not null
          )
          and not exists (
              select from public.asset_check_executions as checked
              where checked.evaluation_event_storage_id = event.id
          )
          and not exists (
              select from public.asset_check_executions as checked
              where checked.materialization_event_storage_id = event.id
          )
    ))
    returning id
), untagged as (
    delete from public.asset_event_tags
    where event_id = any(array(select id from gone))
)
select
    (select max(id) from looked_at) as last,
    (select bool_or(is_old) from looked_at) as any_old,
    (select count(*) from gone) as deleted;

-- Dagster deletes old ticks of what it still evaluates; those of workflows that are gone stay. The
-- latest tells from when on a schedule is due again.
-- name: walk_ticks
with looked_at as (
    select id, selector_id, status, "timestamp" as at, "timestamp" < %(before)s as is_old
    from public.job_ticks
    where id > %(after)s
    order by id
    limit %(batch)s
), gone as (
    delete from public.job_ticks
    where id = any(array(
        select tick.id
        from looked_at as tick
        where tick.is_old
          and tick.status <> 'STARTED'
          and tick.at < (
              select max(later."timestamp")
              from public.job_ticks as later
              where later.selector_id = tick.selector_id
          )
    ))
    returning 1
)
select
    (select max(id) from looked_at) as last,
    (select bool_or(is_old) from looked_at) as any_old,
    (select count(*) from gone) as deleted;

-- name: walk_backfills
with looked_at as (
    select id, "timestamp" < %(before)s as is_old
    from public.bulk_actions
    where id > %(after)s
    order by id
    limit %(batch)s
), gone as (
    delete from public.bulk_actions as backfill
    using looked_at
    where backfill.id = looked_at.id
      and looked_at.is_old
      and backfill.status in
          ('COMPLETED', 'COMPLETED_SUCCESS', 'COMPLETED_FAILED', 'FAILED', 'CANCELED')
      and not exists (select from public.runs as run where run.backfill_id = backfill.key)
    returning backfill.key
), untagged as (
    delete from public.backfill_tags as tag
    using gone
    where tag.backfill_id = gone.key
)
select
    (select max(id) from looked_at) as last,
    (select bool_or(is_old) from looked_at) as any_old,
    (select count(*) from gone) as deleted;

-- name: used_snapshots
select distinct snapshot_id from public.runs where snapshot_id is not null;

-- Snapshots of definitions that no run has, and that are older than one a run has had for a day:
-- one just written belongs to a run that is about to be.
-- name: walk_snapshots
with used as (
    select snapshot_id from public.runs where snapshot_id is not null
    union
    select run_body::json ->> 'execution_plan_snapshot_id' from public.runs
    union
    select unnest(%(parents)s::text[])
), settled as (
    select coalesce(max(snapshot.id), 0) as newest
    from public.snapshots as snapshot
    join public.runs as run on run.snapshot_id = snapshot.snapshot_id
    where run.create_timestamp < %(yesterday)s
), looked_at as (
    select id, id < (select newest from settled) as is_old
    from public.snapshots
    where id > %(after)s
    order by id
    limit %(batch)s
), gone as (
    delete from public.snapshots as snapshot
    using looked_at
    where snapshot.id = looked_at.id
      and looked_at.is_old
      and not exists (select from used where used.snapshot_id = snapshot.snapshot_id)
    returning 1
)
select
    (select max(id) from looked_at) as last,
    (select bool_or(is_old) from looked_at) as any_old,
    (select count(*) from gone) as deleted;

-- name: known_runs
select run_id from public.runs where run_id = any(%(runs)s);

-- Gives the space of what was deleted back to new rows, without waiting for anybody.
-- name: vacuum
vacuum (skip_locked, analyze) {table};
