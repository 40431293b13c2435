"""Cells of an uploaded file: display text by column type, and what is refused."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.monday import boards
from syncflow_dagster.sandbox.monday.ingest_csv import COLUMN_TYPES, read_upload
from syncflow_dagster.sandbox.monday.ingest_jobs import INVALID, OnMatch, Row
from syncflow_dagster.sandbox.monday.ingest_match import MATCHED_TYPES, items_by_key, match_key
from syncflow_dagster.sandbox.monday.ingest_plan import Planner
from syncflow_dagster.sandbox.monday.ingest_report import report_csv
from syncflow_dagster.sandbox.monday.model import Column, Item
from syncflow_dagster.sandbox.monday.state import MondayState

LABELS = {"status": ["New", "1"], "dropdown": ["A", "B", "2"]}


def made_board():
    state = MondayState(ManualClock())
    columns = [
        boards.with_labels(Column(kind, kind, kind), LABELS.get(kind, []))
        for kind in sorted(COLUMN_TYPES)
    ]
    board = boards.new_board(state, "1", "Board", columns, [("top", "Top")])
    state.put_board(board)
    return state, board


STATE, THE_BOARD = made_board()


def planned(table, match=None):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(table)
    upload = read_upload(text.getvalue().encode(), 10, THE_BOARD, {}, match)
    return Planner(STATE, THE_BOARD, {}, match).rows(upload)


@pytest.mark.parametrize(
    ("kind", "cell", "json"),
    [
        ("text", " as it is ", " as it is "),
        ("text", "{}", "{}"),
        ("long_text", 'two\nlines, "quoted"', {"text": 'two\nlines, "quoted"'}),
        ("numbers", " -1.50 ", "-1.50"),
        ("status", "New", {"label": "New"}),
        ("status", "1", {"label": "1"}),
        ("dropdown", "A, B", {"labels": ["A", "B"]}),
        ("dropdown", "2", {"labels": ["2"]}),
        ("date", "2026-10-01", {"date": "2026-10-01"}),
        ("timeline", "2026-10-01/2026-10-09", {"from": "2026-10-01", "to": "2026-10-09"}),
        ("link", "https://a.example", {"url": "https://a.example", "text": "https://a.example"}),
        ("link", "[A b](https://a.example)", {"url": "https://a.example", "text": "A b"}),
        ("email", "a@b.example", {"email": "a@b.example", "text": "a@b.example"}),
        ("email", "Ann B <a@b.example>", {"email": "a@b.example", "text": "Ann B"}),
        ("phone", "+1 202 555 0169", {"phone": "+1 202 555 0169"}),
        (
            "people",
            "owner@sandbox.example, user:1002, team:2001",
            {
                "personsAndTeams": [
                    {"id": 1001, "kind": "person"},
                    {"id": 1002, "kind": "person"},
                    {"id": 2001, "kind": "team"},
                ]
            },
        ),
        ("location", "1.5|-2|A, B|c", {"lat": "1.5", "lng": "-2", "address": "A, B|c"}),
        ("checkbox", "Yes", {"checked": "true"}),
        ("checkbox", "false", None),
        ("status", "<NULL>", None),
    ],
)
def test_display_text_becomes_what_a_mutation_takes(kind, cell, json):
    (row,) = planned([["name", kind], ["x", cell]])
    assert (row.values, row.errors, row.status) == ({kind: json}, {}, "")


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        ("status", "new"),
        ("status", "0"),
        ("status", " New"),
        ("dropdown", "A, c"),
        ("dropdown", "A,"),
        ("numbers", "1,000"),
        ("date", "01.10.2026"),
        ("date", "2026-10-01 10:00"),
        ("timeline", "2026-10-09/2026-10-01"),
        ("timeline", "2026-10-01"),
        ("link", "no address"),
        ("link", "http://["),
        ("email", "nobody"),
        ("phone", "call me"),
        ("people", "stranger@sandbox.example"),
        ("people", "user:1"),
        ("location", "1|2"),
        ("location", "nan|2|x"),
        ("checkbox", "perhaps"),
        ("board_relation", "12"),
        ("board_relation", ",".join(["1"] * 51)),
        ("long_text", "x" * 2_001),
    ],
)
def test_a_refused_cell_is_told_with_its_column_and_text(kind, cell):
    (row,) = planned([["name", kind], ["x", cell]])
    assert row.status == INVALID
    assert row.error == f"[{kind}]: {row.errors[kind]}"
    assert f'is invalid for column "{kind}"' in row.errors[kind]
    assert kind not in row.values or row.errors


@pytest.mark.parametrize("name", ["", " ", "<NULL>", "x" * 256])
def test_a_row_needs_a_name(name):
    (row,) = planned([["name", "text"], [name, "x"]])
    assert list(row.errors) == ["name"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(COLUMN_TYPES)), st.text(st.characters(codec="utf-8")))
def test_any_text_is_taken_or_refused(kind, cell):
    for row in planned([["name", kind], ["x", cell]]):
        assert (row.status == INVALID) == bool(row.errors)


def test_matching_looks_at_the_present_value_of_each_type():
    state, board = made_board()
    cells = {
        "text": ("a", "a"),
        "numbers": ("1", "1.0"),
        "date": ({"date": "2026-10-01", "time": None}, "2026-10-01"),
        "status": (0, "New"),
        "email": ({"email": "a@b.example", "text": "Ann"}, "Other <a@b.example>"),
        "phone": ({"phone": "+12025550169", "countryShortName": "US"}, "+12025550169"),
        "link": ({"url": "x:y", "text": "t"}, "[z](x:y)"),
        "long_text": ("l", "l"),
        "name": (None, "Second"),
    }
    assert set(cells) == MATCHED_TYPES
    values = {kind: stored for kind, (stored, _) in cells.items() if stored is not None}
    for number, name in enumerate(("First", "Second"), 1):
        state.put_item(Item(str(number), "1", "top", name, number, 0.0, 0.0, values))
    state.put_item(Item("3", "1", "top", "Second", 3, 0.0, 0.0, values, state="archived"))
    for kind, (_, cell) in cells.items():
        match = OnMatch(kind, "UPSERT")
        table = [["name", "text"], [cell, "x"]] if kind == "name" else [["name", kind], ["n", cell]]
        text = "\n".join(",".join(line) for line in table)
        upload = read_upload(text.encode(), 10, board, {}, match)
        (row,) = Planner(state, board, {}, match).rows(upload)
        assert items_by_key(state, board, kind)[row.key].id == "2", kind
    assert match_key(board, "text", "n", {}) is None


def test_report_has_a_column_for_each_one_that_failed():
    good = Row(1, "a", status="success", item_id="7")
    bad = Row(2, "b")
    bad.refuse("note", 'a "quoted" reason')
    bad.refuse("name", "why, then")
    assert report_csv([good, bad]) == (
        "serialNo,status,itemId,error,note,name\n"
        "1,success,7,,,\n"
        '2,validation_error,,"[note]: a ""quoted"" reason; [name]: why, then",'
        '"a ""quoted"" reason","why, then"\n'
    )
