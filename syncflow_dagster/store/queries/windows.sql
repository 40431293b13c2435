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
