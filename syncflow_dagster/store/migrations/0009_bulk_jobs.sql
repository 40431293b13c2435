-- Effects that go in a bulk job of the service instead of a request of their own.

alter table effect
    -- null: nobody has decided yet; it goes in an ordinary request
    add column bulk boolean,
    add column job_id text,
    add column job_line integer,
    add column job_stored boolean not null default false;

create index effect_in_job on effect (workflow, node, job_id)
    where state = 'UNKNOWN' and job_id is not null;
