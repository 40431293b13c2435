"""Numbers: one declared scale, rounded half to even, with no trace of how the source stored them.

``1``, ``1.0`` and ``1.00`` become the same value, whether they came as integer, decimal, float
or text. ``-0`` is ``0``, NaN is NULL, an infinity is rejected. Digits are ASCII, the point is
``.``, and there are no thousands separators: ``1,000`` is one thousand in one country and one in
another, so it is rejected.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from syncflow_dagster.core import buffers
from syncflow_dagster.core.normalise.column import Column, blank, mend, nulls, reject
from syncflow_dagster.core.normalise.strings import strip

if TYPE_CHECKING:
    from collections.abc import Callable

#: Digits of a decimal that PostgreSQL, Arrow and polars all hold exactly.
PRECISION = 38
#: Digits a double holds whatever its size (IEEE 754 binary64).
_DOUBLE_DIGITS = 15
#: Twice what cutting a double to those digits changes of it, and multiplying it besides.
_DOUBLE_ERROR = 1e-14
#: Whole numbers up to here are doubles of their own.
_DOUBLE_WHOLE = 2.0**53
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
    if values.dtype == pl.Float64:
        return _of_doubles(values, scale)
    source = values.cast(pl.Int8) if values.dtype == pl.Boolean else values
    if source.dtype.is_float():
        column = _finite(source).then(lambda each: Column(each.cast(pl.String)))
    elif source.dtype == pl.String:
        column = _number_text(source)
    elif source.dtype.is_numeric():
        column = Column(source)
    else:
        return not_a(values, target, "number")
    return column.then(lambda each: _cast(each, target))


def to_integer(values: pl.Series) -> Column:
    """Turn any column into whole numbers of 64 bits.

    Args:
        values: Integers, decimals, floats, booleans (as 1 and 0) or texts.

    Returns:
        ``Int64``; faults as of :func:`to_decimal`, and ``integer`` for a value with a fraction.
    """
    if values.dtype.is_integer() or values.dtype == pl.Boolean:
        return _cast(values, pl.Int64())
    if values.dtype == pl.Float64:
        return _of_whole_doubles(values, pl.Int64(), _to_whole)
    return _to_whole(values)


def number_text(values: pl.Series) -> Column:
    """Write numbers as the shortest plain text: ``1001``, ``1001.0`` and ``1001.00`` as ``1001``.

    Args:
        values: Integers, decimals or floats.
    """
    if values.dtype.is_integer():
        return Column(values.cast(pl.String))
    if values.dtype == pl.Float64:
        return _of_whole_doubles(values, pl.String(), _float_text)
    if values.dtype.is_float():
        return _float_text(values)
    return Column(_shortest(values.cast(pl.String)))


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


def _cast(values: pl.Series, target: pl.DataType) -> Column:
    out = values.cast(target, strict=False)
    if out.null_count() == values.null_count():
        return Column(out)
    digits = f"{PRECISION - target.scale} digits" if isinstance(target, pl.Decimal) else "64 bits"
    lost = values.is_not_null() & out.is_null()
    return reject(out, lost, "range", f"the number does not fit {digits}")


def _to_whole(values: pl.Series) -> Column:
    return to_decimal(values, _INTEGER_SCALE).then(_whole)


def _whole(values: pl.Series) -> Column:
    column = _cast(values, pl.Int64())
    fraction = column.values.cast(values.dtype) != values
    reason = "the number has a fraction, a whole one is due"
    return column.then(lambda each: reject(each, fraction, "integer", reason))


def _of_doubles(values: pl.Series, scale: int) -> Column:
    """Round doubles by arithmetic where that is sure to give what their digits would give."""
    numbers = values.to_numpy()  # NaN where there is none
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = numbers * 10.0**scale
        whole = np.rint(shifted)
        sure = np.abs(shifted - whole) < 0.5 - _DOUBLE_ERROR * np.abs(shifted)
    if sure.all():
        decimals = buffers.decimals(whole.astype(np.int64), None, PRECISION, scale)
        return Column(decimals.alias(values.name))
    unscaled = np.where(sure, whole, 0).astype(np.int64)
    decimals = buffers.decimals(unscaled, sure, PRECISION, scale).alias(values.name)
    return mend(
        Column(decimals), ~(sure | np.isnan(numbers)), values, partial(_by_digits, scale=scale)
    )


def _by_digits(values: pl.Series, scale: int) -> Column:
    text = _finite(values).then(lambda each: Column(_denoised(each, scale)))
    return text.then(lambda each: _cast(each, pl.Decimal(PRECISION, scale)))


def _of_whole_doubles(
    values: pl.Series, target: pl.DataType, otherwise: Callable[[pl.Series], Column]
) -> Column:
    """Take whole doubles through an integer, which has no digits to settle."""
    numbers = values.to_numpy()  # NaN where there is none
    whole = (np.rint(numbers) == numbers) & (np.abs(numbers) < _DOUBLE_WHOLE)
    integers = values.fill_nan(None).cast(pl.Int64, strict=False)
    return mend(Column(integers.cast(target)), ~(whole | np.isnan(numbers)), values, otherwise)


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
    noisy &= values.abs() < 10.0 ** (_DOUBLE_DIGITS - scale)
    # Not polars' round_sig_figs: it takes 999999999999998 for a number of 16 digits.
    cut = [f"{each:.{_DOUBLE_DIGITS}g}" for each in values.filter(noisy)]
    return text.clone().scatter(noisy.arg_true(), cut)


def _float_text(values: pl.Series) -> Column:
    return _finite(values).then(lambda each: Column(_shortest(_plain(_denoised(each, 0)))))


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
    odd = ~values.str.contains(_NUMBER)
    return mend(Column(values), odd.fill_null(value=False).to_numpy(), values, _odd_number_text)


def _odd_number_text(values: pl.Series) -> Column:
    text = strip(values)
    text = blank(text, (text == "") | text.str.contains(_NAN))
    column = reject(
        text, text.str.contains(_INFINITY), "finite", "an infinite number cannot be stored"
    )
    reason = "not a number (right would be digits with a point, such as 1234.50)"
    return column.then(lambda each: reject(each, ~each.str.contains(_NUMBER), "number", reason))
