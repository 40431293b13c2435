"""Rows that are known again and share their key with others: as if all had been made records."""

from __future__ import annotations

import pytest
from delta_cases import build, headers_node, order, rejected_rows, some
from seen_cases import Twice, made, orders, texts
from source_cases import ClockAt

from syncflow_dagster.nodes.delta.retry import retry_rejected

RULES = ["reject", "first", "last"]
RECORDS = 10


@pytest.fixture(autouse=True)
def _chunks(monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (2,))


@pytest.fixture
def twice(database):
    return Twice(database)


def beside(**change):
    """A second row of SO-05, in the next row or, where chunks are small, in another chunk."""
    return {**orders()[5], **change}


def put(place, *more):
    rows = orders()
    rows[place:place] = more
    return rows


SECOND = {
    "the same": {},
    "in looks only": {"ORDER_NO": "  "},
    "changed": {"TOTAL": "6", "NOTES": "more"},
    "broken": {"TOTAL": "six"},
}
#: Where it is: before all rows, next to the first row of its key, or behind all.
PLACES = ["far before", "before", "behind", "far behind"]


def with_seconds():
    """Each kind of second row in each place, of a record of its own; one record is alone."""
    kinds = [(second, place) for place in PLACES for second in SECOND]
    rows = orders(len(kinds) + 1)
    found = {place: [] for place in PLACES}
    between = []
    for row, (second, place) in zip(rows, kinds, strict=False):
        change = SECOND[second]
        again = {**row, **change, "ORDER_NO": row["ORDER_NO"] + change.get("ORDER_NO", "")}
        found[place].append(again)
        between += [[again, row] if place == "before" else [row, again]]
        if place.startswith("far"):
            between[-1].remove(again)
    near = [row for some in between for row in some]
    return rows, [*found["far before"], *near, rows[-1], *found["far behind"]]


@pytest.mark.parametrize("rule", RULES)
def test_a_second_row_of_a_key(twice, rule):
    node = headers_node(duplicates=rule)
    rows, double = with_seconds()
    twice(node, rows)
    result = twice(node, double)
    # The first row of each was known again, and the second one where it was the same.
    assert made(result) == len(rows) - 1 - len(PLACES)
    if rule == "reject":
        some(result, rejected=2 * (len(rows) - 1), same=1, updated=0, deleted=0)
    elif rule == "first":
        # The broken ones, and what they hide: the row behind them.
        some(result, rejected=4, deleted=0, updated=2)
    else:
        some(result, rejected=4, deleted=0, updated=2)
    some(twice(node, double[::-1]), deleted=0)
    some(twice(node, rows), rejected=0, deleted=0, inserted=0)


@pytest.mark.parametrize("rule", RULES)
def test_many_rows_of_some_keys(twice, rule):
    node = headers_node(duplicates=rule)
    twice(node, orders())
    rows = put(3, beside(), beside(TOTAL="1"), *orders()[7:9], beside(TOTAL="x"))
    rows += [
        beside(),
        order("SO-99"),
        order("SO-99"),
        *orders(so_2={"TOTAL": "2"})[:4],
        order(None),
    ]
    for _ in range(2):
        twice(node, rows)
    twice(node, rows[::-1])
    twice(node, orders(so_7=None))
    twice(node, rows[::-1])


def test_what_is_told_of_a_row_that_was_known_again(database, twice):
    node = headers_node()
    twice(node, orders(so_5={"NOTES": " more  of it"}))
    result = twice(node, [*orders(so_5={"NOTES": " more  of it"}), beside()])
    assert made(result) == 1
    first, second = result.rejected
    assert (first.row_number, first.business_key, first.customer) == (6, "SO-05", "ACME")
    assert (first.rule, first.column, first.value) == ("duplicate_key", "order_number", "SO-05")
    assert first.reason == "2 records of this batch have the key SO-05 (rows 6, 11)"
    assert first.record == {
        "order_number": "SO-05",
        "customer_name": "ACME",
        "total": "5.5",
        "due": "2026-06-01",
        "notes": "more of it",
    }
    assert second.record == {**first.record, "notes": None}


