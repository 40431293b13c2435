"""Faults between a workflow and its board, planted one by one: each is named, at its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from monday_world import ITEM_MAPPING
from preflight_cases import (
    AT,
    NODE,
    fitting,
    node_with,
    with_board,
    with_column,
    without_labels,
)

from syncflow_dagster.nodes.monday.contract import (
    BoardColumn,
)
from syncflow_dagster.nodes.monday.preflight import (
    Severity,
    board_faults,
    call_faults,
    capacity_faults,
)


def faults(contract, node=NODE):
    return list(board_faults(node, AT, contract))


ON_DELETE = {**ITEM_MAPPING, "on_delete": {"policy": "status", "column": "state", "label": "Lost"}}
#: What is planted, and how it is named: kind, place in the node, and words of the text.
PLANTED = [
    (
        lambda c: with_board(c, state="archived"),
        NODE,
        ("board_not_active", "board_id", "the board is archived; restore it"),
    ),
    (
        lambda c: replace(c, subitems=replace(c.subitems, state="deleted")),
        NODE,
        ("board_not_active", "board_id", "the subitems' board is deleted"),
    ),
    (
        lambda c: with_board(c, access="view"),
        NODE,
        ("view_only", "board_id", "the token's user may only view the board"),
    ),
    (
        lambda c: with_column(c, "due", None),
        NODE,
        ("no_column", "items.columns.2.column", "the board has no column 'due'"),
    ),
    (
        lambda c: with_column(c, "record_uuid", None),
        NODE,
        ("no_column", "items.key_column", "the board has no column 'record_uuid'"),
    ),
    (
        lambda c: with_column(c, "amount", BoardColumn("Amount", "text")),
        NODE,
        ("wrong_type", "items.columns.1.column", "is of type text, not numbers; write type: text"),
    ),
    (
        lambda c: with_column(c, "amount", BoardColumn("Amount", "formula")),
        NODE,
        ("not_writable", "items.columns.1.column", "a formula column cannot be written"),
    ),
    (
        lambda c: with_column(c, "state", BoardColumn("State", "dropdown", ("Open",))),
        NODE,
        ("wrong_type", "items.statuses.0.column", "dropdown, not status; name a status column"),
    ),
    (
        lambda c: without_labels(c, "state", "Done"),
        NODE,
        (
            "no_label",
            "items.statuses.0.labels.D",
            "column 'state' of the board has no label 'Done'",
        ),
    ),
    (
        lambda c: c,
        node_with(items=ON_DELETE),
        ("no_label", "items.on_delete.label", "has no label 'Lost'"),
    ),
    (
        lambda c: replace(c, subitems=None),
        NODE,
        ("no_subitem_board", "subitems", "add one subitem by hand"),
    ),
    (
        lambda c: with_column(c, "qty", None, subitems=True),
        NODE,
        ("no_column", "subitems.columns.0.column", "the subitems' board has no column 'qty'"),
    ),
    (
        lambda c: c,
        node_with(items={**ITEM_MAPPING, "key_column": "Title"}),
        ("no_column", "items.key_column", "'Title' is a title; the id is 'title'"),
    ),
]


def named(fault):
    return fault.kind, ".".join(map(str, fault.finding.loc[2:])), str(fault)


@pytest.mark.parametrize(("plant", "node", "expected"), PLANTED)
def test_each_planted_fault_is_named_at_its_place_and_nothing_else_is(plant, node, expected):
    (fault,) = faults(plant(fitting()), node)
    kind, place, text = named(fault)
    assert (kind, place) == expected[:2]
    assert expected[2] in text
    assert fault.severity is Severity.ERROR


def test_a_board_that_fits_has_no_faults():
    assert faults(fitting()) == []


def test_all_faults_are_told_at_once():
    """Ten of them, on one pair of boards."""
    contract = with_board(fitting(), state="archived", access="view")
    for name in ("title", "due", "record_uuid"):
        contract = with_column(contract, name, None)
    contract = with_column(contract, "amount", BoardColumn("Amount", "mirror"))
    contract = with_column(contract, "email", BoardColumn("E-mail", "text"))
    contract = without_labels(contract, "state", "Open", "Done")
    contract = with_column(contract, "qty", None, subitems=True)
    kinds = sorted(one.kind for one in faults(contract))
    assert len(kinds) == 10
    assert kinds == sorted(
        ["board_not_active", "view_only", "not_writable", "wrong_type"]
        + 4 * ["no_column"]
        + 2 * ["no_label"]
    )


def test_a_label_that_may_be_dropped_is_only_a_warning():
    status = {**ITEM_MAPPING["statuses"][0], "on_invalid": "drop"}
    node = node_with(items={**ITEM_MAPPING, "statuses": [status]})
    (fault,) = faults(without_labels(fitting(), "state", "Done"), node)
    assert (fault.kind, fault.severity) == ("no_label", Severity.WARNING)


@pytest.mark.parametrize(
    ("items", "new", "expected"),
    [
        (10_000, 1, (Severity.WARNING, "10,000 of 10,000 items, and 1 more are to be made: 1 too")),
        (9_990, 12, (Severity.WARNING, "2 too many")),
        (9_988, 12, (Severity.WARNING, "9,988 of 10,000 items; 12 more come")),
        (8_988, 12, None),
    ],
)
def test_room_on_the_board_is_compared_with_what_is_to_be_made(items, new, expected):
    contract = with_board(fitting(), items=items)
    found = list(capacity_faults(AT, contract, {"create_item": new, "create_subitem": 8_000}))
    assert [one.severity for one in found] == ([expected[0]] if expected else [])
    assert expected is None or expected[1] in str(found[0])


def test_the_subitems_board_has_a_room_of_its_own():
    contract = replace(fitting(), subitems=replace(fitting().subitems, items=9_999))
    (fault,) = capacity_faults(AT, contract, {"create_item": 2, "create_subitem": 2})
    assert fault.kind == "no_room"
    assert "the subitems' board holds 9,999" in str(fault)
    unknown = with_board(fitting(), items=None, items_limit=None)
    assert list(capacity_faults(AT, unknown, {"create_item": 99_999})) == []


@pytest.mark.parametrize(
    ("left", "severities"),
    [(None, []), (40, []), (39, [Severity.WARNING]), (0, [Severity.WARNING])],
)
def test_daily_calls_are_compared_with_the_plan(left, severities):
    found = list(call_faults(AT, left, 40))
    assert [one.severity for one in found] == severities
    assert all("daily calls are left, and the plan needs at least 40" in str(one) for one in found)
