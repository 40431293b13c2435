"""Customers take turns: one with many changes does not keep waiting who has few."""

from __future__ import annotations

import random

from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)
MANY, FEW, BATCH = 40, 3, 5
SMALL = ("ana", "bo", "cy", "zoe", None)


def _plan(database):
    customers = ["big"] * MANY + [name for name in SMALL for _ in range(FEW)]
    effects = [
        PlannedEffect(
            f"{name}:{number}",
            "create_item",
            1,
            f"item:{number}",
            True,
            {"name": str(number)},
            customer=name,
        )
        for number, name in enumerate(customers)
    ]
    with database.transaction() as conn:
        EffectStore(database).insert(conn, effects, scope=SCOPE, account="memory")


def test_those_with_few_changes_are_served_in_turns_beside_one_with_many(database):
    _plan(database)
    destination = MemoryDestination(batch_size=BATCH)
    options = DeliveryOptions(chance=random.Random(1))
    Delivery(database, FakeClock(), destination, SCOPE, options).run()
    sent = [key.split(":")[0] for key in destination.log]
    assert len(sent) == len(set(destination.log)) == MANY + FEW * len(SMALL)
    # Six customers, one effect each in a round, five in a request; and each request is full.
    last = max(position for position, name in enumerate(sent) if name != "big")
    assert last < 6 * FEW + BATCH
    assert destination.requests == len(sent) / BATCH
    for name in ("big", *SMALL):
        numbers = [int(key.split(":")[1]) for key in destination.log if key.startswith(f"{name}:")]
        assert numbers == sorted(numbers)


def test_what_was_not_answered_goes_again_whole_though_others_have_their_turn(database):
    _plan(database)
    store = EffectStore(database)
    clock = FakeClock()
    first = store.claim(SCOPE, 1, clock.now(), BATCH)
    ids = [effect.effect_id for effect in first]
    database.execute(
        "update syncflow.effect set state = 'RETRY', idempotency_key = gen_random_uuid(), "
        "key_size = 5, lease_owner = null, lease_until = null where effect_id = any(%s)",
        [ids],
    )
    again = store.claim(SCOPE, 1, clock.now(), BATCH + 2)
    assert [effect.effect_id for effect in again if effect.effect_id in ids] == ids
    assert len(again) == BATCH + 2
