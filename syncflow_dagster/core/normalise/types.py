"""The first layer: whatever type a source gave a column, make it the type the field declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from syncflow_dagster.core.normalise import datetimes, numbers
from syncflow_dagster.core.normalise.column import Column, blank, nulls, reject
from syncflow_dagster.core.normalise.strings import strip

if TYPE_CHECKING:
    from syncflow_dagster.core.normalise.datetimes import Clock

FieldType = Literal["text", "integer", "decimal", "boolean", "date", "datetime"]

_TRUE = ["true", "t", "yes", "y", "on", "1"]
_FALSE = ["false", "f", "no", "n", "off", "0"]


def polars_type(kind: FieldType, scale: int) -> pl.DataType:
    """Return the type a normalised column of a field type has."""
    return {
        "text": pl.String(),
        "integer": pl.Int64(),
        "decimal": pl.Decimal(numbers.PRECISION, scale),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "datetime": pl.Datetime("us", "UTC"),
    }[kind]


def coerce(values: pl.Series, kind: FieldType, scale: int, clock: Clock) -> Column:
    """Turn a column of any type into one of the declared type.

    Args:
        values: As the source gave it.
        kind: The declared type.
        scale: Digits after the point, of a decimal.
        clock: How date-times are read.

    Returns:
        A column of :func:`polars_type`, with a fault for each value that cannot become one.
    """
    if values.dtype == pl.Null:
        return Column(nulls(len(values), polars_type(kind, scale)).alias(values.name))
    plain = _plain(values) if kind != "text" else Column(values)
    match kind:
        case "text":
            return to_text(values)
        case "integer":
            return plain.then(numbers.to_integer)
        case "decimal":
            return plain.then(lambda each: numbers.to_decimal(each, scale))
        case "boolean":
            return plain.then(to_boolean)
        case "date":
            return plain.then(lambda each: datetimes.to_date(each, clock.timezone))
        case "datetime":
            return plain.then(lambda each: datetimes.to_datetime(each, clock))


def to_text(values: pl.Series) -> Column:
    """Write any column as texts.

    Numbers become their shortest plain form, dates and date-times ISO 8601, bytes must be UTF-8.

    Returns:
        Texts; faults ``utf8``, ``finite``, ``range`` and ``type``.
    """
    kind = values.dtype
    if kind == pl.Null:
        return Column(nulls(len(values), pl.String).alias(values.name))
    if kind == pl.Boolean or isinstance(kind, pl.Categorical | pl.Enum | pl.String):
        return Column(values.cast(pl.String))
    if kind.is_numeric():
        return numbers.number_text(values)
    if kind == pl.Binary:
        return _decoded(values)
    if isinstance(kind, pl.Date | pl.Datetime | pl.Time):
        return datetimes.to_text(values)
    return numbers.not_a(values, pl.String, "text")


def to_boolean(values: pl.Series) -> Column:
    """Turn numbers 1 and 0, and the usual words, into truth values.

    Returns:
        Booleans; faults ``boolean`` and ``type``.
    """
    if values.dtype == pl.Boolean:
        return Column(values)
    if not (values.dtype == pl.String or values.dtype.is_numeric()):
        return numbers.not_a(values, pl.Boolean, "truth value")
    text = to_text(values)
    return text.then(_words)


def _words(values: pl.Series) -> Column:
    word = strip(values).str.to_lowercase()
    word = blank(word, (word == "").fill_null(value=False))
    out = word.replace_strict(
        {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)},
        default=None,
        return_dtype=pl.Boolean,
    )
    reason = f"not a truth value (right would be one of {', '.join(_TRUE + _FALSE)})"
    return reject(out, word.is_not_null() & out.is_null(), "boolean", reason)


def _plain(values: pl.Series) -> Column:
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        return Column(values.cast(pl.String))
    return _decoded(values) if values.dtype == pl.Binary else Column(values)


def _decoded(values: pl.Series) -> Column:
    try:
        return Column(values.cast(pl.String))
    except pl.exceptions.ComputeError:
        # One bad value fails polars' cast of the whole column; find out which.
        text = pl.Series(values.name, [_utf8(each) for each in values], dtype=pl.String)
    lost = values.is_not_null() & text.is_null()
    reason = "the bytes are not valid UTF-8 text (a lone surrogate is not either)"
    return reject(text, lost, "utf8", reason)


def _utf8(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None
