-- What the push reads and writes of the delta tables. {table} is one of them.

-- name: take_rows
select * from {table}
where state = 'PENDING'
  and (%(customer)s::text is null or customer = %(customer)s)
  -- in a partial push, children only of parents that are there or on their way
  and (not %(only_with_parent)s
       or exists (select from remote_object o
                  where o.object_key = %(prefix)s || parent_uuid)
       or exists (select from effect e
                  where e.object_key = %(prefix)s || parent_uuid))
order by delta_id
limit %(limit)s
for update skip locked;

-- name: settle_rows
update {table} d
set state = t.state, reason = t.reason, state_since = %(now)s,
    synced_at = case when t.state = 'SYNCED' then %(now)s end
from unnest(%(delta_ids)s::bigint[], %(states)s::text[], %(reasons)s::text[])
    as t (delta_id, state, reason)
where d.delta_id = t.delta_id;

-- name: adopt_group
insert into remote_object (object_key, remote_id)
values (%(object_key)s, %(remote_id)s)
on conflict (object_key) do update
set remote_id = excluded.remote_id, retired_at = null, created_at = clock_timestamp()
where remote_object.remote_id <> excluded.remote_id or remote_object.retired_at is not null;

-- name: forget_groups
update remote_object set retired_at = clock_timestamp()
where starts_with(object_key, %(prefix)s) and retired_at is null
  and remote_id <> all(%(remote_ids)s)
  and created_at < clock_timestamp() - make_interval(secs => %(younger_s)s);

-- name: retire_children
with newest as (
    select distinct on (d.record_uuid) d.record_uuid, d.operation
    from {table} d
    where d.record_uuid in (select c.record_uuid from {table} c
                            where c.parent_uuid = any(%(parents)s))
    order by d.record_uuid, d.delta_id desc
)
update remote_object o
set retired_at = %(now)s
from newest n
where o.object_key = %(prefix)s || n.record_uuid
  and o.retired_at is null and n.operation <> 'DELETE';

-- name: write_again
-- Rows that are pending, or wait for their parent to be known, come of themselves.
with newest as (
    select distinct on (d.record_uuid) d.*
    from {table} d
    where d.record_uuid in (select c.record_uuid from {table} c
                            where c.parent_uuid = any(%(parents)s))
    order by d.record_uuid, d.delta_id desc
)
insert into {table} (batch_id, record_uuid, generation, operation, bk_hash, data_hash,
                     parent_bk_hash, parent_uuid, business_key, customer, changed_columns,
                     {fields})
select batch_id, record_uuid, generation, 'INSERT', bk_hash, data_hash, parent_bk_hash,
       parent_uuid, business_key, customer, changed_columns, {fields}
from newest
where operation <> 'DELETE' and parent_uuid = any(%(parents)s)
  and state not in ('PENDING', 'HELD')
order by business_key;

-- name: drop_older
drop table if exists pg_temp.older;

-- name: left_by_change
-- What changes want to write that were refused since their board changed in the middle of a push,
-- or seems to have changed; the reason names what was refused.
select (payload ->> 'subitem')::boolean as subitem, c.key as column_id, c.value, reason,
       count(*) as changes
from effect cross join lateral jsonb_each(coalesce(payload -> 'columns', '{}'::jsonb)) as c
where workflow = %(workflow)s and node = %(node)s and state = 'RETRY'
  and starts_with(reason, %(changed)s)
group by 1, 2, 3, 4;

-- name: lost_groups
-- Groups that changes stand in, that were on the board once, and that nobody is making again.
select e.parent_key as object_key, o.generation
from effect e join remote_object o on o.object_key = e.parent_key
where e.workflow = %(workflow)s and e.node = %(node)s
  and e.state in ('PLANNED', 'RETRY', 'WAITING')
  and starts_with(e.parent_key, %(prefix)s) and o.retired_at is not null
  and not exists (
      select from effect g
      where g.object_key = e.parent_key and g.creates
        and g.state not in ('DONE', 'DEAD', 'CANCELLED'))
group by e.parent_key, o.generation
order by min(e.effect_id);

-- name: waiting_rows
select operation, count(*) as records from {table} where state = 'PENDING' group by 1;

-- name: waiting_values
-- {field} is one of the delta table's fields.
select {field}::text as value, count(*) as records
from {table}
where state = 'PENDING' and operation <> 'DELETE' and {field} is not null and {field}::text <> ''
group by 1
order by 2 desc, 1
limit %(limit)s;
