-- What people decide about effects. Times are parameters: they come from the database's clock.

-- name: effects
-- Effects that are not at an end, or dead; what a newer change of its record overtook is left out.
select e.effect_id, e.node, e.kind, e.object_key, e.customer, e.state, e.reason, e.state_since,
       e.tries, e.lookups, e.not_before, e.remote_id, e.payload ->> 'label' as label,
       count(*) over () as total
from effect e
where e.workflow = %(workflow)s
  and (case when %(state)s::text is null
            then e.state in ('WAITING', 'RETRY', 'UNKNOWN', 'NEEDS_PERSON', 'DEAD', 'HELD')
            else e.state = %(state)s end)
  and (e.state <> 'DEAD' or not exists (
      select from effect newer
      where newer.object_key = e.object_key and newer.kind = e.kind
        and newer.effect_id > e.effect_id))
order by e.effect_id
limit %(limit)s;

-- name: dead
-- Dead letters to be tried again: all of a workflow, or some by id or by their reason.
-- `anew`: its row is planned anew, as what is planned is no more than a create that was refused, was
-- never fit to be sent, or would change what is no longer at the service.
select e.effect_id, e.delta_table, e.delta_id, row.anew
from effect e
cross join lateral (
    select e.delta_table is not null and (
        e.creates or e.sent_at is null
        or exists (select from remote_object o
                   where o.object_key = e.object_key and o.retired_at is not null)) as anew
) as row
where e.workflow = %(workflow)s and e.state = 'DEAD'
  and (%(effect_ids)s::bigint[] is null or e.effect_id = any(%(effect_ids)s))
  and (%(reason)s::text is null or strpos(lower(e.reason), lower(%(reason)s)) > 0)
  and not exists (
      select from effect newer
      where newer.object_key = e.object_key and newer.kind = e.kind
        and newer.effect_id > e.effect_id)
  -- what else its row wanted may be under way: then it is not the time to plan it anew
  and not (row.anew and exists (
      select from effect moving
      where moving.delta_table = e.delta_table and moving.delta_id = e.delta_id
        and moving.state in ('CLAIMED', 'SENT', 'UNKNOWN', 'NEEDS_PERSON')))
order by e.effect_id
for update of e;

-- name: still_wanted
-- Delta rows that no newer change has taken over; {table} is the delta table.
select delta_id from {table} where delta_id = any(%(delta_ids)s) and superseded_by is null
for update;

-- name: again
update effect
set state = 'PLANNED', state_since = %(now)s, tries = 0, reason = null, finished_at = null,
    not_before = null, idempotency_key = null
where effect_id = any(%(effect_ids)s) and state = 'DEAD'
returning effect_id, delta_table, delta_id;

-- name: void_rows
-- What a row wanted is planned anew; the keys are freed for it, of what is done already as well.
update effect
set state = case when state = 'DONE' then state else 'CANCELLED' end,
    state_since = case when state in ('DONE', 'CANCELLED') then state_since else %(now)s end,
    finished_at = coalesce(finished_at, %(now)s),
    effect_key = effect_key || ':void:' || effect_id
where delta_table = %(delta_table)s and delta_id = any(%(delta_ids)s)
  and state not in ('CLAIMED', 'SENT', 'UNKNOWN', 'NEEDS_PERSON')
  and effect_key not like '%%:void:%%';

-- name: pending_again
-- {table} is the delta table.
update {table}
set state = 'PENDING', reason = null, not_before = null, state_since = %(now)s
where delta_id = any(%(delta_ids)s) and state = 'DEAD' and superseded_by is null;

-- name: pushing_again
-- {table} is the delta table.
update {table}
set state = 'PUSHING', state_since = %(now)s
where delta_id = any(%(delta_ids)s) and state = 'PENDING';

-- name: refused_again
-- Records that planning refused: dead without any effect. {table} is the delta table.
update {table} d
set state = 'PENDING', reason = null, not_before = null, state_since = %(now)s
where d.state = 'DEAD' and d.superseded_by is null
  and (%(reason)s::text is null or strpos(lower(d.reason), lower(%(reason)s)) > 0)
  and not exists (
      select from effect e where e.delta_table = %(delta_table)s and e.delta_id = d.delta_id);

-- name: decide
update effect
set state = %(state)s, state_since = %(now)s, reason = %(reason)s, not_before = %(not_before)s,
    remote_id = %(remote_id)s, tries = 0, idempotency_key = null,
    finished_at = case when %(state)s in ('DONE', 'CANCELLED') then %(now)s end
where effect_id = %(effect_id)s and state = 'NEEDS_PERSON'
returning effect_id, workflow, node, object_key, generation, creates, kind, delta_table, delta_id;

-- name: look
-- `stands_for`: another thing of the same kind and place that the given id is known to be.
select e.state, e.creates, e.sent_at is null as unsent,
       (select o.object_key from remote_object o
        where o.remote_id = %(remote_id)s and o.retired_at is null
          and o.object_key <> e.object_key
          and regexp_replace(o.object_key, '[^:]*$', '')
              = regexp_replace(e.object_key, '[^:]*$', '')
        limit 1) as stands_for
from effect e where e.effect_id = %(effect_id)s for update of e;

-- name: note
insert into decision (effect_id, workflow, kind, object_key, action, actor, reason, old_state,
                      old_reason, remote_id, decided_at)
select e.effect_id, e.workflow, e.kind, e.object_key, %(action)s, %(actor)s, %(reason)s, e.state,
       e.reason, %(remote_id)s, %(now)s
from effect e where e.effect_id = any(%(effect_ids)s);

-- name: explain_row
-- A row whose last effect a person dropped says so. {table} is the delta table.
update {table} set reason = %(reason)s where delta_id = %(delta_id)s and state = 'SYNCED';
