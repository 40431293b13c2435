-- Who is who: persons behind records, what people are asked about them, and moves to new companies.

-- Records up to here were all there when an identity node looked for the first time.
create table identity_begin (
    workflow       text not null,
    node           text not null,
    first_load_to  bigint not null,
    began_at       timestamptz not null,
    primary key (workflow, node)
);

create table person (
    person_id    uuid primary key,
    workflow     text not null,
    node         text not null,
    since        timestamptz not null,
    merged_into  uuid references person,
    merged_at    timestamptz
);
create index person_merged on person (merged_into) where merged_into is not null;

-- Last known state of each record, and why it is this person's. One record has one person.
create table person_record (
    workflow        text not null,
    node            text not null,
    record_id       text not null,
    place           bigint generated always as identity,
    person_id       uuid not null references person,
    first_name      text,
    last_name       text,
    email           text,
    mailbox_shared  boolean not null,
    external_id     text,
    linkedin        text,
    phones          text[] not null,
    account         text,
    company         text,
    prior_account   text,
    title           text,
    created         timestamptz,
    merged_into     text,
    gone            boolean not null,
    tier            smallint check (tier between 0 and 5),
    evidence        text[] not null,
    joined_at       timestamptz not null,
    primary key (workflow, node, record_id)
);
create index person_record_by_person on person_record (person_id);
create index person_record_by_master on person_record (workflow, node, merged_into)
    where merged_into is not null;

-- All that a person was ever known by; `name_and` is a name with something beside it as one text.
create table person_identifier (
    person_id   uuid not null references person,
    kind        text not null check (kind in (
        'email', 'external_id', 'linkedin', 'name', 'phone', 'account', 'prior_account',
        'name_and')),
    value       text not null,
    workflow    text not null,
    node        text not null,
    record_id   text not null,
    shared      boolean not null,
    first_seen  timestamptz not null,
    primary key (person_id, kind, value)
);
create index person_identifier_by_value on person_identifier (workflow, node, kind, value, person_id)
    where kind in ('email', 'external_id', 'linkedin', 'name', 'name_and', 'phone');
-- The database's own word against a second person for one identifier.
create unique index one_person_per_identifier on person_identifier (workflow, node, kind, value)
    where kind in ('email', 'external_id', 'linkedin') and not shared;

-- Questions to people, and their answers.
create table review_case (
    case_id      bigint generated always as identity primary key,
    workflow     text not null,
    node         text not null,
    record_id    text not null,
    delta_table  text not null,
    delta_id     bigint not null,
    tier         smallint not null,
    reason       text not null,
    state        text not null default 'OPEN' check (state in ('OPEN', 'DECIDED', 'OVERTAKEN')),
    opened_at    timestamptz not null,
    -- What the record can be found by while it waits, each as one text.
    keys         text[] not null default '{}',
    decision     text check (decision in ('same', 'new', 'ignore')),
    person_id    uuid references person,
    actor        text,
    why          text,
    ended_at     timestamptz,
    check ((state = 'DECIDED') = (decision is not null)),
    check ((decision is null) = (actor is null) and (decision is null) = (why is null)),
    check ((state = 'OPEN') = (ended_at is null)),
    check (coalesce(decision = 'same', false) = (person_id is not null))
);
create unique index one_open_case on review_case (workflow, node, record_id) where state = 'OPEN';
create index review_case_by_record on review_case (workflow, node, record_id, case_id);
create index open_case_by_key on review_case using gin (keys) where state = 'OPEN';

create table review_candidate (
    case_id    bigint not null references review_case on delete cascade,
    person_id  uuid not null references person,
    likeness   real not null,
    tier       smallint not null,
    evidence   text[] not null,
    primary key (case_id, person_id)
);
create index review_candidate_by_person on review_candidate (person_id);

-- Whom people told apart: the record, its person by now, and the one it is not.
create view told_apart as
select c.case_id, c.workflow, c.node, c.record_id, k.person_id as candidate, k.tier, (
    select r.person_id from person_record r
    where r.workflow = c.workflow and r.node = c.node and r.record_id = c.record_id
) as owner
from review_case c
join review_candidate k using (case_id)
where c.state = 'DECIDED' and c.decision = 'new';

create function guard_answer() returns trigger language plpgsql as $$
begin
    raise exception 'case % was answered by %: an answer is not changed', old.case_id, old.actor
        using errcode = 'restrict_violation';
end
$$;
create trigger answer_stays before update on review_case
    for each row when (old.state = 'DECIDED') execute function guard_answer();

create table job_change (
    move_id            bigint generated always as identity primary key,
    workflow           text not null,
    node               text not null,
    move_key           text not null,
    person_id          uuid not null references person,
    contact_id         text not null,
    former_contact_id  text not null,
    name               text not null,
    email              text,
    former_email       text,
    company            text,
    former_company     text,
    account_id         text,
    former_account_id  text,
    title              text,
    linkedin           text,
    moved_at           timestamptz not null,
    tier               smallint not null,
    evidence           text not null,
    unique (workflow, node, move_key)
);
create index job_change_in_order on job_change (workflow, node, move_id);
create index job_change_by_person on job_change (person_id);
