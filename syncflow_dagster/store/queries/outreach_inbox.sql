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
