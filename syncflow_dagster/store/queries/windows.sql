-- Windows that a person has opened for a while, or for one run.

-- name: open
-- Of a run only once, however many of its steps ask for it.
insert into window_override (workflow, open_from, open_until, actor, reason, made_at, run_id)
values (%(workflow)s, %(now)s, %(until)s, %(actor)s, %(reason)s, %(now)s, %(run_id)s)
on conflict (run_id) do nothing

-- name: at
-- Those that a workflow, or this run of it, goes by from a moment on.
select open_from, open_until, actor, reason, made_at, run_id
from window_override
where workflow = %(workflow)s
  and open_until > %(now)s
  and (run_id is null or run_id = %(run_id)s)
order by open_from, override_id

-- name: list
select open_from, open_until, actor, reason, made_at, run_id
from window_override
where workflow = %(workflow)s
order by override_id desc
limit %(limit)s

-- name: give_back
-- Under a number of its own: the steps of that run that are yet to begin would take it once more,
-- do nothing, as the window is over, and keep it.
update trigger_slot
set slot_id = default, state = 'DUE', state_since = %(now)s, run_id = null, left_at = %(now)s
where slot_id = %(slot_id)s and state = 'TAKEN'
