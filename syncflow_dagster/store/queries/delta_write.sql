-- Delta rows, what they supersede, and the snapshot, all in the build's one transaction.

-- name: last_delta
select coalesce(max(delta_id), 0) as last from {delta}

-- name: create_gone
create temp table gone (bk uuid not null) on commit drop

-- name: write_deletes
with deleted as (
    update {snapshot} k
    set data_hash = null, field_hashes = null, row_hash = null, deleted_at = %(now)s
    from pg_temp.gone g
    where k.bk_hash = g.bk
    returning k.*
)
insert into {delta} (
    batch_id, record_uuid, generation, operation, bk_hash, parent_bk_hash, parent_uuid,
    business_key, customer, {keys}
)
select %(batch)s, k.record_uuid, k.generation, 'DELETE', k.bk_hash, k.parent_bk_hash,
       p.record_uuid, k.business_key, k.customer, {snapshot_keys}
from deleted k
left join {parents} p on p.bk_hash = k.parent_bk_hash
order by k.business_key

-- name: find_unfinished
-- Answered by the index of unfinished rows alone: most often there are none.
select delta_id
from {delta}
where delta_id <= %(last)s
  and state in ('PENDING', 'WAITING', 'FAILED', 'HELD', 'DEAD', 'PUSHING')
limit 1

-- name: lock_older
-- The push locks delta rows before it plans effects for them, so after this nobody can.
create temp table older on commit drop as
with locked as (
    -- An INSERT brings all fields and lists none.
    select o.delta_id, o.record_uuid,
           case when o.operation = 'INSERT' then %(fields)s else o.changed_columns end
               as changed_columns
    from {delta} o
    where o.delta_id <= %(last)s
      and o.state in ('PENDING', 'WAITING', 'FAILED', 'HELD', 'DEAD', 'PUSHING')
      and o.record_uuid in (
          select record_uuid from {delta}
          where delta_id > %(last)s and batch_id = coalesce(%(batch)s, batch_id)
      )
    order by o.delta_id
    for update
)
select locked.delta_id, locked.changed_columns, newer.delta_id as newer
from locked
join {delta} newer
  on newer.record_uuid = locked.record_uuid
 and newer.delta_id > %(last)s and newer.batch_id = coalesce(%(batch)s, newer.batch_id)

-- name: analyse_older
analyze pg_temp.older

-- name: lock_effects
-- An effect must not change between being left alone and being found settled.
select count(*) as effects
from (
    select e.effect_id
    from syncflow.effect e
    join pg_temp.older o on o.delta_id = e.delta_id
    where e.delta_table = %(table)s and e.state not in ('DONE', 'DEAD', 'CANCELLED')
    order by e.effect_id
    for update of e
) as locked

-- name: inherit_changes
-- What the older row had still to bring, the newer one brings.
update {delta} d
set changed_columns = array(
    select u.name
    from unnest(%(fields)s::text[]) with ordinality as u (name, place)
    where u.name = any (d.changed_columns) or u.name = any (older.names)
    order by u.place
)
from (
    select newer, array_agg(name) as names
    from pg_temp.older
    cross join unnest(changed_columns) as name
    group by newer
) as older
where d.delta_id = older.newer and d.operation <> 'DELETE'

-- name: cancel_effects
update syncflow.effect e
set state = 'CANCELLED', reason = 'superseded by delta ' || o.newer,
    state_since = clock_timestamp(), finished_at = clock_timestamp()
from pg_temp.older o
where e.delta_table = %(table)s and e.delta_id = o.delta_id
  and e.state in ('PLANNED', 'WAITING', 'RETRY', 'HELD')

-- name: supersede
-- A row stays as it is while the service may be seeing one of its effects.
with moving as (
    select distinct e.delta_id
    from syncflow.effect e
    join pg_temp.older o on o.delta_id = e.delta_id
    where e.delta_table = %(table)s
      and e.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'NEEDS_PERSON')
)
update {delta} d
set superseded_by = o.newer,
    state = case when m.delta_id is null then 'SUPERSEDED' else d.state end,
    reason = case when m.delta_id is null then 'superseded by delta ' || o.newer
                  else d.reason end,
    state_since = case when m.delta_id is null then clock_timestamp() else d.state_since end
from pg_temp.older o
left join moving m on m.delta_id = o.delta_id
where d.delta_id = o.delta_id

-- name: create_advance
create temp table advance on commit drop as select {columns} from {snapshot} with no data

-- name: update_snapshot
update {snapshot} k
set ({columns}) = row ({advance_columns}), deleted_at = null
from pg_temp.advance a
where k.bk_hash = a.bk_hash

-- name: create_renewed
create temp table renewed (bk uuid not null, row_hash uuid not null) on commit drop

-- name: renew_row_hashes
update {snapshot} k
set row_hash = r.row_hash
from pg_temp.renewed r
where k.bk_hash = r.bk and k.deleted_at is null

-- name: find_indexes
-- All indexes of both tables, as statements that drop them; and whether others point at them.
select case when c.conname is null then format('drop index %%s', i.indexrelid::regclass)
            else format('alter table %%s drop constraint %%I', i.indrelid::regclass, c.conname)
       end as drop_it,
       exists (select from pg_constraint f where f.contype = 'f' and f.confrelid = i.indrelid)
           as pointed_at
from pg_index i
left join pg_constraint c on c.conindid = i.indexrelid
where i.indrelid in (%(delta)s::regclass, %(snapshot)s::regclass)

-- name: add_keys
alter table {snapshot} add primary key (bk_hash);
alter table {delta} add primary key (delta_id)

-- name: count_waiting
select count(*) as waiting from {delta} where state = 'WAITING' and batch_id = %(batch)s

-- name: preview
select {columns}
from {delta}
where batch_id = %(batch)s and delta_id > %(last)s
order by delta_id
limit %(limit)s
