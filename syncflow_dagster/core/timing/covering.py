"""Cron lines for Dagster that tick whenever a rule is due, and seldom else.

Dagster's schedules tick by cron lines alone, and read them in their own way where clocks are
moved: what is shown twice ticks the second time, for example (`cron_string_iterator` in its
`_utils/schedules.py`, 1.13). So a rule keeps the clock of its own zone only if no move of the
clocks touches its times; else it ticks in UTC, at every offset the zone has. What is due at a
tick, the rule alone says: a tick too many costs a look at it, one too few would lose a run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile
from math import gcd
from typing import TYPE_CHECKING

from syncflow_dagster.core.timing.cron import CronRule
from syncflow_dagster.core.timing.cron_lines import MINUTES_A_DAY, Lot, cron_lines
from syncflow_dagster.core.timing.dates import DatesRule
from syncflow_dagster.core.timing.filtered import Excluding, FilteredElapsed
from syncflow_dagster.core.timing.interval import ElapsedRule
from syncflow_dagster.core.timing.localtime import ONE_DAY, Stretch, constant_offsets
from syncflow_dagster.core.timing.rule import DayRule, Rule, Union

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

#: Due times from then on are covered. A fixed day, so that a rule has the same lines every day; a
#: later version moves it on.
SINCE = date(2025, 1, 1)
#: For how long: with the moves of the clocks that are known today, as far as they are.
COVERED = timedelta(days=30 * 366)
#: What a rule ticks by that is not due in that time: Dagster wants a line.
_ONCE_A_YEAR = ("0 0 1 1 *",)
_MINUTE = timedelta(minutes=1)
#: Elements of a field that croniter and the older one inside Dagster read alike.
_ELEMENT = r"(\*|\d+|[a-z]{3}|\d+-\d+|[a-z]{3}-[a-z]{3}|\*/\d+|\d+-\d+/\d+|[a-z]{3}#\d|\d#\d|l|l\d)"
_PLAIN = re.compile(rf"{_ELEMENT}(,{_ELEMENT})*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Covering:
    """What a schedule ticks by.

    Attributes:
        crons: Cron lines, at least one.
        zone: IANA name of the time zone they are read in.
    """

    crons: tuple[str, ...]
    zone: str


def covering(rule: Rule, zone: str, since: date = SINCE) -> Covering:
    """Return cron lines that tick at every due time of a rule.

    Args:
        rule: The rule.
        zone: IANA name of the time zone in which the lines are, if they can be; else it is UTC.
        since: From when on due times are covered; for 30 years.

    Raises:
        TypeError: The rule is of a kind that is not known here.
    """
    parts = tuple(_parts(rule, since))
    by_clock = [(part, _days(part, since)) for part in parts if isinstance(part, DayRule)]
    elapsed = [part for part in parts if isinstance(part, ElapsedRule)]
    if not elapsed and all(
        part.zone.key == zone and not _is_touched(part, days, since) for part, days in by_clock
    ):
        lines, where = [line for part in by_clock for line in _local_lines(*part)], zone
    else:
        lots = [lot for part, days in by_clock for lot in _lots(part, days, since)]
        lots += [_lot_of_elapsed(part, since) for part in elapsed]
        lines, where = list(cron_lines(lots)), "UTC"
    return Covering(tuple(dict.fromkeys(lines)) or _ONCE_A_YEAR, where)


def _parts(rule: Rule, since: date) -> Iterator[DayRule | ElapsedRule]:
    """Yield rules of which one is due whenever the rule is."""
    if isinstance(rule, Union):
        for one in rule.rules:
            yield from _parts(one, since)
    elif isinstance(rule, Excluding):
        yield from _parts(rule.rule, since)
    elif isinstance(rule, FilteredElapsed):
        yield rule.rule
        if rule.by.otherwise != "skip":
            yield _moved(rule.rule, since)
    elif isinstance(rule, DayRule | ElapsedRule):
        yield rule
    else:
        msg = f"nothing is known of the times of {type(rule).__name__}"
        raise TypeError(msg)


def _moved(rule: ElapsedRule, since: date) -> DatesRule:
    """Return when the due times of a rule may be that are moved to another day."""
    offsets = {offset // _MINUTE for _begin, _end, offset in _offsets(rule.zone, since)}
    minutes = _minutes_of(rule)
    shown = {(minute + offset) % MINUTES_A_DAY for minute in minutes for offset in offsets}
    times = tuple(time(*divmod(minute, 60)) for minute in sorted(shown))
    return DatesRule(_all_days(since), times, rule.zone)


def _days(rule: DayRule, since: date) -> frozenset[date]:
    """Return the days of a rule that are covered."""
    return frozenset(takewhile(lambda day: day < since + COVERED, rule.days(since - ONE_DAY)))


@lru_cache(maxsize=8)
def _all_days(since: date) -> frozenset[date]:
    return frozenset(since + number * ONE_DAY for number in range(-1, COVERED.days))


@lru_cache(maxsize=64)
def _offsets(zone: ZoneInfo, since: date) -> list[Stretch]:
    """Return the stretches of constant offset from UTC in the time that is covered."""
    begin = datetime.combine(since, time(), UTC) - 2 * ONE_DAY
    return constant_offsets(zone, begin, begin + COVERED + 4 * ONE_DAY)


def _is_touched(rule: DayRule, days: frozenset[date], since: date) -> bool:
    """Tell whether the clocks leave out, or show twice, a time at which the rule is due."""
    return any(
        _is_due_between(rule, days, *sorted((at + before, at + after)))
        for at, before, after in _moves(rule, since)
    )


def _moves(rule: DayRule, since: date) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Yield when the clocks are moved, and the offsets before and after."""
    for (_begin, _at, before), (at, _end, after) in pairwise(_offsets(rule.zone, since)):
        yield at, before, after


