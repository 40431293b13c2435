-- Budgets: what an account may still spend, shared by all its processes.

-- name: open
insert into budget (account, name, allowed, window_s, window_ends_at)
values (%(account)s, %(name)s, %(allowed)s, %(window_s)s, %(now)s)
on conflict do nothing;

-- name: lock
select name, allowed, window_s, spent, reserved, window_ends_at
from budget
where account = %(account)s and name = any(%(names)s)
order by name
for update;

-- name: keep
update budget
set allowed = %(allowed)s, window_s = %(window_s)s, spent = %(spent)s, reserved = %(reserved)s,
    window_ends_at = %(window_ends_at)s
where account = %(account)s and name = %(name)s;

-- name: read
select name, allowed, window_s, spent, reserved, window_ends_at
from budget where account = %(account)s order by name;
