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
select t.kind, t.value, i.person_id
from unnest(%(kinds)s::text[], %(values)s::text[]) as t (kind, value)
cross join lateral (
    select p.person_id from person_identifier p
    where p.workflow = %(workflow)s and p.node = %(node)s and p.kind = t.kind and p.value = t.value
      and p.kind in ('email', 'external_id', 'linkedin', 'name', 'name_and', 'phone')
    order by p.person_id
    limit %(limit)s
) i;

-- name: records_of
select * from person_record where person_id = any(%(persons)s) order by place;

-- name: identifiers_of
select person_id, kind, value, record_id, shared
from person_identifier where person_id = any(%(persons)s);

-- name: last_moves
select distinct on (person_id) person_id, account_id, company
from job_change where person_id = any(%(persons)s)
order by person_id, move_id desc;

-- name: answers
-- Whose people said that records are may have become part of another person since.
select c.case_id, c.record_id, c.delta_id, c.decision, c.actor, c.why, c.ended_at, c.tier,
       coalesce(p.merged_into, p.person_id) as person_id
from review_case c
left join person p on p.person_id = c.person_id
where c.workflow = %(workflow)s and c.node = %(node)s and c.record_id = any(%(record_ids)s)
  and c.state = 'DECIDED' and c.decision <> 'new'
order by c.case_id;

-- name: differences
-- Whom records were told apart from: themselves, by another record of their person, or by a record
-- of the other one. `founder`: the other's record, for when he is nobody yet.
with asked as (
    -- A query within the query is always a look-up by the whole key.
    select w.record_id, (
        select o.person_id from person_record o
        where o.workflow = %(workflow)s and o.node = %(node)s and o.record_id = w.record_id
    ) as owner
    from unnest(%(record_ids)s::text[]) as w (record_id)
), found as (
    select a.record_id, t.candidate as other, null as founder, t.tier, t.case_id
    from asked a
    join told_apart t
      on t.workflow = %(workflow)s and t.node = %(node)s and t.record_id = a.record_id
    union all
    select a.record_id, t.candidate, null, t.tier, t.case_id
    from asked a
    join person_record mine on mine.person_id = a.owner
    join told_apart t
      on t.workflow = %(workflow)s and t.node = %(node)s and t.record_id = mine.record_id
     and t.candidate <> a.owner
    union all
    select a.record_id, t.owner, t.record_id, t.tier, t.case_id
    from asked a
    cross join lateral (
        select a.owner as person_id
        union all
        select p.person_id from person p where p.merged_into = a.owner
    ) self
    join told_apart t on t.candidate = self.person_id and t.owner is distinct from a.owner
)
select f.record_id, coalesce(p.merged_into, f.other) as other, f.founder, min(f.tier) as tier,
       max(f.case_id) as case_id
from found f
left join person p on p.person_id = f.other
group by 1, 2, 3;

-- name: found_persons
-- An erased person's row has stayed, and his record may come again.
insert into person (person_id, workflow, node, since)
select unnest(%(persons)s::uuid[]), %(workflow)s, %(node)s, %(now)s
on conflict (person_id) do update set merged_into = null, merged_at = null;

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
-- Questions that answer themselves, or are another question meanwhile.
update review_case
set state = 'OVERTAKEN', ended_at = %(now)s, keys = '{}'
where workflow = %(workflow)s and node = %(node)s and record_id = any(%(record_ids)s)
  and state = 'OPEN';

-- name: open_cases
select c.record_id, c.case_id, c.delta_table, c.delta_id, c.tier, c.reason,
       coalesce((
           select jsonb_agg(jsonb_build_array(k.person_id, k.tier, k.evidence) order by k.person_id)
           from review_candidate k where k.case_id = c.case_id), '[]') as candidates
from review_case c
where c.workflow = %(workflow)s and c.node = %(node)s and c.record_id = any(%(record_ids)s)
  and c.state = 'OPEN';

-- name: ask
insert into review_case (
    workflow, node, record_id, delta_table, delta_id, tier, reason, keys, opened_at
)
values (%(workflow)s, %(node)s, %(record_id)s, %(delta_table)s, %(delta_id)s, %(tier)s, %(reason)s,
        %(keys)s, %(now)s)
returning case_id;

-- name: ask_about
insert into review_candidate (case_id, person_id, likeness, tier, evidence)
select %(case_id)s, t.person_id, t.likeness, t.tier, t.evidence
from jsonb_to_recordset(%(candidates)s) as t (
    person_id uuid, likeness real, tier smallint, evidence text[]
);

-- name: look_again
-- Records that wait and have something in common with persons of whom that is new.
update {table} d
set state = 'PENDING', reason = null, state_since = %(now)s
from review_case c
where c.workflow = %(workflow)s and c.node = %(node)s and c.state = 'OPEN'
  and c.keys && %(keys)s::text[] and c.delta_table = %(delta_table)s
  and d.delta_id = c.delta_id and d.state = 'HELD' and d.delta_id <> all(%(decided)s);

-- name: look_again_at_erased
-- Records that wait for nobody: those they might have been were erased.
update {table} d
set state = 'PENDING', reason = null, state_since = %(now)s
from review_case c
where c.workflow = %(workflow)s and c.node = %(node)s and c.state = 'OPEN'
  and c.delta_table = %(delta_table)s and d.delta_id = c.delta_id and d.state = 'HELD'
  and not exists (select 1 from review_candidate k where k.case_id = c.case_id);

-- name: state
-- `duplicates`: identifiers that two persons have for themselves, which the database refuses, and
-- names with a telephone number or address of their own that nobody told apart.
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
        select record_id from review_case
        where workflow = %(workflow)s and node = %(node)s and state = 'OPEN'
        except
        select record_id from person_record
        where workflow = %(workflow)s and node = %(node)s) as w) as waiting,
    (select count(*) from (
        select 1 from person_identifier
        where workflow = %(workflow)s and node = %(node)s and not shared
          and kind in ('email', 'external_id', 'linkedin')
        group by kind, value having count(*) > 1) as d)
    + (select count(*) from (
        select distinct a.person_id as one, b.person_id as other
        from (
            select array_agg(person_id) as persons
            from person_identifier
            where workflow = %(workflow)s and node = %(node)s and kind = 'name_and'
              and value not like '~ %%' and (value like '%% + phone %%' or value like '%% + email %%')
            group by value having count(*) > 1 and not bool_and(shared)
        ) alike
        cross join lateral unnest(alike.persons) as a (person_id)
        cross join lateral unnest(alike.persons) as b (person_id)
        where a.person_id < b.person_id
        except
        select least(owner, candidate), greatest(owner, candidate) from told_apart
        where workflow = %(workflow)s and node = %(node)s) as p) as duplicates;

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
