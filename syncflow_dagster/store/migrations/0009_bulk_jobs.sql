-- Effects that go in a bulk job of the service instead of a request of their own.

alter table effect
    -- null: nobody has decided yet; it goes in an ordinary request
    add column bulk boolean,
    -- its line in the file of the job it was last sent in
    add column job_line integer;

-- Jobs whose effects have not all been decided; a job is forgotten when they are.
create table bulk_job (
    request_id   uuid primary key,
    job_id       text not null,
    workflow     text not null,
    node         text not null,
    lines        integer not null,
    opened_at    timestamptz not null,
    stored_at    timestamptz,
    not_before   timestamptz not null,
    failures     integer not null default 0,
    reason       text
);

create index effect_for_job on effect (workflow, node, pass) where bulk and state in ('PLANNED', 'RETRY');
create index effect_in_job on effect (request_id) where bulk and state in ('SENT', 'UNKNOWN');
