-- What has been in one state for too long. {states} and {befores} are arrays: since before which
-- moment a row in each state is stuck. The states are named once more so that the indexes of what
-- is not settled serve: where all is settled, nothing is read.

-- name: stuck_rows
select {workflow}::text as workflow, {place}::text as place, d.state, count(*) as number,
       min(d.state_since) as since
from {table} d
join unnest({states}::text[], {befores}::timestamptz[]) as l (state, before)
  on l.state = d.state and d.state_since < l.before
where d.state in ('PENDING', 'PUSHING', 'FAILED', 'WAITING')
group by d.state

-- name: stuck_effects
select {workflow}::text as workflow, {place}::text as place, e.state, count(*) as number,
       min(e.state_since) as since
from syncflow.effect e
join unnest({states}::text[], {befores}::timestamptz[]) as l (state, before)
  on l.state = e.state and e.state_since < l.before
where e.workflow = {workflow} and e.node = {place}
  and (e.state in ('PLANNED', 'RETRY')
       or e.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'WAITING', 'NEEDS_PERSON'))
group by e.state

-- name: sample_rows
select d.business_key as what, d.customer, d.state, d.state_since, d.reason
from {table} d
join unnest({states}::text[], {befores}::timestamptz[]) as l (state, before)
  on l.state = d.state and d.state_since < l.before
where d.state in ('PENDING', 'PUSHING', 'FAILED', 'WAITING')
order by d.state_since, d.delta_id
limit %(limit)s

-- name: sample_effects
select e.kind || ' ' || coalesce(e.payload ->> 'label', e.object_key) as what, e.customer, e.state,
       e.state_since, e.reason
from syncflow.effect e
join unnest({states}::text[], {befores}::timestamptz[]) as l (state, before)
  on l.state = e.state and e.state_since < l.before
where e.workflow = {workflow} and e.node = {place}
  and (e.state in ('PLANNED', 'RETRY')
       or e.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'WAITING', 'NEEDS_PERSON'))
order by e.state_since, e.effect_id
limit %(limit)s
