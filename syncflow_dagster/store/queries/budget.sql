-- What an account may do now, shared by all its processes: budgets and a circuit breaker.

-- name: open
insert into budget (account, name, allowed, window_s, kind, window_ends_at)
values (%(account)s, %(name)s, %(allowed)s, %(window_s)s, %(kind)s, %(now)s)
on conflict do nothing;

-- name: lock
select name, allowed, window_s, spent, reserved, window_ends_at, kind, confirmed,
       carried, unheard
from budget
where account = %(account)s and name = any(%(names)s)
order by name
for update;

-- name: keep
update budget
set allowed = %(allowed)s, window_s = %(window_s)s, spent = %(spent)s, reserved = %(reserved)s,
    window_ends_at = %(window_ends_at)s, confirmed = %(confirmed)s, carried = %(carried)s,
    unheard = %(unheard)s
where account = %(account)s and name = %(name)s;

-- name: read
select name, allowed, window_s, spent, reserved, window_ends_at, kind, confirmed,
       carried, unheard
from budget where account = %(account)s order by name;

-- name: flying
-- The caller holds the budget's row, so nobody else counts or starts at the same time.
with lost as (
    delete from in_flight
    where account = %(account)s and name = %(name)s and lease_until <= %(now)s
)
select count(*) as requests from in_flight
where account = %(account)s and name = %(name)s and lease_until > %(now)s;

-- name: take_off
insert into in_flight (ticket, account, name, lease_until)
values (%(ticket)s, %(account)s, %(name)s, %(lease_until)s);

-- name: land
delete from in_flight where ticket = %(ticket)s;

-- name: breaker
select failures, openings, open_until, probe_until, reason, since
from breaker where account = %(account)s;

-- name: new_breaker
insert into breaker (account) values (%(account)s) on conflict do nothing;

-- name: lock_breaker
select failures, openings, open_until, probe_until, reason, since
from breaker where account = %(account)s for update;

-- name: keep_breaker
update breaker
set failures = %(failures)s, openings = %(openings)s, open_until = %(open_until)s,
    probe_until = %(probe_until)s, reason = %(reason)s, since = %(since)s
where account = %(account)s;
