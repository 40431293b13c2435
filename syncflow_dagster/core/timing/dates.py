"""Listed days: due on days that were written down, at times of the day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.core.timing.rule import due_on_days

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class DatesRule:
    """Due on listed days; it ends after the last one.

    Attributes:
        dates: The days.
        times: Times of the day, in whole minutes.
        zone: Time zone of the clock.
    """

    dates: frozenset[date]
    times: tuple[time, ...]
    zone: ZoneInfo

    @property
    def as_shown(self) -> bool:
        """A time that is shown twice is due the first time."""
        return False

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        return due_on_days(self, at)

    def days(self, first: date) -> Iterator[date]:
        """Yield the days from `first` on."""
        return iter(sorted(day for day in self.dates if day >= first))
