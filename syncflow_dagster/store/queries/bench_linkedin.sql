-- The benchmark of outreach: leads of ten accounts in all states.

-- name: accounts
insert into outreach_account (account, status)
select 'unipile:bench/account-' || number, 'OK' from generate_series(1, 10) as number;

-- name: sequence
insert into outreach_sequence (workflow, node, version, digest, steps, created_at)
values ('bench', 'steps', 1, 'd', '[]', %(now)s);

-- name: persons
insert into outreach_person (since) select %(now)s from generate_series(1, %(rows)s);

-- name: leads
-- Of each hundred 20 are due: 5 to be looked at, 10 to be invited, 5 to be written to. The others
-- wait for an approval, are due later, wait for an event, or are at their end.
-- Account 1 has 11 of 20 leads: even among few it has as many to look at as a turn takes at once, so
-- that the same is asked of few and of many.
insert into outreach_lead (workflow, node, person_id, account, sequence_id, n_steps, source_key,
                           slug, provider_id, state, state_since, step_since, enrolled_at,
                           next_due_at, queue, invite_origin, current_step, terminal_at)
select 'bench', 'steps', number, 'unipile:bench/account-' || greatest(number %% 20 - 9, 1), 1, 4, 'r' || number,
       'jane-doe-' || number, 'ACoAA' || md5(number::text), k.state, t.past, t.past, t.past,
       case when k.due then t.past when k.later then %(now)s + (number %% 9973) * interval '1 minute' end,
       k.queue,
       case when k.state in ('invite_sent', 'connected') then 'ours' end,
       case when k.state = 'completed' then 4 else 0 end,
       case when k.state in ('completed', 'replied') then t.past end
from generate_series(1, %(rows)s) as number
cross join lateral (
    select %(now)s - (number %% 9973) * interval '1 minute' as past, number / 20 %% 100 as part) t
cross join lateral (
    select case when t.part < 5 then 'invite_sent' when t.part < 15 then 'pending_invite'
                when t.part < 20 then 'connected' when t.part < 30 then 'awaiting_approval'
                when t.part < 70 then 'invite_sent' when t.part < 80 then 'connected'
                when t.part < 95 then 'completed' else 'replied' end as state,
           t.part < 20 as due, t.part >= 30 and t.part < 80 as later,
           case when t.part < 5 then 'look' when t.part < 15 then 'invite'
                when t.part < 20 then 'message' else 'look' end as queue) k;

-- name: count_due
select count(*) as leads from outreach_lead where next_due_at <= %(now)s;
