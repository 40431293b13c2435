-- What an account may do now: budgets of other kinds, requests on their way, and a circuit breaker;
-- and what an effect needs so that a write that is applied late is not made twice.

alter table budget
    -- window: free again some time after the first spending; day: at midnight UTC; flight: a number
    -- of requests at a time.
    add column kind      text not null default 'window' check (kind in ('window', 'day', 'flight')),
    -- whether an answer has told since when the present window runs
    add column confirmed boolean not null default true,
    -- units on their way when the present window began
    add column carried   bigint not null default 0,
    -- units of requests that came back without the service's count
    add column unheard   bigint not null default 0;

-- Requests on their way, of budgets of the kind flight. One whose process died counts until its
-- lease is over: the service may still be at work on it.
create table in_flight (
    ticket      uuid primary key,
    account     text not null,
    name        text not null,
    lease_until timestamptz not null
);
create index in_flight_by_account on in_flight (account, name);

create table breaker (
    account     text primary key,
    failures    integer not null default 0,
    openings    integer not null default 0,
    open_until  timestamptz,
    probe_until timestamptz,
    reason      text,
    since       timestamptz
);

alter table effect
    add column idempotency_key uuid,
    add column key_size        integer not null default 0,
    add column doubted         boolean not null default false;
