-- Outreach on LinkedIn: sequences, accounts, leads, what came in, and what people decided.

alter table state_transition drop constraint state_transition_machine_check;
alter table state_transition add constraint state_transition_machine_check
    check (machine in ('delta', 'effect', 'lead'));
insert into state_transition (machine, old_state, new_state)
select machine, old_state, unnest(string_to_array(new_states, ' '))
from (values
    ('lead', 'draft', 'awaiting_approval cancelled failed needs_review pending_invite replied suppressed'),
    ('lead', 'awaiting_approval', 'cancelled draft failed needs_review pending_invite replied suppressed'),
    ('lead', 'pending_invite', 'cancelled completed connected cooldown failed in_flight invite_sent needs_review paused replied suppressed'),
    ('lead', 'invite_sent', 'cancelled completed connected cooldown declined_or_expired failed in_flight needs_review paused pending_invite replied suppressed withdrawn'),
    ('lead', 'connected', 'cancelled completed failed in_flight needs_review paused replied suppressed'),
    ('lead', 'in_flight', 'cancelled completed connected cooldown declined_or_expired failed invite_sent needs_review outcome_unknown paused pending_invite replied suppressed withdrawn'),
    ('lead', 'outcome_unknown', 'cancelled completed connected cooldown failed in_flight invite_sent needs_review paused pending_invite replied suppressed withdrawn'),
    ('lead', 'paused', 'cancelled completed connected cooldown failed invite_sent needs_review pending_invite replied suppressed withdrawn'),
    ('lead', 'needs_review', 'cancelled completed connected cooldown draft failed in_flight invite_sent paused pending_invite replied suppressed withdrawn'),
    ('lead', 'cooldown', 'cancelled connected failed invite_sent needs_review paused pending_invite replied suppressed'),
    ('lead', 'completed', 'suppressed'),
    ('lead', 'replied', 'suppressed'),
    ('lead', 'declined_or_expired', 'connected replied suppressed'),
    ('lead', 'withdrawn', 'connected replied suppressed'),
    ('lead', 'failed', 'connected pending_invite suppressed'),
    ('lead', 'cancelled', 'suppressed'),
    -- the service says that it is not needed
    ('effect', 'SENT', 'CANCELLED')
) as allowed (machine, old_state, new_states);

-- Versions of a node's sequence. A lead keeps the one it was enrolled under.
create table outreach_sequence (
    sequence_id  bigint generated always as identity primary key,
    workflow     text not null,
    node         text not null,
    version      integer not null,
    digest       text not null,
    steps        jsonb not null,
    created_at   timestamptz not null,
    unique (workflow, node, version),
    unique (workflow, node, digest)
);
create trigger outreach_sequence_grows before update or delete on outreach_sequence
    for each row execute function refuse_change();

-- A LinkedIn account, under the name the ledger knows it by; several nodes may use it.
create table outreach_account (
    account          text primary key,
    -- Unipile's id of it, by which events name it
    service_id       text,
    status           text not null default 'UNKNOWN',
    status_at        timestamptz,
    provider_id      text,
    first_name       text,
    tier             text,
    -- first action ever, from which the ramp counts
    live_since       timestamptz,
    reduced_until    timestamptz,
    next_action_at   timestamptz,
    -- last failure of a request, by which is told whether all accounts fail at once
    failed_at        timestamptz,
    acknowledged_by  text,
    acknowledged_at  timestamptz,
    acknowledgement  text,
    -- when each poll is due next, and up to where messages were read
    relations_at     timestamptz,
    relations_full   timestamptz,
    sent_at          timestamptz,
    messages_at      timestamptz,
    messages_to      timestamptz,
    status_check_at  timestamptz
);

-- What a node did last with an account, and when it is worth its while to look again.
create table outreach_turn (
    account   text not null references outreach_account,
    workflow  text not null,
    node      text not null,
    ended_at  timestamptz not null,
    next_at   timestamptz,
    reason    text,
    primary key (account, workflow, node)
);

