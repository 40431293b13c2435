"""What goes into a bulk job's file, and that it is read back as it was meant."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from column_parts import PLAIN, SCRIPTS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from monday_world import ITEM_MAPPING, workflow

from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.monday.bulk import file
from syncflow_dagster.nodes.monday.bulk.cells import NotInFile, csv_cell, labels_of
from syncflow_dagster.nodes.monday.bulk.fit import FileColumns, file_columns, misfit
from syncflow_dagster.nodes.monday.columns import KINDS, Options, ValueRefused, cell
from syncflow_dagster.nodes.monday.contract import Board, BoardColumn, Contract

KEY = "record_uuid"
TYPES = {
    KEY: "text",
    "title": "text",
    "size": "dropdown",
    "due": "date",
    "state": "status",
    "who": "people",
}
LABELS = {"size": {"S", "M, L", "X L"}, "state": {"Done"}}
MAIL = {"email": "a@b.co", "text": "a@b.co"}
PLACE = {"lat": "52.5", "lng": "13.4", "address": 'Berlin, "Mitte"'}


def person(number, kind="person"):
    return {"id": number, "kind": kind}


def payload(name="An item", key="k-1", **columns):
    columns = {**columns, KEY: key}
    return {
        "name": name,
        "columns": columns,
        "board_id": "500",
        "key_column": KEY,
        "record_uuid": key,
        "subitem": False,
    }


def effect(number, parent="topics", **parts):
    key = parts.pop("key", f"k-{number}")
    made = payload(key=key, **parts)
    return Effect(number, f"e:{number}", "create_item", f"o:{number}", True, made, None, parent)


def read(content):
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
    return header, rows


SAID = [
    ("text", '=cmd|" /C calc"!A0', '=cmd|" /C calc"!A0'),
    ("text", "", ""),
    ("text", None, ""),
    ("long_text", {"text": "a\r\nb"}, "a\r\nb"),
    ("numbers", "-0.50", "-0.50"),
    ("status", {"label": "Done, at last"}, "Done, at last"),
    ("dropdown", {"labels": ["S", "X L"]}, "S, X L"),
    ("checkbox", {"checked": "true"}, "true"),
    ("date", {"date": "2026-10-01"}, "2026-10-01"),
    ("timeline", {"from": "2026-10-01", "to": "2026-10-09"}, "2026-10-01/2026-10-09"),
    ("email", MAIL, "a@b.co"),
    ("phone", {"phone": "+12025550169", "countryShortName": ""}, "+12025550169"),
    ("link", {"url": "https://a.b/c", "text": "https://a.b/c"}, "https://a.b/c"),
    ("location", PLACE, '52.5|13.4|Berlin, "Mitte"'),
    ("people", {"personsAndTeams": [person(7)]}, "user:7"),
    ("people", {"personsAndTeams": [person(8, "team")]}, "team:8"),
]
NOT_SAID = [
    ("text", "<NULL>", "clears the column"),
    ("long_text", {"text": "<null>"}, "clears the column"),
    ("text", " a", "blanks"),
    ("text", "a\n", "blanks"),
    ("text", "\ufeffa", "blanks"),
    ("text", "a\0b", "U+0000"),
    ("text", "a\ud83d", "U+D83D"),
    ("text", 7, "not a text"),
    ("long_text", "a", "another form than text"),
    ("status", {"index": 1}, "another form than label"),
    ("status", {"label": "Done "}, "blanks"),
    ("dropdown", {"labels": ["S", "M, L"]}, "comma"),
    ("dropdown", {"labels": ["S ", "M"]}, "blanks"),
    ("dropdown", {"labels": ["", "M"]}, "empty label"),
    ("dropdown", {"ids": [1]}, "another form than labels"),
    ("checkbox", {"checked": "false"}, "checked or left alone"),
    ("date", {"date": "2026-10-01", "time": "09:00:00"}, "no time of day"),
    ("email", {"email": "a@b.co", "text": "A"}, "another text"),
    ("email", dict.fromkeys(MAIL, "<a@b.co>"), "marks of one"),
    ("link", {"url": "https://a.b", "text": "A"}, "another text"),
    ("phone", {"phone": "+12025550169", "countryShortName": "US"}, "country"),
    ("phone", {"phone": "2025550169", "countryShortName": ""}, "country"),
    ("location", {**PLACE, "address": ""}, "needs an address"),
    ("location", {**PLACE, "address": "a|b"}, "'|'"),
    ("people", {"personsAndTeams": [person(7), person(8, "team")]}, "one person or team only"),
    ("people", {"personsAndTeams": []}, "another form"),
    ("tags", {"tag_ids": [1]}, "columns of type tags"),
    ("week", None, "columns of type week"),
    ("board_relation", {"item_ids": [1]}, "columns of type board_relation"),
]


@pytest.mark.parametrize(("kind", "value", "said"), SAID)
def test_a_value_is_said_as_monday_documents_it(kind, value, said):
    assert csv_cell(kind, value) == said


@pytest.mark.parametrize(("kind", "value", "reason"), NOT_SAID)
def test_a_value_that_a_file_cannot_say_exactly_is_told(kind, value, reason):
    with pytest.raises(NotInFile) as refusal:
        csv_cell(kind, value)
    assert reason in str(refusal.value)


def meant(kind, said):
    """What monday's documentation makes of a cell, as a mutation would say it."""
    two = dict.fromkeys(("url", "text") if kind == "link" else ("email", "text"), said)
    made = {
        "long_text": {"text": said},
        "status": {"label": said},
        "dropdown": {"labels": said.split(", ")},
        "checkbox": {"checked": said},
        "date": {"date": said},
        "timeline": dict(zip(("from", "to"), said.split("/"), strict=False)),
        "email": two,
        "link": two,
        "phone": {"phone": said, "countryShortName": ""},
        "location": dict(zip(("lat", "lng", "address"), said.split("|"), strict=False)),
    }
    return made.get(kind, said)


