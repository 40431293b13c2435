"""Plans on real tables: dry run, approval, refusal, what changes in between, and undo."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from psycopg import errors
from tag_cases import CHAMPION, STATUS, TOPIC, PlanWorld, contact_id, policy, row, workflow

from syncflow_dagster.ledger.decisions import By, Decisions
from syncflow_dagster.nodes.tag.approval import (
    ApprovingRun,
    NotApprovable,
    approve,
    decided_by,
    find_plan,
    planner,
    refuse,
)
from syncflow_dagster.nodes.tag.plans import PlanStatus, plans
from syncflow_dagster.testing.clock import FakeClock


@pytest.fixture
def world(database):
    made = PlanWorld(database, FakeClock(), workflow([CHAMPION, TOPIC]), policy())
    made.org.cells = {contact_id(number): {} for number in range(1, 10)}
    return made


def statuses(world):
    found = plans(world.database, "champions", open_only=False, limit=100)
    return [one.status for one in reversed(found)]


def decide(world, how, plan_hash, actor="anna", *run):
    by = By(actor, "looked through")
    now = world.clock.now()
    return how(world.database, world.workflow, world.policy, plan_hash, by, now, *run)


def plan_of(world, status):
    return world.store.of_status(status)[0]


def done(world, effect_id):
    """Let an effect have been written."""
    for state in ("CLAIMED", "SENT", "DONE"):
        world.database.execute(
            "update effect set state = %s where effect_id = %s", [state, effect_id]
        )


def test_a_dry_run_keeps_the_plan_and_writes_nothing_else(world):
    world.add(row(1), row(2))
    report = world.plan(dry_run=True)
    assert dict(report.changes) == {"set_fields": 2, "assign_topic": 2}
    assert [one.status for one in report.plans] == [PlanStatus.PROPOSED]
    assert world.states() == [("PENDING", None)] * 2
    assert world.effects() == []
    again = world.plan(dry_run=True)
    assert [one.plan_hash for one in again.plans] == [one.plan_hash for one in report.plans]
    assert statuses(world) == [PlanStatus.PROPOSED]
    shown = report.rows_of_preview()[0]
    assert shown == {
        "record": contact_id(1),
        "what": "set_fields",
        "why": "champion (champion_tracking)",
        "before": "Champion_Tags__c: empty",
        "after": "Champion_Tags__c: 1 values",
    }


def test_rows_are_held_until_a_named_person_approves_just_this(world):
    world.add(row(1), row(2), row(3, contact_id="nobody"), row(4, contact_id=None))
    plan = world.plan().plans[0]
    held = f"plan {plan.plan_hash[:12]} waits for approval"
    assert world.states() == [
        ("HELD", held),
        ("HELD", held),
        ("DEAD", "rule champion: the field contact_id holds no id of a Salesforce record"),
        ("DEAD", "rule champion: the field contact_id is empty, so it names no record"),
    ]
    assert world.effects() == []
    for actor, word in (("mallory", "names anna, omar"), ("", "may not decide")):
        with pytest.raises(NotApprovable, match=word):
            decide(world, approve, plan.plan_hash, actor)
    decide(world, approve, plan.plan_hash[:12])
    assert world.states()[:2] == [("PENDING", None)] * 2
    # Another run finds the rows approved, and applies them as they are.
    report = world.plan(run_id="run-2")
    assert [one.status for one in report.plans] == [PlanStatus.APPLIED]
    assert world.states()[:2] == [("PUSHING", None)] * 2
    assert [(one["kind"], one["state"]) for one in world.effects()] == [
        ("set_fields", "PLANNED"),
        ("assign_topic", "PLANNED"),
    ] * 2
    assert {one["payload"]["plan"] for one in world.effects()} == {plan.plan_hash}
    assert find_plan(world.database, "champions", plan.plan_hash).applied_run == "run-2"
    audit = world.database.fetch_all("select action, actor, reason, policy_hash from tag_decision")
    assert audit == [
        {
            "action": "approve",
            "actor": "anna",
            "reason": "looked through",
            "policy_hash": world.policy.hash,
        }
    ]
    assert world.plan().plans == []
    with pytest.raises(NotApprovable, match="APPLIED"):
        decide(world, approve, plan.plan_hash)


def test_who_planned_does_not_approve_with_four_eyes(world):
    world.add(row(1))
    plan = world.plan(actor="anna", dry_run=True).plans[0]
    with pytest.raises(NotApprovable, match="four eyes"):
        decide(world, approve, plan.plan_hash)
    decide(world, approve, plan.plan_hash, "omar")
    world.plan()
    assert world.states() == [("PUSHING", None)]
    kept = world.database.fetch_all("select actor, os_user from tag_decision")
    assert [one["actor"] for one in kept] == ["omar"]
    assert kept[0]["os_user"]
    # However it is written; and a plan that names nobody is not for who started its approving run.
    world.add(row(2), row(3))
    plan = world.plan(actor=planner(" Anna", "r2"), run_id="r2").plans[0]
    with pytest.raises(NotApprovable, match="four eyes"):
        decide(world, approve, plan.plan_hash)
    decide(world, refuse, plan.plan_hash, "omar")
    world.add(row(4))
    plan = world.plan(actor=planner(None, "r3"), run_id="r3").plans[0]
    for run in (ApprovingRun("r3"), ApprovingRun("r4", "ANNA ")):
        with pytest.raises(NotApprovable, match="four eyes"):
            decide(world, approve, plan.plan_hash, "anna", run)
    approved = decide(world, approve, plan.plan_hash, "anna", ApprovingRun("r4", "omar"))
    assert decided_by(approved, "Anna")
    assert not decided_by(approved, "omar")
    assert not decided_by(plan_of(world, "REFUSED"), "omar")
    # What was decided stays as it is.
    for change in ("update tag_decision set actor = 'omar'", "delete from tag_decision",
                   "truncate tag_decision"):  # fmt: skip
        with pytest.raises(errors.RestrictViolation):
            world.database.execute(change)


def test_a_plan_is_not_applied_once_the_data_has_changed(world):
    world.add(row(1), row(2))
    plan = world.plan().plans[0]
    decide(world, approve, plan.plan_hash)
    world.org.cells[contact_id(2)] = {"Champion_Tags__c": ["moved"]}
    report = world.plan()
    outdated, anew = report.plans
    assert outdated.status is PlanStatus.OUTDATED
    assert f"record {contact_id(2)} shows another Champion_Tags__c: 1 values" in outdated.reason
    assert "moved" not in outdated.reason
    assert report.differences
    assert anew.status is PlanStatus.WAITING
    assert world.effects() == []
    # A plan made anew is another one, and the old approval is worth nothing for it.
    assert anew.plan_hash != plan.plan_hash
    assert {reason for _, reason in world.states()} == {
        f"plan {anew.plan_hash[:12]} waits for approval"
    }


def test_a_plan_is_not_applied_once_the_policy_has_changed(world):
    world.add(row(1))
    plan = world.plan().plans[0]
    world.policy = policy(max_changes=999)
    with pytest.raises(NotApprovable, match="outdated: the policy has changed"):
        decide(world, approve, plan.plan_hash)
    # The outdating itself is kept: its rows are free to be planned.
    assert statuses(world) == [PlanStatus.OUTDATED]
    assert world.states() == [("PENDING", None)]
    approved = world.plan().plans[0]
    decide(world, approve, approved.plan_hash)
    world.policy = policy(max_changes=998)
    assert [one.status for one in world.plan().plans] == [PlanStatus.OUTDATED, PlanStatus.WAITING]
    assert world.effects() == []


def test_a_row_that_is_overtaken_outdates_its_plan(world):
    world.add(row(1), row(2))
    plan = world.plan().plans[0]
    world.database.execute(
        "update moves set state = 'SUPERSEDED', superseded_by = 2 where delta_id = 1"
    )
    report = world.plan()
    assert [one.status for one in report.plans] == [PlanStatus.OUTDATED, PlanStatus.WAITING]
    assert "1 of its 2 rows" in report.plans[0].reason
    assert report.plans[1].changes == 2
    assert world.states()[0][0] == "SUPERSEDED"
    with pytest.raises(NotApprovable, match="OUTDATED"):
        decide(world, approve, plan.plan_hash)


def test_a_refused_plan_is_dead_until_somebody_wants_it_again(world):
    world.add(row(1), row(2))
    plan = world.plan().plans[0]
    decide(world, refuse, plan.plan_hash)
    reason = f"plan {plan.plan_hash[:12]} was refused by anna: looked through"
    assert world.states() == [("DEAD", reason)] * 2
    assert world.plan().plans == []
    again = Decisions(world.database).retry_dead(
        "champions", By("omar", "again"), world.clock.now(), tables=["moves"]
    )
    assert again == 2
    assert [one.status for one in world.plan().plans] == [PlanStatus.WAITING]


def test_small_plans_go_by_themselves_and_too_large_ones_not_at_all(world):
    world.policy = policy(auto_up_to=2, max_changes=3)
    world.add(row(1))
    assert [one.status for one in world.plan().plans] == [PlanStatus.APPLIED]
    (kept,) = world.database.fetch_all("select action, actor from tag_decision")
    assert kept == {"action": "auto_approve", "actor": "policy"}
    world.add(row(2), row(3))
    for _ in range(2):
        (large,) = world.plan().plans
        assert (large.status, large.changes) == (PlanStatus.REFUSED, 4)
        assert "3 changes (max_changes)" in large.reason
        (told,) = world.store.caps.too_large(world.database)
        assert (told["changes"], told["reason"]) == (4, large.reason)
    assert world.states()[1:] == [("PENDING", None)] * 2
    world.policy = policy(max_share=0.1)
    assert "2 of 10 records" in world.plan(records=10).plans[0].reason


def test_a_plan_cut_into_pieces_does_not_go_by_itself(database):
    flow = workflow([STATUS], plan_rows=1)
    world = PlanWorld(database, FakeClock(), flow, policy(auto_up_to=2, max_changes=3))
    world.org.cells = {contact_id(number): {} for number in range(1, 10)}
    world.add(*(row(number) for number in range(1, 6)))
    # By hand: nothing goes by itself, and each run has plans of three changes at the most.
    assert [one.status for one in world.plan(limit=1).plans] == [PlanStatus.WAITING]
    assert [str(one.status) for one in world.plan(run_id="run-2").plans] == [
        "APPLIED", "APPLIED", "WAITING", "REFUSED",
    ]  # fmt: skip
    # The next run does not begin anew before a day is over.
    assert [one.status for one in world.plan(run_id="run-3").plans] == [PlanStatus.WAITING]
    assert len(world.effects()) == 2
    world.clock.sleep(86_401)
    world.add(row(6))
    assert [one.status for one in world.plan(run_id="run-4").plans] == [PlanStatus.APPLIED]
    world.policy = policy(auto_up_to=3, max_share=0.2)
    world.clock.sleep(86_401)
    world.add(row(7), row(8), row(9))
    made = [one.status for one in world.plan(run_id="run-5", records=10).plans]
    assert made.count(PlanStatus.APPLIED) == 2
    assert set(made) == {PlanStatus.APPLIED, PlanStatus.REFUSED, PlanStatus.OUTDATED}


def test_of_one_record_only_one_change_is_under_way(world):
    world.add(row(1), row(1, company="Beta"), row(2))
    report = world.plan()
    assert report.postponed == 1
    mark = f"plan {report.plans[0].plan_hash[:12]} waits for approval"
    assert [reason for _, reason in world.states()] == [
        mark,
        f"{mark}, with another change of the same record",
        mark,
    ]
    decide(world, approve, report.plans[0].plan_hash)
    applied = world.plan()
    assert [one.status for one in applied.plans] == [PlanStatus.APPLIED]
    # While the first is under way the second waits, as its own rows would tell nothing.
    assert applied.postponed == 1
    assert [state for state, _ in world.states()] == ["PUSHING", "PENDING", "PUSHING"]
    # Held by a plan that was approved just then, or that is over, a row is let go.
    for how in (world.store.release_stranded, partial(world.store.release, mark=f"{mark[:17]} ")):
        world.database.execute(
            "update moves set state = 'HELD', reason = %s where delta_id = 2", [mark]
        )
        with world.database.transaction() as conn:
            how(conn, now=world.clock.now())
        assert world.states()[1] == ("PENDING", None)
    for one in world.effects():
        done(world, one["effect_id"])
    world.clock.sleep(200)
    world.org.cells[contact_id(1)] = {"Champion_Tags__c": ["champion"], "topic:Champions": True}
    world.plan()
    assert world.states()[1] == ("SYNCED", "every tag is there already")


def test_what_a_run_wrote_can_be_taken_back_with_leave(world):
    world.policy = policy(auto_up_to=2)
    world.add(row(1))
    world.plan(run_id="run-1")
    first, topic = world.effects()
    done(world, first["effect_id"])
    done(world, topic["effect_id"])
    # The topic was there already when it was to be assigned: it is not ours.
    world.database.execute("insert into tag_found values (%s, now())", [topic["effect_id"]])
    world.org.cells[contact_id(1)] = {
        "Champion_Tags__c": ["champion", "newsletter"],
        "topic:Champions": True,
    }
    world.policy = policy()
    plan = world.planning(run_id="run-2").undo("run-1").plans[0]
    assert (plan.status, plan.changes) == (PlanStatus.WAITING, 1)
    decide(world, approve, plan.plan_hash)
    world.plan(run_id="run-3")
    undo = world.effects()[-1]
    assert undo["payload"]["after"] == {"Champion_Tags__c": ["newsletter"]}
    assert undo["effect_key"] == f"{first['effect_key']}:undo:1"
    assert undo["delta_id"] is None
    assert world.planning().undo("run-9").plans == []


def test_who_was_to_be_tagged_is_forgotten_with_time_but_not_the_leave(world):
    world.policy = policy(auto_up_to=2)
    world.add(row(1))
    world.plan()
    world.policy = policy()
    world.add(row(2))
    world.plan()
    assert world.store.forget_lines(world.clock.now()) == 0
    assert world.store.forget_lines(world.clock.now() + timedelta(days=1)) == 2
    waiting = find_plan(world.database, "champions", world.store.of_status("WAITING")[0].plan_hash)
    assert len(world.store.lines(waiting.plan_id)) == 2
    assert statuses(world) == [PlanStatus.APPLIED, PlanStatus.WAITING]
    assert len(world.database.fetch_all("select * from tag_decision")) == 1


def test_large_plans_go_in_a_bulk_job(database):
    flow = workflow([STATUS, TOPIC], bulk_from=2)
    world = PlanWorld(database, FakeClock(), flow, policy(auto_up_to=100))
    world.org.cells = {contact_id(number): {} for number in range(1, 7)}
    world.add(*(row(number) for number in range(1, 4)))
    world.plan()
    assert [(one["kind"], one["bulk"]) for one in world.effects()] == [
        ("set_fields", True),
        ("assign_topic", None),
    ] * 3
    # A list is written whole, as it was just before: a job would take too long for that.
    world.workflow = workflow([CHAMPION], bulk_from=2)
    world.add(*(row(number) for number in range(4, 7)))
    world.plan()
    assert [one["bulk"] for one in world.effects()[6:]] == [None] * 3
