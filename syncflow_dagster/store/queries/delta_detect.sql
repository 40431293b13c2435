-- What a build asks of the known state, and what it does with records that break a rule.

-- name: create_rejected
create temp table rejected (
    n             bigint not null,
    row_number    bigint not null,
    bk            uuid,
    fingerprint   uuid not null,
    business_key  text,
    customer      text,
    column_name   text not null,
    value         text,
    rule          text not null,
    reason        text not null,
    record        jsonb not null,
    exact         boolean not null
) on commit drop

-- name: count_pages
select pg_relation_size(%(snapshot)s::regclass) / current_setting('block_size')::bigint as pages

-- name: share_view
select pg_export_snapshot() as view

-- name: see
set transaction snapshot {view}

-- name: read_known
-- One value for thousands of rows: a row of its own for each costs more than what it holds.
-- The version of a record known to be deleted is negative.
select string_agg(
           uuid_send(bk_hash) || coalesce(data_hash, %(nothing)s)
           || coalesce(uuid_send(row_hash), %(no_row)s)
           || int4send(case when deleted_at is null then hash_version else -hash_version end),
           ''::bytea
       ) as records
from {snapshot}
where ctid >= %(first)s::tid and ctid < %(end)s::tid
  and bk_hash >= %(low)s and bk_hash <= %(high)s

-- name: read_changes
-- The keys come one behind the other, and one value answers for thousands of records, as above.
select coalesce(string_agg(int4send(i), ''::bytea), '') as places,
       coalesce(string_agg(uuid_send(k.record_uuid), ''::bytea), '') as ids,
       coalesce(string_agg(int4send(k.generation), ''::bytea), '') as generations,
       coalesce(string_agg(int4send(k.hash_version), ''::bytea), '') as versions,
       coalesce(string_agg(coalesce(k.field_hashes, ''), ''::bytea), '') as hashes,
       coalesce(string_agg(int4send(coalesce(length(k.field_hashes), 0)), ''::bytea), '') as lengths
from generate_series(0, %(count)s - 1) as i
join {snapshot} k
  on k.bk_hash = encode(substring(%(keys)s::bytea from i * 16 + 1 for 16), 'hex')::uuid

-- name: known_values
-- A record's newest row holds the values it was last written with. No field can have these names.
select k.bk_hash as "#bk", k.business_key as "#key", {fields}
from {snapshot} k
left join lateral (
    select * from {delta} newest
    where newest.record_uuid = k.record_uuid
    order by newest.delta_id desc
    limit 1
) d on true
where k.bk_hash = any (%(keys)s)

-- name: find_parents
-- A parent that waits for its own is not there yet; see parents.sql.
select p.bk_hash, p.record_uuid
from {parent_snapshot} p
where p.deleted_at is null and p.bk_hash = any (%(keys)s)
  and (%(never_waits)s or not exists (
      select from (
          select w.* from {parent_delta} w
          where w.record_uuid = p.record_uuid
          order by w.delta_id desc
          limit 1
      ) newest
      where newest.state = 'WAITING' and newest.parent_uuid is null
        and newest.parent_bk_hash is not null))

-- name: store_rejections
-- Rows that are alike to the letter share a fingerprint and are numbered.
insert into syncflow.rejected_record (
    workflow, node, fingerprint, row_number, business_key, customer, column_name, value, rule,
    reason, record, first_batch, last_batch, bk_hash, exact
)
select %(workflow)s, %(node)s,
       md5(fingerprint::text || row_number() over (partition by fingerprint order by row_number, n))::uuid,
       row_number, business_key, customer, column_name, value, rule, reason, record,
       %(batch)s, %(batch)s, bk, exact
from pg_temp.rejected
order by rejected.row_number, n
on conflict (workflow, node, fingerprint) do update
set last_batch = excluded.last_batch, times = rejected_record.times + 1,
    -- Another try of a row knows nothing of its place in the source.
    row_number = case when %(retry)s then rejected_record.row_number
                      else excluded.row_number end,
    reason = excluded.reason, bk_hash = excluded.bk_hash, exact = excluded.exact,
    resolved_at = null

-- name: resolve_rejections
update syncflow.rejected_record
set resolved_at = %(now)s
where workflow = %(workflow)s and node = %(node)s and resolved_at is null
  and last_batch <> %(batch)s
  and (not %(retry)s or (exact and rule <> 'duplicate_key'))
  and case when bk_hash is null then %(keyless)s
           else bk_hash >= %(low)s and bk_hash <= %(high)s end

-- name: open_keys
select distinct bk_hash
from syncflow.rejected_record
where workflow = %(workflow)s and node = %(node)s and resolved_at is null
  and last_batch <> %(batch)s and bk_hash is not null

-- name: resolve_keys
update syncflow.rejected_record
set resolved_at = %(now)s
where workflow = %(workflow)s and node = %(node)s and resolved_at is null
  and last_batch <> %(batch)s and bk_hash = any (%(keys)s)

-- name: first_rejections
select row_number, business_key, customer, column_name, value, rule, reason, record
from syncflow.rejected_record
where workflow = %(workflow)s and node = %(node)s and last_batch = %(batch)s
order by row_number, rejection_id
limit %(limit)s
