"""What decides on a row: the columns its record is made of, and what is written of each field."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from delta_cases import things_node

from syncflow_dagster.nodes.delta.errors import MissingColumn
from syncflow_dagster.nodes.delta.mapping import Mapper
from syncflow_dagster.nodes.delta.normalise import ROW, Normaliser
from syncflow_dagster.nodes.delta.seen import RowHasher
from syncflow_dagster.nodes.delta.source import DATES

EXPRESSION = {"type": "expression", "sql": 'net * (1 + rate) || "Order No"'}
#: A field's rule, and the columns of `RAW` it is made of.
RULES = [
    ({"name": "net"}, ["NET"]),
    ({"name": "other", "column": "Order No"}, ["Order No"]),
    ({"name": "fixed", "transform": {"type": "constant", "value": "NET"}}, []),
    (
        {"name": "both", "transform": {"type": "concat", "columns": ["rate", "Net"]}},
        ["rate", "NET"],
    ),
    ({"name": "note", "transform": {"type": "lookup", "values": {"a": "b"}}}, ["note"]),
    (
        {"name": "x", "column": "NOTE", "transform": {"type": "lookup", "values": {"NET": "rate"}}},
        ["note"],
    ),
    ({"name": "total", "transform": EXPRESSION}, ["NET", "rate", "Order No"]),
    ({"name": "day", "type": "date"}, ["DAY", DATES + "DAY"]),
    (
        {"name": "month", "transform": {"type": "expression", "sql": "STRFTIME(day, '%m')"}},
        ["DAY", DATES + "DAY"],
    ),
]  # fmt: skip
PYTHON = {"type": "python", "function": "operator:itemgetter", "columns": ["NET"]}


def node_of(*fields, **changes):
    key = changes.pop("key", [fields[0]["name"]])
    return things_node(key, fields, **changes)


def raw(**changes):
    """Three rows; of the column DAY other chunks hold dates, and this one texts."""
    columns = {
        "NET": [1.5, None, 2.0],
        "rate": [0.2, 0.1, 0.0],
        "Order No": ["a", "b", None],
        "note": ["a", "x", None],
        "unused": ["p", "q", "r"],
        "DAY": ["2026-01-31", "2026-02-30", None],
        DATES + "DAY": pl.Series([None] * 3, dtype=pl.Date),
        DATES + "unused": pl.Series([None] * 3, dtype=pl.Date),
        ROW: [1, 2, 3],
        **changes,
    }
    return pl.DataFrame(columns)


def columns(*fields, rows=None):
    return Mapper(node_of(*fields)).columns(raw() if rows is None else rows)


@pytest.mark.parametrize(("rule", "expected"), RULES, ids=[rule["name"] for rule, _ in RULES])
def test_a_field_s_decidingare_those_it_is_made_of(rule, expected):
    assert columns(rule) == expected


def test_each_column_of_a_node_comes_once_and_marks_of_dates_last():
    found = columns(*(rule for rule, _ in RULES))
    assert sorted(found) == sorted({each for _, expected in RULES for each in expected})
    assert found[-1] == DATES + "DAY"


def test_where_no_chunk_shows_dates_there_are_no_marks():
    assert columns({"name": "day"}, rows=raw().drop(DATES + "DAY")) == ["DAY"]


def test_nobody_knows_what_a_function_looks_at():
    assert columns({"name": "net"}, {"name": "made", "transform": PYTHON}) is None


def test_a_column_that_is_not_there_is_missed():
    for rule in (
        {"name": "gone"},
        {"name": "a", "transform": {"type": "concat", "columns": ["note", "gone"]}},
        {"name": "gone", "transform": {"type": "lookup", "values": {"a": "b"}}},
        {"name": "a", "transform": {"type": "expression", "sql": "gone + 1"}},
        {"name": "a", "column": ROW},
        {"name": "a", "column": DATES + "DAY"},
    ):
        with pytest.raises(MissingColumn):
            columns(rule)
    with pytest.raises(MissingColumn, match="nOtE"):
        columns({"name": "a", "column": "nOtE"}, rows=raw(NOTE=["x"] * 3))


def outcome(rows):
    chunk = Normaliser(node_of(*(rule for rule, _ in RULES)), None)(rows)
    faults = [(each.field, each.column, each.fault.rows.to_list()) for each in chunk.faults]
    return chunk.fields, faults


def test_records_are_made_of_these_decidingalone():
    found = columns(*(rule for rule, _ in RULES))
    fields, faults = outcome(raw())
    alone, faults_alone = outcome(raw().select(found))
    assert fields.equals(alone)
    assert faults == faults_alone != []
    for name in found[:-1]:
        with pytest.raises(MissingColumn):
            outcome(raw().select(each for each in found if each != name))


# Hashes of rows as a node takes them.


def hashes(node, rows=None, parent=None):
    hasher, rows = RowHasher(node, parent), raw() if rows is None else rows
    deciding = hasher.columns(rows)
    if deciding is None:
        return None
    found = [each.tobytes() for each in hasher(rows.select(deciding))]
    assert all(each.endswith(hasher.tag) for each in found)
    return found


USED = ({"name": "net"}, {"name": "note"}, {"name": "day", "type": "date"})


def test_a_change_of_a_column_that_is_not_read_makes_no_other_row():
    expected = hashes(node_of(*USED))
    assert len(set(expected)) == 3
    assert hashes(node_of(*USED), raw(unused=[1, 2, 3], **{ROW: [7, 8, 9]})) == expected
    assert hashes(node_of(*USED), raw().select(reversed(raw().columns))) == expected
    changed = hashes(node_of(*USED), raw(note=["a", "y", None]))
    assert [one == two for one, two in zip(changed, expected, strict=True)] == [True, False, True]


def test_texts_of_dates_are_not_the_texts_of_a_column_of_texts():
    node = node_of(*USED)
    assert not set(hashes(node)) & set(hashes(node, raw().drop(DATES + "DAY")))
    days = pl.Series([date(2026, 1, 31), None, None])
    assert not set(hashes(node)) & set(hashes(node, raw(DAY=days).drop(DATES + "DAY")))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "text"},
        {"type": "decimal"},
        {"scale": 3},
        {"timezone": "Europe/Berlin"},
        {"ambiguous": "latest"},
        {"precision": "second"},
        {"case": "upper"},
        {"whitespace": "keep"},
        {"empty": "keep"},
        {"required": True},
        {"max_length": 5},
        {"transform": {"type": "lookup", "values": {"a": "b"}}},
        {"transform": {"type": "lookup", "values": {"a": "c"}}},
        {"transform": {"type": "concat", "columns": ["note"]}},
    ],
    ids=str,
)
def test_another_rule_makes_every_row_another(change):
    plain = {"name": "note", "column": "note"}
    lookup = {**plain, "transform": {"type": "lookup", "values": {"a": "d"}}}
    expected = hashes(node_of({"name": "net"}, plain)) + hashes(node_of({"name": "net"}, lookup))
    assert not set(expected) & set(hashes(node_of({"name": "net"}, {**plain, **change})))


@pytest.mark.parametrize(
    "change", [{"description": "A note"}, {"backfill": True}, {"personal": True}], ids=str
)
def test_what_is_said_beside_a_rule_makes_no_other_row(change):
    expected = hashes(node_of({"name": "net"}, {"name": "note"}))
    assert hashes(node_of({"name": "net"}, {"name": "note", **change})) == expected


def test_key_marker_and_parent_count():
    fields = (
        {"name": "net"},
        {"name": "note"},
        {"name": "off", "type": "boolean", "column": "rate"},
    )
    above = node_of({"name": "note"}, name="above")
    upper = node_of({"name": "note", "case": "upper"}, name="above")
    child = node_of(*fields, parent={"node": "above", "key": ["note"]})
    every = [
        hashes(node_of(*fields)),
        hashes(node_of(*fields, key=["note"])),
        hashes(node_of(*fields, key=["note", "net"])),
        hashes(node_of(*fields, deletes={"marker": "off"})),
        hashes(child, parent=above),
        hashes(child, parent=upper),
        hashes(node_of(*fields, parent={"node": "above", "key": ["net"]}), parent=above),
    ]
    assert len({each for some in every for each in some}) == 3 * len(every)


def test_rows_that_cannot_be_known_again_have_no_hash():
    assert hashes(node_of({"name": "net"}, {"name": "made", "transform": PYTHON})) is None
    assert hashes(node_of({"name": "a", "transform": {"type": "constant", "value": "x"}})) is None


def test_a_hasher_misses_a_column_as_the_rows_would():
    with pytest.raises(MissingColumn, match="gone"):
        hashes(node_of({"name": "gone"}))


def test_no_rows_have_no_hashes():
    assert hashes(node_of(*USED), raw().clear()) == []


@pytest.mark.parametrize("kind", [pl.List(pl.Categorical), pl.Struct({"x": pl.String})])
def test_rows_with_lists_or_structures_are_not_known_again(kind):
    values = pl.Series([None, None, None], dtype=kind)
    assert hashes(node_of({"name": "net"}, {"name": "note"}), raw(note=values)) is None
    assert hashes(node_of({"name": "net"}), raw(note=values)) is not None
