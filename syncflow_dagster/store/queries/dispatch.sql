-- What the dispatcher asks at each tick. {table} is a delta table, qualified. The first statements
-- are parts of one union, each of which stops counting where the number tells no more.

-- name: pending_rows
-- One for each delta table.
select {workflow}::text as workflow, 'rows' as what, count(*) as number
from (select 1 from {table} where state = 'PENDING' limit %(most)s) as found;

-- name: due_effects
-- What a push would take up now: the conditions of the claim, and what a dead worker left.
-- Delivery goes by node and pass, questions and abandoned leases by node: they count with its first
-- pass. Effects of a node or pass the workflow no longer has would start runs in vain.
select w.workflow, 'effects' as what, due.number
from unnest(%(workflows)s::text[], %(nodes)s::text[], %(passes)s::integer[])
    as w (workflow, node, pass)
cross join lateral (
    select count(*) as number
    from (
        select 1
        from (select * from syncflow.effect
              where state in ('PLANNED', 'RETRY') and (not_before is null or not_before <= %(now)s)
              union all
              select * from syncflow.effect where state = 'WAITING') as e
        where e.workflow = w.workflow and e.node = w.node and e.pass = w.pass
          and (e.parent_key is null or exists (
               select from syncflow.remote_object p where p.object_key = e.parent_key and p.retired_at is null))
          and (e.creates or exists (
               select from syncflow.remote_object o where o.object_key = e.object_key and o.retired_at is null))
          and not exists (
               select from syncflow.effect b
               where b.object_key = e.object_key
                 and b.effect_id < e.effect_id and b.state not in ('DONE', 'DEAD', 'CANCELLED'))
        union all
        select 1 from syncflow.effect e
        where w.pass = %(first_pass)s and e.workflow = w.workflow and e.node = w.node
          and e.state = 'UNKNOWN'
          and coalesce((select j.not_before from syncflow.bulk_job j
                        where j.request_id = e.request_id and e.bulk),
                       e.not_before, %(now)s) <= %(now)s
        union all
        select 1 from syncflow.effect e
        where w.pass = %(first_pass)s and e.workflow = w.workflow and e.node = w.node
          and e.state in ('CLAIMED', 'SENT')
          and (e.lease_until < %(now)s or not exists (
               select from pg_locks l
               where l.locktype = 'advisory' and l.objsubid = 2
                 and l.classid = %(lock_class)s::integer::oid and l.objid = e.lease_owner::oid
                 and l.database = (
                     select oid from pg_database where datname = current_database())))
        limit %(most)s
    ) as found
) as due;

-- name: approved_plans
-- Plans of tags that a run would apply though no new row comes, of nodes the workflow has.
select w.workflow, 'plans' as what, count(*) as number
from (select distinct t.workflow, t.node
      from unnest(%(workflows)s::text[], %(nodes)s::text[]) as t (workflow, node)) as w
join syncflow.tag_plan p using (workflow, node)
where p.status = 'APPROVED'
group by w.workflow;

-- name: open_slots
-- Workflows whose due times, or other workflows' ends, are not served.
select w.workflow, 'slots' as what, 1::bigint as number
from unnest(%(slot_workflows)s::text[]) as w (workflow)
where exists (select from syncflow.trigger_slot s
              where s.workflow = w.workflow and s.state in ('DUE', 'REQUESTED'));

-- name: due_records
-- Records whose own time has come.
select w.workflow, 'due' as what, found.number
from unnest(%(due_workflows)s::text[], %(due_nodes)s::text[]) as w (workflow, node)
cross join lateral (
    select count(*) as number
    from (select 1 from syncflow.due_record r
          where r.workflow = w.workflow and r.node = w.node and r.next_due_at <= %(now)s
          limit %(most)s) as few
) as found;

-- name: any_waiting
-- Workflows that have waited for a turn: somebody has to say that they do not any more.
select '' as workflow, 'waiting' as what, 1::bigint as number
where exists (select from syncflow.turn_wait);

-- name: forget_after
-- Triggers that known workflows do not have any more, or that are switched off. Those of a workflow
-- whose file cannot be read stay.
delete from syncflow.trigger_after a
where a.workflow = any(%(known)s::text[])
  and not exists (
      select from unnest(%(workflows)s::text[], %(triggers)s::text[]) as w (workflow, trigger)
      where w.workflow = a.workflow and w.trigger = a.trigger);

-- name: begin_after
insert into syncflow.trigger_after (workflow, trigger, begun_at, noted_to)
select *, %(now)s, %(now)s from unnest(%(workflows)s::text[], %(triggers)s::text[])
on conflict do nothing;

-- name: noted_after
select a.workflow, a.trigger, a.noted_to
from syncflow.trigger_after a
join unnest(%(workflows)s::text[], %(triggers)s::text[]) as w (workflow, trigger)
    using (workflow, trigger);

-- name: lock_after
select begun_at, noted_to, last_end from syncflow.trigger_after
where workflow = %(workflow)s and trigger = %(trigger)s
for update;

-- name: keep_after
-- Back, too, if the clock was ahead: what is read twice is noted once.
update syncflow.trigger_after
set noted_to = %(noted_to)s,
    last_end = greatest(last_end, %(last_end)s::timestamptz)
where workflow = %(workflow)s and trigger = %(trigger)s;
