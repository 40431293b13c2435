"""What the words of a phrase stand for: which days of the calendar, and which times of day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, time

    IsBusinessDay = Callable[[date], bool]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
#: Words for the first numbers; `last` is -1.
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip
LAST = -1
ALL_MONTHS = tuple(range(1, 13))

_WORKING_WEEK, _WEEKEND, _WEEK = (0, 1, 2, 3, 4), (5, 6), tuple(range(7))


class Days(Protocol):
    """A set of local days that can be said in words."""

    def of_month(self, days: Sequence[date], is_business_day: IsBusinessDay) -> Sequence[date]:
        """Return which of the days of a month, all of them in order, belong to it; in order."""
        ...

    @property
    def words(self) -> str:
        """The canonical words, without a time."""
        ...


@dataclass(frozen=True, slots=True)
class OnWeekdays:
    """Days of the week.

    Attributes:
        weekdays: Monday is 0; ascending, each once.
    """

    weekdays: tuple[int, ...]

    def of_month(self, days: Sequence[date], _is_business_day: IsBusinessDay) -> Sequence[date]:
        """Return those of a month."""
        return [day for day in days if day.weekday() in self.weekdays]

    @property
    def words(self) -> str:
        """Such as `weekdays` or `every Monday and Thursday`."""
        known = {_WEEK: "every day", _WORKING_WEEK: "weekdays", _WEEKEND: "weekends"}
        listed = "every " + listing(WEEKDAYS[one] for one in self.weekdays)
        return known.get(self.weekdays, listed)


@dataclass(frozen=True, slots=True)
class EveryBusinessDay:
    """All business days."""

    def of_month(self, days: Sequence[date], is_business_day: IsBusinessDay) -> Sequence[date]:
        """Return those of a month."""
        return [day for day in days if is_business_day(day)]

    @property
    def words(self) -> str:
        """Always the same."""
        return "every business day"


@dataclass(frozen=True, slots=True)
class WeekdaysOfMonth:
    """The n-th ones of a day of the week, such as the last Friday.

    Attributes:
        which: From 1 to 4, or LAST; each once.
        weekday: Monday is 0.
        months: From 1; ascending.
    """

    which: tuple[int, ...]
    weekday: int
    months: tuple[int, ...]

    def of_month(self, days: Sequence[date], _is_business_day: IsBusinessDay) -> Sequence[date]:
        """Return those of a month."""
        if days[0].month not in self.months:
            return ()
        return _chosen([day for day in days if day.weekday() == self.weekday], self.which)

    @property
    def words(self) -> str:
        """Such as `first and third Monday of the month`."""
        return f"{_ordinals(self.which)} {WEEKDAYS[self.weekday]} of {_month_words(self.months)}"


@dataclass(frozen=True, slots=True)
class DaysOfMonth:
    """Days of the month by number; a month that is too short has no such day.

    Attributes:
        which: From 1 to 31, or LAST; each once.
        months: From 1; ascending.
    """

    which: tuple[int, ...]
    months: tuple[int, ...]

    def of_month(self, days: Sequence[date], _is_business_day: IsBusinessDay) -> Sequence[date]:
        """Return those of a month."""
        return _chosen(days, self.which) if days[0].month in self.months else ()

    @property
    def words(self) -> str:
        """Such as `on the 15th and last day of the month`."""
        of = f"of {_month_words(self.months)}"
        if self.which == (LAST,):
            return f"last day {of}"
        listed = listing("last day" if one == LAST else numbered(one) for one in self.which)
        return f"on the {listed} {of}"


@dataclass(frozen=True, slots=True)
class BusinessDaysOfMonth:
    """The n-th business days of a month; a month with fewer has no such day.

    Attributes:
        which: From 1, or LAST; each once.
        months: From 1; ascending.
    """

    which: tuple[int, ...]
    months: tuple[int, ...]

    def of_month(self, days: Sequence[date], is_business_day: IsBusinessDay) -> Sequence[date]:
        """Return those of a month."""
        if days[0].month not in self.months:
            return ()
        return _chosen([day for day in days if is_business_day(day)], self.which)

    @property
    def words(self) -> str:
        """Such as `first business day of the month`."""
        return f"{_ordinals(self.which)} business day of {_month_words(self.months)}"


def listing(words: Iterable[str]) -> str:
    """Return words as `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def numbered(number: int) -> str:
    """Return a number as `1st`, `2nd`, `11th`."""
    teen = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def clock(at: time) -> str:
    """Return a time of day as `07:00`."""
    return at.strftime("%H:%M")


def in_order(which: Iterable[int]) -> tuple[int, ...]:
    """Return numbers ascending, each once, LAST behind all others."""
    return tuple(sorted(set(which), key=lambda one: (one == LAST, one)))


def _ordinals(which: Sequence[int]) -> str:
    return listing(
        "last" if one == LAST else ORDINALS[one - 1] if one <= len(ORDINALS) else numbered(one)
        for one in which
    )


def _month_words(months: tuple[int, ...]) -> str:
    return "the month" if months == ALL_MONTHS else listing(MONTHS[one - 1] for one in months)


def _chosen(days: Sequence[date], which: tuple[int, ...]) -> list[date]:
    """Return the n-th ones of some days."""
    numbers = {len(days) if one == LAST else one for one in which}
    return [day for number, day in enumerate(days, start=1) if number in numbers]
