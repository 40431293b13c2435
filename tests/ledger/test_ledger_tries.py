"""What counts as a try, when an effect gives up, and what falls away with its object."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from syncflow_dagster.core.outcomes import Done, Reject, Retry, Stop, Unknown
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import (
    Absent,
    Ambiguous,
    Effect,
    Found,
    PlannedEffect,
    Reply,
    Unreadable,
)
from syncflow_dagster.ledger.verdicts import RetryRule
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)
NOW = FakeClock().now()
EFFECT = Effect(1, "create:a", "create_item", "item:a", True, {}, None, None)


def planned(name, kind="create_item", **changes):
    one = PlannedEffect(
        effect_key=f"{kind}:{name}",
        kind=kind,
        pass_number=1,
        object_key=f"item:{name}",
        creates=kind.startswith("create"),
        payload={"name": name, "label": name},
    )
    return replace(one, **changes)


@pytest.fixture
def run(database):
    """Plans effects and delivers them to a memory; returns it and the effects by key."""
    destination, clock = MemoryDestination(), FakeClock()

    def deliver(*effects, script=(), **options):
        with database.transaction() as conn:
            EffectStore(database).insert(conn, effects, scope=SCOPE, account=destination.account)
        destination.script = list(script)
        settings = DeliveryOptions(chance=random.Random(1), **options)
        Delivery(database, clock, destination, SCOPE, settings).run()
        rows = database.fetch_all("select * from effect order by effect_id")
        return destination, {row["effect_key"]: row for row in rows}

    return deliver


def replying(outcome):
    return lambda effects: Reply({one.effect_id: outcome for one in effects})


def test_a_throttled_try_is_taken_back(run):
    destination, rows = run(planned("a"), script=[MemoryDestination().throttle] * 5)
    assert rows["create_item:a"]["tries"] == 1
    assert destination.log == ["create_item:a"]


def test_limits_before_it_do_not_make_the_first_failure_the_last(run):
    failing = replying(Retry("broken"))
    script = [MemoryDestination().throttle] * 10 + [failing]
    _, rows = run(planned("a"), script=script, most_tries=3)
    assert rows["create_item:a"]["state"] == "DONE"
    assert rows["create_item:a"]["tries"] == 2


def test_what_may_not_be_sent_as_it_is_is_sent_otherwise_at_once(run, database):
    sent = []

    def amend(effects):
        (one,) = effects
        sent.append(one.payload)
        less = {"name": one.payload["name"], "remark": "no colour"}
        return Reply({one.effect_id: Retry("no colour", payload=less)})

    payload = {"name": "a", "label": "SO-1", "colour": "red"}
    destination, rows = run(planned("a", payload=payload), script=[amend], patience_s=0)
    row = rows["create_item:a"]
    assert (row["state"], row["tries"]) == ("DONE", 1)
    assert row["payload"] == {"name": "a", "remark": "no colour"}
    assert (sent, destination.log) == ([payload], ["create_item:a"])
    attempts = database.fetch_all("select outcome, detail from attempt order by attempt_id")
    assert [(one["outcome"], one["detail"]) for one in attempts] == [
        ("amended", "no colour"),
        ("done", None),
    ]


def test_what_never_happens_is_left_to_a_person_at_last(run):
    script = [replying(Unknown("something new"))] * 100
    destination, rows = run(planned("a"), script=script, most_tries=2)
    row = rows["create_item:a"]
    assert row["state"] == "NEEDS_PERSON"
    assert row["reason"] == "sent 6 times, and each time it had not happened"
    assert destination.requests == destination.lookups == 6
    assert destination.log == []


def test_a_create_that_is_refused_takes_later_archivings_with_it(run):
    """A later row of the same record wanted it gone: there is nothing that could go."""
    effects = [
        planned("poison", delta_table=None),
        planned("poison", "archive_item", delta_id=None),
        planned("other", "archive_item"),
    ]
    _, rows = run(*effects)
    assert rows["create_item:poison"]["state"] == "DEAD"
    assert rows["archive_item:poison"]["state"] == "CANCELLED"
    assert rows["archive_item:other"]["state"] == "WAITING"


def test_what_goes_with_its_parent_is_not_sent_itself(run, database):
    run(planned("parent"), planned("child"), planned("stranger"))
    destination, rows = run(
        planned("parent", "archive_item"),
        planned("child", "archive_subitem", payload={"ends_with": "item:parent"}, pass_number=2),
        planned("stranger", "archive_subitem", payload={"ends_with": "item:x"}, pass_number=2),
    )
    assert rows["archive_item:parent"]["state"] == "DONE"
    assert rows["archive_subitem:child"]["state"] == "CANCELLED"
    assert rows["archive_subitem:stranger"]["state"] == "PLANNED"
    assert "archive_subitem:child" not in destination.log
    live = database.fetch_all("select object_key from remote_object where retired_at is null")
    assert [row["object_key"] for row in live] == ["item:stranger"]


def test_an_archiving_that_is_refused_leaves_the_child_to_its_own(run):
    run(planned("parent"), planned("child"))
    _, rows = run(
        planned("parent", "archive_item", payload={"name": "poison"}),
        planned("child", "archive_subitem", payload={"ends_with": "item:parent"}),
    )
    assert rows["archive_item:parent"]["state"] == "DEAD"
    assert rows["archive_subitem:child"]["state"] == "DONE"


@pytest.mark.parametrize(
    ("outcome", "state", "counts"),
    [
        (Done("r"), EffectState.DONE, True),
        (Unknown("x"), EffectState.UNKNOWN, True),
        (Reject("x"), EffectState.DEAD, True),
        (Stop("x"), EffectState.RETRY, False),
        (Retry("x", 3, counts=False), EffectState.RETRY, False),
        (Retry("x"), EffectState.RETRY, True),
        (Retry("x", payload={}), EffectState.RETRY, False),
    ],
)
def test_each_outcome_has_its_state(outcome, state, counts):
    verdict = rule().after_sending(EFFECT, outcome, NOW)
    assert (verdict.state, verdict.counts) == (state, counts)
    assert (verdict.remote_id, verdict.effect_id) == (getattr(outcome, "remote_id", None), 1)


@pytest.mark.parametrize(
    ("finding", "tries", "state"),
    [
        (Found("r"), 1, EffectState.DONE),
        (Found(), 99, EffectState.DONE),
        (Absent(), 23, EffectState.RETRY),
        (Absent(), 24, EffectState.NEEDS_PERSON),
        (Ambiguous("two"), 1, EffectState.NEEDS_PERSON),
        (Unreadable("x"), 99, EffectState.UNKNOWN),
    ],
)
def test_each_finding_has_its_state(finding, tries, state):
    assert rule().after_looking(replace(EFFECT, tries=tries), finding, NOW).state == state


@pytest.mark.parametrize("tries", [0, 6])
def test_a_wait_asked_for_is_kept_and_only_a_little_longer(tries):
    effect = replace(EFFECT, tries=tries)
    for verdict in (
        rule().after_sending(effect, Retry("x", 30, counts=False), NOW),
        rule().after_looking(effect, Unreadable("x", 30), NOW),
    ):
        waits = (verdict.not_before - NOW).total_seconds()
        assert 30 < waits <= 36


@pytest.mark.parametrize("after_s", [None, 0])
def test_a_limit_that_does_not_say_when_it_ends_is_not_asked_several_times_a_second(after_s):
    """It costs no try, so the pauses do not grow."""
    verdict = rule().after_sending(EFFECT, Retry("x", after_s, counts=False), NOW)
    assert 2 <= (verdict.not_before - NOW).total_seconds() < 6
    # Whether the service is there at all is for the circuit breaker to find out, soon.
    outage = rule().after_sending(EFFECT, Retry("x", counts=False, outage=True), NOW)
    assert (outage.not_before - NOW).total_seconds() < 1


def rule():
    return RetryRule(most_tries=8, chance=random.Random(1), settle_s=5)
