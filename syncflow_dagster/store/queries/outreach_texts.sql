-- Texts of leads, what people were shown of them, and what they decided.

-- name: earlier
-- What was, or may have been said to persons in other campaigns.
select distinct l.person_id, t.sha256
from outreach_lead l
join outreach_text t using (lead_id)
where l.person_id = any(%(persons)s) and l.lead_id <> all(%(leads)s)
  and (t.step < l.current_step
       or exists (select from effect e
                  where e.lead_id = l.lead_id and e.sent_at is not null
                    and (e.payload ->> 'step')::integer = t.step));

-- name: senders
select account, first_name from outreach_account where account = any(%(accounts)s);

-- name: keep_basis
-- Why a person may be written to, once for each lead and basis.
insert into outreach_event (lead_id, at, event, evidence)
select l.lead_id, %(now)s, 'lawful_basis', %(basis)s
from unnest(%(leads)s::bigint[]) as l (lead_id)
where not exists (select from outreach_event e
                  where e.lead_id = l.lead_id and e.event = 'lawful_basis'
                    and e.evidence = %(basis)s);

-- name: keep_text
insert into outreach_text (lead_id, step, variant, subject, text, sha256)
values (%(lead_id)s, %(step)s, %(variant)s, %(subject)s, %(text)s, %(sha256)s)
on conflict (lead_id, step) do update
set variant = excluded.variant, subject = excluded.subject, text = excluded.text,
    sha256 = excluded.sha256;

-- name: drop_texts
delete from outreach_text where lead_id = any(%(leads)s);

-- name: find_version
select sequence_id, version from outreach_sequence
where workflow = %(workflow)s and node = %(node)s and digest = %(digest)s;

-- name: drafts
select lead_id from outreach_lead
where workflow = %(workflow)s and node = %(node)s and account = %(account)s
  and sequence_id = %(sequence_id)s and state = 'draft'
order by lead_id
for update;

-- name: lock_batch
-- Nothing of what is approved may change before it is.
select lead_id from outreach_lead
where sequence_id = %(sequence_id)s and account = %(account)s and state = 'awaiting_approval'
order by lead_id
for update;

-- name: batch
-- Leads that wait for approval, each with its texts in the order of the steps.
select l.lead_id, l.person_id, l.slug, l.provider_id, l.fields,
       coalesce(jsonb_agg(jsonb_build_object('step', t.step, 'variant', t.variant,
                                             'subject', t.subject, 'text', t.text)
                          order by t.step) filter (where t.step is not null), '[]') as texts
from outreach_lead l
left join outreach_text t using (lead_id)
where l.sequence_id = %(sequence_id)s and l.account = %(account)s
  and l.state = 'awaiting_approval'
group by l.lead_id
order by l.lead_id;

-- name: faulty
-- Leads of which no texts could be made.
select lead_id, reason from outreach_lead
where sequence_id = %(sequence_id)s and account = %(account)s
  and state = 'needs_review' and resume_state = 'draft'
order by lead_id;

-- name: waiting_drafts
select count(*) as leads from outreach_lead
where sequence_id = %(sequence_id)s and account = %(account)s and state = 'draft';

-- name: keep_preview
insert into outreach_preview (workflow, node, sequence_id, account, batch_hash, leads, report, made_at)
values (%(workflow)s, %(node)s, %(sequence_id)s, %(account)s, %(batch_hash)s, %(leads)s,
        %(report)s, %(now)s)
on conflict (workflow, node, account, batch_hash) do update
set report = excluded.report, made_at = excluded.made_at
returning preview_id;

-- name: find_previews
select preview_id, workflow, node, sequence_id, account, batch_hash, leads, made_at
from outreach_preview
where workflow = %(workflow)s and batch_hash like %(begins)s
order by preview_id desc;

-- name: last_previews
-- The newest preview of each node and account.
select distinct on (node, account) node, account, batch_hash, leads, made_at
from outreach_preview
where workflow = %(workflow)s
order by node, account, preview_id desc;

-- name: decide
insert into outreach_approval (preview_id, workflow, node, sequence_id, account, batch_hash, action,
                               actor, os_user, reason, decided_at)
values (%(preview_id)s, %(workflow)s, %(node)s, %(sequence_id)s, %(account)s, %(batch_hash)s,
        %(action)s, %(actor)s, %(os_user)s, %(reason)s, %(now)s)
returning approval_id;

-- name: approval
-- What was decided last about a version and an account.
select approval_id, action from outreach_approval
where sequence_id = %(sequence_id)s and account = %(account)s
order by approval_id desc
limit 1;

-- name: release
-- Those that were shown, and not who has come in between.
update outreach_lead
set state = 'pending_invite', approval_id = %(approval_id)s, next_due_at = %(now)s,
    state_since = %(now)s, step_since = %(now)s, reason = %(reason)s
where lead_id = any(%(leads)s) and state = 'awaiting_approval';

-- name: know_account
insert into outreach_account (account) values (%(account)s) on conflict (account) do nothing;

-- name: acknowledge
update outreach_account
set acknowledged_by = %(actor)s, acknowledged_at = %(now)s, acknowledgement = %(statement)s
where account = %(account)s;

-- name: note_intervention
insert into outreach_intervention (at, action, workflow, node, account, lead_id, actor, os_user,
                                   reason, details)
values (%(now)s, %(action)s, %(workflow)s, %(node)s, %(account)s, null, %(actor)s, %(os_user)s,
        %(reason)s, %(details)s);
