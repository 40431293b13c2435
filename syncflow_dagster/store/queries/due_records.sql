-- Records that are due at times of their own. {delta} and {snapshot} are a node's tables.
--
-- {said}: what record `d` says of its times, as text; {anchor}: from when they count, as text, or
-- null; {due_at}: the moment itself, where the record says it to the letter, or null.
--
-- A server that has no statistics of a table yet must not join it row by row. So due records are
-- found one by one in subqueries, by their key, which a limit keeps as they are; and newest rows by
-- the index of the records: `+ 0` keeps it from going through all rows from the last one on.

-- name: create_wanted
create temp table due_wanted (
    bk_hash      uuid not null,
    record_uuid  uuid not null,
    said         text,
    anchor       text,
    due_at       timestamptz
) on commit drop

-- name: changed_records
-- Those of a batch. A deleted record has no times, whatever its key says.
insert into pg_temp.due_wanted (bk_hash, record_uuid, said, anchor, due_at)
select d.bk_hash, d.record_uuid, case when d.operation <> 'DELETE' then {said} end, {anchor},
       {due_at}
from {delta} d
where d.delta_id > %(last)s and d.batch_id = %(batch)s

-- name: known_records
-- Some of all that are known, each with the values of its newest row.
insert into pg_temp.due_wanted (bk_hash, record_uuid, said, anchor, due_at)
select k.bk_hash, k.record_uuid, {said}, {anchor}, {due_at}
from (
    select k.bk_hash, k.record_uuid, k.business_key
    from {snapshot} k
    where k.deleted_at is null and k.bk_hash > %(after)s
    order by k.bk_hash
    limit %(limit)s
) k
left join lateral (
    select * from {delta} d where d.record_uuid = k.record_uuid order by d.delta_id + 0 desc limit 1
) d on k.business_key <> 'erased'

-- name: last_known
select bk_hash as last from pg_temp.due_wanted order by bk_hash desc limit 1

-- name: distinct_rules
select distinct said, anchor from pg_temp.due_wanted where said is not null and due_at is null

-- name: create_times
create temp table due_time (
    said     text not null,
    anchor   text,
    due_at   timestamptz,
    problem  text
) on commit drop

-- name: copy_times
copy pg_temp.due_time (said, anchor, due_at, problem) from stdin

-- name: analyse
analyze pg_temp.due_wanted, pg_temp.due_time

-- name: keep
-- A moment that has passed when the record comes with it: that very change goes after it, and no
-- other. What a record says anew takes the place of what it said before; where only the file says
-- it otherwise, what is due already stays due.
insert into due_record as r
    (workflow, node, bk_hash, record_uuid, rule, next_due_at, last_due_at, problem)
select %(workflow)s, %(node)s, w.bk_hash, w.record_uuid, concat_ws(' from ', w.said, w.anchor),
       case when n.due_at > %(now)s then n.due_at end,
       case when n.due_at <= %(now)s then n.due_at end, t.problem
from pg_temp.due_wanted w
left join pg_temp.due_time t
  on t.said = w.said and coalesce(t.anchor, '') = coalesce(w.anchor, '')
cross join lateral (select coalesce(w.due_at, t.due_at) as due_at) n
where w.said is not null
on conflict (workflow, node, bk_hash) do update
set record_uuid = excluded.record_uuid, rule = excluded.rule,
    next_due_at = case when r.rule = excluded.rule and r.next_due_at <= %(now)s then r.next_due_at
                       else excluded.next_due_at end,
    last_due_at = coalesce(excluded.last_due_at, r.last_due_at), problem = excluded.problem
where %(anew)s or r.rule <> excluded.rule or r.record_uuid <> excluded.record_uuid

-- name: drop_silent
-- Of records that say no time any more, deleted ones among them.
delete from due_record r
using pg_temp.due_wanted w
cross join lateral (
    select o.ctid as place from due_record o
    where o.workflow = %(workflow)s and o.node = %(node)s and o.bk_hash = w.bk_hash
    limit 1
) o
where w.said is null and r.ctid = o.place

-- name: hold
-- Rows of a batch whose record is not due yet, in two steps, as a row that waits for its parent
-- cannot be held. A row that takes the place of one that was let go is let go with it.
update {delta} d
set state = %(becomes)s, state_since = clock_timestamp(), reason = h.reason
from (
    select n.delta_id,
           case when r.next_due_at is not null
                then to_char(r.next_due_at at time zone 'UTC',
                             '"held until it is due at" YYYY-MM-DD HH24:MI "UTC"')
                when r.problem is not null then 'its times cannot be read: ' || r.problem
                else 'held until it says when it is due' end as reason
    from {delta} n
    left join lateral (
        select * from due_record r
        where r.workflow = %(workflow)s and r.node = %(node)s and r.bk_hash = n.bk_hash
        limit 1
    ) r on true
    where n.delta_id > %(last)s and n.batch_id = %(batch)s and n.operation <> 'DELETE'
      and n.state = %(was)s
      and (r.bk_hash is null or r.next_due_at > %(now)s or r.problem is not null)
      and not exists (
          select from {delta} o
          where o.record_uuid = n.record_uuid and o.delta_id <= %(last)s
            and o.superseded_by is null
            and o.state in ('PENDING', 'WAITING', 'FAILED', 'HELD', 'DEAD', 'PUSHING')
            and not (o.state = 'HELD' and ({is_held})))
) h
where d.delta_id = h.delta_id

