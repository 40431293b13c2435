"""Numbers: one declared scale, rounded half to even, with no trace of how the source stored them.

``1``, ``1.0`` and ``1.00`` become the same value, whether they came as integer, decimal, float
or text. ``-0`` is ``0``, NaN is NULL, an infinity is rejected. Digits are ASCII, the point is
``.``, and there are no thousands separators: ``1,000`` is one thousand in one country and one in
another, so it is rejected.
"""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from syncflow_dagster.core.normalise.column import Column, blank, nulls, reject
from syncflow_dagster.core.normalise.strings import strip

#: Digits of a decimal that PostgreSQL, Arrow and polars all hold exactly.
PRECISION = 38
#: Digits a double holds whatever its size (IEEE 754 binary64).
_DOUBLE_DIGITS = 15
#: Digits after the point that still count when an integer is asked for; the rest is float noise.
_INTEGER_SCALE = 9

_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$"
_INFINITY = r"(?i)^[+-]?inf(?:inity)?$"
_NAN = r"(?i)^[+-]?nan$"


def to_decimal(values: pl.Series, scale: int) -> Column:
    """Turn any column into decimals of a scale.

    Args:
        values: Integers, decimals, floats, booleans (as 1 and 0) or texts.
        scale: Digits after the point, 0 to 18.

    Returns:
        ``Decimal(38, scale)``; faults ``number``, ``finite``, ``range`` and ``type``.
    """
    target = pl.Decimal(PRECISION, scale)
    source = values.cast(pl.Int8) if values.dtype == pl.Boolean else values
    if source.dtype.is_float():
        column = _finite(source).then(lambda each: Column(_float_text(each, scale)))
    elif source.dtype == pl.String:
        column = _number_text(source)
    elif source.dtype.is_numeric():
        column = Column(source)
    else:
        return not_a(values, target, "number")
    return column.then(lambda each: _cast(each, target, f"{PRECISION - scale} digits"))


def to_integer(values: pl.Series) -> Column:
    """Turn any column into whole numbers of 64 bits.

    Args:
        values: Integers, decimals, floats, booleans (as 1 and 0) or texts.

    Returns:
        ``Int64``; faults as of :func:`to_decimal`, and ``integer`` for a value with a fraction.
    """
    if values.dtype.is_integer() or values.dtype == pl.Boolean:
        return _cast(values, pl.Int64(), "64 bits")
    exact = to_decimal(values, _INTEGER_SCALE)
    return exact.then(_whole)


def number_text(values: pl.Series) -> Column:
    """Write numbers as the shortest plain text: ``1001``, ``1001.0`` and ``1001.00`` as ``1001``.

    Args:
        values: Integers, decimals or floats.
    """
    if values.dtype.is_integer():
        return Column(values.cast(pl.String))
    if values.dtype.is_float():
        column = _finite(values).then(lambda each: Column(_plain(_denoised(each, 0))))
    else:
        column = Column(values.cast(pl.String))
    return Column(_shortest(column.values), column.faults)


def is_zero(values: pl.Series) -> pl.Series:
    """Tell where a number, or a text that is a number, is zero."""
    if values.dtype == pl.String:
        return strip(values).str.contains(r"^[+-]?(?:0+\.?0*|\.0+)$")
    if values.dtype.is_numeric():
        return values == 0
    return nulls(len(values), pl.Boolean).fill_null(value=False)


def not_a(values: pl.Series, target: pl.DataType | type[pl.DataType], kind: str) -> Column:
    """Reject every value of a column whose type cannot become the kind asked for."""
    there = values.is_not_null()
    reason = f"a value of type {values.dtype} cannot become a {kind}"
    return reject(nulls(len(values), target).alias(values.name), there, "type", reason)


def _cast(values: pl.Series, target: pl.DataType, limit: str) -> Column:
    out = values.cast(target, strict=False)
    lost = values.is_not_null() & out.is_null()
    return reject(out, lost, "range", f"the number does not fit {limit}")


def _whole(values: pl.Series) -> Column:
    whole = values.cast(pl.Int64, strict=False)
    column = reject(
        whole, values.is_not_null() & whole.is_null(), "range", "the number does not fit 64 bits"
    )
    fraction = whole.cast(values.dtype) != values
    return column.then(
        lambda each: reject(
            each, fraction, "integer", "the number has a fraction, a whole one is due"
        )
    )


def _finite(values: pl.Series) -> Column:
    known = values.fill_nan(None)
    return reject(known, known.is_infinite(), "finite", "an infinite number cannot be stored")


def _denoised(values: pl.Series, scale: int) -> pl.Series:
    """Return the floats' shortest texts, without the last bits' noise where they would matter.

    A sum such as 1.0149999999999999 is the neighbour of 1.015; rounding it as it stands gives
    another second digit than the 1.015 a decimal source sends. So a float with more digits after
    the point than the scale is first cut to the digits a double surely holds.
    """
    text = values.cast(pl.String)
    if values.dtype != pl.Float64:
        return text  # a shorter float's shortest text carries no noise of a double
    noisy = text.str.contains(rf"\.[0-9]{{{scale + 1},}}|e-")
    small = values.abs() < 10.0 ** (_DOUBLE_DIGITS - scale)
    cut = values.round_sig_figs(_DOUBLE_DIGITS).cast(pl.String)
    return cut.zip_with(noisy & small, text)


def _float_text(values: pl.Series, scale: int) -> pl.Series:
    return _denoised(values, scale)


def _plain(text: pl.Series) -> pl.Series:
    """Write out exponents: polars prints large and tiny floats as ``1e+21`` and ``1e-7``."""
    exponent = text.str.contains("e", literal=True).fill_null(value=False)
    if not exponent.any():
        return text
    written = [format(Decimal(each), "f") for each in text.filter(exponent)]
    return text.clone().scatter(exponent.arg_true(), written)


def _shortest(text: pl.Series) -> pl.Series:
    with_point = text.str.contains(".", literal=True)
    stripped = text.str.strip_chars_end("0").str.strip_chars_end(".")
    shortest = stripped.zip_with(with_point.fill_null(value=False), text)
    return shortest.replace("-0", "0")


def _number_text(values: pl.Series) -> Column:
    text = strip(values)
    empty = (text == "") | text.str.contains(_NAN)
    text = blank(text, empty.fill_null(value=False))
    column = reject(
        text, text.str.contains(_INFINITY), "finite", "an infinite number cannot be stored"
    )
    reason = "not a number (right would be digits with a point, such as 1234.50)"
    return column.then(lambda each: reject(each, ~each.str.contains(_NUMBER), "number", reason))
