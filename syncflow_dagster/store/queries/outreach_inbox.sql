-- What Unipile tells: events as they came, and what polls have seen.

-- name: keep_event
insert into outreach_inbox (source, event_key, account, received_at, body)
values (%(source)s, %(event_key)s, %(account)s, %(now)s, %(body)s)
on conflict (source, event_key) do nothing
returning inbox_id;

-- name: open_events
select inbox_id from outreach_inbox
where processed_at is null and source = %(source)s and inbox_id > %(after)s
order by inbox_id
limit %(limit)s;

-- name: take_event
-- Another process may be at it, or be done with it.
select inbox_id, source, event_key, account, received_at, body, tries
from outreach_inbox
where inbox_id = %(inbox_id)s and processed_at is null
for update skip locked;

-- name: end_event
update outreach_inbox set processed_at = %(now)s, outcome = %(outcome)s
where inbox_id = %(inbox_id)s;

-- name: event_failed
update outreach_inbox
set tries = tries + 1, outcome = %(outcome)s,
    processed_at = case when tries + 1 >= %(tries)s then %(now)s end
where inbox_id = %(inbox_id)s and processed_at is null;

-- name: count_open
select count(*) as events, min(received_at) as oldest
from outreach_inbox where processed_at is null and source = %(source)s;

-- name: empty_bodies
-- The keys stay: a repeated event is still recognised.
update outreach_inbox set body = '{}'
where source = %(source)s and processed_at < %(before)s and body <> '{}';

-- name: name_accounts
-- Unipile's ids of accounts, by which events name them; a row that is right is not locked.
insert into outreach_account (account, service_id)
select told.account, told.service_id
from unnest(%(accounts)s::text[], %(service_ids)s::text[]) as told (account, service_id)
where not exists (
    select from outreach_account a
    where a.account = told.account and a.service_id = told.service_id)
on conflict (account) do update set service_id = excluded.service_id;

-- name: candidates
-- Leads of a tenant that somebody may be, ended ones too.
select l.*, a.service_id
from outreach_lead l
join outreach_account a using (account)
where (l.provider_id = any(%(provider_ids)s) or l.slug = any(%(slugs)s))
  and starts_with(l.account, %(tenant)s)
order by l.lead_id desc
limit 50;

-- name: of_person
select lead_id, terminal_at from outreach_lead
where person_id = %(person_id)s and starts_with(account, %(tenant)s)
order by lead_id;

-- name: may_go_on
-- Whether an ended lead may be taken up again: nothing is switched off, no other lead of it lives.
select not exists (
           select from outreach_stop s
           where s.scope in ('*', l.workflow || '.' || l.node, l.account,
                          split_part(l.account, '/', 1)))
       and not exists (
           select from outreach_lead other
           where other.person_id = l.person_id and other.terminal_at is null) as may
from outreach_lead l where l.lead_id = %(lead_id)s;

-- name: action_out
-- Whether an action of the lead may have reached the service and is not settled yet.
select exists (
    select from effect
    where lead_id = %(lead_id)s and state in ('SENT', 'UNKNOWN', 'NEEDS_PERSON')) as is_out;

-- name: ask_soon
update outreach_account set relations_at = least(relations_at, %(now)s)
where account = %(account)s;

-- name: sent_texts
-- What was sent to a person, or may have been; the latest first.
select e.effect_id, e.lead_id, e.kind, e.state, e.remote_id, e.sent_at, e.payload ->> 'text' as text
from effect e
where e.lead_id = any(%(lead_ids)s) and e.kind in ('invite', 'message', 'inmail')
  and e.sent_at is not null
order by e.effect_id desc;

-- name: look_now
-- The answer is there: an open question need not wait for its time.
update effect set not_before = %(now)s
where effect_id = %(effect_id)s and state = 'UNKNOWN' and not_before > %(now)s;

-- name: poll_times
-- What is known of an account, and whether anybody waits for a connection.
select a.service_id, a.status, a.status_check_at, a.relations_at, a.relations_full, a.sent_at,
       a.messages_at, a.messages_to, a.reduced_until, a.live_since,
       exists (select from outreach_lead l
               where l.account = a.account
                 and l.state in ('invite_sent', 'in_flight', 'outcome_unknown')) as waits
from outreach_account a where a.account = %(account)s;

-- name: next_polls
update outreach_account
set relations_at = coalesce(%(relations_at)s, relations_at),
    relations_full = coalesce(relations_full, %(relations_full)s),
    sent_at = coalesce(%(sent_at)s, sent_at),
    messages_at = coalesce(%(messages_at)s, messages_at),
    messages_to = greatest(messages_to, %(messages_to)s),
    status_check_at = coalesce(%(status_check_at)s, status_check_at)
where account = %(account)s;

-- name: leads_on_page
-- Which of many people are leads of an account, or of all whose names begin so.
select lead_id, provider_id, slug from outreach_lead
where starts_with(account, %(accounts)s)
  and (provider_id = any(%(provider_ids)s) or slug = any(%(slugs)s));

-- name: known_relations
select provider_id from outreach_relation
where account = %(account)s and provider_id = any(%(provider_ids)s)
limit 1;

-- name: keep_relations
insert into outreach_relation (account, provider_id, slug, connected_at, seen_at)
select %(account)s, r.provider_id, r.slug, r.connected_at, %(now)s
from unnest(%(provider_ids)s::text[], %(slugs)s::text[], %(connected)s::timestamptz[])
    as r (provider_id, slug, connected_at)
on conflict (account, provider_id) do update set seen_at = excluded.seen_at, slug = excluded.slug;

-- name: connected_unnoticed
-- Leads whose connection was seen after their invitation went out.
select l.lead_id, coalesce(r.connected_at, r.seen_at) as connected_at
from outreach_lead l
join outreach_relation r on r.account = l.account and r.provider_id = l.provider_id
where l.account = %(account)s and l.state = 'invite_sent'
  and r.seen_at > coalesce(l.invited_at, l.state_since)
limit 500;

-- name: invited
-- Leads whose invitation should be out, those that were longest not there first. One that the
-- account's owner made is known since the lead stands so.
select lead_id, provider_id, slug, invitation_id, gone_since from outreach_lead
where account = %(account)s and state = 'invite_sent'
  and coalesce(invited_at, state_since) < %(before)s
order by gone_since nulls last, lead_id;

-- name: still_out
-- Invitations that are out after all.
update outreach_lead set gone_since = null
where lead_id = any(%(lead_ids)s) and gone_since is not null and state = 'invite_sent';

-- name: by_service
select account, status_at from outreach_account
where service_id = %(service_id)s and starts_with(account, %(tenant)s);

-- name: came_back
-- What came while the account was down is read now, and whether it is so is asked.
update outreach_account
set relations_at = least(relations_at, %(now)s), messages_at = least(messages_at, %(now)s),
    status_check_at = least(status_check_at, %(now)s)
where account = %(account)s;

-- name: poll_plan
-- When each account is to be polled next. Messages matter as long as somebody may still opt out.
select a.account, least(
           coalesce(a.status_check_at, %(now)s),
           case when a.status = 'OK' and a.live_since is not null
                then coalesce(a.messages_at, %(now)s) end,
           case when a.status = 'OK' and waiting.some
                then least(coalesce(a.relations_at, %(now)s), coalesce(a.sent_at, %(now)s)) end
       ) as next_at
from outreach_account a
cross join lateral (
    select exists (select from outreach_lead l
                   where l.account = a.account
                     and l.state in ('invite_sent', 'in_flight', 'outcome_unknown')) as some
) waiting
where a.service_id is not null
order by next_at, a.account;
