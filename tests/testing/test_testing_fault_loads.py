"""The loads of the fault matrix: their books, and what their judges see."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest

from syncflow_dagster.testing.faults import load_books, load_cases, loads
from syncflow_dagster.testing.faults.load_books import Order
from syncflow_dagster.testing.faults.results import FaultResult

ACME = Order("SO-1", "Acme", lines=16, staged=True)


def _write(op="change_multiple_column_values", remote_id="1", key="k", **columns):
    payload = {"board_id": "1", "column_values": columns}
    return {"op": op, "remote_id": remote_id, "key": key, "payload": payload}


def _log_judged(load, log, **ran):
    result = FaultResult(load.name)
    loads.judge_log(result, load, log, loads.Ran(log, **ran))
    return result


def _board_judged(wanted, found):
    result = FaultResult("spoilt")
    loads.judge_board(result, wanted, found)
    return result


def test_an_order_becomes_rows_of_the_source_with_a_quantity_for_each_line(tmp_path):
    load_books.write(tmp_path, [ACME])
    with (tmp_path / "order_list_sizes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [sum(bool(row[size]) for size in load_books._SIZES) for row in rows] == [14, 2]
    assert [row["production_stage"] for row in rows] == ["PLANNED", "CUT"]
    assert len(ACME.below()) == len(set(ACME.below())) == 16


def test_a_board_as_it_is_to_be_has_nothing_to_tell():
    group = {"id": "g", "title": "ACME ", "archived": False, "deleted": False}
    gone = {**group, "id": "h", "archived": True}
    shown = {"order_number": "SO-1", "unit_price": "12.50"}
    item = {"id": "1", "state": "active", "group_id": "g", "parent_item_id": None, "values": shown}
    names = ("style", "size", "quantity", "stage")
    below = [
        {**item, "parent_item_id": "1", "values": dict(zip(names, line, strict=True))}
        for line in ACME.below()
    ]
    board = {"groups": [group, gone], "items": [item, {**item, "state": "archived"}]}
    state = {"boards": [board, {"groups": [], "items": below}]}
    wanted = load_books.wanted_board([ACME], ["Acme"])
    assert _board_judged(wanted, load_books.board_shown(state)).passed


@pytest.mark.parametrize(
    ("spoil", "duplicates", "lost", "told"),
    [
        (lambda board: board.groups.update(["ACME"]), 1, 0, None),
        (lambda board: board.items["SO-1"].append(board.items["SO-1"][0]), 1, 0, None),
        (lambda board: board.items.update({"SO-1": [("OTHER", Decimal(12))]}), 0, 0, "another"),
        (lambda board: board.items.clear(), 0, 1, None),
        (lambda board: board.lines["SO-1"].reverse(), 0, 0, "not as in the source"),
        (lambda board: board.lines["SO-1"].pop(), 0, 1, "not as in the source"),
        (lambda board: board.lines.update({"": [board.lines["SO-1"][0]]}), 1, 0, None),
    ],
)
def test_what_is_doubled_lost_or_elsewhere_is_seen(spoil, duplicates, lost, told):
    found = load_books.wanted_board([ACME], [])
    spoil(found)
    result = _board_judged(load_books.wanted_board([ACME], []), found)
    assert (result.duplicates, result.lost) == (duplicates, lost)
    assert told is None or told in result.trouble
    assert not result.passed


def test_spellings_of_a_customer_are_one_group():
    load = load_cases.mixed_customers(4)
    wanted = load_books.wanted_board(load.books()[-1], load.by_hand)
    assert len(wanted.groups) == 12
    assert wanted.groups.total() == 12
    spelled = {order.customer for order in load.books()[-1]}
    assert len({load_books.same(one) for one in spelled}) < len(spelled)


@pytest.mark.parametrize("load", [load_cases.mixed_customers(3), load_cases.new_customers(5)])
def test_the_fewest_writes_are_those_that_lead_from_one_book_to_the_next(load):
    *_, before, after = [(), *load.books()]
    was, now = ({order.number: order for order in book} for book in (before, after))
    titles = {load_books.same(one) for one in [*load.by_hand, *(o.customer for o in before)]}
    new = [order for number, order in now.items() if number not in was]
    kept = [(was[number], now[number]) for number in was.keys() & now.keys()]
    writes = Counter(
        groups=len({load_books.same(order.customer) for order in after} - titles),
        created=sum(1 + order.lines for order in new),
        changed=sum(a.price != b.price for a, b in kept),
        moved=sum(load_books.same(a.customer) != load_books.same(b.customer) for a, b in kept),
        archived=len(was.keys() - now.keys()),
    )
    assert load.writes == writes.total()


def test_updates_of_one_column_are_just_these():
    load = load_cases.updates(2)
    right = [_write(unit_price="13.75"), _write(remote_id="2", unit_price="13.75")]
    assert _log_judged(load, right).passed
    assert "3 writes instead of 2" in _log_judged(load, [*right, right[0]]).trouble
    with_name = [right[0], _write(unit_price="13.75", name="as it was")]
    assert "1 writes are not of column 'unit_price' alone" in _log_judged(load, with_name).trouble
    moved = [right[0], _write("move_item_to_group")]
    assert "1 writes are not of column" in _log_judged(load, moved).trouble


def test_an_object_made_twice_and_a_refused_request_are_seen():
    log = [_write("create_item", "1", "k"), _write("create_item", "2", "k")]
    for one in log:
        one["payload"]["group_id"] = "g"
    load = replace(load_cases.updates(2), only=None)
    assert _log_judged(load, log).duplicates == 1
    assert "7 requests were refused" in _log_judged(load, log, throttled=7).trouble


def test_memory_may_grow_by_so_much():
    result = FaultResult("large")
    loads.judge_memory(result, 180, 180 + loads.MAY_GROW_MB)
    assert result.passed
    loads.judge_memory(result, 180, 181 + loads.MAY_GROW_MB)
    assert "221 MB of memory, that of a quarter of it 180 MB" in result.trouble


def test_what_is_held_against_its_quarter_comes_after_it():
    names = [load.name for load in load_cases.load_cases()]
    for place, load in enumerate(load_cases.load_cases()):
        assert load.quarter is None or load.quarter in names[:place]
    assert not list(loads.loads(lambda _: False))
