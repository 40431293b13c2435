-- Statements of the ledger. Times are parameters: they come from the database's clock, or a test's.

-- name: next_worker
select nextval('syncflow.worker_number')::integer as worker;

-- name: insert
insert into effect (effect_key, workflow, node, account, kind, pass, object_key, generation,
                    parent_key, creates, delta_table, delta_id, customer, lead_id, payload, state,
                    reason, doubted)
select p.effect_key, %(workflow)s, %(node)s, %(account)s, p.kind, p.pass_number, p.object_key,
       p.generation, p.parent_key, p.creates, p.delta_table, p.delta_id, p.customer, p.lead_id,
       p.payload, p.state, p.reason,
       -- An earlier create of it that was withdrawn in doubt may still come.
       p.creates and exists (
           select from effect b
           where b.object_key = p.object_key and b.creates and b.doubted and b.state <> 'DONE'
             and not exists (
                 select from effect made
                 where made.object_key = b.object_key and made.creates and made.state = 'DONE'
                   and made.effect_id > b.effect_id))
from rows from (jsonb_to_recordset(%(effects)s)
    as (effect_key text, kind text, pass_number smallint, object_key text, generation integer,
        parent_key text, creates boolean, delta_table text, delta_id bigint, customer text,
        lead_id bigint, payload jsonb, state text, reason text)) with ordinality
    as p (effect_key, kind, pass_number, object_key, generation, parent_key, creates, delta_table,
          delta_id, customer, lead_id, payload, state, reason, place)
order by p.place
on conflict do nothing
returning effect_key;

-- name: presence
-- What is known of each object: its id at the service, how many lives it has had, and what is
-- under way for it.
select k.object_key, case when o.retired_at is null then o.remote_id end as remote_id,
       o.generation,
       exists (select from effect e
               where e.object_key = k.object_key and e.creates
                 and e.state not in ('DEAD', 'CANCELLED', 'DONE')) as coming,
       exists (select from effect e
               where e.object_key = k.object_key
                 and e.kind like 'archive%%'
                 and e.state not in ('DEAD', 'CANCELLED', 'DONE')) as leaving
from unnest(%(object_keys)s::text[]) as k (object_key)
left join remote_object o
    on o.object_key = k.object_key;

-- name: keep_objects
insert into remote_object (object_key, remote_id, generation)
select * from unnest(%(object_keys)s::text[], %(remote_ids)s::text[], %(generations)s::integer[])
on conflict (object_key) do update
set remote_id = excluded.remote_id, generation = excluded.generation, retired_at = null,
    created_at = clock_timestamp()
where remote_object.retired_at is not null or remote_object.remote_id = excluded.remote_id;

-- name: retire_object
update remote_object set retired_at = %(now)s
where object_key = %(object_key)s;

-- name: lost_leases
-- A worker holds an advisory lock while it lives, so a dead one is known at once. Locked, and only
-- then looked at again by the next statement: the holder may just be writing down a job.
select e.effect_id
from effect e
where e.workflow = %(workflow)s and e.node = %(node)s and e.state in ('CLAIMED', 'SENT')
  and (%(account)s::text is null or e.account = %(account)s)
  and (e.lease_until < %(now)s
       or e.lease_owner = %(worker)s
       or not exists (
           select from pg_locks l
           where l.locktype = 'advisory' and l.classid = %(lock_class)s::integer::oid and l.objsubid = 2
             and l.objid = e.lease_owner::oid
             and l.database = (select oid from pg_database where datname = current_database())))
order by e.effect_id
for update;

-- name: abandon_leases
-- A claim without intent goes back; an intent without outcome becomes a question, but for that of
-- a job that is not written down: it has no file, so that nothing can have come of it.
update effect e
set state = a.state, state_since = %(now)s, lease_owner = null, lease_until = null,
    reason = case a.state when 'UNKNOWN' then 'the worker stopped before it knew the outcome'
                          when 'RETRY' then 'the worker stopped before its job had a file' end,
    not_before = case a.state
        when 'UNKNOWN' then e.sent_at + make_interval(secs => %(settle_s)s) end,
    idempotency_key = case when a.state <> 'RETRY' then e.idempotency_key end
