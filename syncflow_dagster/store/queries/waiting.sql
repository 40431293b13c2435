-- Who waits for whom, and why. {delta} is a node's delta table, {parent_delta} and
-- {parent_snapshot} are its parent's; `place` counts the nodes of a lineage from the one that is
-- asked about upwards. A family is a parent with the rows that wait for it: everything is worked
-- out for families, of which there are few, and never for each child. See also parents.sql.

-- name: create_family
create temp table family (
    place         integer not null,
    bk            uuid not null,
    key           text,
    children      bigint not null,
    since         timestamptz not null,
    fate          text not null,
    detail        text,
    up_place      integer,
    up            uuid,
    primary key (place, bk)
) on commit drop

-- name: add_families
-- The rows of a node that wait, by parent, and what is known of the parent.
insert into pg_temp.family
select %(place)s, a.bk, coalesce(p.business_key, a.key), a.children, a.since,
       case
           when n.state = 'WAITING' and n.parent_bk_hash is not null
               and n.superseded_by is null then 'waiting'
           when n.state = 'DEAD' then 'dead'
           when p.bk_hash is not null and p.deleted_at is null then 'coming'
           when r.reason is not null then 'rejected'
           when p.bk_hash is not null then 'deleted'
           else 'never_seen'
       end,
       coalesce(n.reason, r.reason),
       %(up_place)s, n.parent_bk_hash
from (
    -- Only the children of the node that is asked about count.
    select d.parent_bk_hash as bk, min(nullif({key}, '')) as key,
           count(*) filter (where %(counts)s) as children, min(d.state_since) as since
    from {delta} d
    where d.state = 'WAITING' and d.superseded_by is null and d.parent_bk_hash is not null
    group by d.parent_bk_hash
) a
left join {parent_snapshot} p on p.bk_hash = a.bk
left join lateral (
    select w.state, w.reason, w.parent_bk_hash, w.superseded_by
    from {parent_delta} w
    where w.record_uuid = p.record_uuid
    order by w.delta_id desc
    limit 1
) n on p.deleted_at is null
left join lateral (
    select e.reason
    from syncflow.rejected_record e
    where e.workflow = %(workflow)s and e.node = %(parent)s and e.bk_hash = a.bk
      and e.resolved_at is null
    order by e.rejection_id desc
    limit 1
) r on p.bk_hash is null or p.deleted_at is not null
on conflict do nothing

-- name: any_waiting_parent
select 1 as one from pg_temp.family where place = %(place)s and fate = 'waiting' limit 1

-- name: index_family
create index on pg_temp.family (up_place, up)

-- name: analyse_family
-- Where most wait for one, statistics would say that an index on `up` is of no use.
alter table pg_temp.family alter column up set (n_distinct = -1);
analyze pg_temp.family

-- name: trace
-- From the parents that wait for nobody down to those that wait for them; each family is reached
-- once, and not at all where parents go round in a cycle.
create temp table traced on commit drop as
with recursive traced (place, bk, depth, root_place, root) as (
    select place, bk, 1, place, bk from pg_temp.family where fate <> 'waiting'
    union all
    select f.place, f.bk, t.depth + 1, t.root_place, t.root
    from traced t
    -- The offset makes each step ask the index, instead of reading all families again.
    cross join lateral (
        select f.place, f.bk from pg_temp.family f
        where f.up_place = t.place and f.up = t.bk and f.fate = 'waiting'
        offset 0
    ) f
)
select * from traced

-- name: key_traced
alter table pg_temp.traced add primary key (place, bk)

-- name: analyse_traced
analyze pg_temp.traced

-- name: count_causes
select case when t.bk is null then 'cycle' else f.fate end as cause,
       case when t.bk is null then 'cycle' else root.fate end as root,
       sum(f.children)::bigint as rows, count(*) as families, min(f.since) as oldest,
       coalesce(max(t.depth), 0) as depth
from pg_temp.family f
left join pg_temp.traced t on t.place = f.place and t.bk = f.bk
left join pg_temp.family root on root.place = t.root_place and root.bk = t.root
where f.place = %(place)s and f.children > 0
group by 1, 2

-- name: largest_families
select bk from pg_temp.family
where place = %(place)s and children > 0
order by children desc, since, key
limit %(limit)s

-- name: oldest_rows
-- Times at which builds of the node or of its parent ended tell how often a row was looked at.
select d.delta_id, d.business_key, d.customer, d.bk_hash, d.parent_bk_hash, d.state_since,
       d.reason, d.parent_uuid is not null as has_gone,
       cardinality(l.looked) - width_bucket(d.state_since, l.looked) as tries
