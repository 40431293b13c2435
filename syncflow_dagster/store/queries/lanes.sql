-- Which planned effects go in a bulk job. Statements of one node's effects that nobody has decided.

-- name: crowds
-- New items by what they belong to, where there are many.
select parent_key, count(*) as items
from effect
where workflow = %(workflow)s and node = %(node)s and state = 'PLANNED' and bulk is null
  -- what was sent before may come yet, and is told by its key only
  and kind = 'create_item' and tries = 0 and not doubted
group by parent_key
having count(*) >= %(least)s
order by min(effect_id);

-- name: crowd
-- New items of one group, each with the statuses that the same row wants for it.
select e.effect_id, e.payload, s.payload -> 'columns' as statuses
from effect e
left join effect s
    on s.delta_table = e.delta_table and s.delta_id = e.delta_id
   and s.kind = 'set_status' and s.state = 'PLANNED'
where e.workflow = %(workflow)s and e.node = %(node)s and e.state = 'PLANNED' and e.bulk is null
  and e.kind = 'create_item' and e.tries = 0 and not e.doubted
  and e.parent_key = %(parent_key)s and e.effect_id > %(after)s
order by e.effect_id
limit %(limit)s;

-- name: take_along
-- The file writes the statuses too: nothing is left for an effect of their own.
with statuses as (
    update effect s
    set state = 'CANCELLED', state_since = %(now)s, finished_at = %(now)s,
        reason = 'written together with its item, which goes in a bulk job'
    from effect e
    where e.effect_id = any(%(effect_ids)s)
      and s.delta_table = e.delta_table and s.delta_id = e.delta_id
      and s.kind = 'set_status' and s.state = 'PLANNED'
    returning e.effect_id, s.payload
)
update effect e
set payload = e.payload || jsonb_build_object(
        'columns', (e.payload -> 'columns') || (s.payload -> 'columns'),
        'shown', (e.payload -> 'shown') || (s.payload -> 'shown'),
        'droppable', coalesce(e.payload -> 'droppable', '[]'::jsonb)
                     || coalesce(s.payload -> 'droppable', '[]'::jsonb))
from statuses s
where e.effect_id = s.effect_id;

-- name: others
select kind, count(*) as effects
from effect
where workflow = %(workflow)s and node = %(node)s and state = 'PLANNED' and bulk is null
group by kind
order by kind;

-- name: decide
update effect set bulk = %(bulk)s
where effect_id = any(%(effect_ids)s) and state = 'PLANNED';
