"""Admission: what may still stop an effect in the very transaction that would let it go."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import uuid4

import pytest

from syncflow_dagster.core.outcomes import Drop
from syncflow_dagster.ledger.admission import Held
from syncflow_dagster.ledger.deliver import Delivery, DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import Lookup, PlannedEffect, Reply, Unseen
from syncflow_dagster.ledger.worker import worker
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination


class Ledger:
    """Effects of two accounts, and a destination in memory."""

    def __init__(self, database):
        self.database, self.clock = database, FakeClock()
        self.effects = EffectStore(database)
        self.destination = MemoryDestination(batch_size=5)

    def plan(self, *names, account="one"):
        planned = [
            PlannedEffect(f"create:{one}", "create_item", 1, f"item:{one}", True, {"name": one})
            for one in names
        ]
        with self.database.transaction() as conn:
            self.effects.insert(conn, planned, scope=Scope("orders", "push", 1), account=account)

    def deliver(self, admission=None, account=None, patience_s=1.0):
        options = DeliveryOptions(patience_s=patience_s, chance=random.Random(7))
        scope = Scope("orders", "push", 1, account)
        return Delivery(
            self.database, self.clock, self.destination, scope, options, admission=admission
        ).run()

    def rows(self):
        return {
            row["object_key"].removeprefix("item:"): row
            for row in self.database.fetch_all("select * from effect order by effect_id", {})
        }

    def states(self):
        return {name: row["state"] for name, row in self.rows().items()}


class Holds:
    """Holds effects back by name, and keeps what it was asked."""

    def __init__(self, **held):
        self.held, self.asked = held, []

    def admit(self, conn, effects, now):
        self.asked.append([one.payload["name"] for one in effects])
        for one in effects:
            # Others see nothing of it yet, and cannot take the effect.
            row = conn.execute(
                "select state from effect where effect_id = %s", (one.effect_id,)
            ).fetchone()
            assert row["state"] == "CLAIMED"
        return {
            one.effect_id: self.held[name](now)
            for one in effects
            if (name := one.payload["name"]) in self.held
        }


@pytest.fixture
def ledger(database):
    return Ledger(database)


def test_what_is_held_back_is_not_sent_and_costs_no_try(ledger):
    ledger.plan("a", "b", "c")
    later = Holds(
        b=lambda now: Held("the cap of today", now + timedelta(hours=3)),
        c=lambda now: Held("has answered", now + timedelta(days=9), cancel=True),
    )
    ledger.deliver(later)
    assert ledger.destination.log == ["create:a"]
    rows = ledger.rows()
    assert ledger.states() == {"a": "DONE", "b": "RETRY", "c": "CANCELLED"}
    assert (rows["b"]["tries"], rows["b"]["reason"]) == (0, "the cap of today")
    assert rows["b"]["not_before"] > ledger.clock.now() + timedelta(hours=2)
    assert rows["c"]["finished_at"] is not None
    assert rows["c"]["not_before"] is not None
    assert all(rows[one]["sent_at"] is None for one in "bc")
    # Its budget holds what was sent, and nothing for those that were not.
    (points,) = ledger.database.fetch_all("select unheard, reserved from budget", {})
    assert (points["unheard"], points["reserved"]) == (1, 0)
    ledger.clock.sleep(4 * 3_600)
    ledger.deliver()
    assert ledger.states()["b"] == "DONE"
    assert ledger.rows()["b"]["tries"] == 1


def test_a_wait_without_an_end_is_refused():
    with pytest.raises(ValueError, match="until when"):
        Held("no reason to ask again")


def test_an_intent_that_is_committed_is_not_asked_about_again(ledger):
    ledger.plan("a")
    scope, now, gate = Scope("orders", "push", 1), ledger.clock.now(), Holds()
    with worker(ledger.database) as me:
        batch = ledger.effects.claim(scope, me.number, now, 5)
        request_id = uuid4()
        for _ in range(2):  # the answer to the first commit was lost
            went = ledger.effects.commit_intent(batch, me.number, request_id, now, None, gate)
            assert [one.effect_id for one in went] == [batch[0].effect_id]
    assert gate.asked == [["a"]]
    assert ledger.rows()["a"]["tries"] == 1


def test_a_delivery_of_one_account_leaves_the_others_alone(ledger):
    ledger.plan("a", account="one")
    ledger.plan("b", account="two")
    report = ledger.deliver(account="one")
    assert (ledger.states(), report.remaining) == ({"a": "DONE", "b": "PLANNED"}, 0)
    # What its worker left behind is not taken up by the other account, either.
    with worker(ledger.database) as me:
        ledger.effects.claim(Scope("orders", "push", 1), me.number, ledger.clock.now(), 5)
    ledger.deliver(account="one")
    assert ledger.states()["b"] == "CLAIMED"
    ledger.destination.script = [ledger.destination.error_before]
    ledger.deliver(account="two", patience_s=0.1)
    assert ledger.states()["b"] == "UNKNOWN"
    ledger.clock.sleep(60)
    lookups = ledger.destination.lookups
    ledger.deliver(account="one")
    assert (ledger.states()["b"], ledger.destination.lookups) == ("UNKNOWN", lookups)
    ledger.deliver(account="two", patience_s=30)
    assert ledger.states()["b"] == "DONE"


def test_what_the_service_does_not_need_is_taken_back(ledger):
    ledger.plan("a", "b")

    def dropped(effects):
        first, second = (one.effect_id for one in effects)
        return Reply({first: Drop("there already"), second: Drop("not yet", 7_200)})

    ledger.destination.script = [dropped]
    report = ledger.deliver()
    rows = ledger.rows()
    assert report.outcomes["dropped"] == 2
    assert set(ledger.states().values()) == {"CANCELLED"}
    assert (rows["a"]["reason"], rows["a"]["not_before"]) == ("there already", None)
    assert rows["b"]["not_before"] > ledger.clock.now() + timedelta(hours=1)
    assert ledger.destination.objects == {}


def test_what_does_not_show_is_counted_until_it_is_sent_again(ledger, monkeypatch):
    ledger.plan("a")
    ledger.destination.script = [ledger.destination.error_before]
    ledger.deliver(patience_s=0.1)
    answers = iter([Unseen("not yet", 600), None])

    def look(effects):
        found = next(answers)
        if found is None:
            return plain(effects)
        return Lookup({one.effect_id: found for one in effects})

    plain = ledger.destination.lookup
    monkeypatch.setattr(ledger.destination, "lookup", look)
    ledger.clock.sleep(60)
    ledger.deliver()
    row = ledger.rows()["a"]
    assert (row["state"], row["unseen"], row["lookups"]) == ("UNKNOWN", 1, 1)
    assert row["not_before"] >= ledger.clock.now() + timedelta(seconds=590)
    ledger.clock.sleep(700)
    ledger.deliver()
    assert ledger.rows()["a"]["unseen"] == 0
    assert ledger.destination.log == ["create:a"]
