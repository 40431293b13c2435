"""Expressions and functions over source columns: row by row, and one bad row harms no other."""

from __future__ import annotations

import decimal
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from syncflow_dagster.core.normalise import expression, frames
from syncflow_dagster.core.normalise.rowwise import TransformError, attempt

D = decimal.Decimal


def faults(column):
    return [(fault.rule, fault.rows.arg_true().to_list()) for fault in column.faults]


def evaluate(sql, **columns):
    parsed = expression.parse(sql)
    return parsed(pl.DataFrame({name: columns[name] for name in parsed.columns}))


@pytest.mark.parametrize(
    ("sql", "columns", "expected"),
    [
        ("quantity * unit_price", {"quantity": [2, None], "unit_price": [1.25, 3.0]}, [2.5, None]),
        ("a || '-' || UPPER(b)", {"a": ["x"], "b": ["y"]}, ["x-Y"]),
        ("CASE WHEN a > 1 THEN 'many' ELSE 'one' END", {"a": [1, 2]}, ["one", "many"]),
        ('"Order No" + 1', {"Order No": [1]}, [2]),
        ("SPLIT_PART(a, '/', 2)", {"a": ["1/2", "1", None]}, ["2", "", None]),
        ("COALESCE(TRY_CAST(a AS INT), 0)", {"a": ["7", "x"]}, [7, 0]),
        ("a IN ('x', 'now()')", {"a": ["x", "y"]}, [True, False]),
        ("STRPTIME(a, '%d.%m.%Y')", {"a": ["28.02.2026"]}, [datetime(2026, 2, 28)]),  # noqa: DTZ001
        ("LEFT(a, b)", {"a": ["abc", "abc"], "b": [1, 2]}, ["a", "ab"]),
        ("GREATEST(ABS(a), ROUND(b, 1)) AS c", {"a": [-2.0], "b": [1.26]}, [2.0]),
    ],
)
def test_expressions_go_over_columns(sql, columns, expected):
    column = evaluate(sql, **columns)
    assert column.values.to_list() == expected
    assert column.faults == ()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SUM(a)", "an aggregate"),
        ("a / SUM(b)", "an aggregate"),
        ("COUNT(*)", "an aggregate"),
        ("UPPER(FIRST(a))", "an aggregate"),
        ("a > ALL(b)", "an aggregate"),
        ("LAG(a) OVER (ORDER BY b)", "a window"),
        ("CASE WHEN ROW_NUMBER() OVER (ORDER BY a) = 1 THEN a END", "a window"),
        ("RANK() OVER (ORDER BY a)", "Rank"),
        ("CORR(a, b)", "row by row"),
        ("QUANTILE_CONT(a, 0.5)", "Quantile"),
        ("a = ANY(b)", "a whole column"),
        ("UNNEST(a)", "Explode"),
        ("EXISTS (SELECT 1)", "a query"),
        ("COLUMNS('x')", "Selector"),
        ("DATE(a)", "guessed"),
        ("NOW() > a", "the clock"),
        ("a - CURRENT_DATE", "the clock"),
        ("1 + 1", "names no column"),
        ("a, b", "cannot be read: invalid expression"),
        ("nonsense(a)", "unsupported function 'nonsense'"),
        ("read_csv('/etc/passwd')", "unsupported function"),
        ("", "cannot be read"),
    ],
)
def test_what_looks_beyond_its_row_is_refused(sql, says):
    with pytest.raises(expression.ExpressionError, match="the expression") as raised:
        expression.parse(sql)
    assert says in str(raised.value)


def test_rows_an_expression_fails_on_are_rejected_alone():
    texts = [str(number) for number in range(1000)]
    texts[7], texts[8], texts[640] = "x", "y", "z"
    column = evaluate("CAST(a AS INT) * 2", a=texts)
    assert faults(column) == [("expression", [7, 8, 640])]
    assert "conversion from `str` to `i32` failed in column 'a'" in column.faults[0].reason
    kept = [None if row in {7, 8, 640} else row * 2 for row in range(1000)]
    assert column.values.to_list() == kept
    assert faults(evaluate("CAST(a AS INT)", a=["x", "y"])) == [("expression", [0, 1])]


