"""PostgreSQL's COPY text: every value comes back as it was, and a bad one names its column."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.nodes.pull.columns import ColumnError
from syncflow_dagster.nodes.pull.copy_text import CopyText

OIDS = {
    "text": 25,
    "bytea": 17,
    "int8": 20,
    "float8": 701,
    "date": 1082,
    "timestamp": 1114,
    "timestamptz": 1184,
}
#: As PostgreSQL writes them: https://www.postgresql.org/docs/current/sql-copy.html
ESCAPES = {
    "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
}  # fmt: skip


def column(name, kind, precision=None, scale=None):
    oid = 1700 if kind == "numeric" else OIDS[kind]
    return SimpleNamespace(name=name, type_code=oid, precision=precision, scale=scale)


def written(value):
    if value is None:
        return "\\N"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return "".join(ESCAPES.get(sign, sign) for sign in text)


def lines(rows):
    return "".join("\t".join(map(written, row)) + "\n" for row in rows).encode()


texts = st.none() | st.text(
    st.characters(codec="utf-8", exclude_characters="\0")
    | st.sampled_from("\\\t\n\r\b\f\v\ufeff\"',Nnt\u2028\x1f\x85")
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(texts, st.none() | st.binary(), texts), min_size=1))
def test_any_text_and_any_bytes_come_back(rows):
    parser = CopyText.of([column("a", "text"), column("b", "bytea"), column("c", "text")])
    batch = parser.batch(lines(rows))
    assert [tuple(row.values()) for row in batch.to_pylist()] == rows


@settings(deadline=None, max_examples=50)
@given(st.lists(texts, min_size=1))
def test_a_single_column_may_be_empty(values):
    batch = CopyText.of([column("a", "text")]).batch(lines([value] for value in values))
    assert batch.column(0).to_pylist() == values


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.decimals(-99999, 99999, places=3, allow_nan=False), min_size=1))
def test_numbers_of_a_size_are_decimals(values):
    batch = CopyText.of([column("a", "numeric", 8, 3)]).batch(lines([value] for value in values))
    assert batch.column(0).type == pa.decimal128(8, 3)
    assert batch.column(0).to_pylist() == values


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.floats(allow_nan=False), min_size=1))
def test_floats_keep_every_digit(values):
    batch = CopyText.of([column("a", "float8")]).batch(
        lines(
            [None if value is None else repr(value).replace("inf", "Infinity")] for value in values
        )
    )
    assert batch.column(0).to_pylist() == values


def test_a_number_that_is_none_is_null_and_its_neighbours_stay():
    parser = CopyText.of([column("a", "numeric", 5, 2), column("b", "text")])
    rows = parser.batch(lines([["NaN", "NaN"], ["1.50", "\\"], [None, None]])).to_pylist()
    assert rows == [
        {"a": None, "b": "NaN"}, {"a": Decimal("1.50"), "b": "\\"}, {"a": None, "b": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "odd", "written", "meant"),
    [
        ("date", "infinity", "2026-01-02", "2026-01-02"),
        ("date", "12026-01-01", "0001-01-01", "0001-01-01"),
        ("timestamp", "-infinity", "2026-01-02 03:04:05.5", "2026-01-02T03:04:05.500"),
        ("timestamptz", "0044-03-15 00:00:00+00 BC", "2026-01-02 03:04:05+00",
         "2026-01-02T03:04:05Z"),
    ],
)  # fmt: skip
def test_dates_arrow_has_not_make_their_column_text_and_no_other(kind, odd, written, meant):
    described = [column("n", "numeric", 5, 2), column("a", kind), column("b", kind)]
    parser = CopyText.of(described)
    batch = parser.batch(lines([["NaN", written, written], ["1.5", odd, None], [None, None, None]]))
    assert batch.column("a").to_pylist() == [meant, odd, None]
    assert batch.column("n").to_pylist() == [None, Decimal("1.50"), None]
    assert batch.schema == parser.schema.set(1, pa.field("a", pa.string()))
    assert parser.batch(lines([[1, written, written]])).schema == parser.schema


def test_a_value_that_does_not_fit_names_its_column_and_not_itself():
    parser = CopyText.of([column("n", "date"), column("a", "int8")])
    with pytest.raises(ColumnError, match="column 'a' holds a value that is no int64") as caught:
        parser.batch(lines([["infinity", None], ["2026-01-02", "secret"]]))
    assert "secret" not in str(caught.value)


def test_bytes_that_are_no_text_are_a_plain_error():
    with pytest.raises(ColumnError, match="column 'a' holds a text that is not UTF-8"):
        CopyText.of([column("a", "text")]).batch(b"\xff\n")


def test_no_rows_have_the_columns_of_rows():
    parser = CopyText.of([column("a", "date"), column("b", "bytea")])
    empty = parser.batch(b"")
    assert empty.num_rows == 0
    assert empty.schema == parser.batch(lines([[date(2026, 1, 2), b"x"]])).schema


@pytest.mark.parametrize(
    ("described", "says"),
    [
        ([], "no columns"),
        ([column("a", "text"), column("a", "text")], "returns a more than once"),
        ([column("?column?", "text")], "without a name"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused(described, says):
    with pytest.raises(ColumnError, match=says):
        CopyText.of(described)
