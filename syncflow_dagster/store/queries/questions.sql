-- Statements about effects whose outcome is not known.

-- name: due
select effect_id, request_id from effect
where workflow = %(workflow)s and node = %(node)s and state = 'UNKNOWN' and job_id is null
  and (not_before is null or not_before <= %(now)s)
order by effect_id limit %(limit)s;

-- name: due_of_job
-- All effects of one job whose outcome may be asked for now.
with one as (
    select job_id from effect
    where workflow = %(workflow)s and node = %(node)s and state = 'UNKNOWN'
      and job_id is not null and (not_before is null or not_before <= %(now)s)
    order by not_before nulls first, effect_id
    limit 1
)
select e.effect_id, e.request_id
from effect e
join one using (job_id)
where e.workflow = %(workflow)s and e.node = %(node)s and e.state = 'UNKNOWN'
  and (e.not_before is null or e.not_before <= %(now)s)
order by e.job_line;

-- name: leave_job
update effect
set job_id = null, job_line = null, job_stored = false, bulk = false,
    not_before = %(not_before)s, reason = %(reason)s
where effect_id = any(%(effect_ids)s) and state = 'UNKNOWN';

-- name: put_off
update effect
set not_before = %(not_before)s, reason = %(reason)s,
    lookups = lookups + case when %(counts)s then 1 else 0 end
where effect_id = any(%(effect_ids)s) and state = 'UNKNOWN';
