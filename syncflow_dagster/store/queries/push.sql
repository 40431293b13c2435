-- What the push reads and writes of the delta tables. {table} is one of them.

-- name: take_rows
select * from {table}
where state = 'PENDING'
  and (%(customer)s::text is null or customer = %(customer)s)
  -- in a partial push, children only of parents that are there or on their way
  and (not %(only_with_parent)s
       or exists (select from remote_object o
                  where o.account = %(account)s and o.object_key = %(prefix)s || parent_uuid)
       or exists (select from effect e
                  where e.account = %(account)s and e.object_key = %(prefix)s || parent_uuid))
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
insert into remote_object (account, object_key, remote_id)
values (%(account)s, %(object_key)s, %(remote_id)s)
on conflict (account, object_key) do update
set remote_id = excluded.remote_id, retired_at = null
where remote_object.remote_id <> excluded.remote_id or remote_object.retired_at is not null;

-- name: count_rows
select state, count(*) as rows from {table} group by state order by state;
