"""A create that may come late is looked for, whatever became of it in the meantime."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from syncflow_dagster.ledger.decisions import By, Decisions
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)


def create(key, kind="create_item"):
    return PlannedEffect(key, kind, 1, "item:a", True, {"name": "a", "label": "SO-1"})


@pytest.fixture
def deliver(database):
    """Plans effects and delivers them to a memory, by a script; returns the newest of them."""
    destination, clock = MemoryDestination(), FakeClock()

    def run(*effects, script=()):
        with database.transaction() as conn:
            store = EffectStore(database)
            store.insert(conn, effects, scope=SCOPE, account=destination.account)
        destination.script = list(script)
        options = DeliveryOptions(chance=random.Random(1))
        Delivery(database, clock, destination, SCOPE, options).run()
        return database.fetch_one("select * from effect order by effect_id desc limit 1")

    run.destination, run.clock = destination, clock
    return run


def leave_in_doubt(deliver, database, state):
    """Send a create that is not answered, not found, and withdrawn before it goes again."""
    memory = deliver.destination
    row = deliver(create("create:1"), script=[memory.error_before, memory.stop])
    assert (row["state"], row["doubted"]) == ("RETRY", True)
    database.execute("update effect set state = %s, finished_at = now()", (state,))


@pytest.mark.parametrize("state", ["CANCELLED", "DEAD"])
def test_the_create_that_takes_its_place_is_looked_up_too(deliver, database, state):
    leave_in_doubt(deliver, database, state)
    row = deliver(create("create:2"))
    assert (row["state"], row["doubted"]) == ("DONE", True)
    assert deliver.destination.lookups == 2
    # What is made after that is in no doubt.
    database.execute("update remote_object set retired_at = now()")
    row = deliver(replace(create("create:3"), generation=2))
    assert (row["state"], row["doubted"]) == ("DONE", False)
    assert deliver.destination.lookups == 2


def test_a_change_of_it_is_in_no_doubt(deliver, database):
    leave_in_doubt(deliver, database, "CANCELLED")
    change = replace(create("change:2", "change_item"), creates=False)
    assert deliver(change)["doubted"] is False


def test_a_dead_one_that_goes_again_is_in_doubt_still(deliver, database):
    leave_in_doubt(deliver, database, "DEAD")
    decisions, now = Decisions(database), deliver.clock.now()
    assert decisions.retry_dead("orders", By("ann", "try"), now) == 1
    assert deliver()["state"] == "DONE"
    assert deliver.destination.lookups == 2
