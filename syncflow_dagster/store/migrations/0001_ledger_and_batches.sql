-- The ledger, the batches and what they refer to. Delta and snapshot tables are made per workflow.

create table state_transition (
    machine   text not null check (machine in ('delta', 'effect')),
    old_state text not null,
    new_state text not null,
    primary key (machine, old_state, new_state)
);

-- The same rows as syncflow_dagster.core.states; a test holds the two together.
insert into state_transition (machine, old_state, new_state)
select machine, old_state, unnest(string_to_array(new_states, ' '))
from (values
    ('delta', 'PENDING', 'PUSHING WAITING HELD DEAD SYNCED SUPERSEDED'),
    ('delta', 'PUSHING', 'PENDING SYNCED WAITING FAILED DEAD HELD SUPERSEDED'),
    ('delta', 'WAITING', 'PENDING PUSHING SYNCED FAILED DEAD SUPERSEDED'),
    ('delta', 'FAILED', 'PENDING PUSHING SYNCED WAITING DEAD SUPERSEDED'),
    ('delta', 'HELD', 'PENDING PUSHING DEAD SUPERSEDED'),
    ('delta', 'DEAD', 'PENDING SUPERSEDED ARCHIVED'),
    ('delta', 'SYNCED', 'ARCHIVED'),
    ('delta', 'SUPERSEDED', 'ARCHIVED'),
    ('effect', 'PLANNED', 'CLAIMED WAITING HELD CANCELLED DEAD'),
    ('effect', 'CLAIMED', 'SENT PLANNED WAITING RETRY CANCELLED DEAD'),
    ('effect', 'SENT', 'DONE RETRY UNKNOWN WAITING DEAD'),
    ('effect', 'UNKNOWN', 'DONE RETRY NEEDS_PERSON'),
    ('effect', 'NEEDS_PERSON', 'DONE RETRY CANCELLED'),
    ('effect', 'WAITING', 'PLANNED CLAIMED HELD CANCELLED DEAD'),
    ('effect', 'RETRY', 'CLAIMED WAITING CANCELLED DEAD'),
    ('effect', 'HELD', 'PLANNED CANCELLED DEAD'),
    ('effect', 'DEAD', 'PLANNED CANCELLED')
) as allowed (machine, old_state, new_states);

-- Trigger for a table with a column `state`; its argument names the machine.
create function check_transition() returns trigger language plpgsql as $$
begin
    if new.state is distinct from old.state and not exists (
        select 1 from syncflow.state_transition
        where machine = tg_argv[0] and old_state = old.state and new_state = new.state
    ) then
        raise exception '% of % may not go from % to %', tg_argv[0], tg_table_name, old.state, new.state
            using errcode = 'check_violation';
    end if;
    return new;
end
$$;

create table batch (
    batch_id    bigint generated always as identity primary key,
    workflow    text not null,
    node        text not null,
    run_id      text,
    status      text not null default 'RUNNING' check (status in ('RUNNING', 'DONE', 'FAILED')),
    started_at  timestamptz not null,
    finished_at timestamptz,
    counts      jsonb not null default '{}',
    stages      jsonb not null default '[]',
    error       text
);
create index batch_by_node on batch (workflow, node, batch_id desc);

-- Which delta tables there are, so that one query can ask them all.
create table delta_entity (
    table_name  text primary key,
    workflow    text not null,
    node        text not null,
    entity      text not null,
    unique (workflow, node)
);

-- Rows that could not become records: each with the column, the value and the rule it broke.
create table rejected_record (
    rejection_id  bigint generated always as identity primary key,
    workflow      text not null,
    node          text not null,
    fingerprint   uuid not null,
    row_number    bigint not null,
    business_key  text,
    customer      text,
    column_name   text not null,
    value         text,
    rule          text not null,
    reason        text not null,
    record        jsonb not null,
    first_batch   bigint not null references batch,
    last_batch    bigint not null references batch,
    times         integer not null default 1,
    resolved_at   timestamptz,
    unique (workflow, node, fingerprint)
);

-- Objects at a service that we made or found, by our own key. The key names service and board, so
-- that it outlives a change of the account's name.
create table remote_object (
    object_key  text primary key,
    remote_id   text not null,
    generation  integer not null default 1,
    created_at  timestamptz not null default clock_timestamp(),
    retired_at  timestamptz
);

create sequence worker_number as integer cycle;

create table effect (
    effect_id    bigint generated always as identity primary key,
    effect_key   text not null unique,
    workflow     text not null,
    node         text not null,
    account      text not null,
    kind         text not null,
    pass         smallint not null,
    object_key   text not null,
    generation   integer not null default 1,
    parent_key   text,
    creates      boolean not null,
    delta_table  text,
    delta_id     bigint,
    customer     text,
    payload      jsonb not null,
    state        text not null default 'PLANNED',
    reason       text,
    state_since  timestamptz not null default clock_timestamp(),
    tries        integer not null default 0,
    lookups      integer not null default 0,
    not_before   timestamptz,
    lease_owner  integer,
    lease_until  timestamptz,
    request_id   uuid,
    sent_at      timestamptz,
    remote_id    text,
    planned_at   timestamptz not null default clock_timestamp(),
    finished_at  timestamptz
);
create trigger effect_transition before update of state on effect
    for each row execute function check_transition('effect');

-- At most one create of an object can be alive: the database's own word against duplicates.
create unique index one_live_create on effect (object_key, generation)
    where creates and state not in ('DEAD', 'CANCELLED');
create index effect_due on effect (workflow, node, pass, effect_id)
    where state in ('PLANNED', 'RETRY');
create index effect_moving on effect (workflow, node, state)
    where state in ('CLAIMED', 'SENT', 'UNKNOWN', 'WAITING', 'NEEDS_PERSON', 'HELD');
create index effect_by_object on effect (object_key, effect_id);
create index effect_by_delta on effect (delta_table, delta_id);

-- One row for each time an effect was sent or looked up.
create table attempt (
    attempt_id   bigint generated always as identity primary key,
    effect_id    bigint not null references effect on delete cascade,
    action       text not null check (action in ('send', 'lookup')),
    request_id   uuid not null,
    started_at   timestamptz not null,
    finished_at  timestamptz,
    outcome      text,
    detail       text
);
create index attempt_by_effect on attempt (effect_id, attempt_id);

-- What an account may still spend, in the service's own units, shared by all processes.
create table budget (
    account        text not null,
    name           text not null,
    allowed        bigint not null check (allowed > 0),
    window_s       double precision not null check (window_s > 0),
    spent          bigint not null default 0,
    reserved       bigint not null default 0,
    window_ends_at timestamptz not null,
    primary key (account, name)
);
