-- Taking over what a board holds already. {delta} and {snapshot} are a node's tables, {parents} is
-- its parents' snapshot; board_item is a temporary table of the session.

-- name: unfinished
select board_id, began_at from adoption
where workflow = %(workflow)s and node = %(node)s and finished_at is null;

-- name: begin
insert into adoption (workflow, node, board_id, began_at)
values (%(workflow)s, %(node)s, %(board_id)s, %(now)s)
on conflict (workflow, node) do update
set board_id = excluded.board_id, began_at = excluded.began_at, finished_at = null, counts = '{}';

-- name: begin_if_new
insert into adoption (workflow, node, board_id, began_at)
select %(workflow)s, %(node)s, %(board_id)s, %(now)s
where not exists (select from remote_object o
                  where starts_with(o.object_key, %(prefix)s) and o.retired_at is null)
on conflict (workflow, node) do update
set board_id = excluded.board_id, began_at = excluded.began_at, finished_at = null, counts = '{}';

-- name: finish
update adoption set finished_at = %(now)s, counts = %(counts)s
where workflow = %(workflow)s and node = %(node)s and finished_at is null;

-- name: known_items
-- monday's ids of the items and subitems of a board that stand for a record already.
select remote_id, substr(object_key, length(%(prefix)s) + 1)::uuid as record_uuid
from remote_object
where starts_with(object_key, %(prefix)s) and retired_at is null;

-- name: create_board_item
create temp table board_item (
    item_id  text primary key,
    name     text not null,
    place    text not null,
    parent   text,
    cells    jsonb not null
);

-- name: drop_board_item
drop table if exists pg_temp.board_item;

-- name: keep_board_item
-- An item that was moved while the board was read may come twice.
insert into pg_temp.board_item (item_id, name, place, parent, cells)
values (%(item_id)s, %(name)s, %(place)s, %(parent)s, %(cells)s)
on conflict (item_id) do nothing;

-- name: read_board_items
select item_id, name, place, parent, cells from pg_temp.board_item where item_id = any(%(ids)s);

-- name: records
-- All records that are in the source, with what the ledger knows of each.
select s.record_uuid, s.business_key, p.record_uuid as parent_uuid, d.delta_id, d.state,
       o.remote_id as item_id, q.effect_id as question,
       exists (select from effect e
               where e.object_key = %(prefix)s || s.record_uuid and e.creates and not e.doubted
                 and e.state in ('PLANNED', 'CLAIMED', 'WAITING', 'RETRY', 'HELD')) as unsent
       {shown}
from {snapshot} s
left join {parents} p on p.bk_hash = s.parent_bk_hash
left join lateral (
    select * from {delta} newest
    where newest.record_uuid = s.record_uuid
    order by newest.delta_id desc
    limit 1
) d on true
left join remote_object o
    on o.object_key = %(prefix)s || s.record_uuid and o.retired_at is null
left join lateral (
    -- Nothing but an adoption asks about a create that was never sent.
    select e.effect_id from effect e
    where e.object_key = %(prefix)s || s.record_uuid
      and e.creates and e.state = 'NEEDS_PERSON' and e.sent_at is null
    limit 1
) q on true
where s.deleted_at is null;

-- name: lock_rows
select * from {delta}
where delta_id = any(%(delta_ids)s) and superseded_by is null
order by delta_id
for update;

-- name: void_unsent
-- What was planned for objects that turn out to be there is planned anew beside what they show; so
-- are changes that planning or the service refused. A create that may still come is left alone.
update effect
set state = 'CANCELLED', state_since = %(now)s, finished_at = %(now)s,
    reason = 'adopted: planned anew', effect_key = effect_key || ':void:' || effect_id,
    lease_owner = null, lease_until = null
where object_key = any(%(object_keys)s)
  and (state in ('PLANNED', 'CLAIMED', 'WAITING', 'RETRY', 'HELD') and not (creates and doubted)
       or state = 'DEAD' and not creates)
returning delta_table, delta_id;

-- name: reopen
-- {delta} rows of which everything planned is void, or a question that is answered.
update {delta}
set state = 'PENDING', reason = null, not_before = null, state_since = %(now)s
where delta_id = any(%(delta_ids)s) and superseded_by is null
  and state in ('PUSHING', 'WAITING', 'FAILED', 'HELD', 'DEAD')
returning delta_id;

-- name: answer_found
update effect e
set state = 'DONE', state_since = %(now)s, finished_at = %(now)s, reason = null,
    remote_id = t.remote_id
from unnest(%(effect_ids)s::bigint[], %(remote_ids)s::text[]) as t (effect_id, remote_id)
where e.effect_id = t.effect_id and e.state = 'NEEDS_PERSON'
returning e.delta_table, e.delta_id;

-- name: answer_absent
update effect
set state = 'RETRY', state_since = %(now)s, reason = 'the board has no item of it', not_before = null
where effect_id = any(%(effect_ids)s) and state = 'NEEDS_PERSON'
returning delta_table, delta_id;
