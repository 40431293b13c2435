"""What single column types do that a table of values cannot say."""

from __future__ import annotations

import json

import pytest


def test_label_errors_have_the_service_s_words(monday):
    item = monday.create("P")
    status = monday.change(item, status="Lost")["errors"][0]
    assert (
        status["message"]
        == "This status label doesn't exist, possible statuses are: {0: New, 1: Done}"
    )
    assert status["extensions"]["error_data"]["column_type"] == "color"
    dropdown = monday.change(item, dropdown={"labels": ["X"]})["errors"][0]
    assert (
        dropdown["message"]
        == "The dropdown label 'X' does not exist, possible labels are: {1: A, 2: B}"
    )


def with_labels(monday, item, **values):
    return monday.body(
        "mutation ($i: ID!, $v: JSON!) {change_multiple_column_values(board_id: 9000000001, "
        "item_id: $i, column_values: $v, create_labels_if_missing: true) {id}}",
        i=item,
        v=json.dumps(values),
    )


def test_missing_labels_up_to_forty_of_thirty_characters(monday):
    item = monday.create("P")
    for n in range(38):
        assert "errors" not in with_labels(monday, item, status={"label": f"Label {n}"})
    selection = "text ... on StatusValue {index label}"
    # Two labels were there; the id 5 is the empty state's and is never given to a label.
    assert monday.cell(item, "status", selection) == {
        "text": "Label 37",
        "index": 40,
        "label": "Label 37",
    }

    def code(label):
        error = with_labels(monday, item, status={"label": label})["errors"][0]
        return error["extensions"]["error_data"]["column_validation_error_code"]

    assert code("One more") == "labelsLimitExceeded"
    assert code("x" * 31) == "labelTooLong"
    assert "errors" not in with_labels(monday, item, dropdown={"labels": ["C"]})
    assert monday.cell(item, "dropdown")["text"] == "C"


def test_new_label_raises_the_revision_once(monday):
    query = '{boards(ids: 9000000001) {columns(ids: ["status"]) {revision}}}'
    item = monday.create("P")
    before = monday.data(query)["boards"][0]["columns"][0]["revision"]
    with_labels(monday, item, status={"label": "Fresh"})
    with_labels(monday, item, status={"label": "Fresh"})
    after = monday.data(query)["boards"][0]["columns"][0]["revision"]
    assert int(after) == int(before) + 1


@pytest.mark.parametrize(
    ("column", "shown_as"),
    [("board_relation", "BoardRelationValue"), ("dependency", "DependencyValue")],
)
def test_relations_are_dropped_on_create_and_replaced_on_change(monday, column, shown_as):
    one, two = monday.create("one"), monday.create("two")
    item = monday.create("P", **{column: {"item_ids": [int(one)]}})
    selection = f"text value ... on {shown_as} {{linked_item_ids display_value}}"
    empty = {"text": None, "value": None, "linked_item_ids": [], "display_value": ""}
    assert monday.cell(item, column, selection) == empty
    monday.change(item, **{column: {"item_ids": [int(one)]}})
    monday.change(item, **{column: {"item_ids": [int(two)]}})
    assert monday.cell(item, column, selection) == empty | {
        "linked_item_ids": [two],
        "display_value": "two",
    }
    refused = monday.change(item, **{column: {"item_ids": [1]}})["errors"][0]
    data = refused["extensions"]["error_data"]
    assert data["column_validation_error_code"] == "inactiveItems"


def test_checkbox_false_does_not_uncheck(monday, control):
    item = monday.create("P", checkbox={"checked": "true"})
    monday.change(item, checkbox={"checked": "false"})
    assert monday.cell(item, "checkbox", "... on CheckboxValue {checked}") == {"checked": True}
    assert control.log()[-1]["payload"]["changed"] is False
    monday.change(item, checkbox=None)
    assert monday.cell(item, "checkbox", "... on CheckboxValue {checked}") == {"checked": False}


def test_dates_are_written_in_utc_and_read_in_the_account_s_zone(monday, control):
    control.settings(account_timezone="America/New_York")
    item = monday.create("P", date={"date": "2026-10-02", "time": "02:30:15"})
    selection = "text value ... on DateValue {date time}"
    cell = monday.cell(item, "date", selection)
    assert (cell["text"], cell["date"], cell["time"]) == ("2026-10-01 22:30", "2026-10-01", "22:30")
    assert json.loads(cell["value"])["time"] == "02:30:15"
    monday.change(item, date={"date": "2026-10-02"})
    assert monday.cell(item, "date", selection)["text"] == "2026-10-02"


def test_a_week_begins_on_the_account_s_first_day_of_it(monday, control):
    control.settings(week_starts="sunday")
    week = {"startDate": "2026-10-04", "endDate": "2026-10-10"}
    item = monday.create("P", week={"week": week})
    assert monday.cell(item, "week")["text"] == "2026-10-04 - 2026-10-10"
    refused = monday.change(item, week={"startDate": "2026-10-05", "endDate": "2026-10-11"})
    assert "first day of the week" in refused["errors"][0]["message"]


@pytest.mark.parametrize(
    ("column", "simple", "text"),
    [
        ("note", "abc", "abc"),
        ("numbers", "7", "7"),
        ("status", "Done", "Done"),
        ("dropdown", "A,B", "A, B"),
        ("date", "2026-10-01 09:30:00", "2026-10-01 09:30"),
        ("timeline", "2026-10-01 2026-10-02", "2026-10-01 - 2026-10-02"),
        ("email", "a@b.co Some One", "Some One"),
        ("phone", "+12025550169 US", "+12025550169"),
        ("link", "https://a.example Home", "Home - https://a.example"),
        ("people", "1001, 1002", "Sandbox Owner, Sandbox Member"),
        ("country", "DE", "Germany"),
        ("rating", "3", "3"),
        ("hour", "16:42", "04:42 PM"),
        ("world_clock", "UTC", "UTC"),
        ("location", "1.5 2.5 Somewhere", "Somewhere"),
        ("checkbox", "true", "v"),
    ],
)
def test_simple_values(monday, column, simple, text):
    item = monday.create("P")
    monday.data(
        "mutation ($i: ID!, $c: String!, $v: String) {change_simple_column_value("
        "board_id: 9000000001, item_id: $i, column_id: $c, value: $v) {id}}",
        i=item,
        c=column,
        v=simple,
    )
    assert monday.cell(item, column)["text"] == text


def test_single_column_value_and_name(monday, control):
    item = monday.create("P")
    monday.data(
        "mutation ($i: ID!, $v: JSON!) {change_column_value(board_id: 9000000001, item_id: $i, "
        'column_id: "status", value: $v) {id}}',
        i=item,
        v='{"label": "Done"}',
    )
    assert monday.cell(item, "status")["text"] == "Done"
    changed = monday.change(item, name="Renamed")
    assert changed["data"]["change_multiple_column_values"]["name"] == "Renamed"
    assert [e["op"] for e in control.log()[1:]] == [
        "change_column_value",
        "change_multiple_column_values",
    ]
