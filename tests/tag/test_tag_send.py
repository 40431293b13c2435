"""Tags over HTTP: each is written once, and nobody who is refused is ever written to."""

from __future__ import annotations

import pytest
from tag_cases import CHAMPION, JUNCTION, MEMBER, STATUS, TOPIC, rule

from syncflow_dagster.core.outcomes import Done, Reject
from syncflow_dagster.ledger import deliver, reconcile, recording
from syncflow_dagster.ledger.decisions import By, Decisions
from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.salesforce.answers import NoAnswer
from syncflow_dagster.nodes.salesforce.writing import Written
from syncflow_dagster.nodes.tag import keeping, planning
from syncflow_dagster.nodes.tag.plans import PlanStatus
from syncflow_dagster.nodes.tag.preflight import TagUnfit
from syncflow_dagster.nodes.tag.screening import Screen
from syncflow_dagster.nodes.tag.showing import Shown
from syncflow_dagster.nodes.tag.writes import Writer

ALL = [CHAMPION, STATUS, TOPIC, MEMBER, JUNCTION]


class KilledError(BaseException):
    """Stands for SIGKILL: nobody catches it."""


def kill_at(monkeypatch, point):
    """Let the run die when it first passes a point."""

    def die(name):
        if name == point:
            raise KilledError

    for module in (deliver, reconcile, recording, keeping, planning):
        monkeypatch.setattr(module, "crash_point", die)


def live(monkeypatch):
    for module in (deliver, reconcile, recording, keeping, planning):
        monkeypatch.setattr(module, "crash_point", lambda _name: None)


def times_written(world):
    """How often each thing was written, told by its record and what of it."""
    found = {}
    for one in world.log():
        payload = one["payload"]
        person = payload.get("EntityId") or payload.get("ContactId") or payload.get("Contact__c")
        key = (one["key"].split("/")[0], person or one["remote_id"])
        found[key] = found.get(key, 0) + 1
    return found


def once_each(world, count):
    found = times_written(world)
    objects = ("Contact", "TopicAssignment", "CampaignMember", "Tag_Assignment__c")
    assert found == {(name, one): 1 for name in objects for one in world.people[:count]}


def test_every_kind_of_tag_is_written_once_and_can_be_taken_back(make_world):
    world = make_world(ALL)
    world.edit("Contact", world.people[0], Champion_Tags__c="newsletter;moved")
    world.add_people(0, 1, 2)
    planned, report = world.go()
    assert planned.plans[0].status is PlanStatus.APPLIED
    assert report.outcomes == {"done": 12}
    once_each(world, 3)
    shown = world.shown("Contact")[world.people[0]]
    assert set(shown["Champion_Tags__c"].split(";")) == {"newsletter", "moved", "champion"}
    # The same rows again, and one more: only what is new is written. What was written just now
    # may not show in reads yet, so nothing is read off them.
    world.add_people(0, 3)
    planned, _ = world.go(run_id="run-2")
    assert planned.postponed == 1
    world.clock.sleep(200)
    planned, _ = world.go(run_id="run-2")
    assert planned.settled == {"every tag is there already": 1}
    once_each(world, 4)
    assert {state for state, _ in world.states()} == {"SYNCED"}

    # Somebody changes a status, so that it is not ours to take back any more.
    world.edit("Contact", world.people[1], Champion_Status__c="Left")
    run = world.run(run_id="run-3")
    assert run.undo("run-1").plans[0].status is PlanStatus.APPLIED
    run.deliver()
    contacts = world.shown("Contact")
    assert set(contacts[world.people[0]]["Champion_Tags__c"].split(";")) == {"newsletter", "moved"}
    assert contacts[world.people[0]].get("Champion_Status__c") is None
    assert contacts[world.people[1]]["Champion_Status__c"] == "Left"
    assert contacts[world.people[3]]["Champion_Status__c"] == "Moved"
    for name in ("TopicAssignment", "CampaignMember", "Tag_Assignment__c"):
        assert len(world.shown(name)) == 1
    assert run.undo("run-1").plans == []


