-- How far retention has looked, where effects of archived rows go, and what each push came to.

-- Everything that was settled up to this place has been looked at: what stays need not be read again.
create table retention_mark (
    workflow   text not null,
    what       text not null,
    settled_at timestamptz not null default '1970-01-01+00',
    settled_id bigint not null default 0,
    primary key (workflow, what)
);

-- Effects that have ended, in the order of ending: retention and run summaries ask for them.
create index effect_ended on effect (workflow, (coalesce(finished_at, planned_at)), effect_id)
    where state in ('DONE', 'DEAD', 'CANCELLED');

-- Effects of archived delta rows, without what only delivery needs.
create table effect_archive (
    effect_id    bigint primary key,
    effect_key   text not null,
    workflow     text not null,
    node         text not null,
    account      text not null,
    kind         text not null,
    object_key   text not null,
    delta_table  text not null,
    delta_id     bigint not null,
    customer     text,
    payload      jsonb not null,
    state        text not null,
    reason       text,
    tries        integer not null,
    remote_id    text,
    planned_at   timestamptz not null,
    finished_at  timestamptz
);
create index effect_archive_by_delta on effect_archive (delta_table, delta_id);

-- What a run's push came to; a run that found nothing to do has none.
create table run_summary (
    workflow  text not null,
    node      text not null,
    run_id    text not null,
    began_at  timestamptz not null,
    ended_at  timestamptz not null,
    passes    jsonb not null default '{}',
    summary   jsonb not null default '{}',
    primary key (workflow, node, run_id)
);
create index run_summary_by_time on run_summary (workflow, began_at);
