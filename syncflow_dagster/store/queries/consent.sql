-- Decisions of the consent gate. They are only ever added, and deleted from the oldest end.

-- name: take_turn
-- One at a time adds to a policy's decisions: each row holds the hash of the one before it.
select pg_advisory_xact_lock(hashtextextended('syncflow decisions of ' || %(policy)s, 0))

-- name: newest_hash
select hash from consent_decision where policy = %(policy)s order by decision_id desc limit 1

-- name: add
insert into consent_decision
    (policy, policy_version, policy_hash, object, subject_hash, purpose, effect_hash, run_id,
     decision, reasons, evidence, decided_at, previous, hash)
select %(policy)s, %(policy_version)s, %(policy_hash)s, %(object)s, decode(r.subject, 'hex'),
       r.purpose, decode(r.effect, 'hex'), %(run_id)s, r.decision, r.reasons, r.evidence, %(now)s,
       decode(r.previous, 'hex'), decode(r.hash, 'hex')
from jsonb_to_recordset(%(rows)s) as r
    (subject text, purpose text, effect text, decision text, reasons text[], evidence jsonb,
     previous text, hash text, place integer)
order by r.place

-- name: chain
-- A policy's decisions after one of them, in the order of adding.
select * from consent_decision
where policy = %(policy)s and decision_id > %(after)s
order by decision_id
limit %(limit)s

-- name: policies
select distinct policy from consent_decision order by policy

-- name: of_subjects
select * from consent_decision where subject_hash = any(%(hashes)s) order by decision_id

-- name: summary
-- Decisions of a run by verdict and reason; one that has several reasons counts for each.
select d.purpose, d.decision, r.reason, count(*) as decisions
from consent_decision d
left join unnest(d.reasons) as r (reason) on true
where d.policy = %(policy)s and (%(run_id)s::text is null or d.run_id = %(run_id)s)
group by d.purpose, d.decision, r.reason
order by d.purpose, d.decision, decisions desc, r.reason

-- name: allow_retention
select set_config('syncflow.retention', 'on', true)

-- name: old
-- The oldest decisions of a policy up to the first that is to stay: no gap is left in the chain.
select d.decision_id
from consent_decision d
where d.policy = %(policy)s
  and d.decision_id < coalesce(
      (select min(s.decision_id) from consent_decision s
       where s.policy = %(policy)s and s.decided_at >= %(before)s), 9223372036854775807)
order by d.decision_id
limit %(limit)s

-- name: forget
delete from consent_decision where decision_id = any(%(ids)s)
