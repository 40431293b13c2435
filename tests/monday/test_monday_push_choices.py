"""Pushes of a part, plans without a push, and records that cannot be written."""

from __future__ import annotations

from collections import Counter

import pytest
from monday_world import BOARD, LINES, MondayWorld, line, order

from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer

BOOK = [order("SO-1"), order("SO-2"), order("SO-3", "Beta"), order("SO-4", "Beta")]
SIZES = [
    *(line(f"SO-{n}", "M", n) for n in (1, 2)),
    *(line(f"SO-{n}", "M", n, customer="Beta") for n in (3, 4)),
]
_OURS = ("effect", "attempt", "remote_object", "orders_delta", "lines_delta")


def tables(world):
    """Everything the push may write, but for the budget: reading the board was paid for."""
    return {name: world.database.fetch_all(f"select * from {name} order by 1, 2") for name in _OURS}


# --- dry runs ------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_and_writes_nothing(world):
    world.build(BOOK, SIZES)
    before = tables(world)
    result = world.push(dry_run=True)
    assert tables(world) == before
    assert world.writes() == []
    assert result.plan.rows == 8
    assert result.plan.effects == {
        "create_group": 2,
        "create_item": 4,
        "create_subitem": 4,
        "set_status": 8,
    }
    assert result.plan.preview[0].kind == "create_group"


def test_a_dry_run_knows_the_groups_that_are_there(world):
    world.build([order("SO-1", "Topics")])
    assert world.push(dry_run=True).plan.effects["create_group"] == 0


def test_a_dry_run_of_orders_that_come_back_shows_their_lines(world):
    world.sync(BOOK, SIZES)
    world.sync(BOOK[1:], SIZES)
    world.build(BOOK, SIZES)
    before = tables(world)
    plan = world.push(dry_run=True).plan
    assert (plan.effects["create_item"], plan.effects["create_subitem"]) == (1, 1)
    assert tables(world) == before


def test_what_a_dry_run_says_is_what_the_push_then_does(world):
    world.build(BOOK, SIZES)
    shown = world.push(dry_run=True).plan
    done = world.push().plan
    assert (done.rows, done.effects, done.settled) == (shown.rows, shown.effects, shown.settled)


# --- a part of it --------------------------------------------------------------------------


def test_a_limit_takes_so_many_orders_with_all_their_lines(world):
    world.build(BOOK, SIZES)
    world.push(limit=2)
    assert {name: len(item["below"]) for name, item in world.board().items()} == {
        "SO-1 Shirt": 1,
        "SO-2 Shirt": 1,
    }
    assert Counter(world.states().values()) == {"SYNCED": 2, "PENDING": 2}
    assert Counter(world.states(LINES).values()) == {"SYNCED": 2, "PENDING": 2}
    world.push(limit=1)
    assert len(world.board()) == 3
    world.push()
    assert len(world.board()) == 4
    assert set(world.states(LINES).values()) == {"SYNCED"}
    assert world.doubled() == []


def test_a_limit_of_nothing_takes_nothing(world):
    world.build(BOOK, SIZES)
    assert world.push(limit=0).plan.rows == 0
    assert world.writes() == []


def test_a_customer_is_taken_alone(world):
    world.build(BOOK, SIZES)
    world.push(customer="Beta")
    assert {item["group"] for item in world.board().values()} == {"Beta"}
    assert [len(item["below"]) for item in world.board().values()] == [1, 1]
    assert world.group_titles() == ["Beta", "Topics"]


def test_another_customers_lines_stay_even_where_their_order_is_there(world):
    world.sync(BOOK, SIZES)
    world.build(BOOK, [*(one | {"qty": 99} for one in SIZES)])
    mark = world.mark()
    world.push(customer="Beta")
    assert Counter(world.writes(after=mark)) == {"change_multiple_column_values": 2}
    assert world.states(LINES)["SO-1 / M"] == "PENDING"
    assert world.states(LINES)["SO-3 / M"] == "SYNCED"


# --- what cannot be written ------------------------------------------------------------------


