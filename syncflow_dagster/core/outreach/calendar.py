"""An account's working time: when it acts, and when a pause in working time is over.

The working time of a day is every instant of that day at which a clock on the wall, in the
account's time zone, shows a time from `start` to before `end`. That stays exact on days on which
the clocks change, and on days a zone leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.localtime import constant_offsets

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A stretch of open time, in UTC; the end is exclusive.
Stretch = tuple[datetime, datetime]

_DAY = timedelta(days=1)
#: No zone is further from UTC than this, so a local day lies within its date widened by it.
_FURTHEST = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """When an account acts.

    Attributes:
        zone: IANA name of its time zone.
        days: Days of the week, Monday is 0.
        start: From when on, by the clock on the wall; whole minutes.
        end: Until when, exclusive.
        holidays: Days on which nothing is done.
    """

    zone: str
    days: frozenset[int]
    start: time
    end: time
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a calendar that is never open."""
        if not self.days or not self.days <= set(range(7)):
            raise ValueError("working days are numbers from 0 (Monday) to 6, at least one")
        if self.start >= self.end:
            msg = f"working time from {self.start} until {self.end} is never open"
            raise ValueError(msg)

    def is_open(self, now: datetime) -> bool:
        """Tell whether `now` is working time."""
        local = now.astimezone(ZoneInfo(self.zone))
        return self._works_on(local.date()) and self.start <= local.time() < self.end

    def next_open(self, now: datetime) -> datetime:
        """Return the first instant of working time from `now` on; in UTC."""
        begin, _end = next(self._stretches(now))
        return begin

    def add_minutes(self, at: datetime, minutes: float) -> datetime:
        """Return the first instant by which as many minutes of working time have passed; in UTC."""
        left = timedelta(minutes=minutes)
        if left <= timedelta(0):
            return at.astimezone(UTC)
        for begin, end in self._stretches(at):
            if left <= end - begin:
                return begin + left
            left -= end - begin
        raise AssertionError("working time does not end")  # pragma: no cover

    def add_days(self, at: datetime, days: int) -> datetime:
        """Return the same time of day on the `days`-th working day after that of `at`; in UTC.

        A time that the clocks leave out is as much later as they are moved.
        """
        zone = ZoneInfo(self.zone)
        local = at.astimezone(zone)
        day = local.date()
        for _ in range(days):
            day += _DAY
            while not _open_time(self, day):
                day += _DAY
        if days < 1:
            return at.astimezone(UTC)
        return datetime.combine(day, local.time(), zone).astimezone(UTC)

    def _works_on(self, day: date) -> bool:
        return day.weekday() in self.days and day not in self.holidays

    def _stretches(self, at: datetime) -> Iterator[Stretch]:
        """Yield the open time from `at` on."""
        at = at.astimezone(UTC)
        day = at.astimezone(ZoneInfo(self.zone)).date()
        while True:
            for begin, end in _open_time(self, day):
                if end > at:
                    yield max(begin, at), end
            day += _DAY


@lru_cache(maxsize=4096)
def _open_time(calendar: WorkingCalendar, day: date) -> tuple[Stretch, ...]:
    """Return the working time of a local day, in order; two stretches at most."""
    if not calendar._works_on(day):  # noqa: SLF001 - a cache cannot be a method of it
        return ()
    noon = datetime.combine(day, time(12), UTC)
    parts = constant_offsets(ZoneInfo(calendar.zone), noon - _FURTHEST, noon + _FURTHEST)
    stretches: list[Stretch] = []
    for first, last, offset in parts:
        begin = max(first, datetime.combine(day, calendar.start, UTC) - offset)
        end = min(last, datetime.combine(day, calendar.end, UTC) - offset)
        if begin >= end:
            continue
        if stretches and stretches[-1][1] == begin:
            begin = stretches.pop()[0]
        stretches.append((begin, end))
    return tuple(stretches)
