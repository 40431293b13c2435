-- Plans of tag nodes. {table} is the delta table whose records are tagged.

-- name: take_rows
-- Rows of approved plans are not planned anew: they are applied, or their plan is outdated first.
select d.* from {table} d
where d.state = 'PENDING' and d.delta_id > %(after)s and d.superseded_by is null
  and not exists (
      select from tag_plan_line l join tag_plan p using (plan_id)
      where l.delta_id = d.delta_id and p.status = 'APPROVED'
        and p.workflow = %(workflow)s and p.node = %(node)s)
order by d.delta_id
limit %(limit)s;

-- name: plan_rows
select d.* from {table} d
where d.state = 'PENDING' and d.delta_id = any(%(delta_ids)s) and d.superseded_by is null
order by d.delta_id;

-- name: lock_rows
select delta_id from {table}
where delta_id = any(%(delta_ids)s) and state = 'PENDING' and superseded_by is null
order by delta_id
for update;

-- name: release_rows
update {table}
set state = 'PENDING', reason = null, state_since = %(now)s
where state = 'HELD' and starts_with(reason, %(mark)s);

-- name: release_stranded
-- Rows held by plans that are over: nothing else would let them go.
update {table} d
set state = 'PENDING', reason = null, state_since = %(now)s
where d.state = 'HELD' and d.reason ~ '^plan [0-9a-f]{{12}} '
  and not exists (
      select from tag_plan p
      where p.workflow = %(workflow)s and p.status in ('PROPOSED', 'WAITING', 'APPROVED')
        and left(p.plan_hash, 12) = substr(d.reason, 6, 12));

-- name: bury_rows
-- Nobody wants these changes; those that only waited for them are planned.
update {table}
set state = 'DEAD', reason = %(reason)s, state_since = %(now)s
where delta_id = any(%(delta_ids)s) and superseded_by is null
  and (state = 'PENDING' or (state = 'HELD' and starts_with(reason, %(mark)s)));

-- name: lost_rows
-- Rows of a plan that are no longer as they were when it was made.
select count(*) as rows
from unnest(%(delta_ids)s::bigint[]) as w (delta_id)
where not exists (
    select from {table} d
    where d.delta_id = w.delta_id and d.superseded_by is null
      and (d.state = 'PENDING' or (d.state = 'HELD' and starts_with(d.reason, %(mark)s))));

-- name: busy_records
-- Records of which something is under way, was written so lately that reads may not show it yet,
-- or waits in a plan; with the plan's hash.
select e.payload ->> 'record_id' as record_id, null as plan_hash
from effect e
where e.object_key = any(%(object_keys)s)
  and (e.state in ('PLANNED', 'RETRY', 'CLAIMED', 'SENT', 'UNKNOWN', 'WAITING', 'NEEDS_PERSON',
                   'HELD')
       or (e.state = 'DONE' and e.finished_at > %(since)s))
union all
select l.record_id, p.plan_hash
from tag_plan_line l join tag_plan p using (plan_id)
where p.workflow = %(workflow)s and p.node = %(node)s and p.status in ('WAITING', 'APPROVED')
  and l.record_id = any(%(record_ids)s);

-- name: waiting_records
-- Records of which an earlier row waits, with the first such row: what comes later may not overtake
-- it. {columns} are the fields by which rules name records; an id may have 15 characters or 18.
select left(v.record_id, 15) as record_id, min(d.delta_id) as delta_id
from {table} d cross join lateral unnest(array[{columns}]) as v (record_id)
where d.superseded_by is null
  and ((d.state = 'HELD' and d.reason ~ '^plan [0-9a-f]{{12}} ')
       or (d.state = 'PENDING' and d.delta_id < %(before)s))
  and left(v.record_id, 15) = any(%(short_ids)s)
group by 1;

-- name: store_plan
-- The same changes planned again are the same plan: a dry run's, once it is meant, waits.
insert into tag_plan (workflow, node, plan_hash, policy_hash, status, undo_of, changes, records,
                      planned_by, planned_run, planned_at)