def test_who_is_refused_is_never_written_to(make_world):
    world = make_world([CHAMPION, TOPIC])
    optout, nocall, forget, hidden, fine = world.people[:5]
    individuals = world.ids("Individual")
    world.edit("Contact", optout, HasOptedOutOfEmail=True)
    world.edit("Contact", nocall, DoNotCall=True)
    world.edit("Individual", individuals[2], ShouldForget=True)
    world.edit("Contact", hidden, IndividualId=None)
    world.add_people(0, 1, 2, 3, 4)
    world.go()
    assert set(times_written(world)) == {("Contact", fine), ("TopicAssignment", fine)}
    assert set(world.dead()) == {optout, nocall, forget, hidden}
    assert all(reason.startswith("consent: ") for reason in world.dead().values())
    kept = world.database.fetch_all("select state, reason from moves where state = 'DEAD'")
    assert len(kept) == 4
    # With the field hidden from the user nobody can be asked about, and so nobody is written to.
    world.control.settings(service="salesforce", hidden_fields=["Contact.DoNotCall"])
    world.add_people(5)
    world.go(run_id="run-2")
    assert "DoNotCall" in world.dead()[world.people[5]]
    assert len(times_written(world)) == 2


def test_consent_withdrawn_between_plan_and_send_or_between_two_tries(make_world, monkeypatch):
    world = make_world([CHAMPION])
    first, second = world.people[:2]
    world.add_people(0, 1, 2)
    run = world.run()
    run.plan()
    world.edit("Contact", first, HasOptedOutOfEmail=True)
    # The second one's row is locked; before the next try she opts out.
    world.control.faults(service="salesforce", kind="lost_reply", op="consent", times=1)
    world.control.faults(service="salesforce", kind="error_before", op="collections", times=1)
    sleep = world.clock.sleep

    def opts_out(seconds):
        sleep(seconds)
        if seconds > 100:
            world.edit("Contact", second, DoNotCall=True)

    world.clock.sleep = opts_out
    run.deliver()
    assert set(times_written(world)) == {("Contact", world.people[2])}
    assert set(world.dead()) == {first, second}
    assert {one["state"] for one in world.effects()} == {"DONE", "DEAD"}

    # The gate is asked last: who opts out while the records are looked at is not written to.
    third, look = world.people[3], Screen.look

    def opts_out_late(screen, effects):
        shown = look(screen, effects)
        world.edit("Contact", third, DoNotCall=True)
        return shown

    monkeypatch.setattr(Screen, "look", opts_out_late)
    world.add_people(3)
    world.go(run_id="run-2")
    assert third in world.dead()
    assert len(times_written(world)) == 1


def test_before_each_further_request_of_a_batch_the_gate_is_asked_again(monkeypatch):
    def effect(number, kind):
        return Effect(number, f"e{number}", kind, "k", False, {"topic": "Champions"}, "r", None)

    effects = [effect(1, "assign_topic"), effect(2, "remove_topic"), effect(3, "remove_topic")]
    sent = []

    def request(_writer, some, _shown):
        sent.append([one.effect_id for one in some])
        return Written([Done() for _ in some], NoAnswer("not asked", sent=False), {})

    monkeypatch.setattr(Writer, "_request", request)
    no = Reject("consent: withdrawn")
    writer = Writer(None, None, {"Champions": "t"})
    outcomes = writer.write(effects, Shown(), lambda some: ([some[0]], {some[1].effect_id: no}))
    assert sent == [[1], [2]]
    assert outcomes == {1: Done(), 2: Done(), 3: no}


