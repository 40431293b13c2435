-- Plans of tag nodes: what would be written, who approved it, and what became of it.

create table tag_plan (
    plan_id         bigint generated always as identity primary key,
    workflow        text not null,
    node            text not null,
    plan_hash       text not null,
    policy_hash     text not null,
    status          text not null check (status in ('PROPOSED', 'WAITING', 'APPROVED', 'APPLIED', 'REFUSED', 'OUTDATED')),
    reason          text,
    undo_of         text,
    changes         integer not null,
    records         integer not null,
    planned_by      text not null,
    planned_run     text,
    planned_at      timestamptz not null,
    decided_by      text,
    decided_at      timestamptz,
    applied_run     text,
    applied_at      timestamptz
);
-- Of plans that may still be applied there is one for the same changes.
create unique index open_tag_plan on tag_plan (workflow, node, plan_hash)
    where status in ('PROPOSED', 'WAITING', 'APPROVED');
create index tag_plan_by_node on tag_plan (workflow, node, plan_id desc);
create index tag_plan_by_run on tag_plan (applied_run) where applied_run is not null;

create table tag_plan_line (
    plan_id     bigint not null references tag_plan on delete cascade,
    effect_key  text not null,
    delta_id    bigint,
    kind        text not null,
    record_id   text not null,
    store       text not null,
    purpose     text not null,
    rules       text[] not null,
    before      jsonb not null,
    after       jsonb not null,
    primary key (plan_id, effect_key)
);
create index tag_plan_line_by_record on tag_plan_line (record_id);
create index tag_plan_line_by_row on tag_plan_line (delta_id, plan_id);

-- Who approved or refused a plan; it says itself what it was about.
create table tag_decision (
    decision_id bigint generated always as identity primary key,
    plan_id     bigint not null,
    plan_hash   text not null,
    policy_hash text not null,
    workflow    text not null,
    node        text not null,
    action      text not null check (action in ('approve', 'auto_approve', 'refuse')),
    actor       text not null,
    -- whom the operating system knows the deciding process by
    os_user     text not null,
    reason      text not null,
    decided_at  timestamptz not null
);
create index tag_decision_by_plan on tag_decision (plan_id);
create index tag_decision_by_itself on tag_decision (workflow, node, decided_at)
    where action = 'auto_approve';
create trigger tag_decision_grows before update or delete on tag_decision
    for each row execute function refuse_change();
create trigger tag_decision_stays before truncate on tag_decision
    for each statement execute function refuse_change();

-- Effects that found their tag there already when they were sent: there is nothing to take back.
create table tag_found (
    effect_id   bigint primary key references effect on delete cascade,
    found_at    timestamptz not null
);
