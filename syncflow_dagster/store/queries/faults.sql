-- What the fault matrix asks of the store, and how it thins the example's order book.

-- name: unsettled
select exists (
    select from effect where state not in ('DONE', 'DEAD', 'CANCELLED', 'WAITING')
) as unsettled;

-- name: thin_orders
delete from order_list where order_number between %(first)s and %(last)s;

-- name: thin_sizes
delete from order_list_sizes where order_number between %(first)s and %(last)s;

-- name: fill_statuses
-- Orders have a status, in turn.
update order_list
set order_status = case when right(order_number, 1) < '5' then 'OPEN' else 'SHIPPED' end;

-- name: spoil_emails
-- monday refuses what is no address.
update order_list set buyer_email = 'no address'
where order_number in (
    select order_number from order_list order by order_number limit %(orders)s);

-- name: running_batches
select count(*) as batches from syncflow.batch where status = 'RUNNING';

-- name: hash_delta
-- A number for each row, without what differs from run to run: ids of rows and batches, moments.
select string_agg(int8send(hashtextextended(
           row(record_uuid, generation, operation, state, bk_hash, data_hash, parent_bk_hash,
               parent_uuid, business_key, customer, changed_columns, {fields})::text, 0
       )), ''::bytea) as hashes
from {table};

-- name: hash_snapshot
select string_agg(int8send(hashtextextended(
           row(bk_hash, data_hash, field_hashes, row_hash, hash_version, record_uuid, generation,
               parent_bk_hash, business_key, customer, deleted_at is not null)::text, 0
       )), ''::bytea) as hashes
from {table};

-- name: fill_rows
-- Two old rows of each record, of which the later one stays.
insert into {delta} (batch_id, record_uuid, generation, operation, state, state_since, created_at,
                     bk_hash, business_key, number)
select 1, md5(n::text)::uuid, 1, o.operation, 'SYNCED', now() - o.age, now() - o.age,
       md5(n::text)::uuid, n::text, n::text
from generate_series(1, %(records)s) as n
cross join (values ('INSERT', interval '300 days'), ('UPDATE', interval '200 days'))
    as o (operation, age);

-- name: fill_effects
-- One for each older row.
insert into syncflow.effect (effect_key, workflow, node, account, kind, pass, object_key, creates,
                             delta_table, delta_id, payload, state, planned_at, finished_at)
select delta_id::text, 'kept', 'push', 'a', 'change_item', 1, record_uuid::text, false,
       'orders_delta', delta_id, '{{}}', 'DONE', created_at, created_at
from {delta} where operation = 'INSERT';

-- name: judge_retention
select (select count(*) from {delta} join {archive} using (delta_id))
           + (select count(*) from syncflow.effect join syncflow.effect_archive using (effect_id))
           as twice,
       (select count(*) from {delta}) + (select count(*) from {archive}) as rows,
       (select count(*) from {archive}) as archived,
       (select count(*) from syncflow.effect_archive) as effects;

-- name: judge_due
-- Rows of records that were due, how many records these are, and how many are due still.
select count(*) as rows, count(distinct bk_hash) as records,
       (select count(*) from syncflow.due_record where next_due_at is not null) as left
from {delta} where operation = 'UPDATE';

-- name: explained
-- Newest rows of records that are not on the board, for a reason that somebody can read.
select record_uuid::text as key, state from {table}
where superseded_by is null and state in ('DEAD', 'WAITING', 'HELD')
  and coalesce(reason, '') <> '';

-- name: stranded_rows
-- Rows that nothing will take up again, or that do not say what they wait for.
select count(*) as stranded from {table} d
where superseded_by is null
  and (state in ('PENDING', 'FAILED')
       or (state in ('DEAD', 'WAITING', 'HELD') and coalesce(reason, '') = '')
       or (state = 'PUSHING' and not exists (
           select from effect e
           where e.delta_table = %(table)s and e.delta_id = d.delta_id
             and e.state not in ('DONE', 'DEAD', 'CANCELLED'))));

-- name: stranded_effects
-- The same of effects, once no worker is at work.
select count(*) as stranded from effect
where state in ('PLANNED', 'CLAIMED', 'SENT')
   or (state in ('RETRY', 'UNKNOWN') and not_before is null)
   or (state in ('DEAD', 'WAITING', 'HELD', 'NEEDS_PERSON') and coalesce(reason, '') = '');

-- name: lookups_allowed
-- For each reconciliation one request, and one more for each hundred of its questions.
select coalesce(sum(questions / 100 + 1), 0)::integer as requests
from (select count(*) as questions from attempt where action = 'lookup' group by request_id) asked;

