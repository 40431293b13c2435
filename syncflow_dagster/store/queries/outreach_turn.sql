-- The turn of an account: what it may do, and what it has done.

-- name: read_account
select * from outreach_account where account = %(account)s;

-- name: lock_account
select * from outreach_account where account = %(account)s for update;

-- name: owner
select provider_id, first_name from outreach_account where account = %(account)s;

-- name: keep_owner
update outreach_account set provider_id = %(provider_id)s, first_name = %(first_name)s
where account = %(account)s;

-- name: note_status
-- Who was down and is back does half for a while.
update outreach_account a
set status = %(status)s, status_at = %(now)s,
    reduced_until = case when %(status)s = 'OK' and old.status not in ('OK', 'UNKNOWN')
                         then %(until)s else old.reduced_until end
from (select * from outreach_account where account = %(account)s for update) old
where a.account = old.account
returning old.status as was;

-- name: wake
update outreach_turn set next_at = null where account = %(account)s;

-- name: stop
insert into outreach_stop (scope, actor, reason, at)
values (%(scope)s, 'syncflow', %(reason)s, %(now)s)
on conflict (scope) do nothing;

-- name: stops
select scope, reason from outreach_stop where scope = any(%(scopes)s) order by scope;

-- name: spent
-- What may have reached the service: who is not known to have failed counts. It did between the
-- request and the answer, and counts from the later on: so the service never counts more than we do.
select kind, least(coalesce(finished_at, 'infinity'), sent_at + %(longest)s) as at from effect
where account = %(account)s and lead_id is not null and sent_at > %(since)s - %(longest)s
  and state in ('SENT', 'UNKNOWN', 'NEEDS_PERSON', 'DONE')
union all
select bucket, at from outreach_read where account = %(account)s and at > %(since)s;

-- name: notes
select least(coalesce(finished_at, 'infinity'), sent_at + %(longest)s) as at from effect
where account = %(account)s and lead_id is not null and kind = 'invite'
  and sent_at > %(since)s - %(longest)s
  and state in ('SENT', 'UNKNOWN', 'NEEDS_PERSON', 'DONE') and payload ->> 'text' <> '';

-- name: count_read
insert into outreach_read (account, bucket, at, lead_id)
values (%(account)s, %(bucket)s, %(now)s, %(lead_id)s);

-- name: act
-- The next action is a while away; the ramp counts from the first.
update outreach_account
set next_action_at = %(next_at)s, live_since = coalesce(live_since, %(now)s)
where account = %(account)s;

-- name: failed
update outreach_account set failed_at = %(now)s where account = %(account)s;

-- name: failed_at
select account, failed_at from outreach_account where failed_at > %(since)s;

-- name: circuits
select bucket, level, open_until, probing, failures, recent, reason, since
from outreach_bucket where account = %(account)s;

-- name: lock_circuit
insert into outreach_bucket (account, bucket) values (%(account)s, %(bucket)s)
on conflict (account, bucket) do update set bucket = excluded.bucket
returning level, open_until, probing, failures, recent, reason, since;

-- name: keep_circuit
update outreach_bucket
set level = %(level)s, open_until = %(open_until)s, probing = %(probing)s,
    failures = %(failures)s, recent = %(recent)s, reason = %(reason)s, since = %(since)s
where account = %(account)s and bucket = %(bucket)s;

-- name: to_look_at
select lead_id from outreach_lead
where account = %(account)s and workflow = %(workflow)s and node = %(node)s and queue = 'look'
  and next_due_at <= %(now)s
order by next_due_at
limit %(limit)s;

-- name: enqueue
update outreach_lead set queue = %(queue)s
where lead_id = %(lead_id)s and next_due_at is not null;

-- name: next_in_queue
select lead_id from outreach_lead
where account = %(account)s and workflow = %(workflow)s and node = %(node)s
  and queue = %(queue)s and next_due_at <= %(now)s
order by next_due_at
limit 1;

-- name: first_due
-- When the first lead of each queue is due.
select q.queue, l.next_due_at
from unnest(array['look', 'message', 'inmail', 'invite', 'profile', 'withdraw']) as q (queue)
cross join lateral (
    select next_due_at from outreach_lead
    where account = %(account)s and workflow = %(workflow)s and node = %(node)s
      and queue = q.queue and next_due_at is not null
    order by next_due_at
    limit 1) l;

-- name: others_due
-- Nodes that share the account, were served longer ago, and have something to do.
select d.workflow || '.' || d.node as name
from (
    select distinct on (t.workflow, t.node) t.workflow, t.node, t.ended_at, t.next_at
    from outreach_turn t
    where t.account = %(account)s and (t.workflow, t.node) <> (%(workflow)s, %(node)s)
    order by t.workflow, t.node
) d
where d.ended_at < %(since)s and coalesce(d.next_at <= %(now)s, true) and exists (
    select from outreach_lead l
    where l.account = %(account)s and l.workflow = d.workflow and l.node = d.node
      and l.queue <> 'look' and l.next_due_at <= %(now)s)
limit 1;

-- name: acting
-- Actions of the node with the account that are not at their end. Whose turn it is has the account
-- for itself, so what is claimed or sent is some dead worker's.
select effect_id, lead_id, kind, state, not_before, coalesce(not_before, %(now)s) as at
from effect
where account = %(account)s and workflow = %(workflow)s and node = %(node)s
  and lead_id is not null and state in ('PLANNED', 'RETRY', 'CLAIMED', 'SENT', 'UNKNOWN')
order by at;

-- name: earlier
-- Actions planned for a step before, and how many of them turned out not to have happened since a
-- person last let the lead go on.
select count(*) as effects,
       count(*) filter (where e.sent_at > coalesce(seen.at, '-infinity') and exists (
           select from attempt a where a.effect_id = e.effect_id and a.outcome = 'absent')) as absent
from effect e
cross join (
    select max(at) as at from outreach_event
    where lead_id = %(lead_id)s and event = 'state' and old_state = 'needs_review') as seen
where e.lead_id = %(lead_id)s and e.kind = %(kind)s
  and (e.payload ->> 'step')::integer = %(step)s;

-- name: text_of
select variant, subject, text from outreach_text where lead_id = %(lead_id)s and step = %(step)s;

-- name: end_turn
insert into outreach_turn (account, workflow, node, ended_at, next_at, reason)
values (%(account)s, %(workflow)s, %(node)s, %(now)s, %(next_at)s, %(reason)s)
on conflict (account, workflow, node) do update
set ended_at = excluded.ended_at, next_at = excluded.next_at, reason = excluded.reason;

-- name: unapproved
-- Leads a dry run tells of: those that wait for an approval, and those that are due.
select lead_id from outreach_lead
where account = %(account)s and workflow = %(workflow)s and node = %(node)s
  and (state = 'awaiting_approval' or next_due_at <= %(now)s)
order by lead_id
limit %(limit)s;

-- name: became
select effect_id, kind, state, reason, not_before
from effect where effect_id = any(%(effect_ids)s);

-- name: look_now
update outreach_lead set queue = 'look' where lead_id = %(lead_id)s;

-- name: seen_ok
update outreach_account set status = 'OK', status_at = %(now)s
where account = %(account)s and status in ('OK', 'UNKNOWN');
