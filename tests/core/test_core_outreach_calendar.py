"""Working time, held to a clock that looks at every single minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.outreach.calendar import WorkingCalendar

MINUTE = timedelta(minutes=1)
WORKDAYS = frozenset(range(5))
BERLIN = WorkingCalendar("Europe/Berlin", WORKDAYS, time(8, 30), time(18, 30))

#: Zones, and days around which their clocks are moved, or which they leave out.
MOVES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Asia/Tehran", date(2022, 3, 22)),
    ("Asia/Tehran", date(2022, 9, 21)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
]


@st.composite
def calendars(draw):
    """Calendars around a move of the clocks, those of nights among them, and an instant."""
    zone, moved = draw(st.sampled_from(MOVES))
    minutes = st.integers(0, 24 * 60 - 1)
    first, last = sorted(draw(st.lists(minutes, min_size=2, max_size=2, unique=True)))
    days = draw(st.frozensets(st.integers(0, 6), min_size=1) | st.just(frozenset(range(7))))
    holidays = draw(st.frozensets(st.sampled_from([moved, moved + timedelta(days=1)]), max_size=1))
    calendar = WorkingCalendar(
        zone, days, time(first // 60, first % 60), time(last // 60, last % 60), holidays
    )
    at = datetime.combine(moved, time(), UTC) + draw(st.integers(-2880, 2880)) * MINUTE
    return calendar, at


def _is_open(calendar, at):
    """Look at the clock on the wall."""
    local = at.astimezone(ZoneInfo(calendar.zone))
    works = local.weekday() in calendar.days and local.date() not in calendar.holidays
    return works and calendar.start <= local.time() < calendar.end


@given(calendars(), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_minutes_are_those_at_which_the_clock_shows_working_time(drawn, minutes):
    calendar, at = drawn
    here, worked, opened = at, 0, None
    while worked < minutes and here < at + timedelta(days=4):
        if _is_open(calendar, here):
            opened = opened or here
            worked += 1
        here += MINUTE
    if opened is not None:
        assert calendar.next_open(at) == opened
    if worked == minutes:
        assert calendar.add_minutes(at, minutes) == here
    assert calendar.is_open(at) == _is_open(calendar, at)


@given(calendars(), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_days_are_those_with_working_time(drawn, days):
    calendar, at = drawn
    zone = ZoneInfo(calendar.zone)
    begun = at.astimezone(zone)
    ended = calendar.add_days(at, days).astimezone(zone)
    worked, here = set(), at
    while (local := here.astimezone(zone)).date() <= ended.date():
        if _is_open(calendar, here) and local.date() > begun.date():
            worked.add(local.date())
        here += MINUTE
    assert len(worked) == days
    assert ended.date() == max(worked)
    moved = datetime.combine(ended.date(), begun.time(), zone).astimezone(UTC).astimezone(zone)
    assert ended.time() == moved.time()


def test_a_pause_goes_over_the_weekend_on_which_the_clocks_change():
    friday = datetime(2026, 3, 27, 17, 0, tzinfo=UTC)  # 18:00 in Berlin
    assert BERLIN.add_minutes(friday, 30) == datetime(2026, 3, 27, 17, 30, tzinfo=UTC)
    assert BERLIN.add_minutes(friday, 31) == datetime(2026, 3, 30, 6, 31, tzinfo=UTC)
    assert BERLIN.add_days(friday, 1) == datetime(2026, 3, 30, 16, 0, tzinfo=UTC)


def test_a_time_the_clocks_leave_out_is_later_by_as_much():
    every_day = WorkingCalendar("Europe/Berlin", frozenset(range(7)), time(1), time(9))
    saturday = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)  # 02:30 in Berlin
    assert every_day.add_days(saturday, 1) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30


def test_a_day_that_a_zone_leaves_out_is_no_working_day():
    apia = WorkingCalendar("Pacific/Apia", WORKDAYS, time(9), time(17))
    thursday = datetime(2011, 12, 29, 22, 0, tzinfo=UTC)  # 12:00 there
    monday = datetime(2012, 1, 1, 22, 0, tzinfo=UTC)
    assert apia.add_days(thursday, 1) == monday
    assert apia.next_open(datetime(2011, 12, 30, 4, 0, tzinfo=UTC)) == monday - timedelta(hours=3)


def test_holidays_are_closed_and_nothing_is_added_by_nothing():
    closed = WorkingCalendar(
        "UTC", WORKDAYS, time(9), time(17), frozenset({date(2026, 12, 25), date(2026, 12, 28)})
    )
    eve = datetime(2026, 12, 24, 16, 0, tzinfo=UTC)
    assert closed.add_minutes(eve, 90) == datetime(2026, 12, 29, 9, 30, tzinfo=UTC)
    assert closed.add_days(eve, 1) == datetime(2026, 12, 29, 16, 0, tzinfo=UTC)
    assert closed.add_minutes(eve, 0) == closed.add_days(eve, 0) == eve
    assert not closed.is_open(datetime(2026, 12, 25, 12, 0, tzinfo=UTC))


def test_a_calendar_that_is_never_open_is_refused():
    with pytest.raises(ValueError, match="never open"):
        WorkingCalendar("UTC", WORKDAYS, time(9), time(9))
    with pytest.raises(ValueError, match="at least one"):
        WorkingCalendar("UTC", frozenset(), time(9), time(10))
