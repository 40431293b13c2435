"""Cron lines written from days and minutes: those that tick at all of them, and seldom else."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

MINUTES_A_DAY = 24 * 60
#: How many ticks a year a line more must save.
_WORTH_A_LINE = 10
_DAYS_A_MONTH = 365.25 / 12
#: The smallest and largest numbers of the fields.
_MINUTE, _HOUR, _MONTH, _WEEKDAY = (0, 59), (0, 23), (1, 12), (0, 6)
#: Any year in which February is whole.
_LEAP_YEAR = 2024
_FEWEST_IN_A_RANGE = 3


@dataclass(frozen=True, slots=True)
class Lot:
    """Days, and minutes of the day at which to tick on each of them.

    Attributes:
        days: The days.
        minutes: The minutes, from 0 to 1439.
    """

    days: frozenset[date]
    minutes: frozenset[int]


#: Day of the month, month and day of the week of a cron line.
_DayFields = tuple[str, str, str]


def cron_lines(lots: Collection[Lot]) -> tuple[str, ...]:
    """Return lines of five fields that tick at all minutes of some lots; none if there are none."""
    lots = [lot for lot in lots if lot.days]
    minutes_of: dict[tuple[Lot, ...], set[int]] = defaultdict(set)
    for minute in range(MINUTES_A_DAY):
        within = tuple(lot for lot in lots if minute in lot.minutes)
        if within:
            minutes_of[within].add(minute)
    minutes_on: dict[_DayFields, set[int]] = defaultdict(set)
    for within, minutes in minutes_of.items():
        for fields in _day_fields({day for lot in within for day in lot.days}):
            minutes_on[fields] |= minutes
    return tuple(
        f"{minute_field} {hour_field} {' '.join(fields)}"
        for fields, minutes in minutes_on.items()
        for minute_field, hour_field in _time_fields(minutes)
    )


def _time_fields(minutes: Iterable[int]) -> list[tuple[str, str]]:
    """Return the minutes and hours of lines that tick at minutes of the day, and at no others."""
    of_hour: dict[int, set[int]] = defaultdict(set)
    for minute in sorted(minutes):
        of_hour[minute // 60].add(minute % 60)
    hours_with: dict[frozenset[int], list[int]] = defaultdict(list)
    for hour, some in of_hour.items():
        hours_with[frozenset(some)].append(hour)
    return [(_steps(some, _MINUTE), _steps(hours, _HOUR)) for some, hours in hours_with.items()]


def _day_fields(days: Collection[date]) -> list[_DayFields]:
    """Return the fields of lines that tick on some days: the way that ticks least."""
    months = {day.month for day in days}
    weekdays = {day.isoweekday() % 7 for day in days}
    in_months = [("*", _steps(months, _MONTH), "*")]
    on_weekdays = [("*", _steps(months, _MONTH), _steps(weekdays, _WEEKDAY))]
    on_monthdays, ticks = _monthdays(days)
    of_week = _DAYS_A_MONTH * len(months) * len(weekdays) / 7
    ways = (
        (_DAYS_A_MONTH * len(months), in_months),
        (of_week, on_weekdays),
        (ticks, on_monthdays),
    )
    return min(ways, key=lambda way: way[0] + _WORTH_A_LINE * len(way[1]))[1]


def _monthdays(days: Collection[date]) -> tuple[list[_DayFields], int]:
    """Return lines by the day of the month, and how often they tick in a year."""
    of_month: dict[int, set[int]] = defaultdict(set)
    for day in days:
        of_month[day.month].add(day.day)
    # Dagster looks for the 29th of February, and it alone, from the 28th on, and on the 29th
    # itself no longer finds it.
    if of_month.get(2) == {29}:
        of_month[2].add(28)
    months_with: dict[str, list[int]] = defaultdict(list)
    for month, numbers in sorted(of_month.items()):
        months_with[_steps(numbers, (1, monthrange(_LEAP_YEAR, month)[1]))].append(month)
    ticks = sum(len(numbers) for numbers in of_month.values())
    return [(field, _steps(some, _MONTH), "*") for field, some in months_with.items()], ticks


def _steps(numbers: Collection[int], bounds: tuple[int, int]) -> str:
    """Write a field: as `*`, as `*/15` or as numbers and ranges."""
    low, high = bounds
    found = sorted(numbers)
    if len(found) == high - low + 1:
        return "*"
    if bounds in (_MINUTE, _HOUR) and len(found) > 1 and found[0] == low:
        step = found[1] - low
        if found == list(range(low, high + 1, step)):
            return f"*/{step}"
    return _ranges(found)


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers, those that follow each other as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(
        f"{run[0]}-{run[-1]}" if len(run) >= _FEWEST_IN_A_RANGE else ",".join(map(str, run))
        for run in runs
    )
