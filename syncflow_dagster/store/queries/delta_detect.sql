-- From staged hashes to the set of changes. Temporary tables live in the build's own session.

-- name: create_stage
create temp table stage (
    n           integer not null,
    row_number  integer not null,
    bk          uuid not null,
    data_hash   bytea not null,
    parent_bk   uuid
)

-- name: create_rejected
create temp table rejected (
    n             integer not null,
    row_number    bigint not null,
    bk            uuid,
    fingerprint   uuid not null,
    business_key  text,
    customer      text,
    column_name   text not null,
    value         text,
    rule          text not null,
    reason        text not null,
    record        jsonb not null
)

-- name: analyse_stage
analyze pg_temp.stage, pg_temp.rejected

-- name: find_duplicates
-- Staged records whose business key another record of the batch has too, rejected ones included:
-- where one of them is broken, nobody can say that the other is the right one.
create temp table duplicate on commit drop as
with everyone as (
    select n, row_number, bk from pg_temp.stage
    union all
    select n, row_number, bk from pg_temp.rejected where bk is not null
),
shared as (
    select bk from everyone group by bk having count(*) > 1
),
described as (
    select bk, min(n) as first_n, max(n) as last_n, count(*) as occurrences,
           (array_agg(row_number order by n))[1:5] as row_numbers
    from everyone
    join shared using (bk)
    group by bk
)
select s.n, s.row_number, s.bk, first_n, last_n, occurrences, row_numbers
from pg_temp.stage s
join described using (bk)

-- name: read_duplicates
select n, row_number, uuid_send(bk) as bk, occurrences, row_numbers
from pg_temp.duplicate
where n >= %(first)s and n < %(end)s
order by n

-- name: drop_duplicates
delete from pg_temp.stage s
using pg_temp.duplicate d
where s.n = d.n
  and case %(keep)s when 'first' then s.n <> d.first_n when 'last' then s.n <> d.last_n
      else true end

-- name: create_parents
create temp table parent (bk_hash uuid, record_uuid uuid) on commit drop

-- name: find_parents
insert into pg_temp.parent (bk_hash, record_uuid)
select p.bk_hash, p.record_uuid
from {parent_snapshot} p
where p.deleted_at is null
  and p.bk_hash in (select parent_bk from pg_temp.stage)

-- name: analyse_parents
analyze pg_temp.parent

-- name: detect
create temp table change on commit drop as
select s.n, coalesce(s.bk, k.bk_hash) as bk, s.data_hash, s.parent_bk,
       case when s.bk is null then 'DELETE'
            when k.bk_hash is null or k.deleted_at is not null then 'INSERT'
            else 'UPDATE' end as operation
from pg_temp.stage s
full join {snapshot} k on k.bk_hash = s.bk
where case
    when s.bk is null then
        %(deletes)s and k.deleted_at is null
        and k.bk_hash not in (select bk from pg_temp.rejected where bk is not null)
    else
        k.bk_hash is null or k.deleted_at is not null or %(everything)s
        or k.data_hash <> s.data_hash or k.hash_version <> %(version)s
    end

-- name: index_changes
create index on pg_temp.change (n)

-- name: analyse_changes
analyze pg_temp.change

-- name: count_changes
select
    (select count(*) from pg_temp.stage) as staged,
    (select count(*) from pg_temp.change) as changes,
    (select count(*) from pg_temp.change where operation = 'DELETE') as deletes,
    (select count(*) from {snapshot} where deleted_at is null) as known

-- name: read_changes
select c.n, c.operation, uuid_send(c.bk) as bk, c.data_hash, uuid_send(c.parent_bk) as parent_bk,
       uuid_send(p.record_uuid) as parent_uuid, k.bk_hash is not null as known,
       uuid_send(k.record_uuid) as record_uuid,
       coalesce(k.generation + (k.deleted_at is not null)::integer, 1) as generation,
       k.field_hashes, k.hash_version
from pg_temp.change c
left join {snapshot} k on k.bk_hash = c.bk
left join pg_temp.parent p on p.bk_hash = c.parent_bk
where c.n >= %(first)s and c.n < %(end)s
order by c.n

-- name: store_rejections
-- Rows that are alike to the letter share a fingerprint and are numbered.
insert into syncflow.rejected_record (
    workflow, node, fingerprint, row_number, business_key, customer, column_name, value, rule,
    reason, record, first_batch, last_batch
)
select %(workflow)s, %(node)s,
       md5(fingerprint::text || row_number() over (partition by fingerprint order by n))::uuid,
       row_number, business_key, customer, column_name, value, rule, reason, record,
       %(batch)s, %(batch)s
from pg_temp.rejected
order by n
on conflict (workflow, node, fingerprint) do update
set last_batch = excluded.last_batch, times = rejected_record.times + 1,
    row_number = excluded.row_number, reason = excluded.reason, resolved_at = null

-- name: resolve_rejections
update syncflow.rejected_record
set resolved_at = %(now)s
where workflow = %(workflow)s and node = %(node)s and resolved_at is null
  and last_batch <> %(batch)s

-- name: first_rejections
select row_number, business_key, customer, column_name, value, rule, reason, record
from syncflow.rejected_record
where workflow = %(workflow)s and node = %(node)s and last_batch = %(batch)s
order by row_number, rejection_id
limit %(limit)s
