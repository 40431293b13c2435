"""Requests that fail without a word, and look-ups that do not answer."""

import random

import pytest

from syncflow_dagster.core.outcomes import Unknown
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import Lookup, PlannedEffect, Reply, Unreadable
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)


class Breaking(MemoryDestination):
    """Answers 500 and applies nothing as soon as one record of a request is `bad`."""

    def send(self, effects, request_id):
        if any(effect.payload["name"] == "bad" for effect in effects):
            self.requests += 1
            return Reply({effect.effect_id: Unknown("HTTP 500") for effect in effects})
        return super().send(effects, request_id)


class Refused(MemoryDestination):
    def lookup(self, effects):
        self.lookups += 1
        findings = {effect.effect_id: Unreadable("token revoked") for effect in effects}
        return Lookup(findings, stopped="token revoked")


def plan(database, destination, names):
    effects = [
        PlannedEffect(f"create:{name}", "create_item", 1, f"item:{name}", True, {"name": name})
        for name in names
    ]
    with database.transaction() as conn:
        EffectStore(database).insert(conn, effects, scope=SCOPE, account=destination.account)


def deliver(database, clock, destination, **options):
    settings = DeliveryOptions(chance=random.Random(1), **options)
    return Delivery(database, clock, destination, SCOPE, settings).run()


def states(database):
    rows = database.fetch_all("select effect_key, state from effect")
    return {row["effect_key"]: row["state"] for row in rows}


@pytest.mark.parametrize("place", [0, 10, 19])
def test_a_record_that_breaks_its_request_ends_alone_and_the_others_arrive(database, place):
    destination = Breaking(batch_size=20)
    names = [f"n{i}" for i in range(20)]
    names[place] = "bad"
    plan(database, destination, names)
    deliver(database, FakeClock(), destination, longest_s=100_000, patience_s=100_000)
    assert sorted(destination.log) == sorted(f"create:{name}" for name in names if name != "bad")
    found = states(database)
    assert found.pop("create:bad") == "NEEDS_PERSON"
    assert set(found.values()) == {"DONE"}


def test_a_blind_service_is_asked_ever_more_seldom(database):
    destination = MemoryDestination(blind=True)
    destination.script = [destination.lost_reply]
    plan(database, destination, ["a"])
    clock = FakeClock()
    deliver(database, clock, destination, patience_s=600)
    assert destination.lookups < 40
    destination.blind = False
    clock.sleep(120)
    deliver(database, clock, destination)
    assert destination.log == ["create:a"]
    assert states(database) == {"create:a": "DONE"}


def test_a_refused_look_up_stops_the_account(database):
    destination = Refused()
    destination.script = [destination.lost_reply]
    plan(database, destination, ["a"])
    report = deliver(database, FakeClock(), destination)
    assert report.stopped == "token revoked"
    assert destination.lookups == 1
    assert states(database) == {"create:a": "UNKNOWN"}
