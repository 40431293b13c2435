-- What the fault matrix asks of the store, and how it thins the example's order book.

-- name: unsettled
select exists (
    select from effect where state not in ('DONE', 'DEAD', 'CANCELLED', 'WAITING')
) as unsettled;

-- name: thin_orders
delete from order_list where order_number between %(first)s and %(last)s;

-- name: thin_sizes
delete from order_list_sizes where order_number between %(first)s and %(last)s;

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
           row(bk_hash, data_hash, field_hashes, hash_version, record_uuid, generation,
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
