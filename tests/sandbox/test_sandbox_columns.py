"""Column types: what each takes, how it reads back, what it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.monday import boards
from syncflow_dagster.sandbox.monday.cells import CellWrite
from syncflow_dagster.sandbox.monday.columns import (
    CODECS,
    COLUMN_TYPES,
    cell_text,
    cell_value_json,
)
from syncflow_dagster.sandbox.monday.errors import MondayError
from syncflow_dagster.sandbox.monday.model import Column, Item
from syncflow_dagster.sandbox.monday.state import MondayState

# column, value written, text read, JSON value read
TAKEN = [
    ("note", "abc", "abc", "abc"),
    ("long_text", {"text": "a\nb"}, "a\nb", {"text": "a\nb"}),
    ("long_text", "plain", "plain", {"text": "plain"}),
    ("long_text", "x" * 2000, "x" * 2000, {"text": "x" * 2000}),
    ("numbers", "-42.50", "-42.50", "-42.50"),
    ("status", {"label": "Done"}, "Done", {"index": 1, "post_id": None}),
    ("status", {"index": 0}, "New", {"index": 0, "post_id": None}),
    ("status", "Done", "Done", {"index": 1, "post_id": None}),
    ("status", {"index": 5}, None, {"index": 5, "post_id": None}),
    ("dropdown", {"labels": ["B", "A"]}, "B, A", {"ids": [2, 1]}),
    ("dropdown", {"ids": [1]}, "A", {"ids": [1]}),
    (
        "date",
        {"date": "2026-10-01"},
        "2026-10-01",
        {"date": "2026-10-01", "time": None, "icon": None},
    ),
    (
        "date",
        {"date": "2026-10-01", "time": "09:00:30"},
        "2026-10-01 09:00",
        {"date": "2026-10-01", "time": "09:00:30", "icon": None},
    ),
    (
        "timeline",
        {"from": "2026-10-01", "to": "2026-10-09"},
        "2026-10-01 - 2026-10-09",
        {"from": "2026-10-01", "to": "2026-10-09"},
    ),
    ("checkbox", {"checked": "true"}, "v", {"checked": True}),
    ("email", {"email": "a@b.co", "text": "A"}, "A", {"email": "a@b.co", "text": "A"}),
    (
        "phone",
        {"phone": "+12025550169", "countryShortName": "US"},
        "+12025550169",
        {"phone": "+12025550169", "countryShortName": "US"},
    ),
    (
        "link",
        {"url": "https://a.example/x", "text": "A"},
        "A - https://a.example/x",
        {"url": "https://a.example/x", "text": "A"},
    ),
    (
        "people",
        {"personsAndTeams": [{"id": 1001, "kind": "person"}, {"id": 2001, "kind": "team"}]},
        "Sandbox Owner, Sandbox Team",
        {"personsAndTeams": [{"id": 1001, "kind": "person"}, {"id": 2001, "kind": "team"}]},
    ),
    (
        "country",
        {"countryCode": "US", "countryName": "United States"},
        "United States",
        {"countryCode": "US", "countryName": "United States"},
    ),
    ("rating", {"rating": 4}, "4", {"rating": 4}),
    ("hour", {"hour": 16, "minute": 42}, "04:42 PM", {"hour": 16, "minute": 42}),
    (
        "week",
        {"week": {"startDate": "2026-10-05", "endDate": "2026-10-11"}},
        "2026-10-05 - 2026-10-11",
        {"week": {"startDate": "2026-10-05", "endDate": "2026-10-11"}},
    ),
    (
        "week",
        {"startDate": "2026-10-05", "endDate": "2026-10-11"},
        "2026-10-05 - 2026-10-11",
        {"week": {"startDate": "2026-10-05", "endDate": "2026-10-11"}},
    ),
    ("world_clock", {"timezone": "Europe/Paris"}, "Europe/Paris", {"timezone": "Europe/Paris"}),
    (
        "location",
        {"lat": "52.5", "lng": "13.4", "address": "Berlin"},
        "Berlin",
        {"lat": "52.5", "lng": "13.4", "address": "Berlin"},
    ),
    ("color_picker", {"color": "#FF5733"}, "#FF5733", {"color": "#FF5733"}),
]


def test_table_covers_every_type_that_can_be_written():
    """Relations, tags and files have tests of their own."""
    tried = {"text" if column == "note" else column for column, *_ in TAKEN}
    read_only = {kind for kind in COLUMN_TYPES if CODECS[kind].parse.__name__ == "_read_only"}
    assert COLUMN_TYPES - tried - read_only == {"board_relation", "dependency", "tags", "file"}


@pytest.mark.parametrize(("column", "written", "text", "value"), TAKEN)
def test_value_reads_back(monday, column, written, text, value):
    item = monday.create("P", **{column: written})
    cell = monday.cell(item, column)
    assert cell["text"] == text
    assert json.loads(cell["value"]) == value
    assert monday.change(item, **{column: None}).get("errors") is None
    empty = None if column in ("status", "dropdown") else ""
    assert monday.cell(item, column) == {"text": empty, "value": None}


@pytest.mark.parametrize(
    ("column", "written", "code"),
    [
        ("note", 5, "invalidValue"),
        ("long_text", "x" * 2001, "textTooLong"),
        ("numbers", "12,5", "invalidValue"),
        ("numbers", 12, "invalidValue"),
        ("numbers", "NaN", "invalidValue"),
        ("status", {"label": "Nope"}, "missingLabel"),
        ("status", {"index": 9}, "missingLabel"),
        ("status", {"lable": "Done"}, "invalidValue"),
        ("dropdown", {"labels": ["a"]}, "missingLabel"),
        ("dropdown", {"ids": [7]}, "missingLabel"),
        ("dropdown", {"ids": [1], "labels": ["A"]}, "invalidValue"),
        ("date", {"date": "2026-02-30"}, "invalidValue"),
        ("date", {"date": "01.10.2026"}, "invalidValue"),
        ("date", {"date": "2026-10-01", "time": "25:00:00"}, "invalidValue"),
        ("timeline", {"from": "2026-10-09", "to": "2026-10-01"}, "invalidValue"),
        ("timeline", {"from": "2026-10-09"}, "invalidValue"),
        ("checkbox", {"checked": "maybe"}, "invalidValue"),
        ("email", {"email": "nobody", "text": "x"}, "invalidValue"),
        ("phone", {"phone": "call me", "countryShortName": "US"}, "invalidValue"),
        ("phone", {"phone": "+12025550169", "countryShortName": "ZZ"}, "invalidValue"),
        ("link", {"url": "no url", "text": "x"}, "invalidValue"),
        ("people", {"personsAndTeams": [{"id": 7, "kind": "person"}]}, "invalidPersonAssignment"),
        ("country", {"countryCode": "ZZ", "countryName": "Nowhere"}, "invalidValue"),
        ("rating", {"rating": 6}, "invalidValue"),
        ("hour", {"hour": 24, "minute": 0}, "invalidValue"),
        ("week", {"startDate": "2026-10-05", "endDate": "2026-10-12"}, "invalidValue"),
        ("week", {"week": {"startDate": "2026-10-04", "endDate": "2026-10-10"}}, "invalidValue"),
        ("world_clock", {"timezone": "Mars/Base"}, "invalidValue"),
        ("location", {"lat": "91", "lng": "0", "address": "x"}, "invalidValue"),
        ("location", {"lat": "90", "lng": "0", "address": "x"}, "invalidValue"),
        ("color_picker", {"color": "red"}, "invalidValue"),
        ("tags", {"tag_ids": [99]}, "invalidValue"),
        ("formula", "1", "readOnly"),
        ("mirror", None, "readOnly"),
        ("auto_number", "1", "readOnly"),
        ("file", {"file": "x"}, "invalidValue"),
    ],
)
def test_value_is_refused(monday, control, column, written, code):
    item = monday.create("P", note="before")
    answer = monday.change(item, note="after", **({} if column == "note" else {column: written}))
    if column == "note":
        answer = monday.change(item, note=written)
    error = answer["errors"][0]
    assert error["extensions"]["code"] == "ColumnValueException"
    assert error["extensions"]["status_code"] == 200
    data = error["extensions"]["error_data"]
    assert data["column_id"] == column
    assert data["column_validation_error_code"] == code
    if column != "note":
        assert monday.cell(item, "note")["text"] == "before"


# Any text at all, lone surrogates and NUL included.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=ANY_TEXT)
def test_text_survives_the_whole_way(monday, text):
    item = monday.create("P", note=text)
    cell = monday.cell(item, "note")
    assert cell["text"] == text
    assert cell["value"] == (json.dumps(text) if text else None)


def test_text_that_is_no_unicode_shows_in_log_and_state(monday, control):
    item = monday.create("P", note="half \ud83d")
    assert control.log()[-1]["payload"]["column_values"] == {"note": "half \ud83d"}
    (shown,) = control.state()["boards"][0]["items"]
    assert (shown["id"], shown["values"]["note"]) == (item, "half \ud83d")


def board_of(state):
    columns = [
        boards.with_labels(Column(kind, kind, kind), ["A", "B"] if kind == "status" else [])
        for kind in sorted(COLUMN_TYPES)
    ]
    return boards.new_board(state, "1", "B", columns, [("g", "G")])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "label",
                    "index",
                    "labels",
                    "ids",
                    "date",
                    "time",
                    "from",
                    "to",
                    "checked",
                    "email",
                    "phone",
                    "url",
                    "week",
                    "hour",
                    "minute",
                    "rating",
                    "item_ids",
                    "tag_ids",
                    "timezone",
                    "lat",
                    "lng",
                    "color",
                    "personsAndTeams",
                    "id",
                    "kind",
                    "countryCode",
                    "countryShortName",
                    "startDate",
                    "endDate",
                    "clear_all",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(sorted(COLUMN_TYPES)), raw=JSON_VALUES)
def test_any_json_is_taken_or_refused_with_a_reason(kind, raw):
    """No value crashes a codec, and whatever is taken can be shown."""
    state = MondayState(ManualClock())
    board = board_of(state)
    try:
        values = CellWrite(state, board, create_labels=False).values({kind: raw}, {})
    except MondayError as error:
        assert error.code == "ColumnValueException"
        assert error.data["column_id"] == kind
        return
    item = Item("1", "1", "g", "n", 1.0, 0.0, 0.0, values)
    column = board.columns[kind]
    text = cell_text(item, column)
    assert text is None or isinstance(text, str)
    shown = cell_value_json(item, column)
    assert shown is None or json.loads(shown) is not None