-- A breaker for each kind of action of an account.
create table outreach_bucket (
    account     text not null references outreach_account,
    bucket      text not null check (bucket in ('invite', 'message', 'inmail', 'profile', 'withdraw', 'read')),
    level       smallint not null default 0,
    open_until  timestamptz,
    probing     boolean not null default false,
    failures    integer not null default 0,
    -- of the last actions, the newest last: `x` failed, `.` did not
    recent      text not null default '',
    reason      text,
    since       timestamptz,
    primary key (account, bucket)
);

-- Reads that cost a person's account something, each written down before it is made.
create table outreach_read (
    account  text not null references outreach_account,
    bucket   text not null,
    at       timestamptz not null,
    lead_id  bigint
);
create index outreach_read_by_account on outreach_read (account, bucket, at);

-- One person, by all keys it is known by, over all campaigns and accounts.
create table outreach_person (
    person_id  bigint generated always as identity primary key,
    since      timestamptz not null
);
-- `key` is kind and value, as `slug:jane-doe`; `hash:` and a keyed hash after an erasure.
create table outreach_person_key (
    key        text primary key,
    person_id  bigint not null references outreach_person
);
create index outreach_person_key_by_person on outreach_person_key (person_id);

create table outreach_lead (
    lead_id          bigint generated always as identity primary key,
    workflow         text not null,
    node             text not null,
    person_id        bigint not null references outreach_person,
    account          text not null references outreach_account,
    sequence_id      bigint not null references outreach_sequence,
    n_steps          integer not null check (n_steps > 0),
    delta_table      text,
    delta_id         bigint,
    source_key       text not null,
    -- what the texts are made of; emptied by an erasure
    slug             text,
    provider_id      text,
    fields           jsonb not null default '{}',
    state            text not null default 'draft',
    resume_state     text,
    state_since      timestamptz not null,
    reason           text,
    current_step     integer not null default 0 check (current_step >= 0),
    step_since       timestamptz not null,
    next_due_at      timestamptz,
    -- what it waits for once it is due: a look, or room in a bucket of its account
    queue            text not null default 'look'
        check (queue in ('look', 'invite', 'message', 'inmail', 'profile', 'withdraw')),
    -- when the service was last asked about this person, before an action
    checked_at       timestamptz,
    approval_id      bigint,
    invited_at       timestamptz,
    invite_origin    text check (invite_origin in ('ours', 'external')),
    invitation_id    text,
    connected_at     timestamptz,
    connected_via    text,
    replied_at       timestamptz,
    opted_out_at     timestamptz,
    withdrawn_at     timestamptz,
    last_action_at   timestamptz,
    messages_sent    integer not null default 0,
    chat_id          text,
    open_profile     boolean,
    -- since when the invitation is neither pending nor accepted
    gone_since       timestamptz,
    hold_until       timestamptz,
    enrolled_at      timestamptz not null,
    terminal_at      timestamptz,
    -- completed means that the last step is confirmed, and the other way round
    check ((state = 'completed') = (current_step >= n_steps)
           or (state = 'suppressed' and terminal_at is not null)),
    check ((state in ('completed', 'replied', 'declined_or_expired', 'withdrawn', 'suppressed',
                      'failed', 'cancelled')) = (terminal_at is not null)),
    check (next_due_at is null
           or state in ('pending_invite', 'invite_sent', 'connected', 'cooldown')),
    check ((state in ('in_flight', 'outcome_unknown', 'paused', 'needs_review'))
           = (resume_state is not null)),
    check (resume_state in ('draft', 'awaiting_approval', 'pending_invite', 'invite_sent',
                            'connected', 'cooldown')),
    -- an invitation is out: ours is confirmed, or it is one that somebody made elsewhere
    check (state <> 'invite_sent' or invite_origin is not null)
);
-- A record is a lead once; one that was taken out may come again.
create unique index one_lead_per_record on outreach_lead (workflow, node, source_key)
    where state <> 'cancelled';
create index outreach_lead_by_record on outreach_lead (workflow, node, source_key, lead_id);
-- One live lead per person, over all campaigns and accounts.
create unique index one_live_lead on outreach_lead (person_id) where terminal_at is null;
create index outreach_lead_due on outreach_lead (account, workflow, node, queue, next_due_at)
    where next_due_at is not null;
