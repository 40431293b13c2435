"""Rules of time in words, as people read them in Dagster's UI and on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.timing.phrases_days import (
    LAST,
    DaysOfMonth,
    OnWeekdays,
    WeekdaysOfMonth,
    clock,
    in_order,
    listing,
)
from syncflow_dagster.core.timing.phrases_reading import Phrase

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime, time

    from syncflow_dagster.core.timing.cron import CronRule
    from syncflow_dagster.core.timing.interval import Every
    from syncflow_dagster.core.timing.phrases_days import Days

_MOST_LISTED = 6
_MINUTES = 60
_EVERY_DAY = OnWeekdays(tuple(range(7)))


def cron_words(rule: CronRule) -> str:
    """Return what a cron expression means; where words would be longer, the expression."""
    days = _cron_days(rule)
    times = None if days is None else _cron_times(rule, days)
    return times or f"by cron {rule.text}"


def every_words(every: Every, anchor: datetime) -> str:
    """Return such as `every 2 weeks, counted from 2026-01-05 09:00`."""
    count = f"{every}".removeprefix("1 ")
    return f"every {count}, counted from {anchor:%Y-%m-%d %H:%M}"


def dates_words(days: Collection[date], times: Sequence[time]) -> str:
    """Return such as `on 2026-12-24 and 2026-12-31 at 09:30`."""
    return f"on {listed_days(days)} at {listing(map(clock, sorted(times)))}"


def listed_days(days: Collection[date]) -> str:
    """Return days in order; of many, how many there are, the first and the last."""
    ordered = [day.isoformat() for day in sorted(set(days))]
    if len(ordered) > _MOST_LISTED:
        return f"{len(ordered)} days from {ordered[0]} to {ordered[-1]}"
    return listing(ordered)


def _cron_days(rule: CronRule) -> Days | None:
    months = tuple(sorted(rule.months))
    if rule.nths:
        weekdays = {weekday for weekday, _ in rule.nths}
        which = in_order(LAST if number == 0 else number for _, number in rule.nths)
        return (
            WeekdaysOfMonth(which, _monday_first(*weekdays), months) if len(weekdays) == 1 else None
        )
    if rule.monthdays is not None and rule.weekdays is None:
        which = in_order(LAST if number == 0 else number for number in rule.monthdays)
        return DaysOfMonth(which, months) if len(which) <= _MOST_LISTED else None
    if rule.monthdays is None and len(months) == 12:
        all_week = frozenset(range(7)) if rule.weekdays is None else rule.weekdays
        return OnWeekdays(tuple(sorted(map(_monday_first, all_week))))
    return None


def _monday_first(weekday: int) -> int:
    """Return cron's number of a day of the week, Sunday is 0, as ours, Monday is 0."""
    return (weekday + 6) % 7


def _cron_times(rule: CronRule, days: Days) -> str | None:
    if not rule.as_shown and len(rule.times) <= _MOST_LISTED:
        return Phrase(days, rule.times).words
    hours = sorted({one.hour for one in rule.times})
    minutes = sorted({one.minute for one in rule.times})
    if hours != list(range(hours[0], hours[-1] + 1)):
        return None
    often = _often(minutes)
    if often is None:
        return None
    span = ""
    if not rule.as_shown:
        span = f" from {clock(rule.times[0])} to {clock(rule.times[-1])}"
    return f"{often}{span}" if days == _EVERY_DAY else f"{days.words}, {often}{span}"


def _often(minutes: Sequence[int]) -> str | None:
    """Return how often minutes of an hour come."""
    step = _MINUTES // len(minutes)
    if len(minutes) > 1 and list(minutes) == list(range(0, _MINUTES, step)):
        return f"every {step} minutes" if step > 1 else "every minute"
    return Phrase(None, minutes=tuple(minutes)).words if len(minutes) <= _MOST_LISTED else None
