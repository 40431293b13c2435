"""Business days and days off: weekends, public holidays and days that somebody listed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import holidays

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

DAYS_OF_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class CalendarError(ValueError):
    """A calendar names a day, a country or a part of it that there is not."""


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Tells business days from days off.

    Attributes:
        weekend: Days of the week that are days off, Monday is 0.
        days_off: Further days off.
        business_days: Days that are business days whatever the rest says.
        country: Country whose public holidays are days off, as ISO 3166 has it.
        subdivision: State or province of it.
    """

    weekend: frozenset[int] = frozenset({5, 6})
    days_off: frozenset[date] = frozenset()
    business_days: frozenset[date] = frozenset()
    country: str | None = None
    subdivision: str | None = None

    def __post_init__(self) -> None:
        """Refuse a country or a part of it whose holidays are not known.

        Raises:
            CalendarError: It is not known.
        """
        if self.country is None:
            if self.subdivision is not None:
                msg = f"the subdivision {self.subdivision!r} needs a country"
                raise CalendarError(msg)
            return
        known = countries()
        if self.country not in known:
            msg = f"the public holidays of {self.country!r} are not known: two letters, as in 'DE'"
            raise CalendarError(msg)
        if self.subdivision is not None and self.subdivision not in known[self.country]:
            some = ", ".join(known[self.country]) or "none"
            msg = f"{self.country} has no subdivision {self.subdivision!r}; known are: {some}"
            raise CalendarError(msg)

    def is_business_day(self, day: date) -> bool:
        """Tell whether a local date is a business day."""
        if day in self.business_days:
            return True
        if day.weekday() in self.weekend or day in self.days_off:
            return False
        return self.country is None or day not in _public(self.country, self.subdivision, day.year)

    def is_day_off(self, day: date) -> bool:
        """Tell whether a local date is none."""
        return not self.is_business_day(day)


def countries() -> dict[str, list[str]]:
    """Return the countries whose public holidays are known, and the subdivisions of each.

    Source: the library `holidays`, which keeps them from the laws of the countries.
    """
    return holidays.list_supported_countries()


def weekdays(names: Iterable[str]) -> frozenset[int]:
    """Return the numbers of days of the week, Monday is 0.

    Raises:
        CalendarError: A name is none of a day in English.
    """
    found = set()
    for name in names:
        if name.lower() not in DAYS_OF_WEEK:
            msg = f"{name!r} is no day of the week: {', '.join(DAYS_OF_WEEK)}"
            raise CalendarError(msg)
        found.add(DAYS_OF_WEEK.index(name.lower()))
    return frozenset(found)


@lru_cache(maxsize=1024)
def _public(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Return the public holidays of a year, days observed instead of them among them."""
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
