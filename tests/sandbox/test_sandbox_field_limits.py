"""Limits of single fields: formulas, labels of a new column."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.monday.errors import MondayError
from syncflow_dagster.sandbox.monday.formulas import formula_text
from syncflow_dagster.sandbox.monday.limits import (
    FORMULAS_PER_MINUTE,
    PLANS,
    TOKEN_KINDS,
    TokenLimits,
)

FORMULAS = [{"id": f"f{n}", "title": f"F{n}", "type": "formula"} for n in range(6)]
BOARD = {
    "id": "9000000088",
    "name": "Sums",
    "columns": FORMULAS,
    "groups": [{"id": "g", "title": "G"}],
    "items": [{"name": "one"}],
}
SHOWN = (
    "query ($c: [String!]) {boards(ids: 9000000088) {items_page {items {column_values(ids: $c) "
    "{... on FormulaValue {display_value}}}}}}"
)


def test_values_of_formulas_a_minute():
    clock = ManualClock()
    limits = TokenLimits(TOKEN_KINDS[0], PLANS["pro"], clock)
    context = SimpleNamespace(clock=clock, limits=limits, failing_fields={}, formula_columns=set())
    for _ in range(FORMULAS_PER_MINUTE):
        assert formula_text(context, "f") == ""
    clock.advance(20)
    with pytest.raises(MondayError) as refused:
        formula_text(context, "f")
    assert refused.value.extensions == {
        "code": "FIELD_MINUTE_RATE_LIMIT_EXCEEDED",
        "status_code": 429,
        "retry_in_seconds": 40,
    }
    clock.advance(40)
    assert formula_text(context, "f") == ""


def test_formula_columns_of_a_request_and_their_fault(monday, control):
    if all(one["id"] != BOARD["id"] for one in control.state()["boards"]):
        control.seed({"boards": [BOARD]})
    five = [one["id"] for one in FORMULAS[:5]]
    items = monday.data(SHOWN, c=five)["boards"][0]["items_page"]["items"]
    assert items == [{"column_values": [{"display_value": ""}] * 5}]
    body = monday.body(SHOWN, c=[one["id"] for one in FORMULAS])
    assert body["errors"][0]["extensions"]["code"] == "InvalidArgumentException"
    control.faults(kind="throttle", limit="field_minute", times=1)
    body = monday.body(SHOWN, c=five)
    assert body["data"] == {"boards": [None]}
    extensions = body["errors"][0]["extensions"]
    assert extensions["code"] == "FIELD_MINUTE_RATE_LIMIT_EXCEEDED"
    assert (extensions["status_code"], extensions["retry_in_seconds"]) == (429, 60)


@pytest.mark.parametrize(
    ("labels", "refused"),
    [
        ([f"L{n}" for n in range(40)], False),
        ([f"L{n}" for n in range(41)], True),
        (["x" * 30], False),
        ({"1": "x" * 31}, True),
    ],
)
def test_labels_of_a_new_status_column(monday, labels, refused):
    body = monday.body(
        'mutation ($d: JSON) {create_column(board_id: 9000000001, title: "S", '
        "column_type: status, defaults: $d) {id}}",
        d=json.dumps({"labels": labels}),
    )
    if refused:
        assert body["errors"][0]["extensions"]["code"] == "InvalidArgumentException"
    else:
        assert body["data"]["create_column"]["id"]