-- name: newest_rows
select * from {table} where superseded_by is null order by delta_id;

-- name: end_sessions
-- All sessions of a database but this one.
select count(pg_terminate_backend(pid)) as ended from pg_stat_activity
where datname = %(database)s and pid <> pg_backend_pid();

-- name: end_transactions
-- Those of them that are in the middle of a transaction.
select count(pg_terminate_backend(pid)) as ended from pg_stat_activity
where datname = %(database)s and pid <> pg_backend_pid() and xact_start is not null
  and application_name = 'syncflow';

-- name: end_reader
-- A session that reads from a source and stands still there.
select count(pg_terminate_backend(pid)) as ended from pg_stat_activity
where datname = %(database)s and pid <> pg_backend_pid() and query like %(query)s
  and wait_event = 'PgSleep';

-- name: make_source
create table source_rows (id integer primary key, title text, amount numeric);
create table stalls as select false as on_going;

-- name: fill_source
insert into source_rows
select n, 'title ' || n %% 1000, (n %% 977) / 4.0 from generate_series(1, %(rows)s) as n;

-- name: stall
update stalls set on_going = %(on)s;

-- name: no_space
-- Every write to the ledger fails as on a full disk.
create function syncflow.no_space() returns trigger language plpgsql as $$
begin
    raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
end $$;
create trigger no_space before insert or update on syncflow.effect
    for each row execute function syncflow.no_space();
create trigger no_space before insert or update on syncflow.attempt
    for each row execute function syncflow.no_space();

-- name: space_again
drop function syncflow.no_space() cascade;

-- name: unrecorded
-- Effects that were sent, and of which nobody has written down what became of them, or which bulk
-- job will tell.
select count(*) as effects from effect e
where state in ('SENT', 'UNKNOWN')
  and not (state = 'UNKNOWN' and exists (
      select from bulk_job j where j.request_id = e.request_id));

-- name: judge_identity
-- {table} is the delta table of the contacts. `twice`: what stands for one contact more than once.
select
    (select count(*) from syncflow.person where workflow = %(workflow)s and merged_into is null) as persons,
    (select count(*) from syncflow.person_record where workflow = %(workflow)s) as records,
    (select count(*) from syncflow.job_change where workflow = %(workflow)s) as moves,
    (select count(*) from syncflow.review_case where workflow = %(workflow)s) as asked,
    (select count(*) - count(distinct contact_id) from syncflow.job_change
     where workflow = %(workflow)s)
    + (select count(*) - count(distinct record_id) from syncflow.review_case
       where workflow = %(workflow)s) as twice,
    (select count(*) from {table} d
     where d.state not in ('SYNCED', 'HELD', 'SUPERSEDED')
        or (d.state = 'HELD') <> exists (
            select 1 from syncflow.review_case c
            where c.workflow = %(workflow)s and c.delta_id = d.delta_id and c.state = 'OPEN')
    ) as undecided;

-- name: tag_states
select state, count(*) as effects from effect group by state;

-- name: outreach_leads
-- Leads with what a judge holds against the truth. `known_at`: when the connection was first known.
select l.lead_id, l.provider_id, l.slug, l.state, l.reason, l.enrolled_at, l.invited_at,
       l.connected_at, a.service_id as account_id,
       (select min(v.at) from outreach_event v
        where v.lead_id = l.lead_id
          and (v.event = 'connected' or v.new_state in ('connected', 'replied', 'suppressed')))
           as known_at,
       exists (select from effect e
               where e.lead_id = l.lead_id and e.state = 'DONE'
                 and coalesce((e.payload ->> 'next')::integer, (e.payload ->> 'step')::integer + 1) = l.n_steps)
           as last_confirmed,
       exists (select from effect e
               where e.lead_id = l.lead_id and e.state = 'NEEDS_PERSON') as in_question
from outreach_lead l
join outreach_account a using (account)
order by l.lead_id;

-- name: open_actions
select count(*) as effects from effect
where lead_id is not null and state in ('CLAIMED', 'SENT', 'UNKNOWN')
  and state_since < (select max(at) from outreach_event) - interval '1 day';

-- name: turns_insert
insert into {table} (batch_id, record_uuid, generation, operation, state, bk_hash, business_key)
select 1, gen_random_uuid(), 1, 'INSERT', 'PENDING', gen_random_uuid(), number::text
from generate_series(1, %(rows)s) as number;

-- name: turns_take
update {table} set state = 'SYNCED'
where delta_id in (
    select delta_id from {table} where state = 'PENDING' order by delta_id limit %(rows)s);

-- name: turns_left
select count(*) as rows from {table} where state not in ('SYNCED', 'SUPERSEDED', 'ARCHIVED');
