-- What the shell asks about outreach.

-- name: tenants_with_events
-- An event that failed is tried again after a while, not at each tick.
select distinct source from outreach_inbox
where processed_at is null and (tries = 0 or received_at < %(now)s - interval '1 minute' * tries);

-- name: false_completions
select lead_id, state, current_step, n_steps, reason
from outreach_lead l
where workflow = %(workflow)s and node = %(node)s
  and ((state = 'completed') <> (current_step >= n_steps) and state <> 'suppressed'
       or state = 'completed' and exists (
           select from effect e where e.lead_id = l.lead_id
             and e.state not in ('DONE', 'DEAD', 'CANCELLED')))
order by lead_id
limit 50;
