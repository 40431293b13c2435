-- Who may not be written about: suppression lists, and persons who were erased. Hashes are keyed.

-- name: claim_key
-- The first key that is used is the key; any other is refused.
insert into privacy_key (name, since) values (%(name)s, %(now)s) on conflict (only_one) do nothing

-- name: read_key
select name, since from privacy_key

-- name: listed
-- Of these hashes those that are on one of these lists now, or erased (then without a list).
select latest.hash, latest.list
from (
    select distinct on (s.hash, s.list) s.hash, s.list, s.action
    from suppression s
    where s.hash = any(%(hashes)s) and s.list = any(%(lists)s)
    order by s.hash, s.list, s.entry_id desc
) latest
where latest.action = 'add'
union all
select distinct e.hash, null from erased_identifier e where e.hash = any(%(hashes)s)

-- name: known_by
-- What the persons of these records are known by beside them: their other records, and addresses and
-- numbers that are or were theirs alone.
with asked as (
    select r.record_id, r.person_id
    from identity_begin n
    join person_record r using (workflow, node)
    where r.record_id = any(%(record_ids)s)
), persons as (
    select a.record_id, a.person_id from asked a
    union
    select a.record_id, p.person_id from asked a join person p on p.merged_into = a.person_id
)
select p.record_id, 'record' as kind, r.record_id as value
from persons p
join person_record r using (person_id)
where r.record_id <> p.record_id
union
select p.record_id, i.kind, i.value
from persons p
join person_identifier i using (person_id)
where i.kind in ('email', 'phone') and not i.shared

-- name: enter
insert into suppression (list, kind, hash, action, actor, reason, entered_at)
select %(list)s, e.kind, e.hash, %(action)s, %(actor)s, %(reason)s, %(now)s
from unnest(%(kinds)s::text[], %(hashes)s::bytea[]) as e (kind, hash)

-- name: entries
-- Entries, the latest first.
select entry_id, list, kind, hash, action, actor, reason, entered_at, count(*) over () as total
from suppression
where (%(list)s::text is null or list = %(list)s)
  and (%(hashes)s::bytea[] is null or hash = any(%(hashes)s))
order by entry_id desc
limit %(limit)s

-- name: open_erasure
insert into erasure (actor, reason, requested_at) values (%(actor)s, %(reason)s, %(now)s)
returning erasure_id

-- name: enter_erased
insert into erased_identifier (hash, kind, erasure_id)
select e.hash, e.kind, %(erasure_id)s
from unnest(%(kinds)s::text[], %(hashes)s::bytea[]) as e (kind, hash)
on conflict do nothing

-- name: close_erasure
update erasure
set counts = counts || %(counts)s, open_effects = %(open_effects)s,
    finished_at = case when %(open_effects)s::bigint[] = '{}' then %(now)s::timestamptz end
where erasure_id = %(erasure_id)s

-- name: unfinished
select erasure_id, open_effects from erasure where finished_at is null
order by erasure_id
for update

-- name: erased_ids
select hash from erased_identifier where erasure_id = %(erasure_id)s and kind = 'record'

-- name: erasures_of
select distinct r.erasure_id, r.actor, r.reason, r.requested_at, r.finished_at, r.counts
from erasure r
join erased_identifier e using (erasure_id)
where e.hash = any(%(hashes)s)
order by r.erasure_id

-- name: first_erasure
select min(requested_at) as at from erasure

-- name: all_erased_ids
select distinct hash from erased_identifier where kind = 'record'