@pytest.mark.parametrize(
    "faults",
    [
        [{"kind": "lost_reply", "nth": 2}, {"kind": "partial", "nth": 3}],
        [{"kind": "error_after", "nth": 2}, {"kind": "expired_session", "nth": 5}],
        [
            {"kind": "error_before", "status": 503, "nth": 3},
            {"kind": "throttle", "limit": "concurrency", "nth": 2},
            {"kind": "html_error", "nth": 5},
        ],
    ],
    ids=lambda faults: "+".join(one["kind"] for one in faults),
)
def test_each_tag_is_written_once_under_faults(make_world, faults):
    world = make_world(ALL)
    world.add_people(0, 1, 2)
    run = world.run()
    run.plan()
    for fault in faults:
        world.control.faults(service="salesforce", op="collections", times=2, **fault)
        if fault["kind"] != "partial":
            # The questions before a write go wrong, too.
            asked = {**fault, "nth": 7, "times": 2}
            world.control.faults(service="salesforce", op="query", **asked)
    report = run.deliver()
    assert (report.stopped, report.paused, report.remaining) == (None, None, 0)
    assert {one["state"] for one in world.effects()} == {"DONE"}
    once_each(world, 3)


def test_limits_of_the_day_end_a_run_and_the_next_goes_on(make_world):
    world = make_world([CHAMPION])
    world.add_people(0)
    run = world.run()
    run.plan()
    world.control.faults(service="salesforce", kind="throttle", limit="daily", op="collections")
    report = run.deliver()
    assert "daily_requests" in report.paused.reason
    assert world.log() == []
    world.control.clear_faults()
    world.clock.sleep(3_700)
    run.deliver()
    assert times_written(world) == {("Contact", world.people[0]): 1}


@pytest.mark.parametrize(
    ("code", "word"),
    [("FIELD_CUSTOM_VALIDATION_EXCEPTION", "validation"), ("DUPLICATES_DETECTED", "Use one")],
)
def test_what_the_org_refuses_of_one_record_stands_alone(make_world, code, word):
    world = make_world([CHAMPION])
    world.add_people(0, 1, 2)
    run = world.run()
    run.plan()
    world.control.faults(service="salesforce", kind="partial", op="collections", code=code, times=1)
    run.deliver()
    (reason,) = world.dead().values()
    assert word in reason
    assert len(times_written(world)) == 2


def test_what_has_changed_since_approval_is_not_overwritten(make_world):
    world = make_world([CHAMPION, STATUS])
    changed, there, gone, fine = world.people[:4]
    world.add_people(0, 1, 2, 3)
    run = world.run()
    run.plan()
    world.edit("Contact", changed, Champion_Status__c="Left")
    world.edit("Contact", there, Champion_Status__c="Moved", Champion_Tags__c="champion")
    delete = {"op": "delete", "object": "Contact", "id": gone}
    world.control.settings(service="salesforce", edits=[delete])
    run.deliver()
    assert times_written(world) == {("Contact", fine): 1}
    assert "changed since approval" in world.dead()[changed]
    # What somebody's fields hold is not for logs.
    assert "Champion_Status__c: empty; now Champion_Status__c: 4 ch" in world.dead()[changed]
    assert "not there any more" in world.dead()[gone]
    # What was there already is no work of ours: only the one that was written is taken back.
    back = world.run(run_id="run-1-undone")
    back.undo("run-1")
    back.deliver()
    assert times_written(world) == {("Contact", fine): 2}
    assert world.shown("Contact")[there]["Champion_Status__c"] == "Moved"
    # Tried again, what has changed is planned anew, from what is there now.
    again = Decisions(world.database).retry_dead(
        "champions", By("anna", "meant"), world.clock.now(), reason="changed since"
    )
    assert again == 1
    (line,) = world.run(run_id="run-2").plan().preview
    assert line.before == {"Champion_Tags__c": None, "Champion_Status__c": "Left"}
    world.run(run_id="run-2").deliver()
    assert world.shown("Contact")[changed]["Champion_Status__c"] == "Moved"
    assert [state for state, _ in world.states()] == ["SYNCED", "SYNCED", "DEAD", "SYNCED"]
    assert world.run().undo("run-1").plans == []


