-- Who may not be written to or about, who asked to be erased, and every decision of the gate.

-- Which key the hashes of persons were made with; hashes of another one would match nobody.
create table privacy_key (
    only_one  boolean primary key default true check (only_one),
    name      text not null,
    since     timestamptz not null
);

-- Trigger for a table that only grows.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% only grows: a row of it is not changed or deleted; enter a later one', tg_table_name
        using errcode = 'restrict_violation';
end
$$;

create trigger privacy_key_stays before update or delete on privacy_key
    for each row execute function refuse_change();
create trigger privacy_key_all_stays before truncate on privacy_key
    for each statement execute function refuse_change();

-- Entries of suppression lists. The latest entry of a list for a hash counts.
create table suppression (
    entry_id    bigint generated always as identity primary key,
    list        text not null,
    kind        text not null check (kind in ('email', 'phone', 'record')),
    hash        bytea not null,
    action      text not null check (action in ('add', 'revoke')),
    actor       text not null,
    reason      text not null,
    entered_at  timestamptz not null
);
create index suppression_by_hash on suppression (hash, list, entry_id desc);
create trigger suppression_grows before update or delete on suppression
    for each row execute function refuse_change();
create trigger suppression_stays before truncate on suppression
    for each statement execute function refuse_change();

-- Requests to erase what we hold about a person, and what came of them.
create table erasure (
    erasure_id    bigint generated always as identity primary key,
    actor         text not null,
    reason        text not null,
    requested_at  timestamptz not null,
    finished_at   timestamptz,
    counts        jsonb not null default '{}',
    -- effects that were on their way, and keep what they carry until they are decided
    open_effects  bigint[] not null default '{}'
);
-- Who asked, and that it was done, stays as it is; what is left to be done is noted.
create function guard_erasure() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and old.finished_at is null
        and (new.erasure_id, new.actor, new.reason, new.requested_at)
            = (old.erasure_id, old.actor, old.reason, old.requested_at)
    then
        return new;
    end if;
    raise exception 'a request to erase is not changed or deleted, but for what is left to be done'
        using errcode = 'restrict_violation';
end
$$;
create trigger erasure_stays before update or delete on erasure
    for each row execute function guard_erasure();
create trigger erasure_all_stay before truncate on erasure
    for each statement execute function guard_erasure();

create table erased_identifier (
    hash        bytea not null,
    kind        text not null check (kind in ('email', 'phone', 'record')),
    erasure_id  bigint not null references erasure,
    primary key (hash, erasure_id)
);
create trigger erased_identifier_grows before update or delete on erased_identifier
    for each row execute function refuse_change();
create trigger erased_identifier_stays before truncate on erased_identifier
    for each statement execute function refuse_change();

-- Every decision of the gate. Each row is bound by a keyed hash to the one before it of the same
-- policy; who has no key can neither make one nor tell whose it is.
create table consent_decision (
    decision_id     bigint generated always as identity primary key,
    policy          text not null,
    policy_version  integer not null,
    policy_hash     text not null,
    object          text not null,
    subject_hash    bytea not null,
    purpose         text not null,
    effect_hash     bytea not null,
    run_id          text,
    decision        text not null check (decision in ('allow', 'block', 'review')),
    reasons         text[] not null,
    evidence        jsonb not null,
    decided_at      timestamptz not null,
    previous        bytea,
    hash            bytea not null
);
create index consent_decision_by_policy on consent_decision (policy, decision_id);
create index consent_decision_by_subject on consent_decision (subject_hash, decision_id);
create index consent_decision_by_effect on consent_decision (effect_hash, decision_id);

-- Only retention deletes decisions, and says so in its transaction.
create function guard_decision() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('syncflow.retention', true) = 'on' then
        return old;
    end if;
    raise exception 'a decision of the consent gate is not changed or deleted'
        using errcode = 'restrict_violation';
end
$$;
create trigger consent_decision_stays before update or delete on consent_decision
    for each row execute function guard_decision();
create trigger consent_decision_all_stay before truncate on consent_decision
    for each statement execute function guard_decision();
