-- What is old, in small batches. {delta} is a delta table, {archive} the table old rows move to.
--
-- Rows and effects are looked at once, in the order in which they were settled, some time after. What
-- stays (the newest row of each record) lies behind the mark and is not read again: the row that
-- replaces it, once that is settled, is news at the end of the order, and brings up the whole record.

-- name: find_index
select i.indisvalid as valid
from pg_index i
where i.indexrelid = to_regclass(%(name)s)

-- name: any_row
select 1 as one from {delta} limit 1

-- name: drop_index
drop index concurrently if exists {index}

-- name: create_index
-- Not made with the table: a first load writes a table without indexes.
create index concurrently {bare} on {delta} (state_since, delta_id)
where state in ('SYNCED', 'SUPERSEDED')

-- name: create_archive
create table if not exists {archive} (like {delta}, primary key (delta_id))

-- name: index_archive
create index on {archive} (record_uuid, delta_id)

-- name: add_column
alter table {archive} add column {column} {type}

-- name: begin_mark
insert into syncflow.retention_mark (workflow, what) values (%(workflow)s, %(what)s)
on conflict do nothing

-- name: read_mark
select settled_at as at, settled_id as id
from syncflow.retention_mark
where workflow = %(workflow)s and what = %(what)s
for update

-- name: keep_mark
update syncflow.retention_mark
set settled_at = %(at)s, settled_id = %(id)s
where workflow = %(workflow)s and what = %(what)s

-- name: look_at_rows
select delta_id as id, state_since as at, record_uuid
from {delta}
where state in ('SYNCED', 'SUPERSEDED')
  and (state_since, delta_id) > (%(at)s, %(id)s) and state_since < %(before)s
order by state_since, delta_id
limit %(limit)s

-- name: old_rows
-- Of each record the oldest rows, without a gap, so that its newest row is never one that another
-- followed; each once a newer one has been settled for as long. The newest stays, unless the record
-- is gone and nothing asks for it any more.
select delta_id, object_key
from (
    select d.*,
           bool_and(is_old) over (partition by record_uuid order by delta_id) as all_old,
           coalesce(bool_or(is_old) over (
               partition by record_uuid order by delta_id
               rows between 1 following and unbounded following), false) as replaced,
           lead(delta_id) over (partition by record_uuid order by delta_id) is null as newest
    from (
        select d.delta_id, d.operation, d.bk_hash, d.record_uuid,
               d.state in ('SYNCED', 'SUPERSEDED')
               and (d.state_since, d.delta_id) <= (%(at)s, %(id)s)
               and not exists (
                   select from syncflow.effect e
                   where e.delta_table = %(table)s and e.delta_id = d.delta_id
                     and e.state not in ('DONE', 'DEAD', 'CANCELLED')) as is_old
        from {delta} d
        where d.record_uuid = any (%(records)s)
    ) d
) d
-- A life of the record ends here; what made its objects ends with it.
left join unnest(%(prefixes)s::text[]) as p (prefix) on d.operation = 'DELETE'
cross join lateral (select p.prefix || d.record_uuid as object_key) k
where d.all_old
  and (d.replaced
       or d.newest and d.operation = 'DELETE' and not exists (
           select from syncflow.rejected_record r
           where r.workflow = %(workflow)s and r.node = %(node)s
             and r.bk_hash = d.bk_hash and r.resolved_at is null))
order by d.delta_id

-- name: done_with
-- Of these records those of which no row comes up later: where nothing is deleted, each is counted
-- once, with its last row. An aggregate, so that each record is asked for by itself, by its index.
select r.record_uuid
from unnest(%(records)s::uuid[]) as r (record_uuid)
where not (
    select coalesce(bool_or(
        d.state in ('SYNCED', 'SUPERSEDED')
        and (d.state_since, d.delta_id) > (%(at)s, %(id)s) and d.state_since < %(before)s), false)
    from {delta} d
    where d.record_uuid = r.record_uuid)

-- name: which_effects
-- What made an object stays while the object is there: it counts the objects, and keeps any other
-- effect from making it.
e.effect_id in (
      select f.effect_id from syncflow.effect f
      where f.delta_table = %(table)s and f.delta_id = any (%(ids)s)
      union all
      select f.effect_id
      from unnest(%(keys)s::text[], %(ends)s::bigint[]) as g (object_key, delta_id)
      join syncflow.effect f on f.object_key = g.object_key
      where f.creates and f.delta_table = %(table)s and f.delta_id < g.delta_id)
  and e.state in ('DONE', 'DEAD', 'CANCELLED')
  and not (e.creates and e.state = 'DONE' and exists (
      select from syncflow.remote_object o
      where o.object_key = e.object_key and o.generation = e.generation and o.retired_at is null))

-- name: take_effects
delete from syncflow.effect e where {which} returning e.*

-- name: count_effects
select count(*) as number from syncflow.effect e where {which}

-- name: archive_effects
with taken as ({taken})
insert into syncflow.effect_archive
    (effect_id, effect_key, workflow, node, account, kind, object_key, delta_table, delta_id,
     customer, payload, state, reason, tries, remote_id, planned_at, finished_at)
select effect_id, effect_key, workflow, node, account, kind, object_key, delta_table, delta_id,
       customer, payload, state, reason, tries, remote_id, planned_at, finished_at
from taken

-- name: take_rows
delete from {delta} where delta_id = any (%(ids)s) returning *

-- name: archive_rows
with taken as ({taken})
insert into {archive} ({columns}, state, state_since)
select {columns}, 'ARCHIVED', %(now)s from taken

-- name: oldest_row
select created_at from {delta} order by delta_id limit 1

-- name: look_at_effects
select effect_id as id, coalesce(finished_at, planned_at) as at
from syncflow.effect
where workflow = %(workflow)s and state in ('DONE', 'DEAD', 'CANCELLED')
  and (coalesce(finished_at, planned_at), effect_id) > (%(at)s, %(id)s)
  and coalesce(finished_at, planned_at) < %(before)s
order by coalesce(finished_at, planned_at), effect_id
limit %(limit)s

-- name: delete_attempts
-- A refused effect keeps its attempts: somebody may still ask why.
delete from syncflow.attempt a
using syncflow.effect e
where a.effect_id = any (%(ids)s) and e.effect_id = a.effect_id
  and e.state in ('DONE', 'CANCELLED')

-- name: count_attempts
select count(*) as number
from syncflow.attempt a join syncflow.effect e using (effect_id)
where a.effect_id = any (%(ids)s) and e.state in ('DONE', 'CANCELLED')

-- name: delete_summaries
delete from syncflow.run_summary where workflow = %(workflow)s and began_at < %(before)s