words = st.sampled_from(
    ["a@b.co", "https://a.b/c,d", "+1 202 555 0169", "2026-11-22", "52.5 13.4 Berlin", "-12.50"]
)
values = (
    st.text(max_size=20)
    | st.text('ab ,;"\r\n\t=|<>אب\u202e', max_size=12)
    | words
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.dates()
)
kinds = st.sampled_from(sorted(set(KINDS) - {"people"}))


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(kinds, values), min_size=1, max_size=5), st.text(max_size=12))
@example([("text", SCRIPTS), ("dropdown", '"S";=1+1')], '=cmd,"x"')
@example([("numbers", Decimal("1E+30")), ("checkbox", True)], "שלום\u2028")
def test_whatever_is_written_is_read_back_or_goes_another_way(given_values, name):
    columns, types = {}, {KEY: "text"}
    for number, (kind, value) in enumerate(given_values):
        try:
            made = cell(kind, value, Options(separator=";") if kind == "dropdown" else PLAIN)
        except ValueRefused:
            continue
        if not made.is_empty:
            columns[f"c{number}"], types[f"c{number}"] = made.value, kind
    labels = {one: labels_of(kind, columns[one]) for one, kind in types.items() if one in columns}
    if misfit(payload(name, **columns), types, labels) is not None:
        return
    header, rows = read(file.write([effect(1, name=name, **columns)], types))
    assert (header[0], rows[0][0]) == ("name", name)
    back = {one: meant(types[one], text) for one, text in zip(header[1:], rows[0][1:], strict=True)}
    assert back == {**columns, KEY: "k-1"}