create index outreach_lead_by_provider on outreach_lead (provider_id);
create index outreach_lead_by_slug on outreach_lead (slug);
create index outreach_lead_by_state on outreach_lead (workflow, node, state, state_since);
create index outreach_lead_waiting on outreach_lead (account, state)
    where state in ('invite_sent', 'in_flight', 'outcome_unknown');
create index outreach_lead_by_person on outreach_lead (person_id, lead_id);
create trigger outreach_lead_transition before update of state on outreach_lead
    for each row execute function check_transition('lead');
-- Whatever moves a lead, what it waits for is found out anew.
create function look_again() returns trigger language plpgsql as $$
begin
    new.queue := 'look';
    return new;
end
$$;
create trigger outreach_lead_looked_at before update on outreach_lead
    for each row when (old.queue = new.queue
        and (old.state, old.current_step, old.next_due_at)
            is distinct from (new.state, new.current_step, new.next_due_at))
    execute function look_again();

-- The text of each step of a lead, as it was approved.
create table outreach_text (
    lead_id  bigint not null references outreach_lead on delete cascade,
    step     integer not null,
    variant  text,
    subject  text,
    text     text,
    sha256   text not null,
    primary key (lead_id, step)
);

-- What a person was shown before the first sending, and what was decided.
create table outreach_preview (
    preview_id   bigint generated always as identity primary key,
    workflow     text not null,
    node         text not null,
    sequence_id  bigint not null references outreach_sequence,
    account      text not null references outreach_account,
    batch_hash   text not null,
    leads        integer not null,
    report       jsonb not null,
    made_at      timestamptz not null,
    unique (workflow, node, account, batch_hash)
);
create table outreach_approval (
    approval_id  bigint generated always as identity primary key,
    preview_id   bigint not null references outreach_preview,
    workflow     text not null,
    node         text not null,
    sequence_id  bigint not null references outreach_sequence,
    account      text not null,
    batch_hash   text not null,
    action       text not null check (action in ('approve', 'refuse')),
    actor        text not null,
    os_user      text not null,
    reason       text not null,
    decided_at   timestamptz not null
);
create index outreach_approval_by_node on outreach_approval (workflow, node, sequence_id, account);
create trigger outreach_approval_grows before update or delete on outreach_approval
    for each row execute function refuse_change();

-- A lead's life: one row for each change of state, and for facts worth reading.
create table outreach_event (
    event_id   bigint generated always as identity primary key,
    lead_id    bigint not null references outreach_lead on delete cascade,
    at         timestamptz not null,
    event      text not null,
    old_state  text,
    new_state  text,
    step       integer,
    effect_id  bigint,
    reason     text,
    evidence   jsonb not null default '{}'
);
create index outreach_event_by_lead on outreach_event (lead_id, event_id);
create index outreach_event_by_time on outreach_event (at, event);

-- What the service told us, as it came; it is read later.
create table outreach_inbox (
    inbox_id      bigint generated always as identity primary key,
    source        text not null,
    event_key     text not null,
    account       text,
    received_at   timestamptz not null,
    body          jsonb not null,
    processed_at  timestamptz,
    outcome       text,
    tries         integer not null default 0,
    unique (source, event_key)
);
create index outreach_inbox_open on outreach_inbox (inbox_id) where processed_at is null;
-- Events whose bodies are still kept.
create index outreach_inbox_kept on outreach_inbox (processed_at) where body <> '{}';

-- Connections that are known, so that a poll stops at the first it has seen.
create table outreach_relation (
    account       text not null references outreach_account,
    provider_id   text not null,
    slug          text,
    connected_at  timestamptz,
    seen_at       timestamptz not null,
    primary key (account, provider_id)
);

-- What people did by hand: who, why, and to what.
create table outreach_intervention (
    intervention_id  bigint generated always as identity primary key,
    at               timestamptz not null,
    action           text not null,
    workflow         text,
    node             text,
    account          text,
    lead_id          bigint,
    actor            text not null,
    os_user          text not null,
    reason           text not null,
    details          jsonb not null default '{}'
);
create trigger outreach_intervention_grows before update or delete on outreach_intervention
    for each row execute function refuse_change();

