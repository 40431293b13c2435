-- Whose turn it is: what owners have used, and who waits.

-- name: charge
-- The share is the owner's largest, kept by whoever chooses; of an owner never chosen, the given one.
insert into owner_turn as mine (owner, used_s, share, last_used_at)
values (%(owner)s, %(seconds)s::double precision / %(share)s, %(share)s, %(now)s)
on conflict (owner) do update
set used_s = mine.used_s + %(seconds)s::double precision / mine.share,
    last_used_at = excluded.last_used_at;

-- name: used
select owner, used_s, last_used_at > %(lately)s as is_recent from owner_turn;

-- name: waiting
select w.workflow, w.owner, w.priority, w.since, w.for_owner, coalesce(t.used_s, 0) as used_s
from turn_wait w
left join owner_turn t using (owner)
where %(seen_after)s::timestamptz is null or w.seen_at > %(seen_after)s
order by w.since, w.workflow;

-- name: of_owner
select used_s, share from owner_turn where owner = %(owner)s;

-- name: keep_waiting
-- Since when a workflow waits stays as it was first said.
with given as (
    select * from unnest(%(workflows)s::text[], %(owners)s::text[], %(priorities)s::integer[],
                         %(sinces)s::timestamptz[], %(for_owners)s::boolean[])
        as g (workflow, owner, priority, since, for_owner)
), gone as (
    delete from turn_wait w where not exists (select from given g where g.workflow = w.workflow)
)
insert into turn_wait (workflow, owner, priority, since, for_owner, seen_at)
select workflow, owner, priority, since, for_owner, %(now)s from given
on conflict (workflow) do update
set owner = excluded.owner, priority = excluded.priority, for_owner = excluded.for_owner,
    seen_at = excluded.seen_at;

-- name: keep_tags
-- A step may just have been charged: nobody's tag is ever lowered.
insert into owner_turn as mine (owner, used_s, share, last_used_at)
select owner, tag, share, %(now)s
from unnest(%(owners)s::text[], %(tags)s::double precision[], %(shares)s::integer[])
    as g (owner, tag, share)
on conflict (owner) do update
set used_s = greatest(mine.used_s, excluded.used_s), share = excluded.share;
