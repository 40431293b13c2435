"""Records that go and come back: what is archived, what is made anew, nothing doubled."""

from __future__ import annotations

from collections import Counter

import pytest
from monday_world import BOARD, ITEM_MAPPING, LINES, SUBITEM_MAPPING, line, order

from syncflow_dagster.ledger.delivery_report import DeliveryOptions

BOOK = [order("SO-1"), order("SO-2")]
SIZES = [line("SO-1", "M", 5), line("SO-1", "L", 7), line("SO-2", "M", 1)]
#: What is left of them when the first order is gone.
REST = (BOOK[1:], SIZES[2:])


def everything_there_once(world, items=2, subitems=3):
    keys = world.keys()
    board = world.board()
    return (
        set(keys.values()) == {1}
        and len(board) == items
        and sum(len(one["below"]) for one in board.values()) == subitems
    )


def all_synced(world):
    return set(world.states().values()) | set(world.states(LINES).values()) == {"SYNCED"}


def test_an_order_and_its_lines_that_go_together_are_one_write(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    world.sync(*REST)
    assert world.writes(after=mark) == ["archive_item"]
    assert everything_there_once(world, items=1, subitems=1)
    assert all_synced(world)
    mark = world.mark()
    world.sync(*REST)
    assert world.writes(after=mark) == []


def test_a_line_that_goes_alone_is_archived_alone(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    world.sync(BOOK, SIZES[1:])
    assert world.writes(after=mark) == ["archive_item"]
    assert everything_there_once(world, subitems=2)
    assert set(world.board()["SO-1 Shirt"]["below"]) == {"SO-1 L"}


def test_what_comes_back_after_it_was_archived_is_made_anew(world):
    world.sync(BOOK, SIZES)
    world.sync(*REST)
    mark = world.mark()
    world.sync(BOOK, SIZES)
    made = Counter(world.writes(after=mark))
    assert (made["create_item"], made["create_subitem"]) == (1, 2)
    assert everything_there_once(world)
    assert all_synced(world)
    assert world.doubled() == []
    generations = {row["business_key"]: row["generation"] for row in world.rows(LINES)}
    assert generations == {"SO-1 / M": 2, "SO-1 / L": 2, "SO-2 / M": 1}


def test_what_comes_back_can_change_and_go_again(world):
    world.sync(BOOK, SIZES)
    world.sync(*REST)
    world.sync(BOOK, SIZES)
    world.sync([order("SO-1", amount="3"), BOOK[1]], [line("SO-1", "M", 6), *SIZES[1:]])
    assert world.board()["SO-1 Shirt"]["values"]["amount"] == "3"
    assert world.board()["SO-1 Shirt"]["below"]["SO-1 M"]["qty"] == "6"
    world.sync(*REST)
    assert everything_there_once(world, items=1, subitems=1)
    assert all_synced(world)


def test_what_comes_back_before_it_was_archived_is_kept(world):
    """The archiving was planned and not sent: nothing goes, and nothing is made a second time."""
    world.sync(BOOK, SIZES)
    world.build(*REST)
    world.push(passes=())
    mark = world.mark()
    world.sync([order("SO-1", amount="3"), BOOK[1]], SIZES)
    assert not {"archive_item", "create_item", "create_subitem"} & set(world.writes(after=mark))
    assert everything_there_once(world)
    assert world.board()["SO-1 Shirt"]["values"]["amount"] == "3"
    assert all_synced(world)


def test_a_line_stays_gone_when_its_order_comes_back_before_it_was_archived(world):
    world.sync(BOOK, SIZES)
    world.build(*REST)
    world.push(passes=())
    mark = world.mark()
    world.sync(BOOK, SIZES[1:])
    assert Counter(world.writes(after=mark))["archive_item"] == 1
    assert set(world.board()["SO-1 Shirt"]["below"]) == {"SO-1 L"}
    assert everything_there_once(world, subitems=2)
    assert all_synced(world)


def test_an_order_gone_before_it_reached_the_board_is_never_made(world):
    world.build(BOOK, SIZES)
    world.build(*REST)
    world.push()
    assert everything_there_once(world, items=1, subitems=1)
    assert "archive_item" not in world.writes()
    assert world.reason("SO-1") == "deleted before it reached the board"


def test_lines_that_stay_while_their_order_goes_and_comes_back_come_back_too(world):
    """The source is not consistent for a while; the lines themselves never changed."""
    world.sync(BOOK, SIZES)
    world.sync(BOOK[1:], SIZES)
    assert everything_there_once(world, items=1, subitems=1)
    world.sync(BOOK, SIZES)
    assert everything_there_once(world)
    assert world.board()["SO-1 Shirt"]["below"]["SO-1 L"] == {"qty": "7", "stage": "Cut"}
    assert world.doubled() == []
    assert all_synced(world)
    mark = world.mark()
    world.sync(BOOK, [line("SO-1", "M", 9), *SIZES[1:]])
    assert world.writes(after=mark) == ["change_multiple_column_values"]


def test_lines_that_changed_while_their_order_was_gone_arrive_with_it(world):
    world.sync(BOOK, SIZES)
    world.sync(BOOK[1:], SIZES)
    changed = [line("SO-1", "M", 9), *SIZES[2:]]
    world.sync(BOOK[1:], changed)
    assert world.states(LINES)["SO-1 / M"] == "WAITING"
    world.sync(BOOK, changed)
    assert world.board()["SO-1 Shirt"]["below"] == {"SO-1 M": {"qty": "9", "stage": "Cut"}}
    assert everything_there_once(world, subitems=2)
    assert all_synced(world)


def test_the_order_comes_back_while_its_archiving_is_under_way(make_world):
    """The answer to the archiving was lost: it is looked up, then the item is made anew."""
    world = make_world(monday={"settle_s": 60})
    world.sync(BOOK, SIZES)
    world.control.faults(kind="lost_reply", op="archive_item", nth=1, times=1)
    world.sync(*REST, passes=(1,), delivery=DeliveryOptions(patience_s=1))
    assert [row["state"] for row in effects(world, "archive_item")] == ["UNKNOWN"]
    world.sync(BOOK, SIZES, delivery=DeliveryOptions(patience_s=100))
    assert everything_there_once(world)
    assert world.doubled() == []
    assert all_synced(world)


@pytest.mark.parametrize("policy", ["status", "ignore"])
def test_other_policies_keep_the_item(make_world, policy):
    rules = {
        "status": {"policy": "status", "column": "state", "label": "Gone"},
        "ignore": {"policy": "ignore"},
    }
    world = make_world(items={**ITEM_MAPPING, "on_delete": rules[policy]})
    world.sync(BOOK)
    mark = world.mark()
    world.sync(BOOK[1:])
    writes = {"status": ["change_multiple_column_values"], "ignore": []}
    assert world.writes(after=mark) == writes[policy]
    shown = {"status": "Gone", "ignore": "Open"}
    assert world.board()["SO-1 Shirt"]["values"]["state"] == shown[policy]
    world.sync(BOOK)
    assert world.board()["SO-1 Shirt"]["values"]["state"] == "Open"
    assert everything_there_once(world, subitems=0)
    assert all_synced(world)


def test_a_deleted_line_can_keep_its_subitem_and_say_so(make_world):
    rule = {"policy": "status", "column": "stage", "label": "Cut"}
    world = make_world(subitems={**SUBITEM_MAPPING, "on_delete": rule})
    world.sync(BOOK[:1], [line("SO-1", "M", stage="Sewn")])
    world.sync(BOOK[:1], [line("SO-1", "L")])
    assert world.board()["SO-1 Shirt"]["below"]["SO-1 M"]["stage"] == "Cut"


def test_an_item_that_a_person_deleted_need_not_be_archived(world):
    world.sync(BOOK, SIZES)
    remote = remote_ids(world)["SO-1"]
    by_hand(world, f"mutation {{delete_item(item_id: {remote}) {{id}}}}")
    world.sync(*REST)
    assert all_synced(world)
    world.sync(BOOK, SIZES)
    assert everything_there_once(world)
    assert all_synced(world)


def test_a_change_of_an_item_that_a_person_deleted_is_dead_with_its_reason(world):
    world.sync(BOOK, SIZES)
    remote = remote_ids(world)["SO-1"]
    by_hand(world, f"mutation {{delete_item(item_id: {remote}) {{id}}}}")
    world.sync([order("SO-1", amount="3"), BOOK[1]])
    assert world.states() == {"SO-1": "DEAD", "SO-2": "SYNCED"}
    assert "not found" in world.reason("SO-1")


def test_a_group_that_a_person_archived_is_made_again(world):
    world.sync(BOOK)
    groups = {one["title"]: one["id"] for one in board_state(world)["groups"]}
    mutation = f'archive_group(board_id: {BOARD}, group_id: "{groups["ACME"]}") {{id}}'
    by_hand(world, f"mutation {{{mutation}}}")
    # Only what monday's reads must have caught up with counts as gone.
    stopped = world.sync([*BOOK, order("SO-3")]).deliveries[0].stopped
    assert stopped == f"the board changed: group {groups['ACME']} is gone"
    assert world.states()["SO-3"] != "DEAD"
    world.database.execute("update remote_object set created_at = created_at - interval '1 hour'")
    world.sync([*BOOK, order("SO-3", amount="3"), order("SO-4"), order("SO-5")])
    assert world.states()["SO-4"] == "SYNCED"
    assert {one["group"] for one in world.board().values()} == {"ACME"}
    assert world.group_titles() == ["ACME", "Topics"]
    assert set(world.board()) == {"SO-3 Shirt", "SO-4 Shirt", "SO-5 Shirt"}


def board_state(world):
    return next(one for one in world.control.state()["boards"] if one["id"] == BOARD)


def effects(world, kind):
    return world.database.fetch_all("select * from effect where kind = %s", (kind,))


def remote_ids(world):
    keys = {str(row["record_uuid"]): row["business_key"] for row in world.rows()}
    return {keys[item["key"]]: item["id"] for item in board_state(world)["items"]}


def by_hand(world, document):
    """Do what a person does on the board."""
    push = world.open()
    try:
        answer = push._client.execute(document)
        assert not answer.errors, answer.errors
    finally:
        push.close()
