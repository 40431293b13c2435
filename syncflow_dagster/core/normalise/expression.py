"""A field's value by a SQL expression over source columns, row by row.

The dialect is polars' own (https://docs.pola.rs/api/python/stable/reference/sql/). Only parts that
are known to look at one row at a time are let through: an aggregate, a window or a guess of a
format from the first rows would give another value for the same row in another chunk.
"""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from syncflow_dagster.core.normalise.rowwise import TransformError, attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.core.normalise.column import Column

#: Parts of an expression that look at one row's values, and what they are made of.
_PARTS: dict[str, tuple[str, ...]] = {
    "BinaryExpr": ("left", "right"),
    "Cast": ("expr",),
    "Column": (),
    "Literal": (),
    "Ternary": ("predicate", "truthy", "falsy"),
}
#: Families of functions of one row's values, as polars names them.
_FUNCTIONS = {
    "Abs", "Atan2", "Bitwise", "Ceil", "Clip", "Coalesce", "Exp", "FillNull", "Floor", "ListExpr",
    "Log", "Log1p", "MaxHorizontal", "MinHorizontal", "Pow", "Sign", "Sql", "StringExpr",
    "StructExpr", "TemporalExpr", "Trigonometry", "Truncate",
}  # fmt: skip
_PREDICATES = {"IsFinite", "IsInfinite", "IsNan", "IsNotNan", "IsNotNull", "IsNull", "Not"}
_CALLED = {"Agg": "an aggregate", "Len": "an aggregate", "Over": "a window", "SubPlan": "a query"}
_TEXTS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_CLOCK = re.compile(
    r"(?i)\b(?:now\s*\(|current_(?:date|time|timestamp)\b|local(?:time|timestamp)\b)"
)
#: polars panics at dates some 260,000 years away.
_FAILURES = (PolarsError, PanicException)
#: Types tried for a column of nothing but NULL, which a source may give no type, or that of texts.
_UNTYPED = (pl.String(), pl.Float64(), pl.Datetime("us"))


class ExpressionError(TransformError):
    """An expression that cannot be used; the text says why."""


@dataclass(frozen=True)
class Expression:
    """An expression that looks at one row at a time.

    Attributes:
        sql: As it was written.
        columns: Source columns it names, each once.
    """

    sql: str
    columns: tuple[str, ...]

    def __call__(self, frame: pl.DataFrame) -> Column:
        """Evaluate the expression.

        Args:
            frame: The columns it names, under these names.

        Returns:
            A column of whatever type the expression has; fault ``expression`` for rows that it
            fails on, such as a text that a CAST cannot read.

        Raises:
            ExpressionError: It cannot be used with columns of these types at all.
        """
        parsed = pl.sql_expr(self.sql)

        def work(rows: pl.DataFrame) -> pl.Series:
            return rows.with_columns(parsed.alias("")).get_column("")

        typed = _typed(frame, parsed)
        return attempt(typed, work, _FAILURES, "expression", "the expression")


def parse(sql: str) -> Expression:
    """Read an expression.

    Args:
        sql: One SQL expression; names of columns in double quotes where they are no plain words.

    Raises:
        ExpressionError: It cannot be read, names no column, or does not go row by row.
    """
    try:
        parsed = pl.sql_expr(sql)
        names = tuple(dict.fromkeys(parsed.meta.root_names()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = json.loads(parsed.meta.serialize(format="json"))
    except PolarsError as error:
        msg = f"the expression cannot be read: {_line(error)}"
        raise ExpressionError(msg) from None
    for part in _beyond_row(tree):
        msg = f"the expression does not go row by row: it holds {part}"
        raise ExpressionError(msg)
    if not names:
        raise ExpressionError("the expression names no column")
    if _CLOCK.search(_TEXTS.sub("''", sql)):
        raise ExpressionError("the expression reads the clock, so each run would change all rows")
    return Expression(sql, names)


def _typed(frame: pl.DataFrame, parsed: pl.Expr) -> pl.DataFrame:
    """Give columns of nothing but NULL a type the expression takes."""
    first: PolarsError | None = None
    untyped = [
        column.name
        for column in frame
        if column.dtype in (pl.Null, pl.String) and column.null_count() == frame.height
    ]
    for kind in (None, *_UNTYPED):
        typed = frame if kind is None else frame.with_columns(pl.col(untyped).cast(kind))
        try:
            typed.clear().with_columns(parsed.alias(""))
        except PolarsError as error:
            first = first or error
        else:
            return typed
    msg = f"the expression does not fit the columns' types: {_line(first)}"
    raise ExpressionError(msg)


def _beyond_row(tree: Any) -> Iterator[str]:
    """Yield what in an expression, as polars writes it out, looks beyond its own row."""
    kind = _key(tree)
    inside: Any = None if kind == tree else tree[kind]
    if kind == "Function":
        yield from _function(inside["function"], inside["input"])
        parts = inside["input"]
    elif kind == "Alias":
        parts = inside[:1]
    elif kind in _PARTS:
        parts = [inside[part] for part in _PARTS[kind]]
    else:
        yield _CALLED.get(kind, kind)
        return
    for part in parts:
        yield from _beyond_row(part)


def _function(function: Any, inputs: list[Any]) -> Iterator[str]:
    family = _key(function)
    name = family if family == function else _key(function[family])
    if name == "IsIn":
        if any(_key(each) != "Literal" for each in inputs[1:]):
            yield "a comparison with a whole column"
    elif family == "Boolean":
        if name not in _PREDICATES:
            yield name
    elif family not in _FUNCTIONS:
        yield family
    elif name == "Strptime" and function[family][name][1]["format"] is None:
        yield "a date whose format is guessed (write it out: STRPTIME(column, '%d.%m.%Y'))"


def _key(part: Any) -> Any:
    return next(iter(part)) if isinstance(part, dict) and part else part


def _line(error: PolarsError | None) -> str:
    return " ".join(str(error).split())
