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
