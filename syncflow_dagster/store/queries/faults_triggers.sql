-- What the faults of triggers are judged by.

-- name: make_reads
create table if not exists read_log (
    read_id   bigint generated always as identity primary key,
    slot_id   bigint not null,
    read_from timestamptz,
    read_to   timestamptz not null
)

-- name: note_read
insert into read_log (slot_id, read_from, read_to)
values (%(slot_id)s, %(read_from)s, %(read_to)s)

-- name: reads
select slot_id, read_from, read_to from read_log order by read_id

-- name: crashed
select slot_id, due_at, run_id
from syncflow.trigger_slot
where state = 'TAKEN' and slot_id not in (select slot_id from read_log)

-- name: unserved
select count(*) as slots from syncflow.trigger_slot where state in ('DUE', 'REQUESTED')

-- name: fill_sales
create table sales as
select number, now() - interval '10 minutes' + number * interval '1 second' as sold_at
from generate_series(1, 3600) number

-- name: log_statements
alter database {source} set log_statement = 'all'

-- name: read_to
select w.workflow, i.read_to
from unnest(%(workflows)s::text[]) as w (workflow)
left join syncflow.pull_interval i on i.workflow = w.workflow

-- name: slots_by_due_time
select workflow, due_at, state from syncflow.trigger_slot order by workflow, due_at

-- name: sales_kept
select count(*) as rows, count(distinct business_key) as sales from {delta}

-- name: runs_of_due_times
-- Without those that repeat one that was killed.
select w.value as workflow, d.value::timestamptz as due_at, r.status
from public.runs r
join public.run_tags w on w.run_id = r.run_id and w.key = 'workflow'
join public.run_tags d on d.run_id = r.run_id and d.key = 'scheduled_for'
where not exists (
    select from public.run_tags root
    where root.run_id = r.run_id and root.key = 'dagster/root_run_id'
)
order by r.id

-- name: runs_under_way
select count(*) as runs from public.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')

-- name: count_sales
select count(*) as sales from sales where sold_at <= %(read_to)s
