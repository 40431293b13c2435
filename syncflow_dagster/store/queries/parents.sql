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

-- name: key_awaited
alter table pg_temp.awaited add primary key (bk)

-- name: analyse_awaited
analyze pg_temp.awaited

-- name: drop_held
-- Where parents and children are of one table, letting one go lets go those that wait for it.
with recursive free as (
    select a.bk from pg_temp.awaited a where a.up is null
    union all
    select a.bk
    from free f
    join pg_temp.awaited a on a.up = f.bk
    where {is_own_parent}
)
delete from pg_temp.awaited a
where not exists (select from free f where f.bk = a.bk)

-- name: release_waiting
update {delta} d
set state = 'PENDING', reason = null, state_since = clock_timestamp(),
    parent_uuid = a.record_uuid
from pg_temp.awaited a
where a.bk = d.parent_bk_hash
  and d.state = 'WAITING' and d.parent_uuid is null and d.superseded_by is null
  and not exists (
      select from syncflow.effect e
      where e.delta_table = {table} and e.delta_id = d.delta_id)

-- name: drop_awaited
drop table pg_temp.awaited
