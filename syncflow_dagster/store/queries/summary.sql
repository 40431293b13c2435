-- Where every record of a workflow stands. {table} is a delta table.

-- name: rows_by_state
select state, count(*) as rows from {table} where state <> 'ARCHIVED' group by state;

-- name: rows_in_state
select business_key, customer, record_uuid, operation, state, reason
from {table} where state = any(%(states)s) order by delta_id limit %(limit)s;

-- name: synced_records
select distinct record_uuid from {table}
where state = 'SYNCED' and operation <> 'DELETE' and reason is null;

-- name: open_rejections
select node, business_key, customer, column_name, value, rule, reason, row_number
from rejected_record where workflow = %(workflow)s and resolved_at is null
order by node, row_number;

-- name: last_batch
select counts, stages, status, error from batch
where workflow = %(workflow)s and node = %(node)s and status = 'DONE'
order by batch_id desc limit 1;

-- name: unknown_effects
select effect_key, object_key, state, reason from effect
where workflow = %(workflow)s and state in ('UNKNOWN', 'NEEDS_PERSON') order by effect_id;
