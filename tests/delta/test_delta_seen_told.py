"""What is told of records whose rows are known again and not alone with their key."""

from __future__ import annotations

import pytest
from delta_cases import build, headers_node, order, some
from seen_cases import Twice, made, orders, texts


@pytest.fixture
def twice(database):
    return Twice(database)


def test_a_marked_row_lends_its_hash_to_no_other_record(twice):
    fields = [each.model_dump() for each in headers_node().fields]
    fields.append({"name": "gone", "type": "boolean", "column": "GONE", "compared": False})
    node = headers_node(fields=fields, deletes={"marker": "gone", "max_share": 1})
    live = [{**row, "GONE": "no"} for row in orders()]
    # Keys before that of a live record, which is the last one of the chunk.
    gone = [{**order(f"OLD-{n}"), "GONE": "yes"} for n in (0, 1, 3)]
    twice(node, [*live, *gone])
    changed = [{**row, "TOTAL": "99"} for row in live]
    twice(node, [*changed, *gone])
    assert made(twice(node, [*changed, *gone])) == len(gone)


def test_what_is_told_after_the_row_hash_was_renewed(twice):
    node = headers_node()
    twice(node, orders())
    rows = orders(so_1={"TOTAL": "99"}, **{f"so_{n}": {"NOTES": "news"} for n in range(2, 10)})
    twice(node, rows)
    twice(node, [*rows, *rows])


def test_values_are_told_as_they_were_last_written(database):
    """The rows were not made records again since, and a new rule alone writes no delta row."""
    build(database, headers_node(), texts(orders()))
    fields = [each.model_dump() for each in headers_node().fields]
    fields[2]["scale"] = 0
    coarse = headers_node(fields=[*fields, {"name": "color", "column": "COLOR"}])
    rows = [{**row, "COLOR": "red"} for row in orders()]
    some(build(database, coarse, texts(rows)), migrated=10)
    rejected = build(database, coarse, texts([*rows, *rows])).rejected
    assert [each.row_number for each in rejected] == list(range(1, 21))
    told = next(each for each in rejected if each.business_key == "SO-03")
    assert told.record == {
        "order_number": "SO-03",
        "customer_name": "ACME",
        "total": "3.5",
        "due": "2026-06-01",
        "notes": None,
        "color": None,
    }


def test_the_end_of_the_last_year_is_told_in_any_zone(database):
    fields = [each.model_dump() for each in headers_node().fields]
    node = headers_node(fields=[*fields, {"name": "until", "type": "datetime", "column": "UNTIL"}])
    rows = [{**row, "UNTIL": "9999-12-31T23:59:59"} for row in orders(3)]
    database.execute("alter role current_user set timezone = 'Asia/Tokyo'")
    try:
        build(database, node, texts(rows))
        rejected = build(database, node, texts([*rows, *rows])).rejected
    finally:
        database.execute("alter role current_user reset timezone")
    assert {each.record["until"] for each in rejected} == {"9999-12-31T23:59:59+00:00"}


def test_rows_alike_to_the_letter_are_numbered_in_their_order(twice):
    node = headers_node()
    twice(node, [order("SO-1"), order("SO-2")])
    first, second = order("SO-1"), order("SO-1 ")
    twice(node, [first, second, second, order("SO-2")])
    twice(node, [first, second, order("SO-2")])
