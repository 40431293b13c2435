-- What a person decided is kept when retention takes the effect away; it says itself what it was about.

alter table decision drop constraint decision_effect_id_fkey;
alter table decision
    add column workflow   text,
    add column kind       text,
    add column object_key text;

update decision d
set workflow = e.workflow, kind = e.kind, object_key = e.object_key
from effect e
where e.effect_id = d.effect_id;
