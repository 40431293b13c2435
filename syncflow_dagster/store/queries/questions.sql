-- Statements about effects whose outcome is not known, outside of bulk jobs.

-- name: due
select effect_id, request_id from effect e
where workflow = %(workflow)s and node = %(node)s and state = 'UNKNOWN'
  and (%(account)s::text is null or e.account = %(account)s)
  and (not_before is null or not_before <= %(now)s)
  and not (coalesce(bulk, false) and exists (
       select from bulk_job j where j.request_id = e.request_id))
order by effect_id limit %(limit)s;

-- name: put_off
update effect
set not_before = %(not_before)s, reason = %(reason)s, lookups = lookups + 1,
    unseen = unseen + case when %(unseen)s then 1 else 0 end
where effect_id = any(%(effect_ids)s) and state = 'UNKNOWN';
