-- When workflows run, whose turn it is, and which records are due.

-- How far the due times of a time trigger have been noted. A trigger whose rule changes begins anew.
create table trigger_cursor (
    workflow  text not null,
    trigger   text not null,
    rule      text not null,
    noted_to  timestamptz not null,
    -- the latest due time noted; null: none yet
    last_due  timestamptz,
    primary key (workflow, trigger)
);

-- A due time, or another occasion on which a workflow is to run once.
create table trigger_slot (
    slot_id      bigint generated always as identity primary key,
    workflow     text not null,
    trigger      text not null,
    -- of a time trigger the due time; of one that comes after another workflow, that one's run
    occasion     text not null,
    -- of a workflow whose delta nodes are split, the partition; empty: all that is not split
    part         text not null,
    due_at       timestamptz not null,
    previous_at  timestamptz,
    state        text not null default 'DUE'
                 check (state in ('DUE', 'REQUESTED', 'TAKEN', 'SKIPPED')),
    state_since  timestamptz not null,
    reason       text,
    -- the run that has taken it, or the first of those that repeat that one
    run_id       text,
    -- when a run that had begun it left before its end: whoever takes it goes on from there
    left_at      timestamptz,
    unique (workflow, trigger, occasion, part),
    check ((state = 'TAKEN') = (run_id is not null)),
    check ((state = 'SKIPPED') = (reason is not null))
);

create index slot_open on trigger_slot (workflow, due_at) where state in ('DUE', 'REQUESTED');
create index slot_of_run on trigger_slot (run_id) where run_id is not null;
create index slot_old on trigger_slot (state_since) where state in ('TAKEN', 'SKIPPED');

-- How far the runs after other workflows' runs have been noted.
create table trigger_after (
    workflow  text not null,
    trigger   text not null,
    begun_at  timestamptz not null,
    noted_to  timestamptz not null,
    -- when the last of them ended
    last_end  timestamptz,
    primary key (workflow, trigger)
);

-- How far a pull has read, of those that read from one due time to the next.
create table pull_interval (
    workflow  text not null,
    node      text not null,
    part      integer not null,
    parts     integer not null,
    -- names what is read and how it is compared; a change of it asks for all rows
    definition text not null,
    read_to   timestamptz not null,
    run_id    text,
    read_at   timestamptz not null,
    primary key (workflow, node, part, parts)
);

-- When a record is due next, of nodes whose records each have their own times. Records that say no
-- time have no row.
create table due_record (
    workflow     text not null,
    node         text not null,
    bk_hash      uuid not null,
    record_uuid  uuid not null,
    -- what its times follow from, as the record says it
    rule         text not null,
    -- null: it is not due any more, or its rule cannot be read
    next_due_at  timestamptz,
    last_due_at  timestamptz,
    problem      text,
    primary key (workflow, node, bk_hash)
);

create index due_record_next on due_record (workflow, node, next_due_at)
    where next_due_at is not null;
create index due_record_problem on due_record (workflow, node) where problem is not null;

-- How the due times of a node's records were found; where the file says it otherwise, all are found
-- anew. Empty: only those of records that have changed since are found.
create table due_definition (
    workflow    text not null,
    node        text not null,
    definition  text not null,
    primary key (workflow, node)
);

-- What an owner's turns have cost, in seconds of work by its share.
create table owner_turn (
    owner         text primary key,
    used_s        double precision not null default 0,
    share         integer not null,
    last_used_at  timestamptz not null
);

-- Workflows that have something to do and no place yet; those at work leave them theirs in time.
create table turn_wait (
    workflow  text primary key,
    owner     text not null,
    priority  integer not null,
    since     timestamptz not null,
    -- whether a run of its own owner stands in its way; else no place is free
    for_owner boolean not null,
    -- when it was last found to wait
    seen_at   timestamptz not null
);

-- Windows a person has opened for a while, by workflow.
create table window_override (
    override_id  bigint generated always as identity primary key,
    workflow     text not null,
    open_from    timestamptz not null,
    open_until   timestamptz not null,
    actor        text not null,
    reason       text not null,
    made_at      timestamptz not null,
    -- the run that alone goes by it; null: the whole workflow does
    run_id       text unique,
    check (open_until > open_from)
);

create index window_override_open on window_override (workflow, open_until);

-- What a workflow's pushes got done in a while, from which a forecast is made.
create table work_rate (
    rate_id   bigint generated always as identity primary key,
    workflow  text not null,
    node      text not null,
    pass      integer not null,
    began_at  timestamptz not null,
    ended_at  timestamptz not null,
    -- seconds spent waiting for budgets, or for something to become due
    waited_s  double precision not null,
    effects   bigint not null,
    run_id    text,
    check (ended_at >= began_at)
);

create index work_rate_latest on work_rate (workflow, node, pass, ended_at);

-- Effects that can go are taken up in turns of their customers; what was sent and not answered goes
-- again first, all that went together.
drop index effect_due;
create index effect_due on effect (workflow, node, pass, coalesce(customer, ''), effect_id)
    where state in ('PLANNED', 'RETRY');
create index effect_again on effect (workflow, node, pass, effect_id)
    where state = 'RETRY' and idempotency_key is not null;
