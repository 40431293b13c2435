"""Ten years in six zones: every kind of rule is due exactly when the clock on the wall says.

With `--hypothesis-profile=thorough` the clock is looked at every minute, else every half hour.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from timing_reference import DAY, Wall, days_between, last_of_month, moved

from syncflow_dagster.core.timing.calendar import BusinessCalendar
from syncflow_dagster.core.timing.cron import CronRule
from syncflow_dagster.core.timing.dates import DatesRule
from syncflow_dagster.core.timing.filtered import DayFilter, Excluding, filtered
from syncflow_dagster.core.timing.interval import interval_rule, parse_every
from syncflow_dagster.core.timing.rule import Union, between

THOROUGH = settings.get_current_profile_name() == "thorough"
STEP = timedelta(minutes=1 if THOROUGH else 30)

#: Ten years of each zone in which its odd things happen: rules of summer time that change (New
#: York 2007, Lord Howe 2008, whose clocks are moved by half an hour), that end (Tehran 2022), a
#: day that is left out (Apia 2011).
DECADES = {
    "America/New_York": 2004,
    "Europe/Berlin": 2019,
    "Asia/Tehran": 2014,
    "Australia/Lord_Howe": 2005,
    "Pacific/Apia": 2006,
    "UTC": 2019,
}

OFF = frozenset(
    [date(2011, 12, 29), date(2011, 12, 31)]
    + [date(year, month, 1) for year in range(2004, 2030) for month in (1, 5)]
)
BUSINESS = BusinessCalendar(days_off=OFF)
LISTED = frozenset(
    [date(2007, 3, 11), date(2008, 4, 6), date(2011, 12, 30), date(2020, 2, 29)]
    + [date(year, 3, 22) for year in range(2004, 2030)]
)


def works(day):
    return day.weekday() < 5 and day not in OFF


def by_days(is_due, *times, as_shown=False):
    """Return the reference of a rule of days."""
    return lambda wall, days, _zone: wall.due(filter(is_due, days), times, as_shown)


def from_anchor(is_due):
    """Return the reference of a rule of days that begins with its anchor."""
    return by_days(lambda day: day >= ANCHOR.date() and is_due(day), ANCHOR.time())


def elapsed(anchor, period):
    """Return the reference of a rule that counts time as it passes."""

    def due(wall, _days, zone):
        (due,) = wall_of_anchor(zone, anchor)
        begin, end = min(wall.first_time.values()), max(wall.first_time.values())
        due += max(0, (begin - due) // period) * period
        found = []
        while due <= end:
            found.append(due)
            due += period
        return found

    return due


@cache
def wall_of_anchor(zone, anchor):
    return Wall(zone, anchor.date() - DAY, anchor.date() + 2 * DAY).comes(
        anchor.date(), anchor.time(), as_shown=False
    )


def moves(is_due, at, otherwise):
    """Return the reference of a rule whose days are filtered or moved."""

    def due(wall, days, _zone):
        targets = {moved(day, works, otherwise) for day in filter(is_due, days)}
        return wall.due(targets - {None} & set(days[10:-10]), [at])

    return due


def cron(text, zone):
    return CronRule.parse(text, zone)


def every(text, anchor, zone):
    return interval_rule(parse_every(text), anchor, zone)


def only(text, otherwise, zone):
    return filtered(cron(text, zone), DayFilter(BUSINESS.is_business_day, otherwise))


def dates(zone):
    return DatesRule(LISTED, (time(2, 30), time(0)), ZoneInfo(zone))


def never_on(text, days, zone):
    return Excluding(cron(text, zone), ZoneInfo(zone), days)


def several(zone):
    return Union((cron("30 9 * * 1-5", zone), cron("30 9,19 * * 5,6", zone)))


ANCHOR = datetime.combine(date(2004, 1, 31), time(2, 30))
HOURS = [time(hour, 30) for hour in range(24)]
NIGHT = [time(hour, minute) for hour in (1, 2, 3) for minute in (0, 30)]

RULES = {
    "daily": (partial(cron, "30 2 * * *"), by_days(lambda day: True, time(2, 30))),
    "at two": (partial(cron, "0 2 * * *"), by_days(lambda day: True, time(2))),
    "midnight": (partial(cron, "0 0 * * *"), by_days(lambda day: True, time(0))),
    "last of the day": (partial(cron, "30 23 * * *"), by_days(lambda day: True, time(23, 30))),
    "every hour": (
        partial(cron, "30 * * 3,4,9-12 *"),
        by_days(lambda day: day.month in (3, 4, 9, 10, 11, 12), *HOURS, as_shown=True),
    ),
    "nights": (
        partial(cron, "0,30 1-3 * * *"),
        by_days(lambda day: True, *NIGHT),
    ),
    "weekdays": (partial(cron, "0 7 * * MON-FRI"), by_days(lambda day: day.weekday() < 5, time(7))),
    "leap days": (
        partial(cron, "0 12 29 2 *"),
        by_days(lambda day: (day.month, day.day) == (2, 29), time(12)),
    ),
    "year ends": (
        partial(cron, "30 23 31 12 *"),
        by_days(lambda day: (day.month, day.day) == (12, 31), time(23, 30)),
    ),
    "the 13th or a Friday": (
        partial(cron, "30 0 13 * 5"),
        by_days(lambda day: day.day == 13 or day.weekday() == 4, time(0, 30)),
    ),
    "first Monday": (
        partial(cron, "0 9 * * MON#1"),
        by_days(lambda day: day.weekday() == 0 and day.day <= 7, time(9)),
    ),
    "last Sunday": (
        partial(cron, "30 2 * * L7"),
        by_days(lambda day: day.weekday() == 6 and (day + 7 * DAY).month != day.month, time(2, 30)),
    ),
    "last of the month": (
        partial(cron, "0 1 L * *"),
        by_days(lambda day: day.day == last_of_month(day), time(1)),
    ),
    "90 minutes": (
        partial(every, "90 minutes", ANCHOR), elapsed(ANCHOR, timedelta(minutes=90)),
    ),
    "7 hours": (partial(every, "7 hours", ANCHOR), elapsed(ANCHOR, timedelta(hours=7))),
    "10 days": (
        partial(every, "10 days", ANCHOR),
        from_anchor(lambda day: (day - ANCHOR.date()).days % 10 == 0),
    ),
    "2 weeks": (
        partial(every, "2 weeks", ANCHOR),
        from_anchor(lambda day: (day - ANCHOR.date()).days % 14 == 0),
    ),
    "1 month": (
        partial(every, "1 month", ANCHOR),
        from_anchor(lambda day: day.day == last_of_month(day)),
    ),
    "3 months": (
        partial(every, "3 months", ANCHOR),
        from_anchor(lambda day: day.month % 3 == 1 and day.day == last_of_month(day)),
    ),
    "dates": (dates, by_days(lambda day: day in LISTED, time(2, 30), time(0))),
    "business days": (partial(only, "30 2 * * *", "skip"), by_days(works, time(2, 30))),
    "or the next business day": (
        partial(only, "0 0 1,15,30 * *", "next"),
        moves(lambda day: day.day in (1, 15, 30), time(0), "next"),
    ),
    "or the business day before": (
        partial(only, "30 2 1,15,30 * *", "previous"),
        moves(lambda day: day.day in (1, 15, 30), time(2, 30), "previous"),
    ),
    "never on listed days": (
        partial(never_on, "30 9 * * *", LISTED),
        lambda wall, days, zone: [
            due
            for due in wall.due(days, [time(9, 30)])
            if due.astimezone(ZoneInfo(zone)).date() not in LISTED
        ],
    ),
    "several": (
        several,
        lambda wall, days, _zone: sorted({
            *wall.due((day for day in days if day.weekday() < 6), [time(9, 30)]),
            *wall.due((day for day in days if day.weekday() in (4, 5)), [time(19, 30)]),
        }),
    ),
}  # fmt: skip


@pytest.mark.parametrize("zone", DECADES)
def test_ten_years_are_due_exactly_as_the_clock_on_the_wall_says(zone):
    begin = DECADES[zone]
    counted = dict.fromkeys(RULES, 0)
    for year in range(begin, begin + 10):
        first, last = date(year, 1, 1), date(year + 1, 1, 1)
        wall = Wall(zone, first - 15 * DAY, last + 15 * DAY, STEP)
        days = days_between(first - 13 * DAY, last + 12 * DAY)
        after, upto = (datetime.combine(day, time(), UTC) for day in (first, last))
        for name, (rule, reference) in RULES.items():
            expected = [due for due in reference(wall, days, zone) if after < due <= upto]
            assert between(rule(zone), after, upto) == expected, (name, year)
            counted[name] += len(expected)
    assert min(counted.values()) >= 2, counted