def every_type():
    fields = [
        {"name": "order_number", "column": "ORDER_NO"},
        {"name": "size", "column": "SIZE", "type": "integer"},
        {"name": "total", "type": "decimal", "column": "TOTAL", "scale": 4},
        {"name": "paid", "type": "boolean", "column": "PAID"},
        {"name": "due", "type": "date", "column": "DUE"},
        {"name": "at", "type": "datetime", "column": "AT", "timezone": "Europe/Berlin"},
        {"name": "until", "type": "datetime", "column": "UNTIL", "precision": "millisecond"},
        {"name": "notes", "column": "NOTES", "whitespace": "keep", "empty": "keep"},
    ]
    return headers_node(key=["order_number", "size", "due"], customer="notes", fields=fields)


def test_values_of_every_type_are_told_as_they_are(twice):
    rows = [
        {
            "ORDER_NO": "Zoe\u0308",
            "SIZE": str(1 - 2**63),
            "TOTAL": "1234567890123456789.1000",
            "PAID": "yes",
            "DUE": "0001-01-01",
            "AT": "2026-03-29T03:00:00",
            "UNTIL": "9999-12-31T23:59:59.999",
            "NOTES": " \t ",
        },
        {
            "ORDER_NO": "2",
            "SIZE": "0",
            "TOTAL": "-0.0001",
            "PAID": "0",
            "DUE": "9999-12-31",
            "AT": "2026-10-25 02:30:00.123456",
            "UNTIL": "0001-01-02T00:00:00+02:00",
            "NOTES": "",
        },
        {
            "ORDER_NO": "3",
            "SIZE": "3",
            "TOTAL": "100",
            "PAID": None,
            "DUE": "2026-02-28",
            "AT": None,
            "UNTIL": None,
            "NOTES": None,
        },
    ]
    some(twice(every_type(), rows), inserted=3, rejected=0)
    result = twice(every_type(), rows * 2)
    some(result, rejected=6)
    assert made(result) == 0
    some(twice(every_type(), [*rows, {**rows[0], "NOTES": "other"}]), rejected=2, same=2)


@pytest.mark.parametrize("rule", RULES)
def test_a_row_with_the_key_of_a_marked_one(twice, rule):
    fields = [each.model_dump() for each in headers_node().fields]
    fields.append({"name": "gone", "type": "boolean", "column": "GONE", "compared": False})
    deletes = {"marker": "gone", "max_share": 1}
    node = headers_node(duplicates=rule, fields=fields, deletes=deletes)
    rows = [{**row, "GONE": "no"} for row in orders()]
    mark = {**rows[5], "GONE": "yes"}
    twice(node, rows)
    for more in ([mark, *rows], rows, [*rows, mark], rows, [*rows[:5], mark, *rows[6:]], rows):
        twice(node, more)


@pytest.mark.parametrize("again", [[1], [0, 1, 2], [1, 1]])
def test_an_incomplete_read_mends_what_it_shows_whole(database, twice, again):
    node = headers_node()
    rows = orders(3)
    twice(node, rows)
    broken = [{**row, "DUE": "soon"} for row in rows]
    some(twice(node, broken), rejected=3)
    result = twice(node, [rows[n] for n in again], complete=False)
    assert made(result) == 0
    closed = {row["row_number"] for row in rejected_rows(database) if row["resolved_at"]}
    assert closed == {n + 1 for n in again}
    some(twice(node, broken[:1], complete=False), rejected=1)
    some(twice(node, rows, complete=False), same=3)
    assert all(row["resolved_at"] for row in rejected_rows(database) if row["rule"] == "date")


def test_rows_that_were_rejected_are_known_again_after_another_try(database):
    node = headers_node()
    build(database, node, texts([order("SO-1"), order("SO-2", due="soon")]))
    fields = [{**each.model_dump(), "required": False} for each in node.fields]
    fields[3] = {"name": "due_text", "column": "DUE"}
    looser = headers_node(fields=fields)
    result = retry_rejected(database, "orders", looser, parent=None, clock=ClockAt())
    some(result, inserted=1)
    again = build(database, looser, texts([order("SO-1"), order("SO-2", due="soon")]))
    some(again, same=2)
