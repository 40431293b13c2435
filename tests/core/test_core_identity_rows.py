"""Hashes of rows as they came: a row is known again wherever it stands, and no other for it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from core_cases import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.identity.rows import ROW_BYTES, row_hashes

BY = "made by"
MOMENTS = st.datetimes()
STRUCT = pl.Struct({"x": pl.Int64, "y": pl.String})


def numbers(bits, *, signed=True):
    return (
        st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
        if signed
        else st.integers(0, 2**bits - 1)
    )


def at(text):
    return datetime.fromisoformat(text)


def decimals(places):
    return st.decimals(-(10**15), 10**15, places=places, allow_nan=False, allow_infinity=False)


#: Types of columns that sources give: any value of them, and some that look alike.
KINDS = {
    "text": (
        pl.String,
        TEXTS,
        [
            *("", " ", "a", "A", "aa", "0", "\x00", "\x00\x00", "é", "e\u0301", "日本", "😀"),
            *("x" * 12, "x" * 13, "x" * 1000, "x" * 999 + "y", "y" + "x" * 999, "x" * 100_000),
        ],
    ),
    "int8": (pl.Int8, numbers(8), [0, 1, -1, 127, -128]),
    "int16": (pl.Int16, numbers(16), [0, 1, -1, 256, -(2**15)]),
    "int32": (pl.Int32, numbers(32), [0, 1, -1, 2**16, -(2**31)]),
    "int64": (pl.Int64, numbers(64), [0, 1, -1, 2**32, 2**32 + 1, -(2**63), 2**63 - 1]),
    "uint8": (pl.UInt8, numbers(8, signed=False), [0, 1, 255]),
    "uint64": (pl.UInt64, numbers(64, signed=False), [0, 1, 2**63, 2**64 - 1]),
    "int128": (pl.Int128, numbers(128), [0, 1, 2**64, 2**64 + 1, -(2**127)]),
    "decimal 0": (pl.Decimal(38, 0), decimals(0), [Decimal(each) for each in (0, 1, -1, 2**70)]),
    "decimal 2": (
        pl.Decimal(38, 2),
        decimals(2),
        [Decimal(each) for each in ("0.00", "0.01", "1.00", "-1.00", "184467440737095516.16")],
    ),
    "decimal 9": (
        pl.Decimal(28, 9),
        decimals(9),
        [Decimal(each) for each in ("0", "0.000000001", "1")],
    ),
    "float32": (pl.Float32, st.floats(width=32, allow_nan=False), [0.0, 1.0, -1.0, 0.5, 2.0**-149]),
    "float64": (
        pl.Float64,
        st.floats(allow_nan=False),
        [0.0, 1.0, -1.0, 0.1, 0.1 + 2**-56, 5e-324, float("inf"), -float("inf"), float("nan")],
    ),
    "date": (pl.Date, st.dates(), [date(1970, 1, 1), date(1970, 1, 2), date(1, 1, 1)]),
    "moment": (
        pl.Datetime("us"),
        MOMENTS,
        [at("1970-01-01"), at("1970-01-01 00:00:00.000001"), at("2026-03-29 02:30")],
    ),
    "moment ms": (pl.Datetime("ms"), st.just(at("2026-01-01")), [at("1970-01-01")]),
    "moment in a zone": (
        pl.Datetime("us", "UTC"),
        MOMENTS.map(lambda each: each.replace(tzinfo=UTC)),
        [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 3, 29, 2, 30, tzinfo=UTC)],
    ),
    "time": (pl.Time, st.times(), [time(0), time(0, 0, 0, 1), time(23, 59, 59, 999_999)]),
    "duration": (
        pl.Duration("us"),
        st.timedeltas(timedelta(-9999), timedelta(9999)),
        [timedelta(0), timedelta(microseconds=1), timedelta(1)],
    ),
    "boolean": (pl.Boolean, st.booleans(), [True, False]),
    "binary": (pl.Binary, st.binary(), [b"", b"\x00", b"\x00\x00", b"a", b"\xff", b"x" * 1000]),
    "list": (
        pl.List(pl.Int64),
        st.lists(st.none() | numbers(64), max_size=4),
        [[], [None], [None, None], [0], [0, 0], [1, 2], [2, 1], [1, 2, None], [None, 1, 2]],
    ),
    "list of texts": (
        pl.List(pl.String),
        st.lists(st.none() | TEXTS, max_size=4),
        [[], [None], [""], ["", ""], ["ab"], ["a", "b"], ["b", "a"], ["a", "", "b"]],
    ),
    "list of lists": (
        pl.List(pl.List(pl.Int64)),
        st.lists(st.lists(numbers(64), max_size=2), max_size=3),
        [[], [[]], [[], []], [None], [[None]], [[1, 2]], [[1], [2]], [[1], [], [2]], [[2], [1]]],
    ),
    "struct": (
        STRUCT,
        st.fixed_dictionaries({"x": st.none() | numbers(64), "y": st.none() | TEXTS}),
        [{"x": x, "y": y} for x in (None, 0, 1) for y in (None, "", "0", "1")],
    ),
    "list of structs": (
        pl.List(pl.Struct({"x": pl.Int64, "y": pl.Int64})),
        st.lists(st.fixed_dictionaries({"x": numbers(64), "y": numbers(64)}), max_size=3),
        [[], [{"x": 1, "y": 2}], [{"x": 2, "y": 1}], [{"x": 1, "y": 1}], [{"x": 2, "y": 2}]],
    ),
}  # fmt: skip
NAMES = list(KINDS)
ROWS = st.lists(
    st.tuples(*(st.none() | values for _, values, _ in KINDS.values())), min_size=1, max_size=5
)


def column(kind, values, name="a"):
    return pl.Series(name, values, dtype=KINDS[kind][0])


def frame_of(rows):
    columns = zip(*rows, strict=True)
    return pl.DataFrame(
        [column(kind, each, kind) for kind, each in zip(NAMES, columns, strict=True)]
    )


def hashes(*columns, by=BY):
    """The hash of each row of some columns."""
    return [each.tobytes() for each in row_hashes(pl.DataFrame(columns), by)]


@pytest.mark.parametrize("kind", NAMES)
def test_values_that_look_alike_have_hashes_of_their_own(kind):
    values = [None, *KINDS[kind][2]]
    assert len(set(hashes(column(kind, values)))) == len(values)


@pytest.mark.parametrize("kind", NAMES)
def test_a_value_has_one_hash_wherever_it_stands(kind):
    values = [None, *KINDS[kind][2], None]
    whole = column(kind, values).to_frame()
    expected = row_hashes(whole, BY)
    assert expected.shape == (len(values), ROW_BYTES)
    for place in range(len(values)):
        assert (row_hashes(whole.slice(place, 1), BY) == expected[place]).all()
        assert (row_hashes(column(kind, [values[place]]).to_frame(), BY) == expected[place]).all()
    assert (row_hashes(whole.reverse(), BY) == expected[::-1]).all()
    assert (expected[0] == expected[-1]).all()


def test_no_rows():
    assert row_hashes(frame_of([[None] * len(NAMES)]).clear(), BY).shape == (0, ROW_BYTES)


@given(ROWS, st.data())
def test_rows_are_known_again_in_any_chunk(rows, data):
    frame = frame_of(rows)
    expected = row_hashes(frame, BY)
    cut = data.draw(st.integers(0, len(rows)))
    head, tail = frame.head(cut), frame.slice(cut)
    assert (np.concatenate([row_hashes(head, BY), row_hashes(tail, BY)]) == expected).all()
    chunked = pl.concat([head, tail.clear(), tail], rechunk=False)
    assert (row_hashes(chunked, BY) == expected).all()
    assert (row_hashes(chunked.rechunk(), BY) == expected).all()
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    assert (row_hashes(frame.filter(pl.Series(kept)), BY) == expected[kept]).all()
    order = data.draw(st.permutations(range(len(rows))))
    assert (row_hashes(frame[order], BY) == expected[order]).all()
    assert (row_hashes(frame_of(rows), BY) == expected).all()


@given(ROWS, st.data())
def test_another_value_in_any_cell_is_another_row(rows, data):
    row = data.draw(st.integers(0, len(rows) - 1))
    place = data.draw(st.integers(0, len(NAMES) - 1))
    old = rows[row][place]
    new = data.draw((st.none() | KINDS[NAMES[place]][1]).filter(lambda each: each != old))
    changed = list(rows)
    changed[row] = (*rows[row][:place], new, *rows[row][place + 1 :])
    same = (row_hashes(frame_of(rows), BY) == row_hashes(frame_of(changed), BY)).all(axis=1)
    assert same.tolist() == [each != row for each in range(len(rows))]


@given(st.lists(st.none() | TEXTS, min_size=3, max_size=3), st.permutations(range(3)))
def test_values_that_change_places_are_another_row(values, order):
    def row(each):
        return pl.DataFrame(
            {name: column("text", [value]) for name, value in zip("abc", each, strict=True)}
        )

    moved = [values[place] for place in order]
    same = row_hashes(row(values), BY).tobytes() == row_hashes(row(moved), BY).tobytes()
    assert same == (values == moved)


@pytest.mark.parametrize("kind", NAMES)
def test_two_alike_values_do_not_cancel_out(kind):
    """As they would where a row's hash were a sum or a difference of its values'."""
    values = [None, *KINDS[kind][2]]
    assert len(set(hashes(column(kind, values), column(kind, values, "b")))) == len(values)


def test_equal_values_of_other_types_are_another_row():
    ones = [
        *(pl.Series("a", [1], dtype=kind) for kind in (pl.Int8, pl.Int32, pl.Int64, pl.UInt64)),
        *(pl.Series("a", [1.0], dtype=kind) for kind in (pl.Float32, pl.Float64)),
        *(pl.Series("a", [1], dtype=pl.Decimal(*kind)) for kind in ((38, 0), (38, 2), (9, 2))),
        *(pl.Series("a", ["1"], dtype=kind) for kind in (pl.String, pl.Categorical)),
        pl.Series("a", [True]),
        pl.Series("a", [b"1"]),
        pl.Series("a", [[1]]),
        pl.Series("a", [{"a": 1}]),
        pl.Series("a", [{"b": 1}]),
    ]
    days = pl.Series("a", [date(1970, 1, 2)])
    moments = [
        pl.Series("a", [at("1970-01-02")], dtype=pl.Datetime(unit, zone))
        for unit, zone in (("us", None), ("ms", None), ("us", "UTC"), ("us", "Europe/Berlin"))
    ]
    nulls = [pl.Series("a", [None], dtype=kind) for kind in (pl.Null, pl.Int64, pl.String)]
    every = [*ones, days, *moments, *nulls]
    assert len({hashes(each)[0] for each in every}) == len(every)


def test_names_order_and_number_of_columns_and_what_made_them_count():
    a, b = pl.Series("a", ["x"]), pl.Series("b", ["x"])
    every = [
        hashes(a),
        hashes(b),
        hashes(a.alias("A")),
        hashes(a, b),
        hashes(b, a),
        hashes(a, b, pl.Series("c", [None], dtype=pl.String)),
        hashes(a, by=f"{BY} "),
        hashes(a, by=""),
        hashes(a.alias(""), by=f"{BY}a"),
        hashes(a.alias('a", "String"], ["b'), by=BY),
    ]
    assert len({each for [each] in every}) == len(every)


@pytest.mark.parametrize("kind", [pl.Float32, pl.Float64])
def test_a_zero_is_not_like_its_negative_since_an_expression_tells_them_apart(kind):
    zeros = pl.Series("a", [0.0, -0.0, None], dtype=kind)
    assert len(set(hashes(zeros))) == 3


def test_no_two_of_many_rows_share_even_half_a_hash():
    """Every pair of 447 values and NULL in two columns, so that any two rows are much alike."""
    values = pl.Series([None, *range(447)], dtype=pl.Int64)
    pairs = pl.DataFrame({"a": values}).join(pl.DataFrame({"b": values}), how="cross")
    for frame in (pairs, pairs.cast(pl.String), pairs.cast(pl.Float64)):
        halves = row_hashes(frame, BY).view(np.uint64)
        for half in (halves[:, 0], halves[:, 1]):
            assert len(np.unique(half)) == frame.height > 200_000


def test_another_process_gives_the_same_hashes():
    made = "pl.DataFrame({'a': ['x', None], 'b': [1, 2], 'c': [[1], []], 'd': [{'x': 1}, None]})"
    script = (
        "import polars as pl\n"
        "from syncflow_dagster.core.identity.rows import row_hashes\n"
        f"print(row_hashes({made}, {BY!r}).tobytes().hex())\n"
    )
    rows = pl.DataFrame({"a": ["x", None], "b": [1, 2], "c": [[1], []], "d": [{"x": 1}, None]})
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == row_hashes(rows, BY).tobytes().hex()