def test_what_was_written_before_its_row_was_tried_again_can_be_taken_back(make_world):
    world = make_world([STATUS, TOPIC])
    world.add_people(0)
    run = world.run()
    run.plan()
    world.edit("Contact", world.people[0], Champion_Status__c="Left")
    run.deliver()
    by = By("anna", "meant")
    assert Decisions(world.database).retry_dead("champions", by, world.clock.now()) == 1
    world.clock.sleep(300)
    (plan,) = world.go(run_id="run-2")[0].plans
    assert plan.changes == 1
    world.clock.sleep(300)
    back = world.run(run_id="run-3")
    assert [line.kind for line in back.undo("run-1").preview] == ["remove_topic"]
    assert [line.kind for line in back.undo("run-2").preview] == ["set_fields"]
    back.deliver()
    assert world.shown("TopicAssignment") == {}


@pytest.mark.parametrize(
    "point",
    ["plan.effects_written", "deliver.intent_committed", "deliver.sent"],
)
def test_a_kill_between_steps_is_repaired_by_the_next_run(make_world, monkeypatch, point):
    world = make_world(ALL)
    world.add_people(0, 1)
    kill_at(monkeypatch, point)
    with pytest.raises(KilledError):
        world.go()
    live(monkeypatch)
    world.go(run_id="run-2")
    assert {state for state, _ in world.states()} == {"SYNCED"}
    once_each(world, 2)


def test_the_org_has_to_fit_before_anything_is_planned(make_world):
    wrong = [
        rule("a", {"type": "multipicklist", "field": "Champion_Tags__c", "add": ["champoin"]}),
        rule("b", {"type": "picklist", "field": "Champion_Statu__c", "value": "Moved"}),
        rule("c", {"type": "checkbox", "field": "Champion_Status__c", "value": True}),
        rule("d", {"type": "topic", "topic": "Nobody"}),
        rule("e", {**JUNCTION["tag"], "lookup": "Lead__c", "external_id": "Tag__c"}),
        {**CHAMPION, "name": "f", "when": {"attribute": "scor", "operator": "is_null"}},
        {**CHAMPION, "name": "g", "purpose": "marketing"},
        rule("h", {"type": "text", "field": "Department", "value": "x"}),
        rule("i", {**JUNCTION["tag"], "values": {"Purpose__c": "x"}}),
        rule(
            "j",
            {
                **JUNCTION["tag"],
                "external_id": "assignment_key__c",
                "values": {"tag__c": "x", "Tag__c": "x" * 81, "Purpose__c": 5.0},
            },
        ),
    ]
    world = make_world(wrong)
    with pytest.raises(TagUnfit) as caught:
        world.run()
    found = {(one.loc[3], one.kind): one for one in caught.value.mistakes}
    assert set(found) == {
        (0, "no_such_value"), (1, "no_such_field"), (2, "wrong_type"), (3, "no_such_topic"),
        (4, "no_external_id"), (4, "no_lookup"), (4, "not_in_policy"), (5, "no_such_field"),
        (6, "not_in_policy"), (1, "not_in_policy"), (7, "not_in_policy"), (8, "missing_field"),
        (9, "other_case"), (9, "wrong_value"),
    }  # fmt: skip
    assert found[0, "no_such_value"].loc == ("nodes", 2, "rules", 0, "tag", "add")
    assert "champion" in found[0, "no_such_value"].hint
    assert "Champion_Status__c" in found[1, "no_such_field"].hint
    said = [str(one.message) for one in caught.value.mistakes if one.loc[3] == 9]
    assert said == [
        "'assignment_key__c' is written 'Assignment_Key__c' at Salesforce",
        "'tag__c' is written 'Tag__c' at Salesforce",
        "Tag__c takes 80 characters, the value has 81",
        "Purpose__c is string, and shows 5.0 as '5.0'",
    ]
    assert world.log() == []
