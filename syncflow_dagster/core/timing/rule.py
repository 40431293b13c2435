"""What every rule of time does: tell, from any instant on, when it is due.

A due time is an instant in UTC. Due times ascend strictly; no two are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from itertools import takewhile
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from syncflow_dagster.core.timing.localtime import ONE_DAY, instants_of_day, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo

#: Years in which a rule that is ever due again is due: the fifth Monday of a February, which is as
#: seldom as cron can say, does not come for 40 years around 2100. The search ends there.
SEARCHED_YEARS = 50
#: The last year that is looked at; a date cannot be much later.
LAST_YEAR = 9990


class Rule(Protocol):
    """A rule of time."""

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`, lazily; it ends if there are no more."""
        ...


@runtime_checkable
class DayRule(Protocol):
    """A rule by the clock on the wall: on some days, always at the same times of the day."""

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the clock."""
        ...

    @property
    def times(self) -> tuple[time, ...]:
        """Times of the day, in whole minutes."""
        ...

    @property
    def as_shown(self) -> bool:
        """Whether it is due as often as the clock shows a time; else once."""
        ...

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        ...

    def days(self, first: date) -> Iterator[date]:
        """Yield the local dates from `first` on, ascending; it ends if there are no more."""
        ...


def due_on_days(rule: DayRule, at: datetime) -> Iterator[datetime]:
    """Yield the due times of a rule of days that are later than `at`."""
    waiting: set[datetime] = set()
    # Where the clocks were moved back over midnight, they show the day before once more.
    for day in rule.days(at.astimezone(rule.zone).date() - ONE_DAY):
        waiting |= instants_of_day(day, rule.times, rule.zone, as_shown=rule.as_shown)
        # No later day is due before this, so what is due earlier is in order.
        end = start_of(day + ONE_DAY, rule.zone)
        yield from sorted(due for due in waiting if at < due < end)
        waiting = {due for due in waiting if due >= end}
    yield from sorted(due for due in waiting if due > at)


@dataclass(frozen=True, slots=True)
class Union:
    """Due whenever one of several rules is."""

    rules: tuple[Rule, ...]

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        last = at
        for due in merge(*(rule.after(at) for rule in self.rules)):
            if due > last:
                last = due
                yield due


def between(rule: Rule, after: datetime, upto: datetime) -> list[datetime]:
    """Return the due times later than `after` and no later than `upto`."""
    return list(takewhile(lambda due: due <= upto, rule.after(after)))
