-- The benchmark: what it copies by hand, and how a peer's history is counted. {names} are
-- filled with identifiers, {limit} with a number.

-- name: create_rows
create table {table} (
    order_number text, customer_name text, style text, city text, status text, colour text,
    size text, note text, amount numeric, unit_price numeric, quantity numeric, discount numeric,
    weight numeric, share numeric, ordered_at timestamptz, promised_at timestamptz,
    changed_at timestamptz, lines bigint, due date, rush boolean
)

-- name: copy_in
copy {table} from stdin (format binary)

-- name: copy_out
copy {table} to stdout (format binary)

-- name: copy_out_text
copy {table} to stdout

-- name: copy_known_hashes
copy (select bk_hash, data_hash from {snapshot}) to stdout (format binary)

-- name: copy_newest
copy (select * from {delta} order by delta_id desc limit {limit}) to stdout (format binary)

-- name: create_bare
create table {table} as select * from {like} with no data

-- name: deliver
-- As if a push had brought all rows to their destination, which is no part of a delta.
alter table {delta} disable trigger all;
update {delta} set state = 'SYNCED', synced_at = clock_timestamp();
alter table {delta} enable trigger all

-- name: history_changes
-- A history holds a row for each version of a record; rows of the second run begin, and rows it
-- replaced end, after the first run's.
with first_run as (
    select min({valid_from}) as at from {history}
), begun as (
    select h.{key} as key from {history} h, first_run f where h.{valid_from} > f.at
), ended as (
    select h.{key} as key from {history} h, first_run f
    where h.{valid_from} = f.at and h.{valid_to} is not null
)
select count(*) filter (where e.key is null) as inserted,
       count(*) filter (where b.key is not null and e.key is not null) as updated,
       count(*) filter (where b.key is null) as deleted
from begun b full join ended e on b.key = e.key
