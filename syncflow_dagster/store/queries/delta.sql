-- Tables of a delta node and the batch around a build. {names} are filled with identifiers.

-- name: lock_definitions
select pg_advisory_xact_lock(hashtextextended('syncflow delta definitions', 0))

-- name: find_entities
select table_name, workflow, node
from syncflow.delta_entity
where table_name = %(table_name)s or (workflow = %(workflow)s and node = %(node)s)

-- name: register_entity
insert into syncflow.delta_entity (table_name, workflow, node, entity)
values (%(table_name)s, %(workflow)s, %(node)s, %(entity)s)
on conflict (table_name) do update set entity = excluded.entity
where delta_entity.entity <> excluded.entity

-- name: columns
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace s on s.oid = c.relnamespace
where s.nspname = %(schema)s and c.relname = %(table)s and a.attnum > 0 and not a.attisdropped

-- name: create_delta
-- A reference to the batch would be looked up for each of a million rows, which only a build adds.
-- The defaults are the same for all rows of a statement: COPY writes those rows many at a time.
-- Pages are left with too little room for a short row: new ones go behind the others, instead of
-- one here and one there, each with a whole page of log.
create table {delta} (
    delta_id         bigint generated always as identity primary key,
    batch_id         bigint not null,
    record_uuid      uuid not null,
    generation       integer not null,
    operation        text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
    state            text not null default 'PENDING',
    reason           text,
    state_since      timestamptz not null default statement_timestamp(),
    not_before       timestamptz,
    bk_hash          uuid not null,
    data_hash        bytea,
    parent_bk_hash   uuid,
    parent_uuid      uuid,
    business_key     text not null,
    customer         text,
    changed_columns  text[] not null default '{{}}',
    superseded_by    bigint,
    created_at       timestamptz not null default statement_timestamp(),
    synced_at        timestamptz
) with (fillfactor = 95)

-- name: index_records
create index on {delta} (record_uuid, delta_id)

-- name: index_unfinished
create index on {delta} (state, delta_id) where state not in ('SYNCED', 'SUPERSEDED', 'ARCHIVED')

-- name: guard_states
create trigger delta_transition before update of state on {delta}
    for each row execute function syncflow.check_transition('delta')

-- name: create_snapshot
-- Room in every page lets a changed record stay where it is, so that no index learns of it.
create table {snapshot} (
    bk_hash         uuid primary key,
    data_hash       bytea,
    field_hashes    bytea,
    row_hash        uuid,
    hash_version    integer not null,
    record_uuid     uuid not null,
    generation      integer not null default 1,
    parent_bk_hash  uuid,
    business_key    text not null,
    customer        text,
    deleted_at      timestamptz
) with (fillfactor = 90)

-- name: add_row_hash
-- To snapshots made before there was one.
alter table {snapshot} add column row_hash uuid

-- name: create_version
create table {version} (
    hash_version  integer generated always as identity primary key,
    fingerprint   text not null unique,
    fields        text[] not null,
    rules         jsonb not null,
    created_at    timestamptz not null default clock_timestamp()
)

-- name: find_version
select hash_version, fields, rules from {version} where fingerprint = %(fingerprint)s

-- name: add_version
-- Builds of two ranges may both come with it.
insert into {version} (fingerprint, fields, rules)
values (%(fingerprint)s, %(fields)s, %(rules)s)
on conflict (fingerprint) do update set rules = excluded.rules
returning hash_version, fields, rules

-- name: all_versions
select hash_version, fields, rules from {version}

-- name: used_versions
select distinct hash_version from {snapshot} where deleted_at is null

-- name: forget_versions
delete from {version} v
where v.hash_version <> (select max(hash_version) from {version})
  and not exists (
      select from {snapshot} k where k.hash_version = v.hash_version and k.deleted_at is null
  )

-- name: look_alone
-- Only one looks at the claims of a node and adds its own at a time. A claim that goes meanwhile
-- does no harm.
select pg_advisory_xact_lock(hashtextextended('syncflow delta claims ' || %(delta)s, 0))

