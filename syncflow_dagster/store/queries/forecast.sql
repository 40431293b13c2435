-- What waits to be sent, and how fast it went before.

-- name: left
select pass, count(*) as effects from effect
where workflow = %(workflow)s and node = %(node)s
  and state in ('PLANNED', 'RETRY', 'WAITING', 'CLAIMED', 'SENT', 'UNKNOWN')
group by pass;

-- name: rows
select count(*) as rows from {table} where state = 'PENDING';

-- name: ran
-- The last deliveries of each pass, the newest first.
select pass, effects, extract(epoch from ended_at - began_at)::double precision - waited_s as seconds
from (select w.*, row_number() over (partition by pass order by ended_at desc) as place
      from work_rate w
      where workflow = %(workflow)s and node = %(node)s) as latest
where place <= %(most)s
order by ended_at desc;

-- name: note
with older as (
    delete from work_rate
    where workflow = %(workflow)s and node = %(node)s and pass = %(pass)s
      and rate_id in (select rate_id from work_rate
                      where workflow = %(workflow)s and node = %(node)s and pass = %(pass)s
                      order by ended_at desc
                      offset %(most)s))
insert into work_rate (workflow, node, pass, began_at, ended_at, waited_s, effects, run_id)
values (%(workflow)s, %(node)s, %(pass)s, %(began_at)s, %(ended_at)s, %(waited_s)s, %(effects)s,
        %(run_id)s);
