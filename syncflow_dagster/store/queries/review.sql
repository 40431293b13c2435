-- The review queue: questions of identity nodes to people, and their answers.

-- name: cases
-- The number of all is in each row.
select c.case_id, c.workflow, c.node, c.record_id, c.tier, c.reason, c.state, c.opened_at,
       c.decision, c.actor, c.why, c.ended_at, count(*) over () as total,
       (select count(*) from review_candidate k where k.case_id = c.case_id) as candidates
from review_case c
where c.workflow = %(workflow)s and (%(state)s::text is null or c.state = %(state)s)
order by c.case_id
limit %(limit)s;

-- name: case
select c.*, e.table_name is not null as known_table
from review_case c
left join delta_entity e on e.table_name = c.delta_table and e.workflow = c.workflow
where c.case_id = %(case_id)s;

-- name: candidates
select coalesce(p.merged_into, p.person_id) as person_id, k.likeness, k.tier, k.evidence
from review_candidate k
join person p on p.person_id = k.person_id
where k.case_id = %(case_id)s
order by k.tier, k.likeness desc, 1;

-- name: living
select 1 from person p
where p.person_id = %(person_id)s and p.workflow = %(workflow)s and p.node = %(node)s
  and p.merged_into is null
  and (exists (select 1 from person_record r where r.person_id = p.person_id)
       or exists (select 1 from person_identifier i where i.person_id = p.person_id));

-- name: known_record
select 1 from person_record
where workflow = %(workflow)s and node = %(node)s and record_id = %(record_id)s;

-- name: records
select person_id, record_id, first_name, last_name, email, linkedin, phones, account, company,
       title, created, gone
from person_record where person_id = any(%(persons)s) order by place;

-- name: row
-- {table} is the delta table.
select * from {table} where delta_id = %(delta_id)s;

-- name: lock
select c.case_id, c.workflow, c.node, c.record_id, c.state, c.actor, c.delta_table, c.delta_id
from review_case c where c.case_id = %(case_id)s for update;

-- name: answer
update review_case
set state = 'DECIDED', decision = %(decision)s, person_id = %(person_id)s, actor = %(actor)s,
    why = %(why)s, ended_at = %(now)s, keys = '{}'
where case_id = %(case_id)s and state = 'OPEN';

-- name: pending_again
-- {table} is the delta table.
update {table}
set state = 'PENDING', reason = null, state_since = %(now)s
where delta_id = %(delta_id)s and state = 'HELD';
