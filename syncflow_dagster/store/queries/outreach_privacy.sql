-- Persons of outreach: what each is known by, who wants nothing more, what is held, what is erased.

-- name: keys_of
select person_id, key from outreach_person_key where person_id = any(%(persons)s);

-- name: opted_out
select distinct person_id from outreach_lead
where person_id = any(%(persons)s) and opted_out_at is not null;

-- name: known_by
-- What identity nodes know persons by: records, and what is theirs alone.
with asked as (
    select a.person_id as asked, coalesce(p.merged_into, p.person_id) as person_id
    from unnest(%(persons)s::uuid[]) as a (person_id)
    join person p using (person_id)
), persons as (
    select a.asked, p.person_id
    from asked a
    join person p on p.person_id = a.person_id or p.merged_into = a.person_id
)
select p.asked::text as person, 'record' as kind, r.record_id as value
from persons p join person_record r using (person_id)
union
select p.asked::text, i.kind, i.value
from persons p join person_identifier i using (person_id)
where i.kind in ('email', 'phone', 'linkedin') and not i.shared;

-- name: persons
select person_id from outreach_person_key where key = any(%(keys)s)
union
select l.person_id
from unnest(%(tables)s::text[], %(records)s::text[]) as r (delta_table, source_key)
join outreach_lead l on l.source_key = r.source_key
                    and l.delta_table = coalesce(r.delta_table, l.delta_table)
order by person_id;

-- name: lead_ids
select lead_id from outreach_lead where person_id = any(%(persons)s) order by lead_id;

-- name: held
-- All that is held of some persons' leads.
select 'outreach_lead' as name, to_jsonb(l) as held
from outreach_lead l where l.lead_id = any(%(leads)s)
union all
select 'outreach_text', to_jsonb(t) from outreach_text t where t.lead_id = any(%(leads)s)
union all
select 'outreach_event', to_jsonb(e) from outreach_event e where e.lead_id = any(%(leads)s)
union all
select 'outreach_person_key', to_jsonb(k) from outreach_person_key k
where k.person_id = any(%(outreach_persons)s)
union all
select 'outreach_relation', to_jsonb(r) from outreach_relation r
where r.provider_id = any(%(profiles)s) or r.slug = any(%(profiles)s)
union all
select 'outreach_inbox', to_jsonb(i) from outreach_inbox i
where exists (
    select from jsonb_path_query(i.body, '$.** ? (@.type() == "string")') as v
    where v #>> '{}' = any(%(profiles)s)
       or rtrim(regexp_replace(v #>> '{}', '^.*/in/', ''), '/') = any(%(profiles)s));

-- name: effects
select e.effect_id, to_jsonb(e) as held from effect e where e.lead_id = any(%(leads)s);

-- name: lock_effects
select effect_id from effect where lead_id = any(%(leads)s) order by effect_id for update;

-- name: end_leads
-- Who is erased is not written to any more; what is at its end stays what it is, and is counted.
update outreach_lead
set state = 'suppressed', resume_state = null, next_due_at = null, reason = 'erased',
    state_since = %(now)s, terminal_at = %(now)s
where lead_id = any(%(leads)s) and terminal_at is null;

-- name: erase_leads
update outreach_lead
set slug = null, provider_id = null, fields = '{}', chat_id = null, invitation_id = null,
    source_key = 'erased-' || lead_id, delta_table = null, delta_id = null,
    reason = case when reason is null then null else 'erased' end
where lead_id = any(%(leads)s);

-- name: empty_lead
-- Its record is known by its key, so that it is not enrolled once more.
update outreach_lead set slug = null, provider_id = null, fields = '{}'
where lead_id = %(lead_id)s;

-- name: erase_texts
-- The hash stays: the same text is not sent to this person twice.
update outreach_text set subject = null, text = null where lead_id = any(%(leads)s);

-- name: erase_events
-- Why the person might be written to is told without a word about it.
update outreach_event
set evidence = '{}', reason = case when reason is null then null else 'erased' end
where lead_id = any(%(leads)s) and event <> 'lawful_basis';

-- name: erase_inbox
update outreach_inbox
set body = '{}', event_key = 'erased-' || inbox_id, outcome = coalesce(outcome, 'erased'),
    processed_at = coalesce(processed_at, %(now)s)
where inbox_id = any(%(inbox)s);

-- name: erase_relations
delete from outreach_relation where provider_id = any(%(profiles)s) or slug = any(%(profiles)s);

-- name: forget_keys
delete from outreach_person_key
where person_id = any(%(outreach_persons)s) and key not like 'hash:%%';

-- name: keep_hashes
insert into outreach_person_key (key, person_id)
select unnest(%(keys)s::text[]), %(person_id)s
on conflict (key) do nothing;

-- name: old_texts
-- Leads whose texts are older than they are kept, and that still have some.
select l.lead_id
from outreach_lead l
where l.workflow = %(workflow)s and l.node = %(node)s and l.terminal_at < %(before)s
  and exists (select from outreach_text t where t.lead_id = l.lead_id and t.text is not null)
order by l.lead_id
limit %(limit)s;

-- name: forget_payloads
-- What was said goes; that something was said, and when, is counted on.
update effect set payload = payload - 'text' - 'subject'
where lead_id = any(%(leads)s) and state in ('DONE', 'CANCELLED', 'DEAD')
  and payload ?| array['text', 'subject'];

-- name: old_inbox
-- Events that were read long ago: their bodies have messages in them.
update outreach_inbox set body = '{}'
where inbox_id in (
    select inbox_id from outreach_inbox
    where processed_at < %(before)s and body <> '{}'
      and account = any(%(accounts)s)
    order by inbox_id
    limit %(limit)s);
