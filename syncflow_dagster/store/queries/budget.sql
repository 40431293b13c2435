-- What an account may do now, shared by all its processes: budgets and a circuit breaker.

-- name: open
insert into budget (account, name, allowed, window_s, kind, window_ends_at)
select %(account)s, b.name, b.allowed, b.window_s, b.kind, %(now)s
from jsonb_to_recordset(%(budgets)s)
    as b (name text, allowed bigint, window_s double precision, kind text)
on conflict do nothing;

-- name: lock
select name, allowed, window_s, spent, reserved, window_ends_at, kind, confirmed,
       carried, unheard
from budget
where account = %(account)s and name = any(%(names)s)
order by name
for update;

-- name: keep
update budget k
set allowed = b.allowed, window_s = b.window_s, spent = b.spent, reserved = b.reserved,
    window_ends_at = b.window_ends_at, confirmed = b.confirmed, carried = b.carried,
    unheard = b.unheard
from jsonb_to_recordset(%(budgets)s)
    as b (name text, allowed bigint, window_s double precision, spent bigint, reserved bigint,
          window_ends_at timestamptz, confirmed boolean, carried bigint, unheard bigint)
where k.account = %(account)s and k.name = b.name;

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
