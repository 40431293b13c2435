-- What an identity node reads and writes. {table} is the delta table of its source.

-- name: hold
-- One batch of a node at a time: records of two batches may be one person, and moves are numbered
-- in the order in which they become visible.
select pg_advisory_xact_lock(hashtextextended('syncflow identity ' || %(workflow)s || ' ' || %(node)s, 0));

-- name: begin
insert into identity_begin (workflow, node, first_load_to, began_at)
select %(workflow)s, %(node)s, max(delta_id), %(now)s from {table} having count(*) > 0
on conflict (workflow, node) do nothing;

-- name: first_load_to
select first_load_to from identity_begin where workflow = %(workflow)s and node = %(node)s;

-- name: take_rows
select * from {table}
where state = 'PENDING'
order by delta_id
limit %(limit)s
for update skip locked;

-- name: by_record
-- Persons of the records, and of all that were merged with them, over any number of steps; `union`
-- ends in a cycle.
with recursive linked (record_id) as (
    select unnest(%(record_ids)s::text[])
    union
    select x.record_id
    from linked l
    cross join lateral (
        select r.merged_into from person_record r
        where r.workflow = %(workflow)s and r.node = %(node)s and r.record_id = l.record_id
          and r.merged_into is not null
        union all
        select r.record_id from person_record r
        where r.workflow = %(workflow)s and r.node = %(node)s and r.merged_into = l.record_id
    ) x (record_id)
)
select distinct r.person_id
from linked l
join person_record r
  on r.workflow = %(workflow)s and r.node = %(node)s and r.record_id = l.record_id;

-- name: by_key
-- Persons of a name or a shared mailbox may be many: some of them are enough to ask about.
select distinct i.person_id
from unnest(%(kinds)s::text[], %(values)s::text[]) as t (kind, value)
cross join lateral (
    select p.person_id from person_identifier p
    where p.workflow = %(workflow)s and p.node = %(node)s and p.kind = t.kind and p.value = t.value
      and p.kind in ('email', 'external_id', 'linkedin', 'name', 'name_and')
    order by p.person_id
    limit %(limit)s
) i;

-- name: records_of
select * from person_record where person_id = any(%(persons)s) order by place;

-- name: identifiers_of
select person_id, kind, value, record_id, shared
from person_identifier where person_id = any(%(persons)s);

-- name: rulings
-- Who a person decided about may have become part of another since.
select c.record_id, c.decision, c.actor, c.why, c.ended_at, c.tier,
       coalesce(p.merged_into, p.person_id) as person_id,
       coalesce(k.merged_into, k.person_id) as candidate
from review_case c
left join person p on p.person_id = c.person_id
left join review_candidate rc on rc.case_id = c.case_id
left join person k on k.person_id = rc.person_id
where c.workflow = %(workflow)s and c.node = %(node)s and c.record_id = any(%(record_ids)s)
  and c.state = 'DECIDED'
order by c.case_id;

-- name: found_persons
insert into person (person_id, workflow, node, since)
select unnest(%(persons)s::uuid[]), %(workflow)s, %(node)s, %(now)s;

-- name: keep_records
insert into person_record (
    workflow, node, record_id, person_id, first_name, last_name, email, mailbox_shared,
    external_id, linkedin, phones, account, company, prior_account, title, created, merged_into,
    gone, tier, evidence, joined_at
)
select %(workflow)s, %(node)s, t.record_id, t.person_id, t.first_name, t.last_name, t.email,
       t.mailbox_shared, t.external_id, t.linkedin, t.phones, t.account, t.company,
       t.prior_account, t.title, t.created, t.merged_into, t.gone, t.tier,
       coalesce(t.evidence, '{}'), %(now)s
from jsonb_to_recordset(%(records)s) as t (
    record_id text, person_id uuid, first_name text, last_name text, email text,
    mailbox_shared boolean, external_id text, linkedin text, phones text[], account text,
    company text, prior_account text, title text, created timestamptz, merged_into text,
    gone boolean, tier smallint, evidence text[]
)
on conflict (workflow, node, record_id) do update
set person_id = excluded.person_id, first_name = excluded.first_name,
    last_name = excluded.last_name, email = excluded.email,
    mailbox_shared = excluded.mailbox_shared, external_id = excluded.external_id,
    linkedin = excluded.linkedin, phones = excluded.phones, account = excluded.account,
    company = excluded.company, prior_account = excluded.prior_account, title = excluded.title,
    created = excluded.created, merged_into = excluded.merged_into, gone = excluded.gone,
    -- why it is whose it is stays, as long as it is
    tier = case when person_record.person_id = excluded.person_id then person_record.tier
                else excluded.tier end,
    evidence = case when person_record.person_id = excluded.person_id then person_record.evidence
                    else excluded.evidence end,
    joined_at = case when person_record.person_id = excluded.person_id
                     then person_record.joined_at else excluded.joined_at end;

-- name: drop_identifiers
-- Of persons who became part of another: his are written anew.
delete from person_identifier where person_id = any(%(persons)s);

