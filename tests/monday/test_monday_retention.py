"""A board is kept up to date as before once the history behind it is gone."""

from __future__ import annotations

from datetime import UTC, datetime

from monday_world import LINES, ORDERS, line, order

from syncflow_dagster.nodes.retention import retain
from syncflow_dagster.testing.clock import FakeClock

BOOK = [order("SO-1"), order("SO-2")]
SIZES = [line("SO-1", "M", 5), line("SO-1", "L", 7), line("SO-2", "M", 1)]
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def forget(world, action):
    """Do away with everything that is settled, as if years had passed."""
    policy = world.workflow.retention.model_copy(update={"action": action})
    workflow = world.workflow.model_copy(update={"retention": policy})
    return retain(world.database, FakeClock(LATER), workflow)


def count(world, what):
    row = world.database.fetch_one(f"select count(*) as n from {what}")
    return row["n"]


def test_changes_deletes_and_returns_work_on_as_before(world):
    world.sync(BOOK, SIZES)
    changed = [order("SO-1", title="Coat"), BOOK[1]]
    world.sync(changed, SIZES)
    rows, effects = count(world, ORDERS), count(world, "effect")
    report = forget(world, "archive")
    assert report.rows == 1  # the order as it was at first
    assert count(world, "attempt") == 0
    # What made the item stays with it: nothing may make it a second time.
    made = "effect where creates and delta_id is not null"
    assert count(world, made) == 5
    assert count(world, f"{ORDERS}_archive") + count(world, ORDERS) == rows
    assert count(world, "effect_archive") + count(world, "effect") == effects
    assert count(world, "effect_archive") > 0

    mark = world.mark()
    world.sync(changed, SIZES)
    assert world.writes(after=mark) == []
    world.sync([order("SO-1", title="Cape"), BOOK[1]], SIZES)
    assert "SO-1 Cape" in world.board()

    world.sync(BOOK[1:], SIZES[2:])  # the first order goes, its lines with it
    forget(world, "archive")
    assert {row["business_key"] for row in world.rows()} == {"SO-2"}
    assert {row["business_key"] for row in world.rows(LINES)} == {"SO-2 / M"}
    assert count(world, made) == 2
    world.sync(BOOK, SIZES)  # and comes back
    assert world.doubled() == []
    assert set(world.keys().values()) == {1}
    assert set(world.board()["SO-1 Shirt"]["below"]) == {"SO-1 M", "SO-1 L"}
    assert {row["generation"] for row in world.rows() if row["business_key"] == "SO-1"} == {2}


def test_lines_that_did_not_change_follow_their_order_when_it_comes_back(world):
    """They are written again from their newest rows, which retention must leave where they are."""
    world.sync(BOOK, SIZES)
    world.sync([order("SO-1", amount="3"), BOOK[1]], SIZES)
    forget(world, "delete")
    world.sync(BOOK[1:])
    forget(world, "delete")
    world.sync(BOOK)
    assert set(world.board()["SO-1 Shirt"]["below"]) == {"SO-1 M", "SO-1 L"}
    assert world.doubled() == []


def test_what_is_not_settled_stays_with_its_effects_and_their_attempts(world):
    world.sync(BOOK)
    world.build([order("SO-1", title="Coat"), BOOK[1]], SIZES)
    world.push(passes=())
    before = {(row["delta_id"], row["state"]) for row in world.rows() + world.rows(LINES)}
    assert forget(world, "delete").rows == 0
    assert {(row["delta_id"], row["state"]) for row in world.rows() + world.rows(LINES)} == before
    world.push()
    assert set(world.board()["SO-1 Coat"]["below"]) == {"SO-1 M", "SO-1 L"}
