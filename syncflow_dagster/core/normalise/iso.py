"""Texts of ISO 8601 as wall clocks and offsets from UTC.

The texts of a column mostly have one form, so those of one length are read as a matrix of digits,
all at once; what does not have the form of its neighbours is read by a regular expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from syncflow_dagster.core.buffers import joined
from syncflow_dagster.core.normalise.column import Fault, blank, reject, spread
from syncflow_dagster.core.normalise.strings import strip

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Rows = npt.NDArray[np.bool_]

#: Microseconds of a day.
DAY = 86_400_000_000
_MINUTE = 60_000_000
_NINE = 9
_ISO = (
    r"^(?P<date>(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2}))"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r" ?(?:(?P<zulu>[Zz])|(?P<sign>[+-])(?P<off_hour>[0-9]{2})(?::?(?P<off_minute>[0-9]{2}))?)?)?$"
)
_FORM = re.compile(_ISO.encode())
_SHORTEST, _LONGEST = 10, 36
#: No zone is further from UTC.
_FURTHEST_HOURS = 16
_NO_SUCH = "there is no such day or time"


@dataclass(frozen=True)
class Stamps:
    """What a column of texts says.

    Attributes:
        wall: ``Datetime('us')`` as written; null where nothing is, and at a fault.
        offset: ``Duration('us')`` to be taken off it to get UTC; null where the text has no zone.
        faults: Rows that are no date-time.
    """

    wall: pl.Series
    offset: pl.Series
    faults: tuple[Fault, ...]


def read(values: pl.Series, rule: str, shape: str) -> Stamps:
    """Read a column of texts; one without characters but white space is NULL.

    Args:
        values: Texts.
        rule: Name of the faults.
        shape: Reason of the fault for a text of another form.
    """
    wall, offset = np.zeros(len(values), np.int64), np.zeros(len(values), np.int64)
    known, zoned = np.zeros(len(values), np.bool_), np.zeros(len(values), np.bool_)
    offsets, data = joined(values)
    lengths = np.diff(offsets)
    for length in np.unique(lengths):
        if _SHORTEST <= length <= _LONGEST:
            rows = np.flatnonzero(lengths == length)
            texts = data[offsets[rows][:, np.newaxis] + np.arange(length)]
            wall[rows], offset[rows], known[rows], zoned[rows] = _of_one_form(texts)
    faults: tuple[Fault, ...] = ()
    rest = ~known & values.is_not_null().to_numpy()
    if rest.any():
        odd = _by_expression(values.filter(rest), rule, shape)
        wall[rest], known[rest] = _numbers(odd.wall)
        offset[rest], zoned[rest] = _numbers(odd.offset)
        faults = tuple(spread(each, rest) for each in odd.faults)
    return Stamps(
        _nullable(wall, known).cast(pl.Datetime("us")),
        _nullable(offset, zoned).cast(pl.Duration("us")),
        faults,
    )


def _of_one_form(texts: npt.NDArray[np.uint8]) -> tuple[Integers, Integers, Rows, Rows]:
    """Read texts of one length: wall clock, offset, which could be read, which have a zone."""
    count = len(texts)
    samples = (texts[place] for place in (0, count // 2, count - 1))
    form = next(filter(None, (_FORM.match(each.tobytes()) for each in samples)), None)
    if form is None:
        nothing, none = np.zeros(count, np.int64), np.zeros(count, np.bool_)
        return nothing, nothing, none, none
    sample = np.frombuffer(form.string, np.uint8)
    digits = texts - ord("0")
    is_digit = sample - ord("0") <= _NINE
    known = (digits[:, is_digit] <= _NINE).all(axis=1)
    known &= (texts[:, ~is_digit] == sample[~is_digit]).all(axis=1)

    def number(name: str, most: int = 9) -> Integers:
        total = np.zeros(count, np.int64)
        for place in range(*form.span(name))[:most]:
            total = total * 10 + digits[:, place]
        return total

    days, possible = _days(number("year"), number("month"), number("day"))
    hour, minute, second = number("hour"), number("minute"), number("second")
    micros = number("fraction", 6) * 10 ** (6 - len((form["fraction"] or b"")[:6]))
    off_hour, off_minute = number("off_hour"), number("off_minute")
    known &= possible & (hour < 24) & (minute < 60) & (second < 60)
    known &= (off_hour < _FURTHEST_HOURS) & (off_minute < 60)
    wall = days * DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
    east = (off_hour * 60 + off_minute) * (-_MINUTE if form["sign"] == b"-" else _MINUTE)
    zoned = form["zulu"] is not None or form["sign"] is not None
    return wall, east, known, known & zoned


def _days(year: Integers, month: Integers, day: Integers) -> tuple[Integers, Rows]:
    """Return days since 1970, and whether there are such days."""
    months = (year - 1970) * 12 + month - 1
    first, after = ((months + more).astype("M8[M]").astype("M8[D]") for more in (0, 1))
    length = (after - first).astype(np.int64)
    possible = (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)
    return first.astype(np.int64) + day - 1, possible


def _by_expression(values: pl.Series, rule: str, shape: str) -> Stamps:
    """Read texts of any form."""
    text = strip(values)
    text = blank(text, text == "")
    shaped = reject(text, ~text.str.contains(_ISO), rule, shape)
    parts = shaped.values.str.extract_groups(_ISO).struct.unnest()
    zoned = pl.any_horizontal(pl.col("zulu", "sign").is_not_null())
    read = parts.select(_wall(), _offset(), zoned.alias("zoned"))
    wall, offset = read["wall"], read["offset"]
    impossible = shaped.values.is_not_null() & (wall.is_null() | (read["zoned"] & offset.is_null()))
    known = reject(wall, impossible, rule, _NO_SUCH)
    return Stamps(known.values, blank(offset, impossible), shaped.faults + known.faults)


def _wall() -> pl.Expr:
    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False)
    hour, minute, second = (
        pl.col(name).fill_null("00").cast(pl.Int64) for name in ("hour", "minute", "second")
    )
    micros = pl.col("fraction").fill_null("0").str.pad_end(9, "0").str.head(6).cast(pl.Int64)
    possible = (hour < 24) & (minute < 60) & (second < 60)
    of_day = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros
    moment = day.to_physical().cast(pl.Int64) * DAY + of_day
    return pl.when(possible).then(moment).cast(pl.Datetime("us")).alias("wall")


def _offset() -> pl.Expr:
    hours = pl.col("off_hour").cast(pl.Int64)
    minutes = pl.col("off_minute").fill_null("00").cast(pl.Int64)
    east = pl.when(pl.col("sign") == "-").then(-1).otherwise(1)
    given = pl.when((minutes < 60) & (hours < _FURTHEST_HOURS)).then(
        east * (hours * 60 + minutes) * _MINUTE
    )
    micros = pl.when(pl.col("zulu").is_not_null()).then(0).otherwise(given)
    return micros.cast(pl.Duration("us")).alias("offset")


def _numbers(values: pl.Series) -> tuple[Integers, Rows]:
    return values.to_physical().fill_null(0).to_numpy(), values.is_not_null().to_numpy()


def _nullable(values: Integers, there: Rows) -> pl.Series:
    column = pl.Series(values)
    return column if there.all() else blank(column, pl.Series(~there))