MISFITS = [
    (payload(), None),
    (payload(size={"labels": ["S", "X L"]}, state={"label": "Done"}, title=""), None),
    (payload(size={"labels": ["s"]}), "column size: the board has no label 's'"),
    (payload(state={"label": "done"}), "column state: the board has no label 'done'"),
    (payload(size={"labels": ["M, L"]}), "column size: a comma"),
    (payload(gone="x"), "column gone: the board does not have it"),
    (payload(title="<NULL>"), "column title: in a file"),
    (payload(name=""), "name: it is empty"),
    (payload(name=" x"), "name: a file may lose"),
    (payload(name="a\ud800"), "name: a file cannot hold"),
    (payload(key=""), "column record_uuid: items are found again"),
    (payload() | {"subitem": True}, "a file does not find a subitem"),
]


@pytest.mark.parametrize(("given_payload", "reason"), MISFITS)
def test_a_create_fits_a_file_or_is_told_why_not(given_payload, reason):
    told = misfit(given_payload, TYPES, LABELS)
    assert told is None if reason is None else told.startswith(reason)


def test_a_key_column_of_another_type_finds_nothing():
    assert "found again" in misfit(payload(), {KEY: "long_text"}, {})
    assert "no label 'S'" in misfit(payload(size={"labels": ["S"]}), TYPES, {})


def test_only_columns_that_are_on_the_board_as_they_are_mapped_have_a_type():
    mapping = {
        **ITEM_MAPPING,
        "columns": [
            {"field": "title", "column": "title"},
            {"field": "size", "column": "size", "type": "dropdown"},
            {"field": "due", "column": "due", "type": "date"},
            {"field": "due", "column": "nowhere", "type": "date"},
        ],
    }
    node = workflow(items=mapping).node("push")
    columns = {
        KEY: BoardColumn("Record", "text"),
        "title": BoardColumn("Title", "text"),
        "size": BoardColumn("Size", "dropdown", ("S", "M")),
        "due": BoardColumn("Due", "timeline"),
        "state": BoardColumn("State", "status", ("Open", "Done")),
    }
    board = Board("500", "Orders", "active", {}, columns, None)
    assert file_columns(node, Contract(board, None)) == FileColumns(
        {KEY: "text", "title": "text", "size": "dropdown", "state": "status"},
        {"size": {"S", "M"}, "state": {"Open", "Done"}},
    )


def test_each_effect_is_a_line_and_columns_keep_the_order_of_the_mapping():
    effects = [
        effect(1, name='Ümlaut, "1"', due={"date": "2026-10-01"}),
        effect(2, title="a\nb", size={"labels": ["S"]}),
        effect(3),
    ]
    content = file.write(effects, TYPES)
    assert read(content) == (
        ["name", KEY, "title", "size", "due"],
        [
            ['Ümlaut, "1"', "k-1", "", "", "2026-10-01"],
            ["An item", "k-2", "a\nb", "S", ""],
            ["An item", "k-3", "", "", ""],
        ],
    )
    assert content.startswith(b"name,record_uuid,title,size,due\r\n")
    assert content.endswith(b"An item,k-3,,,\r\n")


def test_a_file_takes_no_more_than_monday_does(monkeypatch):
    effects = [effect(number) for number in range(1, 5)]
    whole = len(file.write(effects, TYPES))
    assert file.most_fitting(effects, TYPES) == 4
    for rows, size, fitting in ((3, whole, 3), (4, whole - 1, 3), (4, whole // 2, 1), (4, 9, 0)):
        monkeypatch.setattr(file, "MOST_ROWS", rows)
        monkeypatch.setattr(file, "MOST_BYTES", size)
        assert file.most_fitting(effects, TYPES) == fitting
        with pytest.raises(ValueError, match=r"too (many|long)"):
            file.write(effects, TYPES)
        if fitting:
            file.write(effects[:fitting], TYPES)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (effect(2, parent="other"), "one board, group"),
        (effect(2, key="k-1"), "same record"),
        (effect(2, gone="x"), "not known: gone"),
        (effect(2, title="<NULL>"), "clears"),
    ],
)
def test_what_does_not_belong_into_a_file_is_refused(second, reason):
    with pytest.raises(ValueError, match=reason):
        file.write([effect(1), second], TYPES)