-- name: is_held
-- Whether a row `o` is held until it is due, or until its times can be read.
starts_with(o.reason, 'held until it ') or starts_with(o.reason, 'its times cannot be read: ')

-- name: let_go
-- Held rows whose record is not to be waited for any more; those that lack a parent are returned.
with gone as (
    update {delta} o
    set state = 'PENDING', reason = null, state_since = clock_timestamp()
    where o.state = 'HELD' and o.superseded_by is null and ({is_held})
      and (%(all)s or (
          select r.problem is null and r.next_due_at is null from due_record r
          where r.workflow = %(workflow)s and r.node = %(node)s and r.bk_hash = o.bk_hash))
    returning o.delta_id, o.parent_bk_hash, o.parent_uuid
)
select delta_id from gone where parent_bk_hash is not null and parent_uuid is null

-- name: await_parents
update {delta}
set state = 'WAITING', reason = 'its parent is not there', state_since = clock_timestamp()
where delta_id = any(%(delta_ids)s)

-- name: begin_definition
insert into due_definition (workflow, node, definition) values (%(workflow)s, %(node)s, '')
on conflict do nothing

-- name: read_definition
select definition from due_definition where workflow = %(workflow)s and node = %(node)s

-- name: keep_definition
insert into due_definition (workflow, node, definition)
values (%(workflow)s, %(node)s, %(definition)s)
on conflict (workflow, node) do update set definition = excluded.definition

-- name: drop_definition
delete from due_definition where workflow = %(workflow)s and node = %(node)s

-- name: drop_all
delete from due_record where workflow = %(workflow)s and node = %(node)s

-- name: claim
-- Found by the index alone: the work grows with the records that are due, not with all.
with claimed as materialized (
    select r.bk_hash, r.record_uuid, r.next_due_at
    from due_record r
    where r.workflow = %(workflow)s and r.node = %(node)s and r.next_due_at <= %(now)s
    order by r.next_due_at
    limit %(limit)s
    for update skip locked
)
select c.bk_hash, c.next_due_at, {said} as said, {anchor} as anchor, {due_at} as due_at
from claimed c
left join lateral (
    select * from {delta} d where d.record_uuid = c.record_uuid order by d.delta_id + 0 desc limit 1
) d on d.operation <> 'DELETE' and d.business_key <> 'erased'
order by c.next_due_at

-- name: write_due
-- The newest row of each record once more, as one that changed in every field. The snapshot knows
-- its parent by the rules of now; one that the newest row does not know is waited for.
insert into {delta} (
    batch_id, record_uuid, generation, operation, state, reason, bk_hash, data_hash,
    parent_bk_hash, parent_uuid, business_key, customer, changed_columns, {fields}
)
select d.batch_id, k.record_uuid, k.generation, 'UPDATE',
       case when k.parent_bk_hash is not null and p.parent_uuid is null then 'WAITING'
            else 'PENDING' end,
       to_char(c.due_at at time zone 'UTC', '"was due at" YYYY-MM-DD HH24:MI "UTC"')
           || case when k.parent_bk_hash is not null and p.parent_uuid is null
                   then '; its parent is not there' else '' end,
       k.bk_hash, k.data_hash, k.parent_bk_hash, p.parent_uuid, k.business_key, k.customer,
       %(changed)s::text[], {values}
from unnest(%(keys)s::uuid[], %(due)s::timestamptz[]) with ordinality as c (bk_hash, due_at, place)
join {snapshot} k
  on k.bk_hash = c.bk_hash and k.deleted_at is null and k.business_key <> 'erased'
cross join lateral (
    select * from {delta} d where d.record_uuid = k.record_uuid order by d.delta_id + 0 desc limit 1
) d
cross join lateral (
    select case when d.parent_bk_hash = k.parent_bk_hash then d.parent_uuid end as parent_uuid
) p
where d.operation <> 'DELETE'
order by c.place

-- name: advance
update due_record r
set last_due_at = r.next_due_at, next_due_at = n.due_at, problem = n.problem
from unnest(%(keys)s::uuid[], %(due)s::timestamptz[], %(problems)s::text[])
    as n (bk_hash, due_at, problem)
cross join lateral (
    select o.ctid as place from due_record o
    where o.workflow = %(workflow)s and o.node = %(node)s and o.bk_hash = n.bk_hash
    limit 1
) o
where r.ctid = o.place

-- name: drop_gone
delete from due_record
where workflow = %(workflow)s and node = %(node)s and bk_hash = any(%(keys)s)

-- name: next_due
select next_due_at as at from due_record
where workflow = %(workflow)s and node = %(node)s and next_due_at is not null
order by next_due_at
limit 1

-- name: problems
select k.business_key as record, r.problem, count(*) over () as number
from due_record r
join {snapshot} k on k.bk_hash = r.bk_hash
where r.workflow = %(workflow)s and r.node = %(node)s and r.problem is not null
order by r.problem, k.business_key
limit %(limit)s
