"""Columns to paste into a mapping, and a mapping proposed by titles."""

from __future__ import annotations

from dataclasses import replace

import yaml
from preflight_cases import (
    NODE,
    fitting,
    with_column,
)

from syncflow_dagster.nodes.monday.contract import (
    BoardColumn,
)
from syncflow_dagster.nodes.monday.proposal import column_lines, proposal_lines, propose
from syncflow_dagster.workflows.models.monday import ItemMapping

FIELDS = {
    "due": "date",
    "amount": "decimal",
    "e_mail": "text",
    "state": "text",
    "approvd": "boolean",
    "title": "integer",
    "colour": "text",
}


def test_columns_are_printed_as_yaml_with_ids_types_and_labels():
    board = with_column(fitting(), "calc", BoardColumn("Calc", "formula")).board
    lines = column_lines(board, "board")
    text = yaml.safe_load("\n".join(lines))
    assert {"field": "FIELD", "column": "amount", "type": "numbers"} in text["columns"]
    assert text["statuses"] == [{"field": "FIELD", "column": "state"}]
    assert any("'State'; labels: 'Open', 'Done', 'Gone'" in line for line in lines)
    assert lines[-1] == "# not to be written: calc ('Calc', formula)"


def test_a_proposal_is_a_valid_mapping_that_says_what_is_only_close():
    board = fitting().board
    mapping = NODE.items
    lines = list(proposal_lines("items", mapping, propose(mapping, FIELDS, board), board))
    made = yaml.safe_load("\n".join(lines))["items"]
    proposed = ItemMapping.model_validate(made)
    assert {(one.field, one.column, one.type) for one in proposed.columns} == {
        ("due", "due", "date"),
        ("amount", "amount", "numbers"),
        ("e_mail", "email", "email"),
        ("approvd", "approved", "checkbox"),
        ("title", "title", "text"),
    }
    assert [(one.field, one.column) for one in proposed.statuses] == [("state", "state")]
    (close,) = [line for line in lines if line.endswith("is it meant?")]
    assert "approvd" in close
    assert lines[-1] == "  # no column for colour"


def test_a_field_whose_type_the_column_cannot_take_is_told_and_left_out():
    board = fitting().board
    mapping = NODE.items
    found = propose(mapping, {"amount": "text", "due": "date"}, board)
    assert [one.column for one in found.matches] == ["due"]
    assert [(one.column, kind) for one, kind in found.unfit] == [("amount", "text")]
    lines = list(proposal_lines("items", mapping, found, board))
    assert any("does not fit: field amount (text) and column amount" in line for line in lines)
    assert [one["field"] for one in yaml.safe_load("\n".join(lines))["items"]["columns"]] == ["due"]


def test_titles_of_any_text_stay_within_their_comment():
    board = fitting().board
    odd = dict(board.columns)
    odd["yes"] = BoardColumn("Two\nlines # {a: b}", "text")
    odd["Text 1"] = BoardColumn("colour", "text")
    board = replace(board, columns=odd)
    read = yaml.safe_load("\n".join(column_lines(board, "board")))
    assert {"field": "FIELD", "column": "yes", "type": "text"} in read["columns"]
    found = propose(NODE.items, {"colour": "text"}, board)
    lines = "\n".join(proposal_lines("items", NODE.items, found, board))
    assert yaml.safe_load(lines)["items"]["columns"] == [
        {"field": "colour", "column": "Text 1", "type": "text"}
    ]