-- name: find_claims
-- Advisory locks can tell only whether two are the same, not whether two ranges have keys in
-- common. So a lock says which range it is for: its second number is part * 65536 + parts, where
-- there are 64 parts at most.
select c.part, c.parts
from (
    select l.objid::bigint / 65536 as part, l.objid::bigint %% 65536 as parts
    from pg_locks l
    where l.locktype = 'advisory' and l.objsubid = 2 and l.granted
      and l.classid = %(delta)s::regclass
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
) c
where c.part * %(parts)s < (%(part)s + 1) * c.parts
  and %(part)s * c.parts < (c.part + 1) * %(parts)s
order by c.parts, c.part

-- name: claim
select pg_advisory_lock(%(delta)s::regclass::oid::integer, %(part)s * 65536 + %(parts)s)

-- name: share_writing
-- Builds of ranges write beside each other.
select pg_advisory_xact_lock_shared(hashtextextended('syncflow delta writing ' || %(delta)s, 0))

-- name: hold_writing
select pg_advisory_xact_lock(hashtextextended('syncflow delta writing ' || %(delta)s, 0))

-- name: fail_dead_batches
-- Of all ranges of keys that have some in common with this one.
update syncflow.batch
set status = 'FAILED', error = 'process died', finished_at = %(now)s
where workflow = %(workflow)s and node = %(node)s and status = 'RUNNING'
  and part * %(parts)s < (%(part)s + 1) * parts
  and %(part)s * parts < (part + 1) * %(parts)s

-- name: start_batch
insert into syncflow.batch (workflow, node, run_id, started_at, part, parts, strategy)
values (%(workflow)s, %(node)s, %(run_id)s, %(now)s, %(part)s, %(parts)s, %(strategy)s)
returning batch_id

-- name: find_later
-- Only batches of a range of keys that has some in common with this one.
select batch_id
from syncflow.batch
where workflow = %(workflow)s and node = %(node)s and batch_id >= %(earlier)s
  and status = 'DONE'
  and part * %(parts)s < (%(part)s + 1) * parts
  and %(part)s * parts < (part + 1) * %(parts)s
limit 1

-- name: resume_batch
update syncflow.batch set resumed_from = %(earlier)s where batch_id = %(batch)s

-- name: last_read
-- About how many rows a read like this one gives.
select (counts ->> 'read')::bigint as rows
from syncflow.batch
where workflow = %(workflow)s and node = %(node)s and status = 'DONE'
  and strategy = %(strategy)s
order by batch_id desc
limit 1

-- name: read_cursor
select definition, rowversion, swept_at
from syncflow.delta_cursor
where workflow = %(workflow)s and node = %(node)s and part = %(part)s and parts = %(parts)s

-- name: keep_cursor
insert into syncflow.delta_cursor
    (workflow, node, part, parts, definition, rowversion, swept_at)
values (%(workflow)s, %(node)s, %(part)s, %(parts)s, %(definition)s, %(rowversion)s, %(swept_at)s)
on conflict (workflow, node, part, parts) do update
set definition = excluded.definition, rowversion = excluded.rowversion,
    swept_at = excluded.swept_at

-- name: read_rejected
-- Open rejections that a build under today's rules can settle: not those whose record has changed
-- since, nor those about several rows of one key.
select r.rejection_id, r.record
from syncflow.rejected_record r
where r.workflow = %(workflow)s and r.node = %(node)s and r.resolved_at is null
  and r.rejection_id > %(after)s
  and r.exact and r.rule <> 'duplicate_key'
  and not exists (
      select from {delta} d where d.bk_hash = r.bk_hash and d.batch_id > r.last_batch
  )
order by r.rejection_id
limit %(limit)s

-- name: finish_batch
update syncflow.batch
set status = 'DONE', finished_at = %(now)s, counts = %(counts)s, stages = %(stages)s
where batch_id = %(batch)s

-- name: fail_batch
update syncflow.batch
set status = 'FAILED', finished_at = %(now)s, error = %(error)s, counts = %(counts)s,
    stages = %(stages)s
where batch_id = %(batch)s and status = 'RUNNING'