-- What is switched off now: everything (`*`), a node (`workflow.node`), or an account.
create table outreach_stop (
    scope   text primary key,
    actor   text not null,
    reason  text not null,
    at      timestamptz not null
);

-- Effects that are actions of a lead.
alter table effect
    add column lead_id bigint references outreach_lead,
    -- how often it could have shown when it was looked up, and did not, since it was last sent
    add column unseen integer not null default 0;
-- One live action per lead: the database's own word.
create unique index one_live_action on effect (lead_id)
    where lead_id is not null and state not in ('DONE', 'DEAD', 'CANCELLED');
create index effect_of_lead on effect (lead_id, effect_id) where lead_id is not null;
-- Actions that are under way, of each account: few, as an account acts one at a time.
create index effect_acting on effect (account, workflow, node, not_before)
    where lead_id is not null and state in ('PLANNED', 'RETRY', 'CLAIMED', 'SENT', 'UNKNOWN');
-- What an account has used up: who may have reached the service counts.
create index effect_spent on effect (account, kind, sent_at)
    where lead_id is not null and state in ('SENT', 'UNKNOWN', 'NEEDS_PERSON', 'DONE');

-- Each change of a lead's state is written down, whoever makes it.
create function note_lead() returns trigger language plpgsql as $$
begin
    insert into syncflow.outreach_event (lead_id, at, event, old_state, new_state, step, reason)
    values (new.lead_id, new.state_since, 'state', case when tg_op = 'UPDATE' then old.state end,
            new.state, new.current_step, new.reason);
    return null;
end
$$;
create trigger outreach_lead_noted after insert on outreach_lead
    for each row execute function note_lead();
create trigger outreach_lead_change_noted after update of state on outreach_lead
    for each row when (old.state is distinct from new.state) execute function note_lead();

-- Only a lead in flight has an action queued: whatever else becomes of it, what is not sent is not
-- sent any more.
create function withdraw_queued() returns trigger language plpgsql as $$
begin
    update syncflow.effect
    set state = 'CANCELLED', state_since = new.state_since, finished_at = new.state_since,
        lease_owner = null, lease_until = null, reason = 'the lead is ' || new.state
    where lead_id = new.lead_id and state in ('PLANNED', 'CLAIMED', 'WAITING', 'RETRY', 'HELD');
    return null;
end
$$;
create trigger outreach_lead_left after update of state on outreach_lead
    for each row when (old.state is distinct from new.state and new.state <> 'in_flight')
    execute function withdraw_queued();

-- A lead follows its action in the same transaction, whoever decides about the action: the delivery,
-- the reconciliation, or a person. `payload` carries what core rules have said when it was planned:
-- `step`, the step it is, and `after`, the state the lead has once it is confirmed.
create function follow_action() returns trigger language plpgsql as $$
declare
    lead syncflow.outreach_lead;
    follows boolean;
begin
    select * into lead from syncflow.outreach_lead where lead_id = new.lead_id for update;
    -- It has the state that this action gave it: nothing else has happened to it meanwhile.
    follows := lead.state in ('in_flight', 'outcome_unknown')
               or (lead.state = 'needs_review' and old.state = 'NEEDS_PERSON');
    if new.state = 'DONE' then
        perform syncflow.confirm_action(new, lead, follows);
    elsif new.state = 'UNKNOWN' and lead.state = 'in_flight' then
        update syncflow.outreach_lead
        set state = 'outcome_unknown', reason = new.reason, state_since = new.state_since
        where lead_id = new.lead_id;
    elsif new.state = 'NEEDS_PERSON' and follows then
        update syncflow.outreach_lead
        set state = 'needs_review', reason = new.reason, state_since = new.state_since
        where lead_id = new.lead_id;
    elsif new.state in ('PLANNED', 'WAITING', 'RETRY', 'HELD') and not follows then
        -- An answer came while it was on its way: it is not sent once more.
        update syncflow.effect
        set state = 'CANCELLED', finished_at = new.state_since, reason = 'the lead is ' || lead.state
        where effect_id = new.effect_id;
    elsif new.state in ('PLANNED', 'WAITING', 'RETRY', 'HELD') and lead.state <> 'in_flight' then
        update syncflow.outreach_lead
        set state = 'in_flight', reason = new.reason, state_since = new.state_since
        where lead_id = new.lead_id;
    elsif new.state = 'DEAD' and (follows or lead.state = 'paused') then
        update syncflow.outreach_lead
        set state = 'failed', resume_state = null, reason = new.reason,
            state_since = new.state_since, terminal_at = new.state_since
        where lead_id = new.lead_id;
    -- Of one that a person drops, a person says as well how the lead goes on.
    elsif new.state = 'CANCELLED' and follows and old.state <> 'NEEDS_PERSON' then
        update syncflow.outreach_lead
        set state = lead.resume_state, resume_state = null, reason = new.reason,
            state_since = new.state_since, next_due_at = coalesce(new.not_before, new.state_since)
        where lead_id = new.lead_id;
    end if;
    return null;
