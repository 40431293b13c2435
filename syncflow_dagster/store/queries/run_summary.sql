-- What a run's push came to. {table} is a delta table. Records without a customer, and groups, are
-- shared. See also by_customer of observe.sql.

-- name: note_pass
insert into syncflow.run_summary (workflow, node, run_id, began_at, ended_at, passes)
values (%(workflow)s, %(node)s, %(run_id)s, %(began_at)s, %(ended_at)s, %(passes)s)
on conflict (workflow, node, run_id) do update
set ended_at = excluded.ended_at, passes = run_summary.passes || excluded.passes
returning began_at, passes

-- name: keep
update syncflow.run_summary set summary = %(summary)s
where workflow = %(workflow)s and node = %(node)s and run_id = %(run_id)s

-- name: reasons
-- Why changes were refused in this run, or need a person.
select coalesce(customer, '(shared)') as customer, coalesce(reason, state) as reason,
       count(distinct object_key) as number
from (
    select e.customer, e.object_key, e.state, e.reason
    from syncflow.effect e
    where e.workflow = %(workflow)s and e.node = %(node)s and e.state = 'DEAD'
      and coalesce(e.finished_at, e.planned_at) >= %(since)s
    union all
    select e.customer, e.object_key, e.state, e.reason
    from syncflow.effect e
    where e.workflow = %(workflow)s and e.node = %(node)s and e.state = 'NEEDS_PERSON'
) e
group by 1, 2
order by number desc, 1, 2

-- name: rejected
-- Rows of the source that are no records, by the reason.
select coalesce(customer, '(shared)') as customer, concat(column_name, ': ', reason) as reason,
       count(*) as number
from syncflow.rejected_record
where workflow = %(workflow)s and node = any (%(nodes)s) and resolved_at is null
group by 1, 2
order by number desc, 1, 2

-- name: unplanned
-- Rows the push has not planned: they are left, or wait for their parents. A record of which an older
-- change is still to go is left already.
with to_go as (
    select o.record_uuid
    from syncflow.effect e join {table} o on o.delta_id = e.delta_id
    where e.workflow = %(workflow)s and e.node = %(node)s and e.delta_table = {name}
      and (e.state in ('PLANNED', 'RETRY') or e.state in ('CLAIMED', 'SENT', 'HELD'))
)
select coalesce(d.customer, '(shared)') as customer,
       count(*) filter (
           where d.state = 'PENDING' and d.record_uuid not in (select record_uuid from to_go)
       ) as left,
       count(*) filter (where d.state = 'WAITING') as waiting
from {table} d
where d.state in ('PENDING', 'WAITING') and d.superseded_by is null
  and not exists (
      select from syncflow.effect e where e.delta_table = {name} and e.delta_id = d.delta_id)
group by 1

-- name: read_counts
-- What the builds of this run read, among the latest of the node: 64 ranges at most.
select counts from (
    select run_id, status, counts from syncflow.batch
    where workflow = %(workflow)s and node = %(node)s
    order by batch_id desc
    limit 64
) b
where b.run_id = %(run_id)s and b.status = 'DONE'

-- name: find_runs
-- The newest run, or those whose id begins so.
select run_id, max(began_at) as began_at
from syncflow.run_summary
where workflow = %(workflow)s and starts_with(run_id, %(run)s)
group by run_id
order by 2 desc
limit %(limit)s

-- name: of_run
select node, summary from syncflow.run_summary
where workflow = %(workflow)s and run_id = %(run_id)s
order by node
