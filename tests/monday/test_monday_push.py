"""The push against the sandbox, over real HTTP and a real PostgreSQL; its log is the judge."""

from __future__ import annotations

from collections import Counter

import pytest
from monday_world import LINES, line, order

BOOK = [order("SO-1"), order("SO-2", status="D", approved=False), order("SO-3", "Beta")]
SIZES = [line("SO-1", "M", 5), line("SO-1", "L", 7, stage="Sewn"), line("SO-3", "M", 2)]


def test_everything_arrives_in_the_order_groups_items_subitems_statuses(world):
    result = world.sync(BOOK, SIZES)
    assert world.board() == {
        "SO-1 Shirt": {
            "group": "ACME",
            "values": {
                "title": "Shirt",
                "amount": "12.5",
                "due": "2026-12-01",
                "approved": "v",
                "email": "buyer@example.com",
                "state": "Open",
            },
            "below": {
                "SO-1 M": {"qty": "5", "stage": "Cut"},
                "SO-1 L": {"qty": "7", "stage": "Sewn"},
            },
        },
        "SO-2 Shirt": {
            "group": "ACME",
            "values": {
                "title": "Shirt",
                "amount": "12.5",
                "due": "2026-12-01",
                "email": "buyer@example.com",
                "state": "Done",
            },
            "below": {},
        },
        "SO-3 Shirt": {
            "group": "Beta",
            "values": {
                "title": "Shirt",
                "amount": "12.5",
                "due": "2026-12-01",
                "approved": "v",
                "email": "buyer@example.com",
                "state": "Open",
            },
            "below": {"SO-3 M": {"qty": "2", "stage": "Cut"}},
        },
    }
    records = [*world.rows(), *world.rows(LINES)]
    assert world.keys() == {str(row["record_uuid"]): 1 for row in records}
    writes = world.writes()
    kinds = ["create_group", "create_item", "create_subitem", "change_multiple_column_values"]
    assert Counter(writes) == dict(zip(kinds, [2, 3, 3, 6], strict=True))
    last_group, last_item = (max(i for i, op in enumerate(writes) if op == k) for k in kinds[:2])
    first_item, first_sub = (writes.index(kind) for kind in kinds[1:3])
    assert first_item > writes.index("create_group")
    assert first_sub > last_item > last_group
    assert set(world.states().values()) == set(world.states(LINES).values()) == {"SYNCED"}
    assert result.plan.rows == 6
    assert [one.remaining for one in result.deliveries] == [0, 0, 0]


def test_a_second_run_without_a_change_writes_nothing_and_asks_little(world):
    world.sync(BOOK, SIZES)
    mark, before = world.mark(), world.control.stats()["monday"]["requests"]
    result = world.sync(BOOK, SIZES)
    assert world.writes(after=mark) == []
    assert result.requests == 0
    # One look at each board; nothing else.
    assert world.control.stats()["monday"]["requests"] - before == 2
    assert result.plan.rows == 0


