"""Limits of an account: requests that no window holds, waits that others prolong, places taken."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from syncflow_dagster.core.budget import Limit
from syncflow_dagster.core.outcomes import Reject, Retry
from syncflow_dagster.ledger.budgets import LONGEST_WAIT_S, Budgets
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.ledger.ports import PlannedEffect, Reply
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)


def create(number):
    return PlannedEffect(
        f"create:{number}", "create_item", 1, f"item:{number}", True, {"name": str(number)}
    )


@pytest.fixture
def deliver(database):
    def send(destination, count, clock=None, **options):
        effects = [create(number) for number in range(count)]
        with database.transaction() as conn:
            EffectStore(database).insert(conn, effects, scope=SCOPE, account=destination.account)
        settings = DeliveryOptions(chance=random.Random(1), **options)
        return Delivery(database, clock or FakeClock(), destination, SCOPE, settings).run()

    return send


class Strict(MemoryDestination):
    """Refuses, as a limit that is reached, what is dearer than all a window holds."""

    def send(self, effects, request_id):
        if len(effects) > self.allowed:
            self.requests += 1
            limit = Retry("used up", after_s=60, counts=False, limit="points")
            return Reply({one.effect_id: limit for one in effects})
        return super().send(effects, request_id)


def test_a_request_dearer_than_a_whole_window_is_cut_to_what_it_holds(deliver):
    strict = Strict(allowed=10, batch_size=25)
    report = deliver(strict, 25)
    assert strict.log == [f"create:{number}" for number in range(25)]
    assert (report.requests, report.remaining) == (3, 0)


def test_waiting_for_a_budget_uses_up_no_patience(deliver):
    destination = MemoryDestination(allowed=10)
    destination.script = [lambda _: None, destination.throttle]
    report = deliver(destination, 20, patience_s=30)
    assert (len(destination.log), report.remaining) == (20, 0)
    assert report.waited_s > 60


@dataclass
class Places(MemoryDestination):
    """Takes one request at a time, and looks at what it refused by a request of its own."""

    budgets_beside: Budgets | None = None
    looked: int = 0

    def budgets(self):
        return {"places": Limit(1, 120.0, "flight")}

    def cost(self, effects):
        return {"places": len(effects[:1])}

    def lookup_cost(self, effects):
        return self.cost(effects)

    def send(self, effects, request_id):
        reply = super().send(effects, request_id)

        def look():
            self.looked += 1
            self.budgets_beside.reserve({"places": 1})
            self.budgets_beside.settle({"places": 1}, {}, [])
            return {one.effect_id: Reject("looked at") for one in effects}

        return Reply(reply.outcomes, review=look)


def test_another_look_at_a_reply_needs_not_wait_for_the_reply_itself(deliver, database):
    clock, places = FakeClock(), Places()
    places.budgets_beside = Budgets(database, clock, places.account, places.budgets())
    report = deliver(places, 1, clock)
    assert (places.looked, report.outcomes) == (1, {"rejected": 1})
    assert clock.slept == []


def test_a_wait_that_others_prolong_at_each_turn_becomes_a_pause(database):
    class Others(FakeClock):
        """While we sleep, another process takes all of the next window."""

        def sleep(self, seconds):
            super().sleep(seconds)
            assert sum(self.slept) <= LONGEST_WAIT_S
            others.reserve({"points": 10})
            others.settle({"points": 10}, {}, [])

    first = {"points": Limit(10, 60.0)}
    clock = Others()
    others = Budgets(database, clock, "memory:x", first)
    others.reserve({"points": 10})
    others.settle({"points": 10}, {}, [])
    ours = Budgets(database, clock, "memory:x", first)
    with pytest.raises(AccountPaused, match="has used up its points"):
        ours.reserve({"points": 1})
    assert ours.waited_s > LONGEST_WAIT_S - 61