def test_a_status_label_the_board_does_not_have_kills_that_row_alone(world):
    book = [order("SO-1", status="Unheard of"), *BOOK[1:]]
    world.sync(book, SIZES)
    assert world.states() == {"SO-1": "DEAD", "SO-2": "SYNCED", "SO-3": "SYNCED", "SO-4": "SYNCED"}
    assert "This status label doesn't exist" in world.reason("SO-1")
    assert "column state" in world.reason("SO-1")
    # The item is there; only its status is not.
    assert "state" not in world.board()["SO-1 Shirt"]["values"]
    assert set(world.states(LINES).values()) == {"SYNCED"}
    world.sync(BOOK, SIZES)
    assert world.states()["SO-1"] == "SYNCED"
    assert world.board()["SO-1 Shirt"]["values"]["state"] == "Open"
    assert world.doubled() == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"email": "nobody"}, "'nobody' is not an e-mail address"),
        ({"title": "x" * 300}, "monday takes 255"),
    ],
)
def test_a_refused_order_holds_its_lines_until_it_is_mended(world, broken, reason):
    world.sync([order("SO-1", **broken), *BOOK[1:]], SIZES)
    assert world.states()["SO-1"] == "DEAD"
    assert reason in world.reason("SO-1")
    assert world.states(LINES)["SO-1 / M"] == "WAITING"
    assert "waits for item SO-1, whose create is DEAD: " in world.reason("SO-1 / M", LINES)
    assert reason in world.reason("SO-1 / M", LINES)
    assert set(world.states(LINES).values()) == {"SYNCED", "WAITING"}
    # A run without a change does nothing to it.
    mark = world.mark()
    world.sync([order("SO-1", **broken), *BOOK[1:]], SIZES)
    assert world.writes(after=mark) == []
    world.sync(BOOK, SIZES)
    assert set(world.states().values()) | set(world.states(LINES).values()) == {"SYNCED"}
    assert world.board()["SO-1 Shirt"]["below"] == {"SO-1 M": {"qty": "1", "stage": "Cut"}}
    assert world.doubled() == []


def test_an_order_that_monday_refuses_holds_its_lines_until_it_is_mended(world):
    """Only the service knows that this label of a group is too much: its list is full."""
    world.control.faults(kind="partial", op="create_item", code="ColumnValueException", times=1)
    world.sync(BOOK[:1], SIZES[:1])
    world.control.clear_faults()
    assert world.states() == {"SO-1": "DEAD"}
    assert "ColumnValueException" in world.reason("SO-1")
    assert world.states(LINES) == {"SO-1 / M": "WAITING"}
    assert "whose create is DEAD" in world.reason("SO-1 / M", LINES)
    world.sync([order("SO-1", amount="1")], SIZES[:1])
    assert world.states() == {"SO-1": "SYNCED"}
    assert world.states(LINES) == {"SO-1 / M": "SYNCED"}
    assert world.board()["SO-1 Shirt"]["values"]["state"] == "Open"


def test_a_refused_order_that_goes_takes_its_lines_with_it(world):
    world.sync([order("SO-1", email="nobody"), *BOOK[1:]], SIZES)
    world.sync(BOOK[1:], SIZES[1:])
    assert world.states()["SO-1"] == world.states(LINES)["SO-1 / M"] == "SYNCED"
    assert "SO-1 Shirt" not in world.board()


def test_a_group_that_was_refused_is_asked_for_again_with_the_next_order(world):
    fault = {"kind": "partial", "op": "create_group", "code": "InvalidArgumentException"}
    world.control.faults(fault, times=1)
    world.sync(BOOK[:1])
    world.control.clear_faults()
    assert world.states() == {"SO-1": "WAITING"}
    assert "waits for group ACME, whose create is DEAD" in world.reason("SO-1")
    world.sync(BOOK[:2])
    assert world.states() == {"SO-1": "SYNCED", "SO-2": "SYNCED"}
    assert world.group_titles() == ["ACME", "Topics"]


def test_a_full_board_stops_and_loses_nothing(database):
    seed = {
        "boards": [
            {
                "id": BOARD,
                "name": "Small",
                "key_column": "record_uuid",
                "items_limit": 2,
                "groups": [{"id": "topics", "title": "Topics"}],
                "columns": [{"id": "record_uuid", "title": "Record", "type": "text"}],
            }
        ]
    }
    items = {"source": "orders", "name": "{number}", "key_column": "record_uuid"}
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed(seed)
        world = MondayWorld(database, server.urls, items=items, subitems=None)
        result = world.sync(BOOK)
        assert "the board is full" in result.deliveries[0].stopped
        assert len(world.board_items()) == 2
        assert Counter(world.states().values()) == {"SYNCED": 2, "FAILED": 2}


def test_a_token_that_is_revoked_stops_and_the_next_run_goes_on(make_world):
    make_world().build(BOOK, SIZES)
    world = make_world()
    world.control.faults(kind="error_before", op="mutation", status=401)
    result = world.push()
    assert "monday refuses the token" in result.deliveries[0].stopped
    assert world.writes() == []
    world.control.clear_faults()
    world.push()
    assert set(world.states().values()) | set(world.states(LINES).values()) == {"SYNCED"}
    assert world.doubled() == []
