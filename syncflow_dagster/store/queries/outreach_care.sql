-- Looking after leads: what does not go on, and what the numbers of a node are.

-- name: without_action
-- In flight, or not known to have arrived, and nothing is with the ledger.
select l.lead_id from outreach_lead l
where l.workflow = %(workflow)s and l.node = %(node)s
  and l.state in ('in_flight', 'outcome_unknown')
  and not exists (
      select from effect e
      where e.lead_id = l.lead_id and e.state not in ('DONE', 'DEAD', 'CANCELLED'));

-- name: withdraw_stray
-- Queued for a lead that is not in flight.
update effect e
set state = 'CANCELLED', state_since = %(now)s, finished_at = %(now)s, lease_owner = null,
    lease_until = null, reason = 'the lead is ' || l.state
from outreach_lead l
where l.lead_id = e.lead_id and l.workflow = %(workflow)s and l.node = %(node)s
  and e.state in ('PLANNED', 'WAITING', 'RETRY', 'HELD') and l.state <> 'in_flight'
returning e.lead_id, e.account, e.kind;

-- name: without_date
-- Nothing would ever look at them again. An invitation that is never taken back waits for events, as
-- does one the account's owner made.
select lead_id from outreach_lead
where workflow = %(workflow)s and node = %(node)s and next_due_at is null
  and (state in ('pending_invite', 'connected', 'cooldown')
       or (state = 'invite_sent' and invite_origin = 'ours' and %(withdraws)s));

-- name: without_invitation
select l.lead_id, l.account from outreach_lead l
where l.workflow = %(workflow)s and l.node = %(node)s and l.state = 'invite_sent'
  and l.invite_origin = 'ours'
  and not exists (
      select from effect e
      where e.lead_id = l.lead_id and e.kind = 'invite' and e.state = 'DONE');

-- name: not_complete
select lead_id, account from outreach_lead
where workflow = %(workflow)s and node = %(node)s
  and (state = 'completed') <> (current_step >= n_steps) and state <> 'suppressed';

-- name: stuck
-- Leads that should go on and do not: due for long without their account being held up, on their way
-- for long, of unknown outcome for long.
select l.lead_id, l.state, l.account, l.current_step as step, l.source_key,
       coalesce(l.next_due_at, l.state_since) as since, l.reason
from outreach_lead l
left join outreach_turn t using (account, workflow, node)
where l.workflow = %(workflow)s and l.node = %(node)s
  and (l.queue = 'look' and l.next_due_at < %(due_before)s
       or l.next_due_at < %(due_before)s and coalesce(t.next_at, t.ended_at, l.next_due_at) < %(due_before)s
       or l.state = 'in_flight' and l.state_since < %(flying_before)s
       or l.state = 'outcome_unknown' and l.state_since < %(unknown_before)s)
order by since
limit %(limit)s;

-- name: not_ok
select account, status, status_at from outreach_account
where account = any(%(accounts)s) and status not in ('OK', 'UNKNOWN')
  and status_at < %(before)s;

-- name: forget_reads
delete from outreach_read where at < %(before)s;

-- name: funnel
select l.account, v.variant, count(*) as enrolled,
       count(l.invited_at) as invited, count(l.connected_at) as connected,
       count(*) filter (where l.messages_sent > 0) as messaged,
       count(l.replied_at) as replied,
       count(*) filter (where l.state = 'completed') as completed,
       count(l.opted_out_at) as opted_out,
       count(*) filter (where l.state = 'failed') as failed
from outreach_lead l
left join lateral (
    select x.variant from outreach_text x
    where x.lead_id = l.lead_id and x.variant is not null
    order by x.step
    limit 1) v on true
where l.workflow = %(workflow)s and l.node = %(node)s
group by l.account, v.variant
order by l.account, v.variant;

-- name: states
select state, count(*) as leads from outreach_lead
where workflow = %(workflow)s and node = %(node)s
group by state;

-- name: unknown
select count(*) as effects, min(sent_at) as since from effect
where workflow = %(workflow)s and node = %(node)s and lead_id is not null
  and state in ('UNKNOWN', 'NEEDS_PERSON');

-- name: accounts
select a.account, a.status, a.status_at, a.acknowledged_at, a.next_action_at, a.reduced_until,
       a.live_since, t.ended_at as turn_at, t.next_at, t.reason
from outreach_account a
left join outreach_turn t
    on t.account = a.account and t.workflow = %(workflow)s and t.node = %(node)s
where a.account = any(%(accounts)s)
order by a.account;
