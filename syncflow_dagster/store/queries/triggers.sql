-- Due times of workflows, from noting them to the run that takes one.

-- name: begin_cursor
insert into syncflow.trigger_cursor (workflow, trigger, rule, noted_to)
values (%(workflow)s, %(trigger)s, %(rule)s, %(noted_to)s)
on conflict do nothing

-- name: lock_cursor
select rule, noted_to, last_due
from syncflow.trigger_cursor
where workflow = %(workflow)s and trigger = %(trigger)s
for update

-- name: keep_cursor
update syncflow.trigger_cursor
set rule = %(rule)s, noted_to = %(noted_to)s, last_due = %(last_due)s
where workflow = %(workflow)s and trigger = %(trigger)s

-- name: note_occasions
insert into syncflow.trigger_slot
    (workflow, trigger, occasion, part, due_at, previous_at, state_since)
select %(workflow)s, %(trigger)s, o.occasion, p.part, o.due_at, o.previous_at, %(now)s
from unnest(%(occasions)s::text[], %(due)s::timestamptz[], %(previous)s::timestamptz[])
         with ordinality as o (occasion, due_at, previous_at, place)
cross join unnest(%(parts)s::text[]) with ordinality as p (part, place)
order by o.place, p.place
on conflict (workflow, trigger, occasion, part) do nothing
returning slot_id, workflow, trigger, occasion, part, due_at, previous_at, state, state_since,
          run_id, left_at

-- name: open_slots
select slot_id, workflow, trigger, occasion, part, due_at, previous_at, state, state_since, run_id,
       left_at
from syncflow.trigger_slot
where workflow = %(workflow)s and state in ('DUE', 'REQUESTED')
order by left_at is null, due_at, slot_id
for update

-- name: skip_slots
update syncflow.trigger_slot
set state = 'SKIPPED', state_since = %(now)s, reason = s.reason
from unnest(%(ids)s::bigint[], %(reasons)s::text[]) as s (slot_id, reason)
where trigger_slot.slot_id = s.slot_id and state in ('DUE', 'REQUESTED')

-- name: request_slot
update syncflow.trigger_slot
set state = 'REQUESTED', state_since = %(now)s
where slot_id = %(slot_id)s
  and (state = 'DUE'
       or state = 'REQUESTED' and state_since not between %(earliest)s and %(latest)s)

-- name: take_slot
update syncflow.trigger_slot
set state = 'TAKEN', state_since = %(now)s, run_id = %(run_id)s
where slot_id = %(slot_id)s and state in ('DUE', 'REQUESTED')

-- name: give_back
-- Under a number of its own: the steps of that run that are yet to begin would take it once more,
-- do nothing, as the window is over, and keep it.
update syncflow.trigger_slot
set slot_id = default, state = 'DUE', state_since = %(now)s, run_id = null, left_at = %(now)s
where slot_id = %(slot_id)s and state = 'TAKEN' and run_id = %(run_id)s

-- name: slot_state
select state, reason, run_id from syncflow.trigger_slot where slot_id = %(slot_id)s

-- name: read_interval
select definition, read_to
from syncflow.pull_interval
where workflow = %(workflow)s and node = %(node)s and part = %(part)s and parts = %(parts)s

-- name: keep_interval
insert into syncflow.pull_interval
    (workflow, node, part, parts, definition, read_to, run_id, read_at)
values (%(workflow)s, %(node)s, %(part)s, %(parts)s, %(definition)s, %(read_to)s, %(run_id)s, %(now)s)
on conflict (workflow, node, part, parts) do update
set definition = excluded.definition, read_to = excluded.read_to, run_id = excluded.run_id,
    read_at = excluded.read_at

-- name: delete_slots
delete from syncflow.trigger_slot
where workflow = %(workflow)s and state in ('TAKEN', 'SKIPPED') and state_since < %(before)s
