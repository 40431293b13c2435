"""Cron expressions: due at times of the day on days of the month, of the week and in months."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter  # type: ignore[import-untyped]

from syncflow_dagster.core.timing.rule import LAST_YEAR, SEARCHED_YEARS, due_on_days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_FIELDS = 5
_MONTHS = 12
_LAST = "l"


class CronError(ValueError):
    """A text is no cron expression that is understood; the message says why."""


@dataclass(frozen=True, slots=True)
class CronRule:
    """Due at the times of a cron expression.

    Where both the day of the month and the day of the week are restricted, either will do, as
    cron has it. If every hour is named, it goes by the clock on the wall: it is due as often
    as that shows a time, once, twice or never.

    Attributes:
        text: The expression as it was written.
        zone: Time zone it is read in.
        times: Times of the day.
        monthdays: Days of the month, 0 is the last one; None: every day.
        weekdays: Days of the week, 0 is Sunday; None: every day.
        nths: Which of its weekdays in a month, 0 is the last one; none: each of them. If it is
            given, `weekdays` is not.
        months: Months.
        as_shown: Whether every hour is named.
    """

    text: str
    zone: ZoneInfo
    times: tuple[time, ...]
    monthdays: frozenset[int] | None
    weekdays: frozenset[int] | None
    nths: frozenset[tuple[int, int]]
    months: frozenset[int]
    as_shown: bool

    @classmethod
    def parse(cls, text: str, zone: str) -> CronRule:
        """Read an expression.

        Args:
            text: Five fields as croniter reads them: numbers, names, `*`, `a-b`, `*/n`, lists; `L`
                for the last day of the month, `MON#1` and `L5` for a weekday of it.
            zone: IANA name of the time zone.

        Raises:
            CronError: It is none, or it means something else to every cron.
        """
        (minutes, hours, monthdays, months, weekdays), nths = _expand(text)
        every_hour = hours == ["*"]
        hours = range(24) if every_hour else hours
        minutes = range(60) if minutes == ["*"] else minutes
        return cls(
            text=" ".join(text.split()),
            zone=ZoneInfo(zone),
            times=tuple(sorted(time(hour, minute) for hour in hours for minute in minutes)),
            monthdays=_numbers(monthdays),
            weekdays=None if nths else _numbers(weekdays),
            nths=frozenset(nths),
            months=_numbers(months) or frozenset(range(1, _MONTHS + 1)),
            as_shown=every_hour,
        )

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`; it ends where none comes for 50 years."""
        return due_on_days(self, at)

    def days(self, first: date) -> Iterator[date]:
        """Yield the days from `first` on; it ends where none comes for 50 years."""
        year, month = first.year, first.month
        give_up = year + SEARCHED_YEARS
        while year <= min(give_up, LAST_YEAR):
            for day in self._days_of(year, month) if month in self.months else ():
                if day >= first:
                    give_up = year + SEARCHED_YEARS
                    yield day
            year, month = (year, month + 1) if month < _MONTHS else (year + 1, 1)

    def _days_of(self, year: int, month: int) -> Iterator[date]:
        begins_on, length = monthrange(year, month)
        for number in range(1, length + 1):
            # Monday is 0 to the calendar, and 1 to cron.
            weekday = (begins_on + number) % 7
            if self._is_due(number, weekday, length):
                yield date(year, month, number)

    def _is_due(self, number: int, weekday: int, length: int) -> bool:
        if self.nths:
            last = number + 7 > length
            which = (number - 1) // 7 + 1
            return (weekday, which) in self.nths or (last and (weekday, 0) in self.nths)
        by_month = self.monthdays is None or number in self.monthdays
        by_month = by_month or (number == length and 0 in (self.monthdays or ()))
        if self.weekdays is None:
            return by_month
        by_week = weekday in self.weekdays
        return by_week if self.monthdays is None else by_month or by_week


def _expand(text: str) -> tuple[list[Any], set[tuple[int, int]]]:
    """Return what the fields stand for, and which weekdays of a month."""
    fields = text.lower().split()
    if len(fields) != _FIELDS:
        msg = f"the cron {text!r} has {len(fields)} fields, not five"
        raise CronError(msg)
    for field in fields:
        if field[0] in "hr" or (field is fields[2] and "w" in field):
            msg = f"the cron {text!r} is not understood: {field!r} is not the same to every cron"
            raise CronError(msg)
    try:
        expanded, nths = croniter.expand(text)
    except CroniterError as error:
        msg = f"the cron {text!r} is wrong: {error}"
        raise CronError(msg) from error
    found = {
        (weekday, 0 if which == _LAST else int(which))
        for weekday, several in nths.items()
        for which in several
    }
    if found and expanded[2] != ["*"]:
        msg = f"the cron {text!r} names both days of the month and a weekday of it: write two"
        raise CronError(msg)
    return expanded, found


def _numbers(field: list[Any]) -> frozenset[int] | None:
    """Return the numbers of a field, None if it is not restricted."""
    if field == ["*"]:
        return None
    return frozenset(0 if one == _LAST else int(one) for one in field)
