-- Which database this is, among all that ever were.

-- name: identify
select to_hex(c.system_identifier) || '-' || d.oid as name
from pg_control_system() c
cross join pg_database d
where d.datname = current_database()