from (
    select * from {delta}
    where state = 'WAITING' and superseded_by is null and parent_bk_hash is not null
    order by state_since, delta_id
    limit %(limit)s
) d
cross join (
    select coalesce(array_agg(b.finished_at order by b.finished_at), '{{}}') as looked
    from syncflow.batch b
    where b.workflow = %(workflow)s and b.node = any (%(nodes)s) and b.status = 'DONE'
      and b.finished_at > %(oldest)s
) l
order by d.state_since, d.delta_id

-- name: climb
-- The way up from some families, no further than a person would read.
with recursive climbed as (
    select f.bk as start, 0 as step, f.*
    from pg_temp.family f
    where f.place = %(place)s and f.bk = any (%(starts)s)
    union all
    select c.start, c.step + 1, f.*
    from climbed c
    join pg_temp.family f on f.place = c.up_place and f.bk = c.up
    where c.fate = 'waiting' and c.step < %(steps)s
)
select c.start, c.place, c.bk, c.key, c.children, c.since, c.fate, c.detail, t.depth,
       root.place as root_place, root.key as root_key, root.fate as root_fate,
       root.detail as root_detail
from climbed c
left join pg_temp.traced t on t.place = c.place and t.bk = c.bk
left join pg_temp.family root on root.place = t.root_place and root.bk = t.root
order by c.start, c.step

-- name: loose_families
-- Families of the own-parent node at the lineage's end that the trace did not reach.
create temp table loose on commit drop as
select f.bk, f.up, f.up as far, f.bk as ring
from pg_temp.family f
where f.up_place = f.place
  and not exists (select from pg_temp.traced t where t.place = f.place and t.bk = f.bk)

-- name: find_linked
create temp table linked on commit drop as
select bk_hash as bk, parent_bk_hash as up
from {parent_snapshot}
where deleted_at is null and parent_bk_hash is not null

-- name: key_linked
alter table pg_temp.linked add primary key (bk)

-- name: index_linked
create index on pg_temp.linked (up)

-- name: analyse_linked
-- As for families.
alter table pg_temp.linked alter column up set (n_distinct = -1);
analyze pg_temp.linked

-- name: find_free
-- Records whose parents lead to one without a parent, from that one downwards.
create temp table free on commit drop as
with recursive free as (
    select l.bk
    from pg_temp.linked l
    where not exists (select from pg_temp.linked u where u.bk = l.up)
    union all
    select l.bk
    from free f
    cross join lateral (select l.bk from pg_temp.linked l where l.up = f.bk offset 0) l
)
select * from free

-- name: key_free
alter table pg_temp.free add primary key (bk)

-- name: analyse_free
analyze pg_temp.free

-- name: loose_records
create temp table loose on commit drop as
select l.bk, l.up, l.up as far, l.bk as ring
from pg_temp.linked l
where not exists (select from pg_temp.free f where f.bk = l.bk)

-- name: count_loose
select count(*) as records from pg_temp.loose

-- name: leap
-- Doubles how far each record has gone up, and drops those that nobody has come to: who stands on
-- a cycle is always come to. `ring` is the least record passed.
create temp table leapt on commit drop as
select l.bk, l.up, o.far, least(l.ring, o.ring) as ring
from (select distinct far from pg_temp.loose) i
join pg_temp.loose l on l.bk = i.far
join pg_temp.loose o on o.bk = l.far;
drop table pg_temp.loose;
alter table pg_temp.leapt rename to loose

-- name: find_rings
-- After as many steps as there are records, everyone stands on a cycle.
create temp table ring on commit drop as
select l.bk, l.up, l.ring
from (select distinct far from pg_temp.loose) o
join pg_temp.loose l on l.bk = o.far

-- name: rings
select count(*) over () as rings, sum(count(*)) over ()::bigint as records, ring, count(*) as size
from pg_temp.ring
group by ring
order by size desc, ring
limit %(limit)s

-- name: walk_rings
with recursive walked as (
    select l.ring, 0 as step, l.bk, l.up
    from pg_temp.ring l
    where l.bk = l.ring and l.ring = any (%(rings)s)
    union all
    select w.ring, w.step + 1, l.bk, l.up
    from walked w
    join pg_temp.ring l on l.bk = w.up
    where w.step < %(steps)s and l.bk <> w.ring
)
select w.ring, p.business_key as key
from walked w
join {parent_snapshot} p on p.bk_hash = w.bk
order by w.ring, w.step

-- name: on_rings
select bk from pg_temp.ring where bk = any (%(keys)s)
