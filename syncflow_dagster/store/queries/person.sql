-- What we hold about a person. `ids` are ids of records, `emails` addresses in small letters,
-- `persons` ids of persons of identity nodes. {names} are filled with identifiers.

-- name: persons
with known as (
    select r.person_id from person_record r where r.record_id = any(%(ids)s)
    union
    select i.person_id from person_identifier i
    where i.kind = 'email' and i.value = any(%(emails)s) and not i.shared
)
select distinct p.person_id
from known k
join person own on own.person_id = k.person_id
join person p on coalesce(p.merged_into, p.person_id) = coalesce(own.merged_into, own.person_id)

-- name: known_by
select 'record' as kind, r.record_id as value from person_record r
where r.person_id = any(%(persons)s)
union
select i.kind, i.value from person_identifier i
where i.person_id = any(%(persons)s) and i.kind in ('email', 'phone') and not i.shared

-- name: delta_tables
select table_name as name from delta_entity order by table_name

-- name: columns
select c.column_name as name, c.is_nullable = 'YES' as nullable
from information_schema.columns c
where c.table_schema = 'syncflow' and c.table_name = %(table)s
order by c.ordinal_position

-- name: records
-- Records that are the person's: by key, by an address in one of the fields, by the person's id.
select distinct d.record_uuid, d.business_key
from {table} d
where d.business_key = any(%(ids)s)
   or exists (
       select from jsonb_each_text(to_jsonb(d) - %(own)s::text[]) as v
       where lower(btrim(v.value)) = any(%(emails)s) or v.value = any(%(persons)s::text[]))

-- name: names_since
select distinct d.business_key from {table} d
where d.created_at >= %(since)s and d.business_key <> 'erased'

-- name: rows
select to_jsonb(d) as held from {table} d where d.record_uuid = any(%(records)s)

-- name: delta_ids
select delta_id from {table} where record_uuid = any(%(records)s)

-- name: erase_due_records
-- What a record says of its times may be personal too; and nobody is asked about it any more.
delete from due_record r
using {table} k, delta_entity e
where e.table_name || '_snapshot' = %(table)s and r.workflow = e.workflow and r.node = e.node
  and r.bk_hash = k.bk_hash and k.record_uuid = any(%(records)s)

-- name: erase_rows
-- A change that is not sent yet is not sent any more.
update {table} d
set {fields} business_key = 'erased', customer = null, data_hash = null,
    reason = case when d.reason is null then null else 'erased' end
where d.record_uuid = any(%(records)s) and d.business_key <> 'erased'

-- name: end_rows
update {table} d
set state = 'SUPERSEDED', reason = 'erased', state_since = %(now)s
where d.record_uuid = any(%(records)s)
  and d.state not in ('SYNCED', 'SUPERSEDED', 'ARCHIVED')
  and not exists (
      select from effect e
      where e.delta_table = %(table)s and e.delta_id = d.delta_id
        and e.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'NEEDS_PERSON'))

-- name: erase_snapshot
-- The hashes stay: what the source has not changed is not written down anew.
update {table} set {fields} business_key = 'erased', customer = null
where record_uuid = any(%(records)s) and business_key <> 'erased'