from (select effect_id,
             case when state <> 'SENT' then 'PLANNED'
                  when bulk and not exists (
                      select from bulk_job j where j.request_id = effect.request_id) then 'RETRY'
                  else 'UNKNOWN' end as state
      from effect where effect_id = any(%(effect_ids)s)) as a
where e.effect_id = a.effect_id and e.state in ('CLAIMED', 'SENT')
returning e.effect_id, e.state, e.delta_table, e.delta_id;

-- name: release_waiting
update effect e
set state = 'PLANNED', state_since = %(now)s, reason = null
where e.workflow = %(workflow)s and e.node = %(node)s and e.pass = %(pass)s
  and (%(account)s::text is null or e.account = %(account)s)
  and e.state = 'WAITING'
  and (e.parent_key is null or exists (
       select from remote_object p where p.object_key = e.parent_key
         and p.retired_at is null))
  and (e.creates or exists (
       select from remote_object o where o.object_key = e.object_key
         and o.retired_at is null))
returning e.effect_id, e.delta_table, e.delta_id;

-- name: mark_waiting
-- What cannot go because something it hangs on is not there, with that thing's own reason.
update effect e
set state = 'WAITING', state_since = %(now)s,
    reason = 'waits for ' || case
        when c.state is null then missing.object_key
        else replace(c.kind, 'create_', '') || ' '
            || coalesce(c.payload ->> 'label', missing.object_key)
            || ', whose create is ' || c.state || coalesce(': ' || c.reason, '')
    end
from effect w
cross join lateral (
    select w.parent_key as object_key
    where w.parent_key is not null and not exists (
        select from remote_object p where p.object_key = w.parent_key and p.retired_at is null)
    union all
    select w.object_key
    where not w.creates and not exists (
        select from remote_object o where o.object_key = w.object_key and o.retired_at is null)
    limit 1) as missing
left join lateral (
    select kind, payload, state, reason from effect b
    where b.object_key = missing.object_key and b.creates
    order by b.effect_id desc limit 1) as c on true
where e.effect_id = w.effect_id
  and w.workflow = %(workflow)s and w.node = %(node)s and w.pass = %(pass)s
  and (%(account)s::text is null or w.account = %(account)s)
  and w.state in ('PLANNED', 'RETRY')
  -- Another worker is making it: it will go on with what hangs on it, unless this took it away.
  and coalesce(c.state not in ('CLAIMED', 'SENT'), true)
returning e.effect_id, e.delta_table, e.delta_id;

-- name: claim
-- Customers take turns, from the first behind a given one on: of each its oldest effects. No more
-- of them are looked at than effects are wanted. What was sent and not answered goes first, so that
-- all of a request goes again under its key.
-- `offset 0`: asked of each effect by an index. A plan for all 200,000 of them at once, of which the
-- limit leaves 50, took half a second.
with recursive ready as not materialized (
    select e.effect_id, coalesce(e.customer, '') as of_customer, e.state, e.idempotency_key
    from effect e
    where e.workflow = %(workflow)s and e.node = %(node)s and e.pass = %(pass)s
      and (%(account)s::text is null or e.account = %(account)s)
      and e.state in ('PLANNED', 'RETRY')
      and (e.not_before is null or e.not_before <= %(now)s)
      and (%(bulk)s::boolean is null or coalesce(e.bulk, false) = %(bulk)s)
      -- a job makes what belongs together
      and (not coalesce(%(bulk)s::boolean, false)
           or e.parent_key is not distinct from %(parent_key)s)
      and (e.parent_key is null or exists (
           select from remote_object p where p.object_key = e.parent_key and p.retired_at is null
           offset 0))
      and (e.creates or exists (
           select from remote_object o where o.object_key = e.object_key and o.retired_at is null
           offset 0))
      -- order per object is kept: nothing overtakes an earlier change of the same thing
      and not exists (
           select from effect b
           where b.object_key = e.object_key
             and b.effect_id < e.effect_id and b.state not in ('DONE', 'DEAD', 'CANCELLED')
           offset 0)
      -- a parent whose life is ending, or beginning anew, is no place to go to yet
      and (e.parent_key is null or not exists (
           select from effect r
           where r.object_key = e.parent_key
             and (r.creates or r.kind like 'archive%%')
             and r.state not in ('DONE', 'DEAD', 'CANCELLED')
           offset 0))
), again as (
    select effect_id from ready
    where state = 'RETRY' and idempotency_key is not null
    order by effect_id
    limit %(limit)s
), turn as (
    (select of_customer, 1 as place from ready
     where (of_customer, effect_id) > (%(after)s, %(after_effect)s)
     order by of_customer, effect_id
     limit 1)
    union all
    select following.of_customer, t.place + 1
    from turn t
    cross join lateral (
        select r.of_customer from ready r
        where r.of_customer > t.of_customer
        order by r.of_customer, r.effect_id
        limit 1
    ) as following
    where t.place < %(limit)s
), due as (
    select effect_id, null as customer, 0 as round, 0 as place from again
    union all
    select of_it.effect_id, t.of_customer, of_it.round, t.place
    from turn t
    cross join lateral (
        select effect_id, row_number() over (order by effect_id) as round
        from (select r.effect_id from ready r
              where r.of_customer = t.of_customer
                and not (r.state = 'RETRY' and r.idempotency_key is not null)
              order by r.of_customer, r.effect_id
              limit (select (%(limit)s + count(*) - 1) / count(*) from turn)) as oldest
    ) as of_it
    order by round, place, effect_id
    limit %(limit)s
), mine as (
    select e.effect_id, due.customer, due.round, due.place
    from due
    join effect e using (effect_id)
    where e.state in ('PLANNED', 'RETRY')
    for update of e skip locked
)
update effect e
set state = 'CLAIMED', state_since = %(now)s, reason = null, not_before = null,
    lease_owner = %(worker)s, lease_until = %(lease_until)s,
    -- where there are no jobs any more, nothing is meant for one
    bulk = case when %(bulk)s::boolean is not null then e.bulk end
