-- What people decided about effects: who, when, why.

create table decision (
    decision_id bigint generated always as identity primary key,
    effect_id   bigint not null references effect on delete cascade,
    action      text not null check (action in ('retry', 'applied', 'not_applied', 'drop')),
    actor       text not null,
    reason      text not null,
    old_state   text not null,
    old_reason  text,
    remote_id   text,
    decided_at  timestamptz not null
);
create index decision_by_effect on decision (effect_id, decision_id);
