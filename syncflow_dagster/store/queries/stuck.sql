-- What has been in one state for too long. {states} and {befores} are arrays: since before which
-- moment a row in each state is stuck. The states are named once more so that the indexes of what
-- is not settled serve: where all is settled, nothing is read. Of each state no more than {most} are
-- looked for: where a million are stuck, the answer must not take the longer for it.

-- name: count_found
select {workflow}::text as workflow, {place}::text as place, s.state, count(*) as number,
       min(s.state_since) as since
from ({found}) s
group by s.state

-- name: found_rows
select s.*
from unnest({states}::text[], {befores}::timestamptz[]) as l (state, before)
cross join lateral (
    select d.business_key as what, d.customer, d.state, d.state_since, d.reason, d.delta_id as id
    from {table} d
    where d.state in ('PENDING', 'PUSHING', 'FAILED', 'WAITING', 'HELD')
      and d.state = l.state and d.state_since < l.before
      -- Until a record is due, nobody needs to act.
      and not (d.state = 'HELD' and starts_with(coalesce(d.reason, ''), 'held until it '))
    limit {most}
) s

-- name: found_effects
select s.*
from unnest({states}::text[], {befores}::timestamptz[]) as l (state, before)
cross join lateral (
    select e.kind || ' ' || coalesce(e.payload ->> 'label', e.object_key) as what, e.customer,
           e.state, e.state_since, e.reason, e.effect_id as id
    from syncflow.effect e
    where e.workflow = {workflow} and e.node = {place}
      and (e.state in ('PLANNED', 'RETRY')
           or e.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'WAITING', 'NEEDS_PERSON'))
      and e.state = l.state and e.state_since < l.before
    limit {most}
) s

-- name: samples
select s.what, s.customer, s.state, s.state_since, s.reason
from ({found}) s
order by s.state_since, s.id
limit %(limit)s