def _is_due_between(rule: DayRule, days: frozenset[date], first: datetime, last: datetime) -> bool:
    """Tell whether a rule is due at a time from `first` to before `last`, as the clock shows it."""
    day = first.date()
    while day <= last.date():
        if day in days and any(first <= datetime.combine(day, at, UTC) < last for at in rule.times):
            return True
        day += ONE_DAY
    return False


def _local_lines(rule: DayRule, days: frozenset[date]) -> tuple[str, ...]:
    """Return lines in the zone of a rule; those of a cron expression are its own."""
    if isinstance(rule, CronRule) and days and _keeps(rule.text):
        return (rule.text,)
    return cron_lines([Lot(days, _minutes(rule))])


def _minutes(rule: DayRule) -> frozenset[int]:
    return frozenset(at.hour * 60 + at.minute for at in rule.times)


def _lots(rule: DayRule, days: frozenset[date], since: date) -> Iterator[Lot]:
    """Yield days and minutes in UTC at which a rule is due: its times at each offset of its zone.

    What falls in a gap is due at the end of it.
    """
    days_at: dict[timedelta, set[date]] = {}
    for begin, end, offset in _offsets(rule.zone, since):
        day = (begin + offset).date()
        while day <= (end + offset).date():
            if day in days:
                days_at.setdefault(offset, set()).add(day)
            day += ONE_DAY
    for offset, some in days_at.items():
        shifted: dict[int, set[int]] = {}
        for minute in _minutes(rule):
            shift, in_utc = divmod(minute - offset // _MINUTE, MINUTES_A_DAY)
            shifted.setdefault(shift, set()).add(in_utc)
        for shift, minutes in shifted.items():
            yield Lot(frozenset(day + shift * ONE_DAY for day in some), frozenset(minutes))
    for at, before, after in _moves(rule, since):
        if after > before and _is_due_between(rule, days, at + before, at + after):
            yield Lot(frozenset({at.date()}), frozenset({at.hour * 60 + at.minute}))


def _lot_of_elapsed(rule: ElapsedRule, since: date) -> Lot:
    """Return days and minutes in UTC at which a rule is due that counts time as it passes."""
    minutes = _minutes_of(rule)
    if rule.period % ONE_DAY:
        return Lot(_all_days(since), minutes)
    first = datetime.combine(since, time(), UTC) - 2 * ONE_DAY
    due = takewhile(lambda one: one < first + COVERED, rule.after(first))
    return Lot(frozenset(one.date() for one in due), minutes)


def _minutes_of(rule: ElapsedRule) -> frozenset[int]:
    """Return the minutes of the day, in UTC, at which a rule may be due."""
    step = gcd(rule.period // _MINUTE, MINUTES_A_DAY)
    anchor = rule.anchor.hour * 60 + rule.anchor.minute
    return frozenset(range(anchor % step, MINUTES_A_DAY, step))


def _keeps(text: str) -> bool:
    """Tell whether Dagster reads a cron expression as we do."""
    fields = text.split()
    plain = all(_PLAIN.fullmatch(field) for field in fields)
    # A range from a number to itself is all numbers to some; of the 29th of February see
    # `cron_lines`.
    return plain and not re.search(r"\b(\w+)-\1\b", text) and not text.endswith(" 29 2 *")