from mine
where e.effect_id = mine.effect_id
returning e.effect_id, mine.customer, mine.round, mine.place;

-- name: lock_claimed
-- Those of a worker's claim that are still its own and not sent; nobody changes them from now on.
select effect_id from effect
where effect_id = any(%(effect_ids)s) and lease_owner = %(worker)s and state = 'CLAIMED'
order by effect_id
for update;

-- name: hold_back
update effect e
set state = h.state, state_since = %(now)s, reason = h.reason, not_before = h.until,
    lease_owner = null, lease_until = null,
    finished_at = case when h.state = 'CANCELLED' then %(now)s end
from jsonb_to_recordset(%(held)s)
    as h (effect_id bigint, state text, reason text, until timestamptz)
where e.effect_id = h.effect_id and e.state = 'CLAIMED'
returning e.effect_id, e.workflow, e.node, e.object_key, e.generation, e.creates, e.kind,
          e.delta_table, e.delta_id;

-- name: commit_intent
-- The lease begins anew: a wait for a budget may have used up most of the claim's.
update effect
set state = 'SENT', state_since = %(now)s, sent_at = %(now)s, request_id = %(request_id)s,
    idempotency_key = %(key)s, key_size = %(key_size)s, lease_until = %(lease_until)s,
    job_line = null, unseen = 0,
    tries = tries + case when state = 'SENT' then 0 else 1 end
where effect_id = any(%(effect_ids)s) and lease_owner = %(worker)s
  and (state = 'CLAIMED' or (state = 'SENT' and request_id = %(request_id)s))
returning effect_id;

-- name: read_effects
select e.effect_id, e.effect_key, e.workflow, e.node, e.account, e.kind, e.object_key,
       e.generation, e.parent_key, e.creates, e.delta_table, e.delta_id, e.payload, e.state,
       e.tries, e.lookups, e.unseen, e.lead_id, e.sent_at, e.request_id, e.remote_id, e.idempotency_key, e.key_size, e.doubted,
       coalesce(e.bulk, false) as bulk, e.job_line,
       o.remote_id as target_id, p.remote_id as parent_id
from effect e
left join remote_object o on not e.creates and o.object_key = e.object_key
left join remote_object p on p.object_key = e.parent_key
where e.effect_id = any(%(effect_ids)s)
order by e.effect_id;

-- name: begin_attempts
insert into attempt (effect_id, action, request_id, started_at)
select t.effect_id, %(action)s, %(request_id)s, %(now)s
from unnest(%(effect_ids)s::bigint[]) as t (effect_id)
where not exists (
    select from attempt a where a.effect_id = t.effect_id and a.request_id = %(request_id)s
      and a.action = %(action)s);

