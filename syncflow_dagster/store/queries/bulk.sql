-- Statements about bulk jobs: which effects go in one, and what is known of it.

-- name: parents
-- What effects that wait for a job belong to, the longest waiting first.
select e.parent_key
from effect e
where e.workflow = %(workflow)s and e.node = %(node)s and e.pass = %(pass)s
  and e.state in ('PLANNED', 'RETRY') and e.bulk
  and (e.not_before is null or e.not_before <= %(now)s)
  and (e.parent_key is null or exists (
       select from remote_object p where p.object_key = e.parent_key and p.retired_at is null))
group by e.parent_key
order by min(e.effect_id);

-- name: ordinary
-- Claimed for a job that cannot be had now: nothing was sent.
update effect
set state = 'PLANNED', state_since = %(now)s, reason = %(reason)s, bulk = false,
    lease_owner = null, lease_until = null
where effect_id = any(%(effect_ids)s) and state = 'CLAIMED' and lease_owner = %(worker)s;

-- name: opened
update effect e
set job_id = %(job_id)s, job_line = t.line
from unnest(%(effect_ids)s::bigint[]) with ordinality as t (effect_id, line)
where e.effect_id = t.effect_id and e.request_id = %(request_id)s and e.state = 'SENT';

-- name: stored
update effect set job_stored = true
where effect_id = any(%(effect_ids)s) and request_id = %(request_id)s;
