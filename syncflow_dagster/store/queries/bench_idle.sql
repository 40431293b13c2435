-- What the benchmark of idling writes and reads.

-- name: open_batch
insert into syncflow.batch (workflow, node, started_at)
values (%(workflow)s, 'orders', clock_timestamp())
returning batch_id;

-- name: insert_pending
insert into {table} (
    batch_id, record_uuid, generation, operation, state, bk_hash, business_key, number, amount
) values (
    %(batch_id)s, gen_random_uuid(), 1, 'INSERT', 'PENDING', gen_random_uuid(), 'SO-1', 'SO-1', 1
);

-- name: first_run
select run.start_time, run.end_time
from public.runs as run
join public.run_tags as tag on tag.run_id = run.run_id
where tag.key = 'workflow' and tag.value = %(workflow)s and run.create_timestamp >= %(since)s
order by run.id
limit 1;

-- name: count_ticks
select count(*) as number from public.job_ticks;
