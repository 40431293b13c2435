-- Statements about bulk jobs: which effects go in one, and what is known of it.

-- name: parents
-- What effects that wait for a job belong to, the longest waiting first.
select e.parent_key
from effect e
where e.workflow = %(workflow)s and e.node = %(node)s and e.pass = %(pass)s
  and e.state in ('PLANNED', 'RETRY') and e.bulk
  and (%(account)s::text is null or e.account = %(account)s)
  and (e.not_before is null or e.not_before <= %(now)s)
  and (e.parent_key is null or exists (
       select from remote_object p where p.object_key = e.parent_key and p.retired_at is null))
group by e.parent_key
order by min(e.effect_id);

-- name: ordinary
-- Claimed for a job that cannot be had now: nothing was sent.
update effect
set state = 'PLANNED', state_since = %(now)s, reason = %(reason)s, bulk = null,
    idempotency_key = null, lease_owner = null, lease_until = null
where effect_id = any(%(effect_ids)s) and state = 'CLAIMED' and lease_owner = %(worker)s;

-- name: number_lines
update effect e
set job_line = t.line
from unnest(%(effect_ids)s::bigint[]) with ordinality as t (effect_id, line)
where e.effect_id = t.effect_id and e.request_id = %(request_id)s
  and e.state = 'SENT' and e.lease_owner = %(worker)s
returning e.effect_id;

-- name: open
insert into bulk_job (request_id, job_id, workflow, node, lines, opened_at, not_before)
values (%(request_id)s, %(job_id)s, %(workflow)s, %(node)s, %(lines)s, %(now)s, %(now)s)
on conflict (request_id) do nothing;

-- name: stored
update bulk_job set stored_at = %(now)s, not_before = %(not_before)s
where request_id = %(request_id)s;

-- name: due
-- The job that has waited longest to be asked for, of those with open questions.
select j.request_id, j.job_id, j.lines, j.stored_at is not null as stored, j.failures,
       extract(epoch from %(now)s - j.opened_at)::double precision as age_s
from bulk_job j
where j.workflow = %(workflow)s and j.node = %(node)s and j.not_before <= %(now)s
  and exists (
      select from effect e
      where e.request_id = j.request_id and e.bulk and e.state = 'UNKNOWN'
        and (%(account)s::text is null or e.account = %(account)s))
order by j.not_before
limit 1;

-- name: effects
select effect_id from effect
where request_id = %(request_id)s and bulk and state = 'UNKNOWN'
order by effect_id;

-- name: put_off
update bulk_job
set not_before = %(not_before)s, reason = %(reason)s,
    failures = case when %(failed)s then failures + 1 else failures end
where request_id = %(request_id)s;

-- name: leave
-- The job says nothing of these: each is a question of its own from now on.
update effect
set job_line = null, bulk = false, idempotency_key = null,
    not_before = %(not_before)s, reason = %(reason)s
where effect_id = any(%(effect_ids)s) and request_id = %(request_id)s and state = 'UNKNOWN';

-- name: forget
-- Jobs whose effects have all been decided.
delete from bulk_job j
where j.workflow = %(workflow)s and j.node = %(node)s and not exists (
    select from effect e
    where e.request_id = j.request_id and e.bulk and e.state in ('SENT', 'UNKNOWN'));