def test_one_quantity_that_changes_is_one_write(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    world.sync(BOOK, [line("SO-1", "M", 6), *SIZES[1:]])
    (write,) = world.control.log(after=mark)
    assert write["op"] == "change_multiple_column_values"
    assert write["payload"]["column_values"] == {"qty": "6"}
    assert world.board()["SO-1 Shirt"]["below"]["SO-1 M"]["qty"] == "6"


def test_a_customer_that_changes_moves_the_item_to_a_new_group(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    world.sync([order("SO-1", "Gamma"), *BOOK[1:]], SIZES)
    assert world.writes(after=mark) == ["create_group", "move_item_to_group"]
    assert world.board()["SO-1 Shirt"]["group"] == "Gamma"
    assert len(world.board()["SO-1 Shirt"]["below"]) == 2


def test_a_name_that_changes_renames_the_item(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    world.sync([order("SO-1", title="Skirt"), *BOOK[1:]], SIZES)
    (write,) = world.control.log(after=mark)
    assert write["payload"]["column_values"] == {"title": "Skirt", "name": "SO-1 Skirt"}
    assert "SO-1 Skirt" in world.board()


def test_values_that_are_taken_away_are_cleared(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    bare = order("SO-1", amount=None, due=None, approved=False, email=None, status=None)
    world.sync([bare, *BOOK[1:]], SIZES)
    assert Counter(world.writes(after=mark)) == {"change_multiple_column_values": 2}
    values = world.board()["SO-1 Shirt"]["values"]
    assert set(values) == {"title"}


def test_a_record_that_has_nothing_but_its_key_arrives(world):
    bare = dict.fromkeys(order("x")) | {"number": "SO-9"}
    nothing = line("SO-9", "M", None, None, None)
    world.sync([bare], [nothing])
    item = world.board()["SO-9"]
    assert item["group"] == "Nobody"
    assert item["values"] == item["below"]["SO-9 M"] == {}
    assert Counter(world.writes()) == {"create_group": 1, "create_item": 1, "create_subitem": 1}


def test_a_field_that_is_not_mapped_is_settled_without_a_write(make_world):
    world = make_world(items={**make_world().node.items.model_dump(), "columns": []})
    world.sync(BOOK)
    mark = world.mark()
    result = world.sync([order("SO-1", amount="99"), *BOOK[1:]])
    assert world.writes(after=mark) == []
    assert result.plan.settled == 1
    assert world.reason("SO-1") == "no mapped field changed"
    assert world.states()["SO-1"] == "SYNCED"


def test_a_change_before_the_first_one_arrived_is_one_create(world):
    world.build(BOOK, SIZES)
    world.build([order("SO-1", amount="77", title="Coat"), *BOOK[1:]])
    world.push()
    assert world.board()["SO-1 Coat"]["values"]["amount"] == "77"
    assert world.judged().duplicates == 0
    assert Counter(world.writes())["create_item"] == 3
    assert set(world.states().values()) == {"SYNCED"}


def test_a_change_planned_but_not_sent_gives_way_to_the_newer_one(world):
    world.sync(BOOK, SIZES)
    world.build([order("SO-1", amount="70"), *BOOK[1:]])
    world.push(passes=())
    world.build([order("SO-1", amount="71", email="b@c.de"), *BOOK[1:]])
    mark = world.mark()
    world.push()
    (write,) = world.control.log(after=mark)
    assert write["payload"]["column_values"]["amount"] == "71"
    assert world.board()["SO-1 Shirt"]["values"]["email"] == "b@c.de"


def test_a_full_resync_writes_all_again_and_makes_nothing(world):
    world.sync(BOOK, SIZES)
    mark = world.mark()
    world.build(BOOK, SIZES, full_resync=True)
    world.push()
    writes = Counter(world.writes(after=mark))
    assert not {"create_item", "create_subitem", "create_group"} & set(writes)
    assert all(not one["payload"]["changed"] for one in world.control.log(after=mark))
    assert set(world.states().values()) == {"SYNCED"}


def test_lines_without_their_order_wait_and_arrive_once_it_is_there(world):
    world.sync(BOOK[:1], SIZES)
    assert world.states(LINES)["SO-3 / M"] == "WAITING"
    assert world.reason("SO-3 / M", LINES) == "parent order SO-3 is not there"
    assert "SO-3 Shirt" not in world.board()
    world.sync(BOOK, SIZES)
    assert world.board()["SO-3 Shirt"]["below"]["SO-3 M"]["qty"] == "2"
    assert set(world.states(LINES).values()) == {"SYNCED"}


@pytest.mark.parametrize("fault", ["lost_reply", "error_after", "error_before", "html_error"])
def test_whatever_goes_wrong_on_the_way_nothing_is_doubled_or_lost(world, fault):
    world.control.faults(kind=fault, op="mutation", nth=2)
    world.sync(BOOK, SIZES)
    world.control.clear_faults()
    world.sync(BOOK, SIZES)
    judged = world.judged()
    assert judged.duplicates == 0
    assert judged.counts == {"groups": 2, "items": 3, "subitems": 3}
    assert set(world.states().values()) == set(world.states(LINES).values()) == {"SYNCED"}
    assert world.board()["SO-1 Shirt"]["values"]["state"] == "Open"


def test_one_mutation_that_fails_inside_is_looked_up_and_sent_again(world):
    world.control.faults(kind="partial", op="create_item", nth=1, times=3)
    world.sync(BOOK, SIZES)
    judged = world.judged()
    assert (judged.duplicates, judged.counts["items"]) == (0, 3)
    assert set(world.states().values()) == {"SYNCED"}
