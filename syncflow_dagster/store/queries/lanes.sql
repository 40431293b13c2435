-- Which planned effects go in a bulk job. Statements of one node's effects that nobody has decided.

-- name: crowds
-- New items by what they belong to, where there are many.
select parent_key, count(*) as items
from effect
where workflow = %(workflow)s and node = %(node)s and state = 'PLANNED' and bulk is null
  and kind = 'create_item'
group by parent_key
having count(*) >= %(least)s
order by min(effect_id);

-- name: crowd
select effect_id, payload
from effect
where workflow = %(workflow)s and node = %(node)s and state = 'PLANNED' and bulk is null
  and kind = 'create_item' and parent_key = %(parent_key)s and effect_id > %(after)s
order by effect_id
limit %(limit)s;

-- name: others
select kind, count(*) as effects
from effect
where workflow = %(workflow)s and node = %(node)s and state = 'PLANNED' and bulk is null
group by kind
order by kind;

-- name: decide
update effect set bulk = %(bulk)s
where effect_id = any(%(effect_ids)s) and state = 'PLANNED';