-- name: effects
select e.effect_id, to_jsonb(e) as held
from {table} e
where exists (
        select from unnest(%(tables)s::text[], %(delta_ids)s::bigint[]) as w (name, id)
        where w.name = e.delta_table and w.id = e.delta_id)
   or string_to_array(e.object_key, ':') && %(ids)s::text[]
   or exists (
        select from jsonb_path_query(e.payload, '$.** ? (@.type() == "string")') as v
        where lower(v #>> '{{}}') = any(%(emails)s) or v #>> '{{}}' = any(%(ids)s))

-- name: cancel_effects
update effect
set state = 'CANCELLED', reason = 'erased', state_since = %(now)s,
    finished_at = coalesce(finished_at, %(now)s)
where effect_id = any(%(effects)s) and state in ('PLANNED', 'WAITING', 'RETRY', 'HELD', 'DEAD')

-- name: erase_effects
-- What is on its way keeps its payload until it is known what became of it. Of an action of a lead
-- stays what is counted: which step it was, and that it said something.
update {table}
set payload = case when object_key like 'outreach:%%' then jsonb_strip_nulls(jsonb_build_object(
                       'step', payload -> 'step', 'after', payload -> 'after',
                       'next', payload -> 'next',
                       'text', case when payload ->> 'text' <> '' then 'erased' end))
                   else '{{}}' end,
    customer = null,
    reason = case when reason is null then null else 'erased' end
where effect_id = any(%(effects)s) and state in ('DONE', 'CANCELLED', 'DEAD')
  and payload <> '{{}}'

-- name: open_effects
select effect_id from effect
where effect_id = any(%(effects)s) and state not in ('DONE', 'CANCELLED', 'DEAD')

-- name: erase_attempts
update attempt set detail = null where effect_id = any(%(effects)s) and detail is not null

-- name: erase_decisions
update decision set reason = 'erased',
    old_reason = case when old_reason is null then null else 'erased' end
where effect_id = any(%(effects)s)

-- name: rename_remote
-- What stands for the person at the service is the id itself.
update {table} t set remote_id = %(hash)s
where t.remote_id = %(id)s
  and not exists (
      select from effect e
      where e.object_key = t.object_key and e.state not in ('DONE', 'CANCELLED', 'DEAD'))

-- name: rename_effects
-- An id within the key of an effect, by which its line in a plan is known, too.
update {table} t set effect_key = replace(t.effect_key, %(id)s, %(hash)s)
where %(id)s = any(string_to_array(t.effect_key, ':'))
  and not exists (
      select from effect e
      where e.effect_key = t.effect_key and e.state not in ('DONE', 'CANCELLED', 'DEAD'))

-- name: rename_objects
-- An id within the key of an object becomes its keyed hash, everywhere the same; a worker that has an
-- effect in hand knows it by its key.
update {table} t
set object_key = replace(object_key, %(id)s, %(hash)s)
where %(id)s = any(string_to_array(object_key, ':'))
  and not exists (
      select from effect e
      where e.object_key = t.object_key and e.state not in ('DONE', 'CANCELLED', 'DEAD'))

-- name: records_of_effects
select delta_table, array_agg(distinct delta_id) as delta_ids from effect
where effect_id = any(%(effects)s) and delta_table is not null
group by delta_table

-- name: erased_records
select distinct record_uuid from {table}
where delta_id = any(%(delta_ids)s) and business_key = 'erased'

-- name: keys_of_effects
select unnest(array[object_key, effect_key, remote_id]) as key from effect
where effect_id = any(%(effects)s)
union
select unnest(array[object_key, effect_key, remote_id]) from effect_archive
where effect_id = any(%(effects)s)

-- name: rejected
select r.rejection_id, to_jsonb(r) as held
from rejected_record r
where r.business_key = any(%(ids)s)
   or exists (
       select from jsonb_each_text(r.record) as v
       where lower(btrim(v.value)) = any(%(emails)s) or v.value = any(%(ids)s))

-- name: erase_rejected
update rejected_record
set record = '{{}}', value = null, business_key = null, customer = null, reason = 'erased',
    exact = false, resolved_at = coalesce(resolved_at, %(now)s)
where rejection_id = any(%(rejections)s)

-- name: plan_lines
-- By the record, or the row: a line that was never applied has no effect.
select l.plan_id, l.effect_key, l.record_id, to_jsonb(l) as held from tag_plan_line l
where l.record_id = any(%(ids)s)
   or exists (
       select from unnest(%(tables)s::text[], %(delta_ids)s::bigint[]) as w (name, id)
       where w.id = l.delta_id
         and position(':' || w.name || ':' || w.id || ':' in l.effect_key) > 0)

-- name: erase_plan_lines
update tag_plan_line l set record_id = w.hash, before = '{{}}', after = '{{}}'
from unnest(%(plans)s::bigint[], %(keys)s::text[], %(hashes)s::text[]) as w (plan_id, key, hash)
where l.plan_id = w.plan_id and l.effect_key = w.key

-- name: erase_plan_reasons
update tag_plan set reason = 'erased'
where plan_id = any(%(plans)s::bigint[]) and reason is not null

-- name: identity_rows
select 'person_record' as name, to_jsonb(r) as held from person_record r
where r.person_id = any(%(persons)s)
union all
select 'person_identifier', to_jsonb(i) from person_identifier i
where i.person_id = any(%(persons)s)
union all
select 'job_change', to_jsonb(j) from job_change j
where j.person_id = any(%(persons)s) or j.contact_id = any(%(ids)s)
   or j.former_contact_id = any(%(ids)s)
union all
select 'review_case', to_jsonb(c) from review_case c where c.record_id = any(%(ids)s)

-- name: erase_candidates
delete from review_candidate
where person_id = any(%(persons)s)
   or case_id in (select case_id from review_case where record_id = any(%(ids)s))

-- name: erase_cases
delete from review_case where record_id = any(%(ids)s)

-- name: erase_moves
delete from job_change
where person_id = any(%(persons)s) or contact_id = any(%(ids)s)
   or former_contact_id = any(%(ids)s)

-- name: erase_identifiers
delete from person_identifier where person_id = any(%(persons)s)

-- name: erase_person_records
delete from person_record where person_id = any(%(persons)s)
