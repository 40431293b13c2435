-- Reads that go on where they stopped, reads of changes only, and work split into ranges.

alter table batch
    add column part         integer not null default 0,
    add column parts        integer not null default 1,
    add column strategy     text,
    add column resumed_from bigint references batch;

-- How far a node has read. Ranges that are cut otherwise begin anew with a read of everything.
create table delta_cursor (
    workflow    text not null,
    node        text not null,
    part        integer not null,
    parts       integer not null,
    definition  text not null,
    rowversion  text,
    swept_at    timestamptz not null,
    primary key (workflow, node, part, parts)
);

-- Each delta row's reference to its batch was looked up row by row; only a build adds rows.
do $$
declare
    found record;
begin
    for found in
        select c.conrelid::regclass as delta, c.conname
        from pg_constraint c
        join syncflow.delta_entity e on c.conrelid = to_regclass('syncflow.' || e.table_name)
        where c.contype = 'f'
    loop
        execute format('alter table %s drop constraint %I', found.delta, found.conname);
    end loop;
end
$$;

-- Whose rejection it is, where the key could be read.
alter table rejected_record add column bk_hash uuid;
-- False where the source's row cannot be had back from the record that is shown.
alter table rejected_record add column exact boolean not null default true;
create index rejected_by_key on rejected_record (workflow, node, bk_hash) where resolved_at is null;