-- name: finish_attempts
update attempt a
set finished_at = %(now)s, outcome = v.outcome, detail = v.reason
from jsonb_to_recordset(%(verdicts)s)
    as v (effect_id bigint, request_id uuid, outcome text, reason text)
where a.effect_id = v.effect_id and a.request_id = v.request_id and a.action = %(action)s;

-- name: settle
-- The request id guards against a lease that was lost in between: another worker's word stands.
update effect e
set state = v.state, state_since = %(now)s, reason = v.reason, not_before = v.not_before,
    remote_id = coalesce(v.remote_id, e.remote_id), lease_owner = null, lease_until = null,
    tries = e.tries - case when v.counts then 0 else 1 end,
    payload = coalesce(v.payload, e.payload),
    idempotency_key = case when v.same_key then e.idempotency_key end,
    doubted = e.doubted or v.doubted,
    bulk = case when v.no_job then false else e.bulk end,
    finished_at = case when v.state in ('DONE', 'DEAD', 'CANCELLED') then %(now)s end
from jsonb_to_recordset(%(verdicts)s)
    as v (effect_id bigint, request_id uuid, state text, reason text, not_before timestamptz,
          remote_id text, counts boolean, payload jsonb, same_key boolean, doubted boolean,
          no_job boolean)
where e.effect_id = v.effect_id and e.request_id = v.request_id
  and e.state in ('SENT', 'UNKNOWN') and e.state <> v.state
returning e.effect_id, e.workflow, e.node, e.object_key, e.generation, e.creates, e.kind,
          e.delta_table, e.delta_id;

-- name: end_with
-- What an object took with it when it went needs no request of its own.
update effect
set state = 'CANCELLED', state_since = %(now)s, finished_at = %(now)s,
    reason = 'gone together with what it belongs to'
where workflow = %(workflow)s and node = %(node)s and state in ('PLANNED', 'RETRY')
  and payload ->> 'ends_with' = any(%(object_keys)s)
returning object_key, delta_table, delta_id;

-- name: cancel_followers
-- An object whose create is refused will not come: what else this row wanted of it is void, and
-- so is every wish to archive it.
update effect
set state = 'CANCELLED', state_since = %(now)s, reason = %(reason)s, finished_at = %(now)s
where object_key = %(object_key)s and effect_id <> %(effect_id)s
  and (kind like 'archive%%' or (delta_table = %(delta_table)s and delta_id = %(delta_id)s))
  and state in ('PLANNED', 'WAITING', 'RETRY', 'HELD')
returning delta_table, delta_id;

-- name: void_newer
-- Newer rows planned changes of an object that will not come; their keys are freed for new plans.
update effect
set state = 'CANCELLED', state_since = %(now)s, reason = %(reason)s, finished_at = %(now)s,
    effect_key = effect_key || ':void:' || effect_id
where object_key = %(object_key)s
  and delta_table = %(delta_table)s and delta_id > %(delta_id)s
  and state in ('PLANNED', 'WAITING', 'RETRY', 'HELD')
returning delta_id;

-- name: plan_again
-- {table} is the delta table.
update {table}
set state = 'PENDING', reason = null, not_before = null, state_since = %(now)s
where delta_id = any(%(delta_ids)s) and superseded_by is null
  and state in ('PUSHING', 'WAITING', 'FAILED');

-- name: next_due
-- Seconds until something of this pass, or any question of this node, can be taken up again.
-- A question about an effect that is in a job comes up with the job.
select extract(epoch from min(due.at) - %(now)s)::double precision as seconds
from (
    select e.not_before as at
    from effect e
    where e.workflow = %(workflow)s and e.node = %(node)s and e.not_before is not null
      and (%(account)s::text is null or e.account = %(account)s)
      and ((e.state = 'RETRY' and e.pass = %(pass)s)
           or (e.state = 'UNKNOWN' and not (coalesce(e.bulk, false) and exists (
               select from bulk_job j where j.request_id = e.request_id))))
    union all
    select j.not_before
    from bulk_job j
    where j.workflow = %(workflow)s and j.node = %(node)s and exists (
        select from effect e
        where e.request_id = j.request_id and e.bulk and e.state = 'UNKNOWN'
          and (%(account)s::text is null or e.account = %(account)s))
) as due;

-- name: count_states
select kind, state, count(*) as effects
from effect where workflow = %(workflow)s and node = %(node)s
group by kind, state order by kind, state;

