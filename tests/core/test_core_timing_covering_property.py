"""The cron lines of a rule tick whenever it is due, as Dagster reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from dagster._utils.schedules import is_valid_cron_schedule, schedule_execution_time_iterator
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.timing.calendar import BusinessCalendar
from syncflow_dagster.core.timing.covering import Covering, covering
from syncflow_dagster.core.timing.cron import CronRule
from syncflow_dagster.core.timing.dates import DatesRule
from syncflow_dagster.core.timing.filtered import DayFilter, Excluding, filtered
from syncflow_dagster.core.timing.interval import interval_rule, parse_every
from syncflow_dagster.core.timing.rule import Union, between

THOROUGH = settings.get_current_profile_name() == "thorough"
examples = settings() if THOROUGH else settings(max_examples=15)
DAY = timedelta(days=1)
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tehran", "Australia/Lord_Howe", "Pacific/Apia")
ANCHOR = datetime.combine(date(2024, 1, 31), time(2, 30))
CALENDAR = BusinessCalendar(country="DE")


def ticks(lines: Covering, first: datetime, last: datetime) -> list[datetime]:
    """Return when a schedule of Dagster ticks, if its daemon looks from `first` on."""
    assert is_valid_cron_schedule(lines.crons), lines
    found = schedule_execution_time_iterator(first.timestamp(), lines.crons, lines.zone)
    return [one.astimezone(UTC) for one in takewhile(lambda one: one <= last, found)]


def ticks_whenever_due(rule, zone, first, last, since=date(2025, 1, 1)):
    lines = covering(rule, zone, since)
    missing = set(between(rule, first, last)) - set(ticks(lines, first, last))
    assert not missing, (lines, sorted(missing)[:3])
    return lines


def cron(text, zone):
    return CronRule.parse(text, zone)


def every(text, zone):
    return interval_rule(parse_every(text), ANCHOR, zone)


def only(rule, otherwise):
    return filtered(rule, DayFilter(CALENDAR.is_business_day, otherwise))


RULES = {
    "daily": lambda zone: cron("30 2 * * *", zone),
    "midnight": lambda zone: cron("0 0 * * *", zone),
    "morning": lambda zone: cron("30 9 * * MON-FRI", zone),
    "hourly": lambda zone: cron("30 * * * *", zone),
    "nights": lambda zone: cron("*/20 0-3,22 * 3-4,9-11 *", zone),
    "leap day": lambda zone: cron("0 9 29 2 *", zone),
    "last day": lambda zone: cron("45 23 L * *", zone),
    "first Monday": lambda zone: cron("15 1 * * MON#1", zone),
    "last Friday": lambda zone: cron("15 13 * * L5", zone),
    "either": lambda zone: cron("30 1 13,31 * 5", zone),
    "90 minutes": lambda zone: every("90 minutes", zone),
    "25 hours": lambda zone: every("25 hours", zone),
    "10 days": lambda zone: every("10 days", zone),
    "2 weeks": lambda zone: every("2 weeks", zone),
    "1 month": lambda zone: every("1 month", zone),
    "dates": lambda zone: DatesRule(
        frozenset({date(2026, 3, 29), date(2026, 12, 31), date(2028, 2, 29)}),
        (time(0), time(2, 30)),
        ZoneInfo(zone),
    ),
    "next": lambda zone: only(cron("30 2 * * *", zone), "next"),
    "previous": lambda zone: only(cron("0 12 1,15 * *", zone), "previous"),
    "counted and moved": lambda zone: only(every("13 hours", zone), "next"),
    "several": lambda zone: Union((cron("0 9 * * 1", zone), every("36 hours", zone))),
    "never on": lambda zone: Excluding(
        cron("0 4 * * *", zone), ZoneInfo(zone), frozenset({date(2026, 1, 1)})
    ),
}
#: Rules whose ticks are so many that Dagster takes seconds to tell those of three years.
OFTEN = {"hourly", "nights", "90 minutes", "counted and moved"}


@pytest.mark.parametrize("zone", ZONES)
def test_property_three_years_of_due_times_are_ticks(zone):
    first = datetime(2026, 1, 1, tzinfo=UTC)
    names = RULES if THOROUGH else sorted(RULES)[ZONES.index(zone) :: len(ZONES)]
    for name in names:
        days = 3 * 366 if THOROUGH or name not in OFTEN else 100
        ticks_whenever_due(RULES[name](zone), zone, first, first + days * DAY)


#: Years in which the zones' clocks do what they do no longer.
LONG_AGO = {"Pacific/Apia": 2011, "Asia/Tehran": 2021, "America/New_York": 2006}

_LISTS = (st.integers(0, 59), st.integers(0, 23), st.integers(1, 28), st.integers(1, 12))


@st.composite
def any_rules(draw, zone):
    """Any rule."""
    if draw(st.booleans()):
        rule = RULES[draw(st.sampled_from(sorted(RULES)))](zone)
    else:
        lists = [draw(st.none() | st.sets(one, min_size=1, max_size=3)) for one in _LISTS]
        lists.append(draw(st.none() | st.sets(st.integers(0, 6), min_size=1, max_size=3)))
        written = [",".join(map(str, one)) if one else "*" for one in lists]
        written[0] = draw(st.just(written[0]) | st.sampled_from(["*/7", "5-50/9", "50-59,3"]))
        written[1] = draw(st.just(written[1]) | st.sampled_from(["*/5", "1-3", "0-2,22-23"]))
        written[2] = draw(st.just(written[2]) | st.sampled_from(["29,31", "L", "28-31"]))
        rule = cron(" ".join(written), zone)
    otherwise = draw(st.none() | st.sampled_from(["skip", "next", "previous"]))
    weekend = draw(st.sets(st.integers(0, 6), max_size=2))
    by = DayFilter(lambda day: day.weekday() not in weekend, otherwise or "skip")
    whole = otherwise is None or isinstance(rule, Excluding) or hasattr(rule, "by")
    return rule if whole else filtered(rule, by)


@examples
@given(st.data(), st.sampled_from(ZONES), st.booleans(), st.integers(0, 2 * 365 * 1440))
def test_property_every_due_time_is_a_tick_from_wherever_dagster_looks(data, zone, old, minute):
    year = LONG_AGO.get(zone, 2025) if old else 2025
    rule, since = data.draw(any_rules(zone)), date(year, 1, 1)
    first = datetime(year, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    lines = covering(rule, zone, since)
    last = first + timedelta(days=data.draw(st.integers(1, 20)))
    missing = set(between(rule, first - timedelta(seconds=1), last)) - set(
        ticks(lines, first, last)
    )
    assert not missing, (lines, sorted(missing)[:3])


def test_a_rule_that_no_move_of_the_clocks_touches_keeps_its_line_and_zone():
    for text in ("30 9 * * MON-FRI", "*/15 * * * 1-5", "0 9 * * MON#1", "0 0 L * *"):
        assert covering(cron(text, "Europe/Berlin"), "Europe/Berlin") == Covering(
            (text,), "Europe/Berlin"
        )
    assert covering(cron("*/15 * * * *", "Asia/Kolkata"), "Asia/Kolkata").zone == "Asia/Kolkata"
    fortnight = interval_rule(
        parse_every("2 weeks"), datetime.combine(date(2026, 1, 5), time(9)), "Europe/Berlin"
    )
    assert covering(fortnight, "Europe/Berlin") == Covering(("0 9 * * 1",), "Europe/Berlin")


def test_what_a_move_of_the_clocks_touches_ticks_in_utc_and_seldom_in_vain():
    assert covering(cron("*/15 * * * *", "Europe/Berlin"), "Europe/Berlin") == Covering(
        ("*/15 * * * *",), "UTC"
    )
    assert covering(every("100 minutes", "Europe/Berlin"), "Europe/Berlin") == Covering(
        ("10,30,50 * * * *",), "UTC"
    )
    daily = covering(cron("30 2 * * *", "Europe/Berlin"), "Europe/Berlin")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert daily.zone == "UTC"
    assert 365 <= len(ticks(daily, first, first + 365 * DAY)) < 430


def test_a_leap_day_is_looked_for_from_the_day_itself():
    rule = cron("0 9 29 2 *", "UTC")
    leap_day = datetime(2028, 2, 29, tzinfo=UTC)
    # Dagster's own reading of that line loses it.
    own = Covering((rule.text,), "UTC")
    assert ticks(own, leap_day, leap_day + DAY) == []
    assert ticks_whenever_due(rule, "UTC", leap_day, leap_day + DAY).crons == ("0 9 28,29 2 *",)


def test_a_rule_that_is_never_due_has_a_line_all_the_same():
    lines = covering(cron("0 9 31 4 *", "UTC"), "UTC")
    assert is_valid_cron_schedule(lines.crons)
    assert len(lines.crons) == 1


def test_a_rule_of_an_unknown_kind_is_refused():
    with pytest.raises(TypeError, match="nothing is known of the times of object"):
        covering(object(), "UTC")