-- name: keep_identifiers
insert into person_identifier (
    person_id, kind, value, workflow, node, record_id, shared, first_seen
)
select t.person_id, t.kind, t.value, %(workflow)s, %(node)s, t.record_id, t.shared, %(now)s
from unnest(%(persons)s::uuid[], %(kinds)s::text[], %(values)s::text[], %(record_ids)s::text[],
            %(shared)s::boolean[]) as t (person_id, kind, value, record_id, shared)
on conflict (person_id, kind, value) do update set shared = excluded.shared
where person_identifier.shared <> excluded.shared;

-- name: absorb_persons
update person p
set merged_into = t.into_id, merged_at = coalesce(p.merged_at, %(now)s)
from unnest(%(persons)s::uuid[], %(into)s::uuid[]) as t (person_id, into_id)
where p.person_id = t.person_id or p.merged_into = t.person_id;

-- name: absorb_moves
update job_change j
set person_id = t.into_id
from unnest(%(persons)s::uuid[], %(into)s::uuid[]) as t (person_id, into_id)
where j.person_id = t.person_id;

-- name: keep_moves
insert into job_change (
    workflow, node, move_key, person_id, contact_id, former_contact_id, name, email, former_email,
    company, former_company, account_id, former_account_id, title, linkedin, moved_at, tier,
    evidence
)
select %(workflow)s, %(node)s, t.move_key, t.person_id, t.contact_id, t.former_contact_id, t.name,
       t.email, t.former_email, t.company, t.former_company, t.account_id, t.former_account_id,
       t.title, t.linkedin, coalesce(t.moved_at, %(now)s), t.tier, t.evidence
from jsonb_to_recordset(%(moves)s) as t (
    move_key text, person_id uuid, contact_id text, former_contact_id text, name text, email text,
    former_email text, company text, former_company text, account_id text, former_account_id text,
    title text, linkedin text, moved_at timestamptz, tier smallint, evidence text, place bigint
)
order by t.place
on conflict (workflow, node, move_key) do nothing
returning move_id;

-- name: overtake_cases
-- Questions about records that meanwhile answer themselves.
update review_case
set state = 'OVERTAKEN', ended_at = %(now)s
where workflow = %(workflow)s and node = %(node)s and record_id = any(%(record_ids)s)
  and state = 'OPEN';

-- name: ask
insert into review_case (
    workflow, node, record_id, delta_table, delta_id, tier, reason, opened_at
)
values (%(workflow)s, %(node)s, %(record_id)s, %(delta_table)s, %(delta_id)s, %(tier)s, %(reason)s,
        %(now)s)
on conflict (workflow, node, record_id) where state = 'OPEN' do update
set delta_id = excluded.delta_id, tier = excluded.tier, reason = excluded.reason
returning case_id;

-- name: ask_about
with gone as (
    delete from review_candidate
    where case_id = %(case_id)s and person_id <> all(%(persons)s::uuid[])
)
insert into review_candidate (case_id, person_id, likeness, tier, evidence)
values (%(case_id)s, %(person_id)s, %(likeness)s, %(tier)s, %(evidence)s)
on conflict (case_id, person_id) do update
set likeness = excluded.likeness, tier = excluded.tier, evidence = excluded.evidence;

-- name: state
-- `shared_out`: identifiers that two persons have for themselves; the database refuses them.
select
    (select count(*) from person
     where workflow = %(workflow)s and node = %(node)s and merged_into is null) as persons,
    (select count(*) from person_record
     where workflow = %(workflow)s and node = %(node)s) as records,
    (select count(*) from job_change
     where workflow = %(workflow)s and node = %(node)s) as moves,
    (select count(*) from review_case
     where workflow = %(workflow)s and node = %(node)s and state = 'OPEN') as open_cases,
    (select min(opened_at) from review_case
     where workflow = %(workflow)s and node = %(node)s and state = 'OPEN') as oldest_case,
    (select count(*) from (
        select 1 from person_identifier
        where workflow = %(workflow)s and node = %(node)s and not shared
          and kind in ('email', 'external_id', 'linkedin')
        group by kind, value having count(*) > 1) as d) as duplicates;

-- name: moves
select move_id, person_id::text as person_id, contact_id, former_contact_id, name, email,
       former_email, company, former_company, account_id, former_account_id, title, linkedin,
       moved_at, tier::bigint as tier, evidence
from job_change
where workflow = %(workflow)s and node = %(node)s and move_id > %(after)s
order by move_id
limit %(limit)s;

-- name: breakdown
-- What the records' belonging rests on, and moves and questions by tier.
select 'records' as what, coalesce(tier::text, 'first of a person') as tier, count(*) as rows
from person_record where workflow = %(workflow)s and node = %(node)s group by 2
union all
select 'moves', tier::text, count(*)
from job_change where workflow = %(workflow)s and node = %(node)s group by 2
union all
select 'questions ' || lower(state), tier::text, count(*)
from review_case where workflow = %(workflow)s and node = %(node)s group by 1, 2
order by 1, 2;