def test_dates_polars_panics_at_are_rejected_alone():
    days = pl.Series([0, 100_000_000, 1], dtype=pl.Int32).cast(pl.Date)
    column = evaluate("CAST(a AS VARCHAR)", a=days)
    assert faults(column) == [("expression", [1])]
    assert column.values.to_list() == ["1970-01-01", None, "1970-01-02"]


@pytest.mark.parametrize("kind", [pl.Null, pl.String])
def test_columns_of_nothing_but_null_have_the_type_that_is_needed(kind):
    untyped = pl.Series([None, None], dtype=kind)
    for sql in ("UPPER(a)", "EXTRACT(year FROM a)", "a * 2", "SUBSTR(a, 1, 2)"):
        column = evaluate(sql, a=untyped)
        assert column.values.to_list() == [None, None]
        assert column.faults == ()


def test_types_that_do_not_fit_are_no_row_s_fault():
    with pytest.raises(expression.ExpressionError, match="does not fit the columns' types"):
        evaluate("a * 2", a=["1", "2"])


def test_a_function_gets_arrow_columns_and_gives_any_array():
    frame = pl.DataFrame(
        {
            "text": ["a", None],
            "money": [D("1.50"), None],
            "whole": [2**62 + 1, None],
            "when": [datetime(2026, 1, 1), None],  # noqa: DTZ001
            "nothing": [None, None],
        }
    )
    seen = {}

    def function(given):
        seen.update({name: str(kind) for name, kind in given.dtypes.items()})
        return given["whole"]

    assert frames.call(function, frame, "m:f").values.to_list() == [2**62 + 1, None]
    assert list(seen) == frame.columns
    assert all("[pyarrow]" in kind for kind in seen.values())
    for made in (
        pd.Series([1, None], dtype="Int64"),
        pd.Series([1, None], dtype=object),
        pd.array([1, None], dtype="int64[pyarrow]"),
        np.array([1.0, np.nan]),
        pa.chunked_array([[1], [None]]),
        pd.Series([1, None], index=[9, 4]),
    ):
        assert frames.call(lambda _, made=made: made, frame, "m:f").values.fill_nan(
            None
        ).to_list() == [1, None]


def test_rows_a_function_raises_for_are_rejected_alone():
    def strict(frame):
        if (frame["a"] == "bad").any():
            raise LookupError("bad is not known")
        return frame["a"].astype("int64[pyarrow]")

    texts = [str(number) for number in range(100)]
    texts[3], texts[50], texts[99] = "bad", "x", "bad"
    column = frames.call(strict, pl.DataFrame({"a": texts}), "prices:strict")
    assert faults(column) == [("python", [3, 99]), ("python", [50])]
    assert (
        column.faults[0].reason == "the function prices:strict raised LookupError: bad is not known"
    )
    assert "'x'" in column.faults[1].reason
    assert column.values.drop_nulls().to_list() == [
        number for number in range(100) if number not in {3, 50, 99}
    ]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([1, 2], "returned a list; right would be a pandas.Series"),
        (pd.DataFrame({"a": [1, 2]}), "returned a DataFrame"),
        (np.zeros((2, 2)), "returned a ndarray"),
        (None, "returned a NoneType"),
        (pd.Series([1]), "returned 1 values for 2 rows"),
        (pd.Series([1, "a"], dtype=object), "types that do not go together"),
        (pd.Series([object(), object()]), "types that do not go together"),
    ],
)
def test_what_a_function_must_not_return(made, says):
    with pytest.raises(TransformError, match=says):
        frames.call(lambda _: made, pl.DataFrame({"a": [1, 2]}), "m:f")


def test_bad_rows_are_found_with_few_calls():
    calls = []

    def work(rows):
        calls.append(rows.height)
        if rows["a"].is_in([11]).any():
            raise ZeroDivisionError
        return rows["a"]

    frame = pl.DataFrame({"a": range(4096)})
    column = attempt(frame, work, (ZeroDivisionError,), "rule", "it")
    assert faults(column) == [("rule", [11])]
    assert len(calls) <= 2 * 13 + 2
    with pytest.raises(KeyError):
        attempt(frame, lambda rows: {}[rows.height], (ZeroDivisionError,), "rule", "it")