values (%(workflow)s, %(node)s, %(plan_hash)s, %(policy_hash)s, %(status)s, %(undo_of)s,
        %(changes)s, %(records)s, %(planned_by)s, %(planned_run)s, %(now)s)
on conflict (workflow, node, plan_hash) where status in ('PROPOSED', 'WAITING', 'APPROVED')
do update set status = case when tag_plan.status = 'PROPOSED' then excluded.status
                            else tag_plan.status end
returning plan_id, status;

-- name: load
-- How much a plan's records, some other plans and what went by itself of late come to.
with counted as (
    select plan_id from unnest(%(plan_ids)s::bigint[]) as t (plan_id)
    union
    select d.plan_id from tag_decision d
    where d.workflow = %(workflow)s and d.node = %(node)s and d.action = 'auto_approve'
      and d.decided_at >= %(since)s::timestamptz
)
select (select coalesce(sum(p.changes), 0)::integer from tag_plan p join counted using (plan_id))
           as changes,
       (select count(*) from (
            select l.record_id from tag_plan_line l join counted using (plan_id)
            union
            select record_id from unnest(%(record_ids)s::text[]) as t (record_id)) as r)
           as records;

-- name: note_too_large
-- Nobody decided about it, and it has no lines: its rows stay pending.
insert into tag_plan (workflow, node, plan_hash, policy_hash, status, reason, changes, records,
                      planned_by, planned_run, planned_at)
values (%(workflow)s, %(node)s, %(plan_hash)s, %(policy_hash)s, 'REFUSED', %(reason)s, %(changes)s,
        %(records)s, %(planned_by)s, %(planned_run)s, %(now)s);

-- name: forget_too_large
delete from tag_plan
where workflow = %(workflow)s and node = %(node)s and status = 'REFUSED' and decided_by is null;

-- name: too_large
select plan_hash, changes, records, planned_at, reason from tag_plan
where workflow = %(workflow)s and node = %(node)s and status = 'REFUSED' and decided_by is null
order by plan_id;

-- name: store_lines
insert into tag_plan_line (plan_id, effect_key, delta_id, kind, record_id, store, purpose, rules,
                           before, after)
select %(plan_id)s, l.effect_key, l.delta_id, l.kind, l.record_id, l.store, l.purpose, l.rules,
       l.before, l.after
from jsonb_to_recordset(%(lines)s)
    as l (effect_key text, delta_id bigint, kind text, record_id text, store text, purpose text,
          rules text[], before jsonb, after jsonb)
on conflict do nothing;

-- name: plans
select * from tag_plan
where workflow = %(workflow)s and (%(node)s::text is null or node = %(node)s)
  and (%(open_only)s is false or status in ('PROPOSED', 'WAITING', 'APPROVED'))
order by plan_id desc
limit %(limit)s;

-- name: plan_by_hash
-- The newest of those that begin so; several different ones are a question.
select * from tag_plan
where workflow = %(workflow)s and starts_with(plan_hash, %(plan_hash)s)
order by plan_id desc;

-- name: plans_of_status
select * from tag_plan
where workflow = %(workflow)s and node = %(node)s and status = %(status)s
order by plan_id;

-- name: lock_plan
select * from tag_plan where plan_id = %(plan_id)s for update;

-- name: lines
select effect_key, delta_id, kind, record_id, store, purpose, rules, before, after
from tag_plan_line where plan_id = %(plan_id)s
order by record_id, store, effect_key
limit %(limit)s;

-- name: row_ids
select distinct delta_id from tag_plan_line
where plan_id = %(plan_id)s and delta_id is not null
order by delta_id;

-- name: outdate
update tag_plan set status = 'OUTDATED', reason = %(reason)s
where plan_id = %(plan_id)s and status in ('PROPOSED', 'WAITING', 'APPROVED');

-- name: decide
update tag_plan
set status = %(status)s, decided_by = %(actor)s, decided_at = %(now)s, reason = %(reason)s
where plan_id = %(plan_id)s and status in ('PROPOSED', 'WAITING');

