-- What the shell asks to show and to decide. {table} is a delta table, qualified.

-- name: known_tables
select table_name from syncflow.delta_entity where table_name = any(%(tables)s);

-- name: free_rows
-- Rows that wait for a parent which is there by now: a push would let them go.
select {workflow}::text as workflow, 'rows' as what,
       least(coalesce(sum(children), 0), %(most)s)::bigint as number
from ({awaited}) as found
where up is null;

-- name: any_pending
select 1 as one from {table} where state = 'PENDING' limit 1;

-- name: any_plan
-- A plan of a tag node that is to be applied, or whose rows are planned anew as the policy is new.
select 1 as one from syncflow.tag_plan
where workflow = %(workflow)s and node = %(node)s
  and (status = 'APPROVED' or (status = 'WAITING' and policy_hash <> %(policy_hash)s))
limit 1;

-- name: pass_work
-- Whether a delivery of this pass, begun now, would do anything before a moment; only one delivery
-- of a node is at work at a time, so what is claimed or sent has been left by a dead one.
with mine as (
    select e.*,
           (e.parent_key is null or exists (
               select from syncflow.remote_object p where p.object_key = e.parent_key and p.retired_at is null))
           and (e.creates or exists (
               select from syncflow.remote_object o where o.object_key = e.object_key and o.retired_at is null)) as can_go,
           exists (
               select from syncflow.effect b
               where b.object_key = e.object_key
                 and b.effect_id < e.effect_id
                 and b.state not in ('DONE', 'DEAD', 'CANCELLED')) as is_behind,
           coalesce((select j.not_before from syncflow.bulk_job j
                     where j.request_id = e.request_id and e.bulk), e.not_before) as due_at
    from syncflow.effect e
    where e.workflow = %(workflow)s and e.node = %(node)s
      and (e.pass = %(pass)s or e.state in ('UNKNOWN', 'CLAIMED', 'SENT'))
      and e.state in ('PLANNED', 'RETRY', 'WAITING', 'UNKNOWN', 'CLAIMED', 'SENT')
)
select coalesce(bool_or(case
           when state = 'WAITING' then can_go and not is_behind
           when state in ('CLAIMED', 'SENT') then true
           when due_at > %(until)s then false
           -- what cannot go is told so by a delivery: it becomes WAITING, with the reason
           else state = 'UNKNOWN' or not can_go or not is_behind
       end), false) as has_work,
       count(*) filter (where pass = %(pass)s and state = 'WAITING') as waiting,
       count(*) filter (where pass = %(pass)s and state <> 'WAITING') as remaining
from mine;

-- name: held_up
-- What a pass that does not get on waits for.
select kind || ' ' || coalesce(payload ->> 'label', object_key) as what, state, reason
from syncflow.effect
where workflow = %(workflow)s and node = %(node)s and pass = %(pass)s
  and state in ('RETRY', 'UNKNOWN', 'PLANNED', 'CLAIMED', 'SENT')
order by reason is null, state_since, effect_id
limit %(limit)s;

-- name: left_behind
-- Open effects of nodes and passes that the workflow no longer has: nothing takes them up.
select e.kind || ' ' || coalesce(e.payload ->> 'label', e.object_key) as what, e.node, e.pass, e.state, e.state_since,
       count(*) over () as total
from syncflow.effect e
where e.workflow = %(workflow)s and e.state not in ('DONE', 'DEAD', 'CANCELLED')
  and not exists (
      select from unnest(%(nodes)s::text[], %(passes)s::integer[]) as w (node, pass)
      where w.node = e.node and w.pass = e.pass)
order by e.effect_id
limit %(limit)s;

-- name: rejected_rows
select r.row_number, r.business_key, r.customer, r.column_name, r.value, r.rule, r.reason,
       b.started_at as since, r.times, count(*) over () as total
from syncflow.rejected_record r
left join syncflow.batch b on b.batch_id = r.first_batch
where r.workflow = %(workflow)s and r.node = %(node)s and r.resolved_at is null
order by r.last_batch desc, r.row_number
limit %(limit)s;

-- name: last_full_read
select swept_at
from syncflow.delta_cursor
where workflow = %(workflow)s and node = %(node)s and part = %(part)s and parts = %(parts)s;

