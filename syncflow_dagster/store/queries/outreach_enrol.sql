-- From changes of a source to leads. {table} is the delta table of the source.

-- name: hold_people
-- Persons and versions are found or made by one transaction at a time.
select pg_advisory_xact_lock(hashtextextended('syncflow outreach people', 0));

-- name: look_again
-- Changes that were to wait until now.
update {table}
set state = 'PENDING', reason = null, not_before = null, state_since = %(now)s
where state = 'HELD' and not_before <= %(now)s;

-- name: settle_row
update {table}
set state = %(state)s, reason = %(reason)s, not_before = %(not_before)s, state_since = %(now)s,
    synced_at = case when %(state)s = 'SYNCED' then %(now)s end
where delta_id = %(delta_id)s;

-- name: keep_account
insert into outreach_account (account, service_id, tier)
values (%(account)s, %(service_id)s, %(tier)s)
on conflict (account) do update set service_id = excluded.service_id
where outreach_account.service_id is distinct from excluded.service_id;

-- name: named_before
-- Another name under which an account of the tenant has leads.
select a.account from outreach_account a
where a.service_id = %(service_id)s and a.account <> %(account)s
  and starts_with(a.account, split_part(%(account)s, '/', 1) || '/')
  and exists (select from outreach_lead l where l.account = a.account)
limit 1;

-- name: find_persons
select distinct person_id from outreach_person_key where key = any(%(keys)s) order by person_id;

-- name: make_person
insert into outreach_person (since) values (%(now)s) returning person_id;

-- name: merge_keys
update outreach_person_key set person_id = %(into)s where person_id = any(%(others)s);

-- name: add_keys
insert into outreach_person_key (key, person_id)
select unnest(%(keys)s::text[]), %(person_id)s
on conflict (key) do nothing;

-- name: merge_leads
update outreach_lead set person_id = %(into)s where person_id = any(%(others)s);

-- name: live_leads
-- Those that were sent something before those that were not, then the oldest.
select lead_id from outreach_lead
where person_id = any(%(persons)s) and terminal_at is null
order by last_action_at nulls last, lead_id;

-- name: lead_of_record
-- The last lead of a record; one that its source has taken out may come again.
select * from outreach_lead
where workflow = %(workflow)s and node = %(node)s and source_key = %(source_key)s
order by lead_id desc
limit 1;

-- name: history
-- What the person has been through, in this campaign and in others.
select l.lead_id, l.workflow, l.node, l.account, l.state, l.terminal_at is null as live,
       greatest(l.last_action_at, l.invited_at, l.replied_at) as contacted_at,
       l.workflow = %(workflow)s and l.node = %(node)s as here,
       l.state = 'cancelled' and exists (
           select from outreach_intervention i
           where i.lead_id = l.lead_id and i.action = 'cancel') as by_hand
from outreach_lead l
where l.person_id = %(person_id)s
order by l.lead_id desc;

-- name: loads
-- Leads that are on their way, by account.
select account, count(*) as leads from outreach_lead
where account = any(%(accounts)s) and terminal_at is null
group by account;

-- name: enrol
insert into outreach_lead (workflow, node, person_id, account, sequence_id, n_steps, delta_table,
                           delta_id, source_key, slug, provider_id, fields, state_since,
                           step_since, enrolled_at)
values (%(workflow)s, %(node)s, %(person_id)s, %(account)s, %(sequence_id)s, %(n_steps)s,
        %(delta_table)s, %(delta_id)s, %(source_key)s, %(slug)s, %(provider_id)s, %(fields)s,
        %(now)s, %(now)s, %(now)s)
returning lead_id;

-- name: refresh
-- Whose texts nobody has approved yet; they are rendered anew, under the version of now.
update outreach_lead
set fields = %(fields)s, slug = %(slug)s, provider_id = %(provider_id)s,
    delta_id = %(delta_id)s, sequence_id = %(sequence_id)s, n_steps = %(n_steps)s
where lead_id = %(lead_id)s;

-- name: drop_texts
delete from outreach_text where lead_id = %(lead_id)s;

-- name: old_drafts
-- Leads whose texts nobody has approved, enrolled under an earlier version of the sequence.
select lead_id from outreach_lead
where workflow = %(workflow)s and node = %(node)s and sequence_id <> %(sequence_id)s
  and (state in ('draft', 'awaiting_approval') or state = 'needs_review' and resume_state = 'draft')
order by lead_id
limit %(limit)s;
