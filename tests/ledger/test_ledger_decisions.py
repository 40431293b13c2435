"""What a person decides: dead letters tried again, questions answered, and all of it noted."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from syncflow_dagster.ledger.decisions import By, Decisions, NotDecidable
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

SCOPE = Scope("orders", "push", 1)
ANN = By("ann", "seen on the board")


def create(name):
    payload = {"name": name, "label": name}
    return PlannedEffect(f"create:{name}", "create_item", 1, f"item:{name}", True, payload)


def archive(name):
    payload = {"name": name, "label": name}
    return PlannedEffect(f"archive:{name}", "archive_item", 1, f"item:{name}", False, payload)


class Table:
    def __init__(self, database):
        self.database, self.clock = database, FakeClock()
        self.destination = MemoryDestination()
        self.decisions = Decisions(database)

    def plan(self, *effects):
        with self.database.transaction() as conn:
            EffectStore(self.database).insert(conn, effects, scope=SCOPE, account="memory:default")

    def deliver(self):
        options = DeliveryOptions(chance=random.Random(1))
        return Delivery(self.database, self.clock, self.destination, SCOPE, options).run()

    def row(self, key):
        return self.database.fetch_one("select * from effect where effect_key = %s", (key,))

    def ask(self, key):
        """Make an effect a question to a person."""
        self.database.execute(
            "update effect set state = 'CLAIMED', sent_at = now() where effect_key = %s", (key,)
        )
        for state in ("SENT", "UNKNOWN", "NEEDS_PERSON"):
            self.database.execute(
                "update effect set state = %s, reason = 'two objects' where effect_key = %s",
                (state, key),
            )
        return self.row(key)["effect_id"]

    def resolve(self, key, answer, remote_id=None):
        self.decisions.resolve(self.ask(key), answer, ANN, self.clock.now(), remote_id)

    def noted(self):
        rows = self.database.fetch_all(
            "select action, actor, reason, old_state, old_reason, remote_id from decision"
        )
        return [tuple(row.values()) for row in rows]


@pytest.fixture
def table(database):
    return Table(database)


def test_only_the_dead_letters_that_are_named_go_again(table):
    names = ["a", "poison one", "poison two", "poison three"]
    table.plan(*(create(name) for name in names))
    table.deliver()
    ids = {name: table.row(f"create:{name}")["effect_id"] for name in names}
    now = table.clock.now()
    again = table.decisions.retry_dead("orders", ANN, now, effect_ids=[ids["poison one"], ids["a"]])
    assert again == 1
    assert table.decisions.retry_dead("other", ANN, now) == 0
    assert table.decisions.retry_dead("orders", ANN, now, reason="no such") == 0
    states = {name: table.row(f"create:{name}")["state"] for name in names}
    assert states == {
        "a": "DONE",
        "poison one": "PLANNED",
        "poison two": "DEAD",
        "poison three": "DEAD",
    }
    assert table.decisions.retry_dead("orders", ANN, now, reason="POISON") == 2
    assert table.noted()[0] == ("retry", "ann", ANN.reason, "DEAD", "poison", None)
    table.database.execute("update effect set payload = jsonb_set(payload, '{name}', '\"well\"')")
    table.deliver()
    assert {row["state"] for row in table.database.fetch_all("select state from effect")} == {
        "DONE"
    }
    assert len(table.destination.log) == 4


def test_what_did_happen_is_known_from_then_on(table):
    table.plan(create("a"))
    table.resolve("create:a", "applied", "r77")
    assert (table.row("create:a")["state"], table.row("create:a")["remote_id"]) == ("DONE", "r77")
    there = table.database.fetch_one("select remote_id from remote_object")
    assert there["remote_id"] == "r77"
    assert table.noted() == [("applied", "ann", ANN.reason, "NEEDS_PERSON", "two objects", "r77")]
    table.plan(archive("a"))
    table.resolve("archive:a", "applied")
    gone = table.database.fetch_one("select retired_at from remote_object")
    assert gone["retired_at"] is not None


@pytest.mark.parametrize("remote_id", [None, "", " ", "r1"])
def test_a_create_made_neither_nothing_nor_what_another_thing_is(table, remote_id):
    table.plan(create("b"))
    table.deliver()
    assert table.destination.objects == {"item:b": "r1"}
    table.plan(create("a"))
    with pytest.raises(NotDecidable, match=r"give the service's id|r1 is item:b already"):
        table.resolve("create:a", "applied", remote_id)
    assert table.row("create:a")["state"] == "NEEDS_PERSON"
    assert table.noted() == []


def test_what_was_never_sent_has_made_nothing(table):
    table.plan(replace(create("a"), question="the board has two items for it"))
    effect_id = table.row("create:a")["effect_id"]
    with pytest.raises(NotDecidable, match="run `syncflow adopt` again"):
        table.decisions.resolve(effect_id, "applied", ANN, table.clock.now(), "r77")
    table.decisions.resolve(effect_id, "not_applied", ANN, table.clock.now())
    table.deliver()
    assert table.destination.log == ["create:a"]


def test_what_did_not_happen_is_sent_again_once(table):
    table.plan(create("a"))
    table.resolve("create:a", "not_applied")
    table.deliver()
    assert table.destination.log == ["create:a"]
    assert table.row("create:a")["state"] == "DONE"


def test_what_is_dropped_is_never_sent_and_takes_its_archiving_with_it(table):
    table.plan(create("a"), archive("a"))
    table.resolve("create:a", "drop")
    table.deliver()
    assert table.destination.log == []
    assert {table.row(key)["state"] for key in ("create:a", "archive:a")} == {"CANCELLED"}
    assert table.row("create:a")["reason"] == "drop, by ann: seen on the board"


def test_what_was_decided_outlives_the_effect_and_tells_what_it_was_about(table):
    table.plan(create("a"))
    table.resolve("create:a", "drop")
    table.database.execute("delete from effect")
    (kept,) = table.database.fetch_all("select workflow, kind, object_key, actor from decision")
    assert tuple(kept.values()) == ("orders", "create_item", "item:a", "ann")


def test_nothing_is_decided_about_what_asks_nothing(table):
    table.plan(create("a"))
    effect_id = table.row("create:a")["effect_id"]
    with pytest.raises(NotDecidable, match=f"effect {effect_id} is PLANNED"):
        table.decisions.resolve(effect_id, "drop", ANN, table.clock.now())
    with pytest.raises(NotDecidable, match="no effect 999"):
        table.decisions.resolve(999, "drop", ANN, table.clock.now())
    assert table.noted() == []


def test_what_needs_attention_is_listed_with_its_reason(table):
    table.plan(create("a"), create("poison"))
    table.deliver()
    (dead,) = table.decisions.effects("orders", None, 10)
    assert (dead["label"], dead["state"], dead["reason"], dead["total"]) == (
        "poison",
        "DEAD",
        "poison",
        1,
    )
    assert [row["label"] for row in table.decisions.effects("orders", "DONE", 10)] == ["a"]
