"""Columns of a result as Arrow: one type for a column, the same in every batch.

What a type may hold is fixed before the first batch leaves, so the schema changes under a reader
only for dates that are none (see `dates`). Exact numbers stay exact: they become a decimal of known
size, or text; never a float.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from syncflow_dagster.nodes.rows import DATES_AS_TEXT

TEXT = pa.string()
INTEGER = pa.int64()
FLOAT = pa.float64()
BOOLEAN = pa.bool_()
DATE = pa.date32()
BINARY = pa.binary()
LOCAL_TIME = pa.timestamp("us")
INSTANT = pa.timestamp("us", tz="UTC")

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How one column is brought to Arrow.

    Attributes:
        name: The column's name in the result.
        type: Its Arrow type.
        convert: Applied to every value that is not NULL; None where values fit as they are.
    """

    name: str
    type: pa.DataType
    convert: Convert | None = None

    def array(self, values: Sequence[Any]) -> pa.Array:
        """Return a column's values.

        Raises:
            ColumnError: A value does not fit the type fixed for the column.
        """
        if self.convert is not None:
            convert = self.convert
            values = [None if value is None else convert(value) for value in values]
        try:
            return pa.array(values, type=self.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            # The error's text would show a value; that belongs to nobody's log.
            msg = (
                f"column {self.name!r} was {self.type} so far and now holds something else; "
                "cast it to one type in the query"
            )
            raise ColumnError(msg) from error


class ColumnError(ValueError):
    """A column cannot be read as one type."""


def check_names(names: Sequence[str]) -> None:
    """Refuse results whose columns cannot be told apart.

    Raises:
        ColumnError: Two columns have one name, or one has none.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"the query returns {', '.join(twice)} more than once; name each with 'as'"
        raise ColumnError(msg)
    if any(not name or name == "?column?" for name in names):
        msg = "the query returns a column without a name; give it one with 'as'"
        raise ColumnError(msg)


def batch(plans: Sequence[ColumnPlan], rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Return rows as one batch.

    Args:
        plans: One for each column, in the rows' order.
        rows: The rows; may be empty.

    Raises:
        ColumnError: A value does not fit its column.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(plans)
    arrays = [plan.array(values) for plan, values in zip(plans, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[plan.name for plan in plans])


def as_batch(arrays: Sequence[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """Return columns as one batch.

    Args:
        arrays: Of the types of `schema`; but texts in place of dates where one is none.
        schema: The result's columns, where all dates are dates.

    Returns:
        The columns; :data:`DATES_AS_TEXT` marks those that came as texts.
    """
    if [array.type for array in arrays] != schema.types:
        fields = [_marked(field, array.type) for field, array in zip(schema, arrays, strict=True)]
        schema = pa.schema(fields)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def infer(name: str, values: Sequence[Any]) -> ColumnPlan:
    """Fix a column by the values of the first batch, where the database names no type.

    One kind of value gives its type; none, or several, give text, which holds anything.
    """
    kinds = {_kind(value) for value in values if value is not None}
    only = kinds.pop() if len(kinds) == 1 else None
    if only is None or only not in _INFERRED:
        return ColumnPlan(name, TEXT, as_text)
    return ColumnPlan(name, *_INFERRED[only])


def decimals(precision: int | None, scale: int | None) -> pa.DataType:
    """Return the type of exact numbers: a decimal where their size is known, else exact text."""
    most = 38  # digits a decimal128 holds
    if precision is None or scale is None or not 0 <= scale <= precision <= most:
        return TEXT
    return pa.decimal128(precision, scale)


def as_text(value: Any) -> str:
    """Return any value as text, in one way that depends on nothing but the value."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, default=as_text, ensure_ascii=False)
    return str(value)


def as_bytes(value: Any) -> bytes:
    """Return a driver's bytes as Python's."""
    return bytes(value)


def _marked(field: pa.Field, came: pa.DataType) -> pa.Field:
    if came == field.type:
        return field
    return field.with_type(came).with_metadata({DATES_AS_TEXT: str(field.type)})


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, datetime):
        return "instant" if value.tzinfo is not None else "local"
    for kind, name in ((int, "integer"), (float, "float"), (date, "date"), (str, "text")):
        if isinstance(value, kind):
            return name
    return "binary" if isinstance(value, (bytes, bytearray, memoryview)) else "other"


# Exact numbers are missing on purpose: their size is unknown, so they become text.
_INFERRED: dict[str, tuple[pa.DataType, Convert | None]] = {
    "boolean": (BOOLEAN, None),
    "integer": (INTEGER, None),
    "float": (FLOAT, None),
    "date": (DATE, None),
    "local": (LOCAL_TIME, None),
    "instant": (INSTANT, None),
    "text": (TEXT, None),
    "binary": (BINARY, as_bytes),
}
