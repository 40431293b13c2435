-- What people do by hand about outreach, and what they look at.

-- name: note_intervention
insert into outreach_intervention (at, action, workflow, node, account, lead_id, actor, os_user,
                                   reason, details)
values (%(now)s, %(action)s, %(workflow)s, %(node)s, %(account)s, %(lead_id)s, %(actor)s,
        %(os_user)s, %(reason)s, %(details)s);

-- name: open_action
-- The action of a lead that is not settled; the caller has locked it with its lead.
select effect_id, kind, state, reason, remote_id, payload ->> 'step' as step
from effect
where lead_id = %(lead_id)s and state not in ('DONE', 'DEAD', 'CANCELLED');

-- name: ask_now
update effect set not_before = null
where effect_id = %(effect_id)s and state = 'UNKNOWN';

-- name: switch_off
insert into outreach_stop (scope, actor, reason, at)
values (%(scope)s, %(actor)s, %(reason)s, %(now)s)
on conflict (scope) do nothing
returning scope;

-- name: switch_on
delete from outreach_stop where scope = %(scope)s
returning actor, reason, at;

-- name: stops
select scope, actor, reason, at from outreach_stop order by at, scope;

-- name: wake
-- What has been switched on again need not wait for the time its last turn has told.
update outreach_turn set next_at = null
where %(scope)s in ('*', account, workflow || '.' || node, split_part(account, '/', 1));

-- name: known_scopes
-- What can be switched off: nodes, accounts and tenants that have leads.
select distinct unnest(array[workflow || '.' || node, account, split_part(account, '/', 1)]) as scope
from outreach_lead;

-- name: replay
update outreach_inbox set processed_at = null, outcome = null, tries = 0
where inbox_id = %(inbox_id)s and processed_at is not null and body <> '{}'
returning event_key, account;

-- name: look_event
select event_key, processed_at, body = '{}' as is_empty
from outreach_inbox where inbox_id = %(inbox_id)s;

-- name: leads
select lead_id, node, account, source_key, slug, state, resume_state, reason, state_since,
       current_step, n_steps, next_due_at, connected_at, replied_at, messages_sent,
       count(*) over () as total
from outreach_lead
where workflow = %(workflow)s
  and (%(node)s::text is null or node = %(node)s)
  and (%(state)s::text is null or state = %(state)s)
  and (%(account)s::text is null or account = %(account)s
       or account like '%%/' || %(account)s)
  and (%(who)s::text is null or slug = %(who)s or provider_id = %(who)s or source_key = %(who)s)
order by lead_id
limit %(limit)s;

-- name: life
-- Everything that has happened to a lead, and what people did, in its order.
select at, event as what, old_state, new_state, step, reason, evidence as details
from outreach_event where lead_id = %(lead_id)s
union all
select at, action, null, null, null, actor || ': ' || reason, details
from outreach_intervention where lead_id = %(lead_id)s
order by at;

-- name: actions
select effect_id, kind, state, reason, state_since, sent_at, finished_at, tries, lookups,
       not_before, remote_id, payload ->> 'step' as step
from effect where lead_id = %(lead_id)s
order by effect_id;

-- name: needs_person
-- Leads that wait for somebody, the longest waiting first.
select l.lead_id, l.node, l.account, l.state, l.resume_state, l.reason, l.state_since as since,
       l.current_step, e.effect_id, e.kind, e.state as action_state
from outreach_lead l
left join effect e on e.lead_id = l.lead_id and e.state not in ('DONE', 'DEAD', 'CANCELLED')
where l.workflow = %(workflow)s and l.state in ('needs_review', 'outcome_unknown', 'paused')
  and (%(node)s::text is null or l.node = %(node)s)
order by l.state_since, l.lead_id
limit %(limit)s;

-- name: given_up
-- Events that could not be taken in.
select inbox_id, event_key, account, received_at, tries, outcome
from outreach_inbox
where source = any(%(sources)s) and tries > 0
  and (processed_at is null or tries >= %(most)s)
order by inbox_id
limit %(limit)s;
