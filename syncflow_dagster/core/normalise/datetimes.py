"""Dates and date-times: instants in UTC with microseconds, days without a time.

Texts are ISO 8601 with dashes (``2026-02-28``, ``2026-02-28T13:45:00.5+01:00``); any other form
is rejected, since ``03/04/2026`` is two different days. A date-time without a zone is a wall
clock of the field's declared zone: of an hour that occurs twice the rule says which one is meant,
an hour that the clocks skip is rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from syncflow_dagster.core.normalise import iso
from syncflow_dagster.core.normalise.column import Column, blank, reject
from syncflow_dagster.core.normalise.numbers import not_a

Precision = Literal["second", "millisecond", "microsecond"]
Ambiguous = Literal["earliest", "latest", "reject"]

_UTC = pl.Datetime("us", "UTC")
_MICROSECONDS = {"second": 1_000_000, "millisecond": 1_000, "microsecond": 1}
#: Days since 1970 of the first day with a year of four digits, and of the day after the last.
_DAYS = (-719_162, 2_932_897)
#: The same of the years -262000 and 262000: polars writes no date much farther away, but panics.
_WRITABLE_DAYS = (-96_413_063, 94_974_007)
#: Units of a day; nanoseconds, of which 64 bits hold no year that is too far away, are left out.
_UNITS = {"us": iso.DAY, "ms": iso.DAY // 1000}
_SHAPE = "not an ISO date-time (right would be 2026-02-28T13:45:00, with or without a zone)"
_DAY_SHAPE = "not an ISO date (right would be 2026-02-28)"
_SKIPPED = "the clocks of {} skip this time"
_TWICE = "the clocks of {} show this time twice (right would be a time with its offset)"
_YEARS = "the year is not between 1 and 9999"
_FAR = "the year is too far away to be written (right would be one between 1 and 9999)"


@dataclass(frozen=True)
class Clock:
    """How date-times are read.

    Attributes:
        timezone: Zone of values that carry none; an IANA name.
        ambiguous: What a wall clock's time means that occurs twice, when the clocks are put back.
        precision: Digits kept; the others are cut off, which is never later than the value.
    """

    timezone: str = "UTC"
    ambiguous: Ambiguous = "earliest"
    precision: Precision = "microsecond"


def to_datetime(values: pl.Series, clock: Clock) -> Column:
    """Turn a column into instants.

    Args:
        values: Date-times of any unit with or without a zone, dates (their first moment), texts.
        clock: How they are read.

    Returns:
        ``Datetime('us', 'UTC')``; faults ``datetime``, ``timezone``, ``range`` and ``type``.
    """
    column = _instants(values, clock)
    step = _MICROSECONDS[clock.precision]
    if step == 1:
        return column
    whole = column.values.to_physical() // step * step
    return Column(whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), column.faults)


def _instants(values: pl.Series, clock: Clock) -> Column:
    if values.dtype == pl.String:
        return _text_instants(values, clock).then(_in_range)
    if not isinstance(values.dtype, pl.Date | pl.Datetime):
        return not_a(values, _UTC, "date-time")
    near = _in_range(values)  # before anything is done with them that panics
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        return near.then(lambda each: Column(each.dt.convert_time_zone("UTC").cast(_UTC)))
    column = near.then(lambda each: _localised(each.cast(pl.Datetime("us")), clock))
    return column if clock.timezone == "UTC" else column.then(_in_range)


def to_date(values: pl.Series, timezone: str) -> Column:
    """Turn a column into days.

    Args:
        values: Dates; date-times and ISO texts, whose time of day is dropped.
        timezone: Zone in which an instant's day is read.

    Returns:
        ``Date``; faults ``date``, ``range`` and ``type``.
    """
    if values.dtype == pl.String:
        return _text_days(values, timezone).then(_in_range)
    if not isinstance(values.dtype, pl.Date | pl.Datetime):
        return not_a(values, pl.Date, "date")
    near = _in_range(values)
    if isinstance(values.dtype, pl.Date):
        return near
    if values.dtype.time_zone is None:
        return near.then(lambda each: Column(each.dt.date()))
    local = near.then(lambda each: Column(each.dt.convert_time_zone(timezone).dt.date()))
    return local.then(_in_range)


def to_text(values: pl.Series) -> Column:
    """Write dates, times and date-times as ISO 8601; instants in UTC with ``Z``.

    Returns:
        Texts; fault ``range``.
    """
    near = Column(values) if values.dtype == pl.Time else _in_range(values, _WRITABLE_DAYS, _FAR)
    return near.then(lambda each: Column(_iso_text(each)))


def _iso_text(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Date:
        return values.dt.strftime("%Y-%m-%d")
    if values.dtype == pl.Time:
        return values.dt.strftime("%H:%M:%S%.f")
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        return values.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
    return values.dt.strftime("%Y-%m-%dT%H:%M:%S%.f")


def _in_range(values: pl.Series, days: tuple[int, int] = _DAYS, reason: str = _YEARS) -> Column:
    unit = 1
    if isinstance(values.dtype, pl.Datetime):
        if values.dtype.time_unit not in _UNITS:
            return Column(values)
        unit = _UNITS[values.dtype.time_unit]
    # Not by the year, which polars does not tell of moments farther away than some 260,000 of them.
    inside = values.to_physical().is_between(days[0] * unit, days[1] * unit, closed="left")
    return Column(values) if inside.all() else reject(values, ~inside, "range", reason)


def _localised(naive: pl.Series, clock: Clock) -> Column:
    if clock.timezone == "UTC":
        return Column(naive.dt.replace_time_zone("UTC"))
    ambiguous: Literal["earliest", "latest", "null"] = (
        "null" if clock.ambiguous == "reject" else clock.ambiguous
    )
    local = naive.dt.replace_time_zone(clock.timezone, ambiguous=ambiguous, non_existent="null")
    utc = local.dt.convert_time_zone("UTC")
    if utc.null_count() == naive.null_count():
        return Column(utc)
    lost = naive.is_not_null() & utc.is_null()
    first = naive.dt.replace_time_zone(clock.timezone, ambiguous="earliest", non_existent="null")
    twice = reject(utc, lost & first.is_not_null(), "timezone", _TWICE.format(clock.timezone))
    skipped = _SKIPPED.format(clock.timezone)
    return twice.then(lambda each: reject(each, lost & first.is_null(), "timezone", skipped))


def _text_instants(values: pl.Series, clock: Clock) -> Column:
    stamps = iso.read(values, "datetime", _SHAPE)
    instant = (stamps.wall - stamps.offset).dt.replace_time_zone("UTC")
    if stamps.offset.null_count() == stamps.wall.null_count():
        return Column(instant.alias(values.name), stamps.faults)
    zoned = stamps.offset.is_not_null()
    local = _localised(blank(stamps.wall, zoned), clock)
    merged = instant.zip_with(zoned, local.values)
    return Column(merged.alias(values.name), stamps.faults + local.faults)


def _text_days(values: pl.Series, timezone: str) -> Column:
    stamps = iso.read(values, "date", _DAY_SHAPE)
    days = stamps.wall.dt.date()
    if stamps.offset.null_count() < len(values):
        instant = (stamps.wall - stamps.offset).dt.replace_time_zone("UTC")
        local = instant.dt.convert_time_zone(timezone).dt.date()
        days = local.zip_with(stamps.offset.is_not_null(), days)
    return Column(days.alias(values.name), stamps.faults)
