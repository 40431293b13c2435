-- Delta rows that wait for their parent. A record is let go once its parent is there: known, not
-- deleted, and not waiting for a parent of its own. {delta} is the node's delta table,
-- {parent_delta} and {parent_snapshot} are its parent's tables; both deltas may be one.
--
-- Statistics of a delta table know nothing of the rows that began to wait a moment ago, and a plan
-- made for one row takes hours for 100,000. So rows are counted by parent in a scan of one table;
-- the few parents are looked up one by one, in subqueries that a `limit` keeps as they are; and
-- what is joined again stands in a temporary table with a key.

-- name: any_waiting
select 1 as one from {delta} where state = 'WAITING' and parent_uuid is null limit 1

-- name: awaited
-- Parents that are known and have children waiting; `up` is the parent they wait for themselves.
-- A row that already has effects is the push's business.
select a.bk, a.children, p.record_uuid, w.up
from (
    select d.parent_bk_hash as bk, count(*) as children
    from {delta} d
    where d.state = 'WAITING' and d.parent_uuid is null and d.superseded_by is null
      and d.parent_bk_hash is not null
      and not exists (
          select from syncflow.effect e
          where e.delta_table = {table} and e.delta_id = d.delta_id)
    group by d.parent_bk_hash
) a
join {parent_snapshot} p on p.bk_hash = a.bk and p.deleted_at is null
left join lateral (
    select newest.parent_bk_hash as up
    from (
        select w.* from {parent_delta} w
        where w.record_uuid = p.record_uuid
        order by w.delta_id desc
        limit 1
    ) newest
    where newest.state = 'WAITING' and newest.parent_uuid is null
) w on true

-- name: find_awaited
create temp table awaited as {awaited}

-- name: index_awaited
create index on pg_temp.awaited (up)

-- name: analyse_awaited
-- Where most wait for one, statistics would say that an index on `up` is of no use.
alter table pg_temp.awaited alter column up set (n_distinct = -1);
analyze pg_temp.awaited

-- name: find_free
-- Where parents and children are of one table, letting one go lets go those that wait for it.
create temp table free as
with recursive free as (
    select a.bk, a.record_uuid from pg_temp.awaited a where a.up is null
    union all
    select a.bk, a.record_uuid
    from free f
    -- The offset makes each step ask the index, instead of reading all parents again.
    cross join lateral (
        select a.bk, a.record_uuid from pg_temp.awaited a where a.up = f.bk offset 0
    ) a
    where {is_own_parent}
)
select * from free

-- name: key_free
alter table pg_temp.free add primary key (bk)

-- name: analyse_free
analyze pg_temp.free

-- name: release_waiting
update {delta} d
set state = 'PENDING', reason = null, state_since = clock_timestamp(),
    parent_uuid = f.record_uuid
from pg_temp.free f
where f.bk = d.parent_bk_hash
  and d.state = 'WAITING' and d.parent_uuid is null and d.superseded_by is null
  and not exists (
      select from syncflow.effect e
      where e.delta_table = {table} and e.delta_id = d.delta_id)

-- name: relink
-- The snapshot knows the parents by the rules of now, an unsent row by those of when it was
-- written. Its parent is looked for again; a row that already has effects is the push's business.
update {delta} d
set parent_bk_hash = k.parent_bk_hash, parent_uuid = null,
    state = case when k.parent_bk_hash is null then 'PENDING' else 'WAITING' end,
    reason = case when k.parent_bk_hash is not null
                  then concat('parent ', {entity}, ' ', {key}, ' is not there') end,
    state_since = case when d.state = 'WAITING' and k.parent_bk_hash is not null
                       then d.state_since else clock_timestamp() end
from {snapshot} k
where k.bk_hash = d.bk_hash and k.deleted_at is null
  and d.state in ('PENDING', 'WAITING') and d.superseded_by is null
  and d.operation <> 'DELETE'
  and (d.parent_bk_hash is distinct from k.parent_bk_hash
       -- A record of another kind may have the same key.
       or d.parent_uuid is not null and d.parent_uuid is distinct from {parent_uuid})
  and not exists (
      select from syncflow.effect e
      where e.delta_table = {table} and e.delta_id = d.delta_id)

-- name: drop_found
drop table if exists pg_temp.awaited, pg_temp.free