-- name: remaining
select count(*) as effects from effect
where workflow = %(workflow)s and node = %(node)s and pass = %(pass)s
  and (%(account)s::text is null or account = %(account)s)
  -- an index for each of the two, so that what is at an end is not read
  and (state in ('PLANNED', 'RETRY') or state in ('CLAIMED', 'SENT', 'UNKNOWN'));

-- name: roll_up
-- A delta row's state follows from its effects; {table} is the delta table.
with summary as (
    select e.delta_id,
           count(*) filter (where e.state = 'DEAD') as dead,
           count(*) filter (where e.state = 'HELD') as held,
           count(*) filter (where e.state = 'WAITING') as waiting,
           count(*) filter (where e.state = 'RETRY') as retrying,
           count(*) filter (where e.state not in ('DONE', 'DEAD', 'CANCELLED')) as open,
           count(*) filter (where e.state not in ('DONE', 'CANCELLED')) as unfinished,
           -- what stands in its way; else what of it is not sent as it is
           coalesce(
               (array_agg(e.reason order by e.state <> 'DEAD', e.effect_id)
                   filter (where e.state in ('DEAD', 'HELD', 'WAITING', 'RETRY', 'UNKNOWN',
                                             'NEEDS_PERSON')))[1],
               string_agg(e.payload ->> 'remark', '; ' order by e.effect_id)) as reason,
           min(e.not_before) filter (where e.state = 'RETRY') as not_before
    from effect e
    where e.delta_table = %(delta_table)s and e.delta_id = any(%(delta_ids)s)
    group by e.delta_id
), wanted as (
    select d.delta_id, s.reason, s.not_before,
           case
               when d.superseded_by is not null
                   then case when s.open = 0 then 'SUPERSEDED' else d.state end
               when s.dead > 0 then 'DEAD'
               when s.held > 0 then 'HELD'
               when s.unfinished = 0 then 'SYNCED'
               when s.waiting > 0 then 'WAITING'
               when s.retrying > 0 then 'FAILED'
               else 'PUSHING'
           end as state
    from summary s join {table} d using (delta_id)
)
update {table} d
set state = w.state, reason = w.reason, not_before = w.not_before,
    state_since = case when d.state = w.state then d.state_since else %(now)s end,
    synced_at = case when w.state = 'SYNCED' then %(now)s else d.synced_at end
from wanted w
where d.delta_id = w.delta_id
  and (d.state, d.reason, d.not_before) is distinct from (w.state, w.reason, w.not_before)
  and d.state not in ('SUPERSEDED', 'ARCHIVED', 'SYNCED');

-- name: say_why
-- What a pass leaves unsent because its account may send nothing for a while.
update effect
set reason = %(reason)s
where workflow = %(workflow)s and node = %(node)s and pass = %(pass)s
  and (%(account)s::text is null or account = %(account)s)
  and state in ('PLANNED', 'RETRY') and reason is distinct from %(reason)s;

-- name: left
-- Effects of a node, of all passes, that are still to be brought to an end.
select count(*) as effects from effect
where workflow = %(workflow)s and node = %(node)s
  and (%(account)s::text is null or account = %(account)s)
  and (state in ('PLANNED', 'RETRY') or state in ('CLAIMED', 'SENT', 'UNKNOWN', 'WAITING'));

-- name: reclaim
update effect
set state = 'CLAIMED', state_since = %(now)s, reason = null, not_before = null,
    lease_owner = %(worker)s, lease_until = %(lease_until)s
where effect_id = any(%(effect_ids)s) and state = 'RETRY'
returning effect_id;

-- name: sent_messages
-- A lead's messages that the service may have.
select effect_id, remote_id, payload ->> 'text' as text from effect
where lead_id = %(lead_id)s and kind in ('message', 'inmail')
  and state in ('SENT', 'UNKNOWN', 'NEEDS_PERSON', 'DONE')
order by effect_id;

-- name: resumed_at
-- When a lead last came out of a pause.
select max(at) as at from outreach_event
where lead_id = %(lead_id)s and event = 'state' and old_state = 'paused';

-- name: bind_message
-- One that is still in question is decided by who asks for it.
update effect set remote_id = %(remote_id)s
where effect_id = %(effect_id)s and remote_id is null and state = 'DONE';
