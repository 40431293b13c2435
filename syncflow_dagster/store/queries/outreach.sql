-- Leads of outreach on LinkedIn. Effects of a lead are locked before their lead, always.

-- name: lock_effects
select effect_id from effect
where lead_id = %(lead_id)s and state not in ('DONE', 'DEAD', 'CANCELLED')
order by effect_id
for update;

-- name: lock_lead
select * from outreach_lead where lead_id = %(lead_id)s for update;

-- name: read_leads
select * from outreach_lead where lead_id = any(%(lead_ids)s);

-- name: move_lead
-- Facts come as one object; what it does not name stays.
update outreach_lead l
set state = %(state)s, resume_state = %(resume_state)s, reason = %(reason)s,
    state_since = case when l.state = %(state)s then l.state_since else %(now)s end,
    current_step = coalesce(%(step)s, l.current_step),
    step_since = case when %(step)s is distinct from l.current_step and %(step)s::integer is not null
                      then %(now)s else l.step_since end,
    next_due_at = %(next_due_at)s,
    terminal_at = case when %(terminal)s then coalesce(l.terminal_at, %(now)s) end,
    slug = f.slug, provider_id = f.provider_id, checked_at = f.checked_at,
    approval_id = f.approval_id, invited_at = f.invited_at, invite_origin = f.invite_origin,
    invitation_id = f.invitation_id, connected_at = f.connected_at,
    connected_via = f.connected_via, replied_at = f.replied_at, opted_out_at = f.opted_out_at,
    withdrawn_at = f.withdrawn_at, chat_id = f.chat_id, open_profile = f.open_profile,
    gone_since = f.gone_since, hold_until = f.hold_until
from outreach_lead old
cross join lateral jsonb_populate_record(old, %(facts)s) as f
where l.lead_id = %(lead_id)s and old.lead_id = l.lead_id
returning l.*;

-- name: keep_facts
update outreach_lead l
set slug = f.slug, provider_id = f.provider_id, checked_at = f.checked_at,
    approval_id = f.approval_id, invited_at = f.invited_at, invite_origin = f.invite_origin,
    invitation_id = f.invitation_id, connected_at = f.connected_at,
    connected_via = f.connected_via, replied_at = f.replied_at, opted_out_at = f.opted_out_at,
    withdrawn_at = f.withdrawn_at, chat_id = f.chat_id, open_profile = f.open_profile,
    gone_since = f.gone_since, hold_until = f.hold_until
from outreach_lead old
cross join lateral jsonb_populate_record(old, %(facts)s) as f
where l.lead_id = %(lead_id)s and old.lead_id = l.lead_id;

-- name: let_wait
update outreach_lead l
set next_due_at = %(next_due_at)s, current_step = %(step)s, step_since = %(since)s
where l.lead_id = %(lead_id)s and l.state in ('pending_invite', 'invite_sent', 'connected', 'cooldown');

-- name: note
insert into outreach_event (lead_id, at, event, step, effect_id, reason, evidence)
values (%(lead_id)s, %(now)s, %(event)s, %(step)s, %(effect_id)s, %(reason)s, %(evidence)s);

-- name: due_accounts
-- From one account, node and queue to the next along the index: as many steps as there are of those,
-- however many leads each has. Looks go at any time; actions wait for what the last turn has told;
-- actions under way have to be seen to.
with recursive places (account, workflow, node, queue, due_at) as (
    (select account, workflow, node, queue, next_due_at from outreach_lead
     where next_due_at is not null
     order by account, workflow, node, queue, next_due_at
     limit 1)
    union all
    (select n.account, n.workflow, n.node, n.queue, n.next_due_at
     from places p
     cross join lateral (
         select account, workflow, node, queue, next_due_at from outreach_lead
         where next_due_at is not null
           and (account, workflow, node, queue) > (p.account, p.workflow, p.node, p.queue)
         order by account, workflow, node, queue, next_due_at
         limit 1) n)
), wanted as (
    select p.account, p.workflow, p.node,
           case when p.queue = 'look' and t.reason is distinct from 'dry run' then p.due_at
                else greatest(p.due_at, t.next_at) end as at
    from places p
    left join outreach_turn t using (account, workflow, node)
    union all
    select e.account, e.workflow, e.node,
           greatest(case when e.state in ('CLAIMED', 'SENT') then e.state_since + interval '1 minute'
                         else coalesce(e.not_before, %(now)s) end,
                    case when t.reason = 'dry run' then t.next_at end)
    from effect e
    left join outreach_turn t using (account, workflow, node)
    where e.lead_id is not null
      and e.state in ('PLANNED', 'RETRY', 'CLAIMED', 'SENT', 'UNKNOWN')
)
select w.workflow, w.node, w.account, min(w.at) <= %(now)s as due, min(w.at) as next_at
from wanted w
left join outreach_turn t using (account, workflow, node)
group by w.workflow, w.node, w.account, t.ended_at
order by due desc, t.ended_at nulls first, w.account, w.workflow, w.node;

-- name: has_action
select effect_id, state, not_before from effect
where lead_id = %(lead_id)s and state not in ('DONE', 'DEAD', 'CANCELLED');

-- name: keep_version
insert into outreach_sequence (workflow, node, version, digest, steps, created_at)
select %(workflow)s, %(node)s,
       coalesce((select max(version) from outreach_sequence
                 where workflow = %(workflow)s and node = %(node)s), 0) + 1,
       %(digest)s, %(steps)s, %(now)s
where not exists (
    select from outreach_sequence
    where workflow = %(workflow)s and node = %(node)s and digest = %(digest)s);

-- name: find_version
select sequence_id from outreach_sequence
where workflow = %(workflow)s and node = %(node)s and digest = %(digest)s;

-- name: read_version
select version, steps from outreach_sequence where sequence_id = %(sequence_id)s;
