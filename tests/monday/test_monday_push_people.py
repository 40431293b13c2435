"""What people do to the board by hand, and what the workflow makes of it."""

from __future__ import annotations

import random

import requests
from monday_world import LINES, line, order

from syncflow_dagster.ledger.delivery_report import DeliveryOptions

BOOK = [order("SO-1"), order("SO-2")]
SIZES = [line("SO-1", "M", 5), line("SO-2", "M", 1)]


def delivery(patience_s):
    return DeliveryOptions(patience_s=patience_s, chance=random.Random(1))


def archive_by_hand(world, record):
    row = next(one for one in world.rows() if one["business_key"] == record)
    found = world.database.fetch_one(
        "select remote_id from remote_object where object_key like %s",
        (f"%:item:{row['record_uuid']}",),
    )
    answer = requests.post(
        world.workflow.connections["monday"].url,
        json={"query": f"mutation {{ archive_item(item_id: {found['remote_id']}) {{ id }} }}"},
        headers={"Authorization": "sandbox-personal"},
        timeout=10,
    )
    assert answer.json()["data"]["archive_item"]


def changed(record, note):
    return [order(record, title=note), *(one for one in BOOK if one["number"] != record)]


def test_an_item_somebody_archived_is_told_and_made_anew_at_the_records_next_change(world):
    world.sync(BOOK, SIZES)
    archive_by_hand(world, "SO-1")
    world.sync(changed("SO-1", "first"), SIZES)
    assert "no longer on the board" in world.reason("SO-1")
    mark = world.mark()
    world.sync(changed("SO-1", "second"), SIZES)
    assert world.writes(after=mark).count("create_item") == 1
    assert world.writes(after=mark).count("create_subitem") == 1
    board = world.board()
    assert len(board) == 2
    assert all(len(one["below"]) == 1 for one in board.values())


def test_nothing_goes_to_a_parent_whose_archiving_is_an_open_question(make_world):
    world = make_world(monday={"settle_s": 65})
    world.sync(BOOK, SIZES, delivery=delivery(600))
    world.control.faults(service="monday", kind="error_before", op="archive_item", times=1)
    world.build(BOOK[1:], SIZES[1:])
    world.push(delivery=delivery(1))
    world.build(BOOK, SIZES)
    world.push(delivery=delivery(1))
    world.push(delivery=delivery(600))
    assert all(len(one["below"]) == 1 for one in world.board().values())
    assert len(world.board()) == 2
    assert set(world.states(LINES).values()) == {"SYNCED"}


def test_a_fix_planned_while_the_refused_create_was_in_question_is_delivered(make_world):
    world = make_world(monday={"settle_s": 65})
    bad = order("SO-1", title="Wrong")
    world.sync([BOOK[1]], [SIZES[1]], delivery=delivery(600))
    world.control.faults(service="monday", kind="error_before", op="create_item", times=1)
    world.build([bad, BOOK[1]], SIZES)
    world.push(delivery=delivery(1))
    assert world.states()["SO-1"] == "WAITING"
    world.database.execute(
        "update effect set payload = jsonb_set(payload, '{columns,no_such_column}', '\"x\"') "
        "where kind = 'create_item' and state = 'UNKNOWN'"
    )
    world.build(BOOK, SIZES)
    world.push(delivery=delivery(600))
    world.push(delivery=delivery(600))
    assert world.board().keys() >= {"SO-1 Shirt", "SO-2 Shirt"}
    assert set(world.states().values()) == {"SYNCED"}
    assert set(world.states(LINES).values()) == {"SYNCED"}
