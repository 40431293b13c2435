"""Rules that are due on some days only, and move or leave out what falls on another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from syncflow_dagster.core.timing.interval import ElapsedRule
from syncflow_dagster.core.timing.localtime import ONE_DAY, instants, start_of
from syncflow_dagster.core.timing.rule import (
    LAST_YEAR,
    SEARCHED_YEARS,
    DayRule,
    Rule,
    Union,
    between,
    due_on_days,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo

Otherwise = Literal["skip", "next", "previous"]

#: A due time is moved by so many days at most; with no day to be moved to among them, it is
#: left out.
MOST_MOVED = 366
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DayFilter:
    """The days on which to be due, and what becomes of due times on others.

    Attributes:
        permits: Tells whether a local date is such a day.
        otherwise: Leave it out, or move it to the same time of the next or previous such day.
    """

    permits: Callable[[date], bool]
    otherwise: Otherwise = "skip"

    def target(self, day: date) -> date | None:
        """Return the day on which that of `day` is due; None if it is left out."""
        if self.permits(day):
            return day
        if self.otherwise == "skip":
            return None
        step = ONE_DAY if self.otherwise == "next" else -ONE_DAY
        moved = (day + number * step for number in range(1, MOST_MOVED + 1))
        return next((one for one in moved if self.permits(one)), None)

    def first_source(self, day: date) -> date:
        """Return the first day that is moved to `day` or, if it is no such day, past it."""
        return self._furthest(day, -ONE_DAY) if self.otherwise == "next" else day

    def last_source(self, day: date) -> date:
        """Return the last day that is moved to `day`, one of the days; or `day`."""
        return self._furthest(day, ONE_DAY) if self.otherwise == "previous" else day

    def _furthest(self, day: date, step: timedelta) -> date:
        """Return the last day before another one of the days is reached."""
        for number in range(1, MOST_MOVED + 1):
            if self.permits(day + number * step):
                return day + (number - 1) * step
        return day + MOST_MOVED * step

    def next_permitted(self, day: date) -> date | None:
        """Return the first such day from `day` on; None if there is none for 50 years."""
        last = min(day.year + SEARCHED_YEARS, LAST_YEAR)
        while day.year <= last:
            if self.permits(day):
                return day
            day += ONE_DAY
        return None


def filtered(rule: Rule, by: DayFilter) -> Rule:
    """Return a rule that is due on the days of a filter only.

    Args:
        rule: Made of rules of days, and of those that count time as it passes.
        by: The days.

    Raises:
        TypeError: The rule is of another kind.
    """
    if isinstance(rule, Union):
        return Union(tuple(filtered(one, by) for one in rule.rules))
    if isinstance(rule, ElapsedRule):
        return FilteredElapsed(rule, by)
    if isinstance(rule, DayRule):
        return FilteredDays(rule, by)
    msg = f"a filter of days is for rules of days, not for {type(rule).__name__}"
    raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class FilteredDays:
    """A rule of days whose days are filtered or moved.

    Attributes:
        rule: The rule.
        by: The days.
    """

    rule: DayRule
    by: DayFilter

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the clock."""
        return self.rule.zone

    @property
    def times(self) -> tuple[time, ...]:
        """Times of the day."""
        return self.rule.times

    @property
    def as_shown(self) -> bool:
        """Whether it is due as often as the clock shows a time; else once."""
        return self.rule.as_shown

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`; it ends where none comes for 50 years."""
        return due_on_days(self, at)

    def days(self, first: date) -> Iterator[date]:
        """Yield the days from `first` on; it ends where none comes for 50 years."""
        last, resume = first - ONE_DAY, first - MOST_MOVED * ONE_DAY
        give_up = first.year + SEARCHED_YEARS
        for day in self.rule.days(self.by.first_source(first)):
            if day.year > give_up:
                return
            if day < resume:
                continue
            target = self.by.target(day)
            if target is None:
                permitted = self.by.next_permitted(day)
                if permitted is None:
                    return
                resume = self.by.first_source(permitted)
            elif target > last:
                last, give_up = target, target.year + SEARCHED_YEARS
                yield target


@dataclass(frozen=True, slots=True)
class FilteredElapsed:
    """A rule that counts time as it passes, whose days are filtered or moved.

    What falls on one of the days stays where it is; what is moved goes by the clock on the wall.

    Attributes:
        rule: The rule.
        by: The days.
    """

    rule: ElapsedRule
    by: DayFilter

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`; it ends where none comes for 50 years."""
        last, give_up = at, at.year + SEARCHED_YEARS
        day = self.by.next_permitted(at.astimezone(self.rule.zone).date() - ONE_DAY)
        while day is not None and day.year <= give_up:
            for due in sorted(self._due_on(day)):
                if due > last:
                    last, give_up = due, due.year + SEARCHED_YEARS
                    yield due
            day = self.by.next_permitted(day + ONE_DAY)

    def _due_on(self, day: date) -> set[datetime]:
        """Return what is due on one of the days: its own due times and those moved to it."""
        zone = self.rule.zone
        begin, end = start_of(day, zone), start_of(day + ONE_DAY, zone)
        found = set(between(self.rule, begin - _TICK, end - _TICK))
        first, upto = begin, end
        if self.by.otherwise == "next":
            first = start_of(self.by.first_source(day), zone)
        elif self.by.otherwise == "previous":
            upto = start_of(self.by.last_source(day) + ONE_DAY, zone)
        for due in (
            *between(self.rule, first - _TICK, begin - _TICK),
            *between(self.rule, end - _TICK, upto - _TICK),
        ):
            found.add(instants(day, due.astimezone(zone).time(), zone)[0])
        return found


@dataclass(frozen=True, slots=True)
class Excluding:
    """Never due on some days.

    Attributes:
        rule: The rule.
        zone: Time zone in which the days are told.
        days: The days.
    """

    rule: Rule
    zone: ZoneInfo
    days: frozenset[date]

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        return (
            due for due in self.rule.after(at) if due.astimezone(self.zone).date() not in self.days
        )