-- name: note_decision
insert into tag_decision (plan_id, plan_hash, policy_hash, workflow, node, action, actor, os_user,
                          reason, decided_at)
select p.plan_id, p.plan_hash, p.policy_hash, p.workflow, p.node, %(action)s, %(actor)s,
       %(os_user)s, %(reason)s, %(now)s
from tag_plan p where p.plan_id = %(plan_id)s;

-- name: applied
update tag_plan
set status = 'APPLIED', applied_run = %(run)s, applied_at = %(now)s
where plan_id = %(plan_id)s and status = 'APPROVED';

-- name: forget_lines
-- Who was to be tagged is kept no longer than the rows it came from; that, when and by whose leave
-- something was written stays.
delete from tag_plan_line l
using tag_plan p
where l.plan_id = p.plan_id and p.workflow = %(workflow)s and p.node = %(node)s
  and p.status in ('PROPOSED', 'APPLIED', 'REFUSED', 'OUTDATED')
  and coalesce(p.applied_at, p.decided_at, p.planned_at) < %(before)s;

-- name: adopt_objects
-- A record that is tagged by its id is there: the plan has just read it.
insert into remote_object (object_key, remote_id)
select k.object_key, k.remote_id
from unnest(%(object_keys)s::text[], %(remote_ids)s::text[]) as k (object_key, remote_id)
on conflict (object_key) do update
set retired_at = null, created_at = clock_timestamp()
where remote_object.retired_at is not null;

-- name: revive_objects
-- What was refused once for another change is no reason to let the next one wait for ever.
update remote_object o
set retired_at = null
from effect e
where e.workflow = %(workflow)s and e.node = %(node)s and e.state in ('PLANNED', 'RETRY', 'WAITING')
  and o.object_key = e.object_key and o.retired_at is not null;

-- name: choose_bulk
update effect set bulk = true
where effect_key = any(%(effect_keys)s) and state = 'PLANNED';

-- name: note_found
insert into tag_found (effect_id, found_at)
select t.effect_id, %(now)s from unnest(%(effect_ids)s::bigint[]) as t (effect_id)
on conflict do nothing;

-- name: written_by_run
-- What a run's plans really wrote, newest first: to be taken back in the opposite order.
select e.effect_key, e.kind, e.payload, e.customer,
       (select count(*) from effect u
        where starts_with(u.effect_key, e.effect_key || ':undo:')) as undone
from tag_plan p
join tag_plan_line l using (plan_id)
-- A row that was planned anew has an effect of the same key, written by another plan; that of the
-- first one has got another key by then.
join effect e
  on e.workflow = p.workflow and e.node = p.node and e.payload ->> 'plan' = p.plan_hash
 and e.effect_id in (
     select k.effect_id from effect k where k.effect_key = l.effect_key
     union all
     select v.effect_id from effect v
     where v.delta_table = %(table)s and v.delta_id = l.delta_id
       and v.effect_key = l.effect_key || ':void:' || v.effect_id)
where p.workflow = %(workflow)s and p.node = %(node)s and p.status = 'APPLIED'
  and p.applied_run = %(run)s and e.state = 'DONE'
  and not exists (select from tag_found f where f.effect_id = e.effect_id)
order by e.effect_id desc;

-- name: outcomes
-- What became of a node's effects since a time, by kind, state and reason.
select kind, state, reason, count(*) as effects
from effect
where workflow = %(workflow)s and node = %(node)s and state_since >= %(since)s
group by kind, state, reason
order by effects desc, kind, state, reason
limit %(limit)s;

-- name: count_records
-- {snapshot} is the source's snapshot.
select count(*) as records from {snapshot} where deleted_at is null;

-- name: job_lines
-- Which line of a bulk job's file is whose, of those it has not told of.
select e.job_line, e.kind, e.payload
from bulk_job j join effect e using (request_id)
where j.job_id = %(job_id)s and e.bulk and e.state = 'UNKNOWN' and e.job_line is not null;
