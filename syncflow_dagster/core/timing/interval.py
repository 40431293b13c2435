"""Intervals: due every so often, counted from an anchor."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, get_args
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.localtime import ONE_DAY, instants
from syncflow_dagster.core.timing.rule import LAST_YEAR, due_on_days

if TYPE_CHECKING:
    from collections.abc import Iterator

Unit = Literal["minutes", "hours", "days", "weeks", "months"]

_UNITS: tuple[Unit, ...] = get_args(Unit)
_FORM = re.compile(r"([0-9]{1,6}) *([a-z]+)")
_MONTHS = 12


class IntervalError(ValueError):
    """A text is no interval, or an anchor is none; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Every:
    """How often something is due.

    Attributes:
        count: How many units lie between two due times, one or more.
        unit: Minutes and hours are counted as they pass, the others by the calendar.
    """

    count: int
    unit: Unit

    @property
    def elapsed(self) -> timedelta | None:
        """The time between two due times; None if it goes by the calendar."""
        if self.unit == "minutes":
            return timedelta(minutes=self.count)
        return timedelta(hours=self.count) if self.unit == "hours" else None

    def __str__(self) -> str:
        """Return it as it is written in a workflow file."""
        return f"{self.count} {self.unit[:-1] if self.count == 1 else self.unit}"


def parse_every(text: str) -> Every:
    """Read an interval, such as `90 minutes`, `1 day` or `2 weeks`.

    Raises:
        IntervalError: It is none.
    """
    found = _FORM.fullmatch(text.strip().lower())
    for unit in _UNITS:
        if found and int(found[1]) > 0 and found[2] in (unit, unit[:-1]):
            return Every(int(found[1]), unit)
    msg = f"{text!r} is no interval: a number from 1 on and one of {', '.join(_UNITS)}"
    raise IntervalError(msg)


def interval_rule(every: Every, anchor: datetime, zone: str) -> ElapsedRule | CalendarRule:
    """Return the rule of an interval.

    Args:
        every: How often it is due.
        anchor: When it is due first, by the clock of `zone`; without an offset, in whole minutes.
        zone: IANA name of the time zone.

    Raises:
        IntervalError: The anchor has an offset or seconds.
    """
    if anchor.tzinfo is not None or anchor.second or anchor.microsecond:
        msg = f"the anchor {anchor.isoformat()} is to be a local time in whole minutes"
        raise IntervalError(msg)
    where = ZoneInfo(zone)
    elapsed = every.elapsed
    if elapsed is not None:
        return ElapsedRule(instants(anchor.date(), anchor.time(), where)[0], elapsed, where)
    return CalendarRule(every, anchor, where)


@dataclass(frozen=True, slots=True)
class ElapsedRule:
    """Due whenever a time has passed, whatever the clocks on the wall do.

    Attributes:
        anchor: When it is due first, in UTC.
        period: The time between two due times, whole minutes.
        zone: Time zone in which its days are told.
    """

    anchor: datetime
    period: timedelta
    zone: ZoneInfo

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        passed = (at - self.anchor) // self.period
        due = self.anchor + max(0, passed + 1) * self.period
        while due.year <= LAST_YEAR:
            yield due
            due += self.period


@dataclass(frozen=True, slots=True)
class CalendarRule:
    """Due every so many days, weeks or months, at the anchor's time of the day.

    In a month that is too short for the anchor's day it is due on the last one.

    Attributes:
        every: How often it is due; in days, weeks or months.
        anchor: When it is due first, by the clock on the wall.
        zone: Time zone of the clock.
    """

    every: Every
    anchor: datetime
    zone: ZoneInfo

    @property
    def times(self) -> tuple[time, ...]:
        """The time of the day."""
        return (self.anchor.time(),)

    @property
    def as_shown(self) -> bool:
        """A time that is shown twice is due the first time."""
        return False

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        return due_on_days(self, at)

    def days(self, first: date) -> Iterator[date]:
        """Yield the days from `first` on."""
        begin = self.anchor.date()
        if self.every.unit == "months":
            passed = (first.year - begin.year) * _MONTHS + first.month - begin.month
            step = max(0, passed // self.every.count)
        else:
            step = max(0, (first - begin) // self._step)
        while (day := self._day(step)).year <= LAST_YEAR:
            if day >= first:
                yield day
            step += 1

    @property
    def _step(self) -> timedelta:
        return self.every.count * (7 * ONE_DAY if self.every.unit == "weeks" else ONE_DAY)

    def _day(self, step: int) -> date:
        """Return the day after so many intervals."""
        begin = self.anchor.date()
        if self.every.unit != "months":
            if step > (date.max - begin) // self._step:
                return date.max  # There is none so late.
            return begin + step * self._step
        years, month = divmod(begin.month - 1 + step * self.every.count, _MONTHS)
        year = min(begin.year + years, LAST_YEAR + 1)
        return date(year, month + 1, min(begin.day, monthrange(year, month + 1)[1]))