-- name: open_questions
select effect_id, kind, coalesce(payload ->> 'label', object_key) as record, state, state_since,
       customer, reason,
       count(*) filter (where state = 'UNKNOWN') over () as unknown,
       count(*) filter (where state = 'NEEDS_PERSON') over () as needs_person
from syncflow.effect
where workflow = %(workflow)s and node = %(node)s and state in ('UNKNOWN', 'NEEDS_PERSON')
order by state, effect_id
limit %(limit)s;

-- name: unfinished_effects
-- Refused and waiting effects of a pass, whose record was not overtaken by a newer change.
select e.kind as what, coalesce(e.payload ->> 'label', e.object_key) as record, e.state, e.customer,
       e.reason,
       count(*) filter (where e.state = 'DEAD') over () as dead,
       count(*) filter (where e.state = 'WAITING') over () as waiting
from syncflow.effect e
where e.workflow = %(workflow)s and e.node = %(node)s and e.pass = %(pass)s
  and e.state in ('DEAD', 'WAITING')
  and not exists (
      select from syncflow.effect newer
      where newer.object_key = e.object_key
        and newer.kind = e.kind and newer.effect_id > e.effect_id)
order by e.state, e.effect_id
limit %(limit)s;

-- name: refused_rows
-- Records that planning refused: dead without ever having had an effect.
select d.business_key, d.customer, d.reason, count(*) over () as total
from {table} d
where d.state = 'DEAD' and d.superseded_by is null
  and not exists (
      select from syncflow.effect e
      where e.delta_table = %(table)s and e.delta_id = d.delta_id)
order by d.delta_id
limit %(limit)s;

-- name: count_states
select state, count(*) as rows from {table} group by state order by state;

-- name: by_customer
-- Objects by what became of their changes since a moment, and by what is still open; of a pass, or
-- of all. Each branch has an index of its own.
with seen as (
    select e.* from syncflow.effect e
    where e.workflow = %(workflow)s and e.node = %(node)s and e.state in ('DONE', 'DEAD')
      and coalesce(e.finished_at, e.planned_at) >= %(since)s
    union all
    select e.* from syncflow.effect e
    where e.workflow = %(workflow)s and e.node = %(node)s
      and e.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'WAITING', 'NEEDS_PERSON', 'HELD')
    union all
    select e.* from syncflow.effect e
    where e.workflow = %(workflow)s and e.node = %(node)s and e.state in ('PLANNED', 'RETRY')
), object as (
    select coalesce(customer, '(shared)') as customer,
           bool_or(state = 'DONE' and creates) as created,
           bool_or(state = 'DONE' and kind like 'archive%%') as archived,
           bool_or(state = 'DONE' and not creates and kind not like 'archive%%') as changed,
           bool_or(state = 'DEAD') as failed,
           bool_or(state = 'WAITING') as waiting,
           bool_or(state in ('UNKNOWN', 'NEEDS_PERSON')) as unknown,
           bool_or(state in ('PLANNED', 'RETRY', 'CLAIMED', 'SENT', 'HELD')) as to_go,
           min(reason) filter (where state in ('DEAD', 'NEEDS_PERSON')) as reason
    from seen
    where pass = coalesce(%(pass)s, pass)
    group by object_key, coalesce(customer, '(shared)')
)
select customer,
       count(*) filter (where created) as created,
       count(*) filter (where changed and not created and not archived) as updated,
       count(*) filter (where archived) as archived,
       count(*) filter (where waiting) as waiting,
       count(*) filter (where unknown) as unknown,
       count(*) filter (where failed) as failed,
       count(*) filter (where to_go) as left,
       min(reason) as reason
from object
group by customer
order by customer;

-- name: count_made
-- Items or subitems on the board that a pass made; groups are not counted.
select count(*) as number
from syncflow.remote_object o
where o.retired_at is null
  and exists (
      select from syncflow.effect e
      where e.object_key = o.object_key and e.creates
        and e.delta_table is not null
        and e.workflow = %(workflow)s and e.node = %(node)s and e.pass = %(pass)s);

-- name: live_keys
select object_key from syncflow.remote_object
where object_key like %(prefix)s || '%%' and retired_at is null;
