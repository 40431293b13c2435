"""Failing tests for what was found; to be copied to tests/delta/test_delta_seen_told.py."""

from __future__ import annotations

import pytest
from delta_cases import headers_node, order
from seen_cases import Twice, made, orders


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


def test_what_is_told_after_a_definition_changed(twice):
    twice(headers_node(), orders())
    fields = [each.model_dump() for each in headers_node().fields]
    fields[2]["scale"] = 0
    coarse = headers_node(fields=[*fields, {"name": "color", "column": "COLOR"}])
    rows = [{**row, "COLOR": "red"} for row in orders()]
    twice(coarse, rows)
    twice(coarse, [*rows, *rows])


def test_rows_alike_to_the_letter_are_numbered_in_their_order(twice):
    node = headers_node()
    twice(node, [order("SO-1"), order("SO-2")])
    first, second = order("SO-1"), order("SO-1 ")
    twice(node, [first, second, second, order("SO-2")])
    twice(node, [first, second, order("SO-2")])
