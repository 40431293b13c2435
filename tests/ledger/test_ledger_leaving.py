"""A delivery that must leave: between two requests, or in a wait, and nothing is sent twice."""

from __future__ import annotations

import random

import pytest

from syncflow_dagster.core import leaving
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)
WHY = "the window of orders is over"


class Jobs(MemoryDestination):
    """Takes bulk jobs of ten, which it applies at once."""

    @property
    def job_size(self):
        return 10


@pytest.fixture
def ledger(database):
    def plan(destination, count, *, bulk=False):
        effects = [
            PlannedEffect(f"create:{n}", "create_item", 1, f"item:{n}", True, {"name": str(n)})
            for n in range(count)
        ]
        with database.transaction() as conn:
            EffectStore(database).insert(conn, effects, scope=SCOPE, account=destination.account)
            if bulk:
                conn.execute("update effect set bulk = true")

    def deliver(destination, leave, clock=None):
        settings = DeliveryOptions(chance=random.Random(1), leave=leave)
        return Delivery(database, clock or FakeClock(), destination, SCOPE, settings).run()

    def states():
        rows = database.fetch_all("select state, count(*) as n from effect group by 1")
        return {row["state"]: row["n"] for row in rows}

    return plan, deliver, states


def after(destination, requests):
    """Return what says so once that many requests were sent."""
    return lambda: WHY if destination.requests >= requests else None


@pytest.mark.parametrize("kind", [MemoryDestination, Jobs])
def test_no_request_and_no_job_is_begun_after_the_end_and_the_next_run_sends_the_rest(ledger, kind):
    plan, deliver, states = ledger
    destination = kind()
    plan(destination, 45, bulk=kind is Jobs)
    closed = deliver(destination, lambda: WHY)
    assert (closed.left, closed.requests, closed.remaining) == (WHY, 0, 45)
    left = deliver(destination, after(destination, 2))
    assert (left.left, left.requests, left.remaining) == (WHY, 2, 25)
    # Nothing is held by a worker that is gone.
    assert states() == {"DONE": 20, "PLANNED": 25}
    rest = deliver(destination, lambda: None)
    assert (rest.left, rest.remaining) == (None, 0)
    assert sorted(destination.log) == sorted(f"create:{n}" for n in range(45))


def test_what_was_sent_is_written_down_and_looked_up_in_the_next_window(ledger):
    plan, deliver, states = ledger
    destination = MemoryDestination()
    destination.script = [destination.lost_reply]
    plan(destination, 10)
    assert deliver(destination, after(destination, 1)).lookups == 0
    assert states() == {"UNKNOWN": 10}
    clock = FakeClock()
    clock.sleep(12 * 3600)
    deliver(destination, lambda: None, clock)
    assert states() == {"DONE": 10}
    assert len(destination.log) == 10


def test_a_wait_for_a_budget_ends_with_the_window(ledger):
    plan, deliver, states = ledger
    destination, clock = MemoryDestination(allowed=10), FakeClock()
    plan(destination, 20)
    began = clock.now()

    def leave():
        return WHY if (clock.now() - began).total_seconds() >= 21 else None

    report = deliver(destination, leave, clock)
    assert (report.left, report.requests, report.remaining) == (WHY, 1, 10)
    # The budget is free again after a minute only.
    assert (clock.now() - began).total_seconds() == 25
    assert states() == {"DONE": 10, "PLANNED": 10}


def test_a_wait_is_looked_at_every_few_seconds_and_in_one_piece_where_nobody_asks():
    clock, asked = FakeClock(), []
    leaving.wait(clock, 12, lambda: asked.append(clock.now()))
    assert clock.slept == [5.0, 5.0, 2.0]
    assert len(asked) == 4
    leaving.wait(clock, 12, None)
    assert clock.slept[3:] == [12]
    with pytest.raises(leaving.Left, match=WHY):
        leaving.wait(clock, 0, lambda: WHY)
