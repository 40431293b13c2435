"""What is read of rules of time, what is refused, and which days are business days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncflow_dagster.core.timing.calendar import (
    BusinessCalendar,
    CalendarError,
    countries,
    weekdays,
)
from syncflow_dagster.core.timing.cron import CronError, CronRule
from syncflow_dagster.core.timing.filtered import DayFilter, filtered
from syncflow_dagster.core.timing.interval import (
    Every,
    IntervalError,
    interval_rule,
    parse_every,
)
from syncflow_dagster.core.timing.rule import Union, between

NINE = datetime.combine(date(2026, 1, 31), time(9))


@pytest.mark.parametrize(
    ("text", "count", "unit"),
    [
        ("90 minutes", 90, "minutes"),
        ("1 hour", 1, "hours"),
        ("10days", 10, "days"),
        (" 2 Weeks ", 2, "weeks"),
        ("3 months", 3, "months"),
    ],
)
def test_an_interval_is_a_number_and_a_unit(text, count, unit):
    every = parse_every(text)
    assert every == Every(count, unit)
    assert parse_every(str(every)) == every


@pytest.mark.parametrize(
    "text", ["", "minutes", "0 days", "-1 days", "1.5 hours", "2 years", "1 h"]
)
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(IntervalError, match=r"a number from 1 on and one of minutes, hours, days"):
        parse_every(text)


@pytest.mark.parametrize("anchor", [NINE.replace(tzinfo=UTC), NINE.replace(second=1)])
def test_an_anchor_is_a_local_time_in_whole_minutes(anchor):
    with pytest.raises(IntervalError, match="local time in whole minutes"):
        interval_rule(parse_every("1 day"), anchor, "UTC")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("* * * *", "has 4 fields, not five"),
        ("* * * * * *", "has 6 fields, not five"),
        ("60 * * * *", "is wrong"),
        ("* * * * MON-XYZ", "is wrong"),
        ("* * 15W * *", "'15w' is not the same to every cron"),
        ("H * * * *", "'h' is not the same to every cron"),
        ("* r(0-5) * * *", "not the same to every cron"),
        ("0 9 1-7 * MON#1", "names both days of the month and a weekday of it"),
    ],
)
def test_what_is_no_cron_expression_is_refused(text, reason):
    with pytest.raises(CronError, match=reason.replace("(", r"\(")):
        CronRule.parse(text, "UTC")


def test_a_cron_expression_may_name_days_and_months():
    named = CronRule.parse("0  9 ? JAN,mar SUN-TUE", "UTC")
    numbered = CronRule.parse("0 9 * 1,3 0,1,2", "UTC")
    assert (named.weekdays, named.months) == (numbered.weekdays, numbered.months)
    assert CronRule.parse("0 9 * * 7", "UTC").weekdays == {0}
    assert named.text == "0 9 ? JAN,mar SUN-TUE"


def test_holidays_of_a_country_are_days_off_and_what_is_listed_has_the_last_word():
    berlin = BusinessCalendar(country="DE", subdivision="BE")
    womens_day = date(2027, 3, 8)
    assert not berlin.is_business_day(womens_day)
    assert BusinessCalendar(country="DE").is_business_day(womens_day)
    assert not berlin.is_business_day(date(2027, 3, 6))
    assert BusinessCalendar(weekend=weekdays(["Friday"])).is_business_day(date(2027, 3, 6))
    # Observed on the last day of the year before.
    assert not BusinessCalendar(country="US").is_business_day(date(2021, 12, 31))
    listed = BusinessCalendar(
        country="DE",
        days_off=frozenset({date(2026, 12, 24), date(2026, 12, 23)}),
        business_days=frozenset({date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26)}),
    )
    days = [date(2026, 12, number) for number in range(22, 28)]
    assert [day.day for day in days if listed.is_business_day(day)] == [22, 24, 25, 26]
    assert [day.day for day in days if listed.is_day_off(day)] == [23, 27]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"country": "XX"}, "public holidays of 'XX' are not known"),
        ({"country": "DE", "subdivision": "ZZ"}, "DE has no subdivision 'ZZ'; known are: BB, BE"),
        ({"subdivision": "BE"}, "needs a country"),
    ],
)
def test_what_is_not_known_of_countries_is_refused(values, reason):
    with pytest.raises(CalendarError, match=reason):
        BusinessCalendar(**values)
    assert "BE" in countries()["DE"]


def test_a_day_of_the_week_has_its_english_name():
    assert weekdays(["Saturday", "sunday"]) == {5, 6}
    with pytest.raises(CalendarError, match="'caturday' is no day of the week: monday"):
        weekdays(["caturday"])


def test_a_filter_reaches_into_several_rules_and_refuses_what_has_no_days():
    by = DayFilter(lambda day: day.weekday() < 5, "next")
    both = Union((CronRule.parse("0 9 * * 6", "UTC"), CronRule.parse("0 9 * * 0", "UTC")))
    first = datetime(2026, 3, 1, 12, tzinfo=UTC)
    mondays = [first + timedelta(days=1 + 7 * number, hours=-3) for number in range(2)]
    assert between(filtered(both, by), first, first + timedelta(days=14)) == mondays
    with pytest.raises(TypeError, match="not for object"):
        filtered(object(), by)


def test_what_was_moved_to_a_day_on_which_the_clocks_jump_keeps_its_own_time():
    saturday = datetime(2026, 3, 28, tzinfo=UTC)
    rule = filtered(
        CronRule.parse("30 2 * * *", "Europe/Berlin"),
        DayFilter(lambda day: day.weekday() == 0, "next"),
    )
    (due,) = between(rule, saturday, saturday + timedelta(days=4))
    # Not also at 03:00, when 02:30 of the Sunday would have been due.
    assert due.astimezone(ZoneInfo("Europe/Berlin")).time() == time(2, 30)