end
$$;

-- What is confirmed is kept of every lead; one that still stands at this step goes on to the next.
create function confirm_action(action effect, lead outreach_lead, follows boolean) returns void
language plpgsql as $$
declare
    -- An invitation that is taken back because it is old ends the lead where it stands.
    ends constant boolean := action.payload ->> 'after' = 'withdrawn';
    -- `next`: where a lead goes on behind a step at the end of a branch (`Sequence.behind`).
    next_step constant integer := case when ends then lead.current_step
                                       else coalesce((action.payload ->> 'next')::integer,
                                                     (action.payload ->> 'step')::integer + 1) end;
    standing constant text := coalesce(lead.resume_state, lead.state);
    following text;
begin
    update syncflow.outreach_lead l
    set last_action_at = action.sent_at,
        invited_at = case when action.kind = 'invite' then action.sent_at else l.invited_at end,
        invite_origin = case when action.kind = 'invite' then 'ours' else l.invite_origin end,
        invitation_id = case when action.kind = 'invite'
                             then coalesce(action.remote_id, l.invitation_id)
                             else l.invitation_id end,
        withdrawn_at = case when action.kind = 'withdraw' then action.sent_at
                            else l.withdrawn_at end,
        messages_sent = l.messages_sent
            + case when action.kind in ('message', 'inmail') then 1 else 0 end
    where l.lead_id = lead.lead_id;
    if lead.terminal_at is not null or lead.state in ('draft', 'awaiting_approval')
       or (not ends and next_step <= lead.current_step) then
        return;
    end if;
    following := case when next_step >= lead.n_steps then 'completed'
                      -- the connection became known before the invitation was confirmed
                      when standing = 'connected' then 'connected'
                      else action.payload ->> 'after' end;
    if following not in ('completed', 'withdrawn') and not follows
       and lead.state in ('paused', 'needs_review') then
        update syncflow.outreach_lead
        set resume_state = following, current_step = next_step, step_since = action.state_since
        where lead_id = lead.lead_id;
        return;
    end if;
    update syncflow.outreach_lead
    set state = following, resume_state = null, reason = null, current_step = next_step,
        state_since = action.state_since,
        step_since = case when ends then lead.step_since else action.state_since end,
        next_due_at = case when following not in ('completed', 'withdrawn')
                           then action.state_since end,
        terminal_at = case when following in ('completed', 'withdrawn') then action.state_since end
    where lead_id = lead.lead_id;
end
$$;
create trigger effect_followed after update of state on effect
    for each row when (new.lead_id is not null and old.state is distinct from new.state)
    execute function follow_action();

-- People are known by their place on LinkedIn, and by a company's domain, too.
alter table suppression drop constraint suppression_kind_check;
alter table suppression add constraint suppression_kind_check
    check (kind in ('email', 'phone', 'record', 'linkedin', 'domain'));
alter table erased_identifier drop constraint erased_identifier_kind_check;
alter table erased_identifier add constraint erased_identifier_kind_check
    check (kind in ('email', 'phone', 'record', 'linkedin', 'domain'));
