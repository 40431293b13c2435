"""Windows of a week against a clock on the wall that is read minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.timing.windows import Span, SpanError, WeekWindows, parse_span

MINUTE = timedelta(minutes=1)
# Days around which clocks change, or a zone leaves out a whole day.
NIGHTS = {
    "America/New_York": (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    "Europe/Berlin": (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)),
    "Asia/Tehran": (datetime(2021, 3, 21, tzinfo=UTC), datetime(2021, 9, 21, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2026, 4, 4, tzinfo=UTC), datetime(2026, 10, 3, tzinfo=UTC)),
    "Pacific/Apia": (datetime(2011, 12, 30, tzinfo=UTC), datetime(2012, 3, 31, tzinfo=UTC)),
    "UTC": (datetime(2028, 2, 29, tzinfo=UTC),),
}
PLACES = [(zone, night) for zone, nights in NIGHTS.items() for night in nights]


def windows(*texts, zone="UTC", off=()):
    days_off = {date.fromisoformat(one) for one in off}
    return WeekWindows(zone, [parse_span(one) for one in texts], days_off.__contains__)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("19:00-07:00 on weekdays", range(5), 1140, 420),
        ("19:00\N{EN DASH}07:00 on monday\N{EN DASH}friday", range(5), 1140, 420),
        ("8:00 - 20:00 on Saturday and sunday", (5, 6), 480, 1200),
        ("00:00-24:00 on weekends", (5, 6), 0, 1440),
        ("22:30-24:00 on friday-monday", (4, 5, 6, 0), 1350, 1440),
        ("01:00-02:00 on monday, wednesday, and weekends", (0, 2, 5, 6), 60, 120),
        ("19:00-00:00", range(7), 1140, 0),
    ],
)
def test_a_window_is_read_as_people_write_it(text, days, start, end):
    assert parse_span(text) == Span(frozenset(days), start, end)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at night", "is no window: write, for example"),
        ("19:00-25:00 on weekdays", "25:00 is no time of day"),
        ("19:60-20:00", "19:60 is no time of day"),
        ("24:00-07:00", "write `00:00`"),
        ("07:00-07:00", "write `00:00-24:00`"),
        ("19:00-07:00 on workdays", "'workdays' is no day of the week"),
        ("19:00-07:00 on monday and", "'monday and' is no day of the week"),
    ],
)
def test_what_is_no_window_is_refused_with_what_would_be(text, told):
    with pytest.raises(SpanError, match=told):
        parse_span(text)


def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer():
    nights = windows("19:00-07:00", zone="Europe/Berlin")
    for evening, hours in [("2026-03-28", 11), ("2026-10-24", 13), ("2026-07-01", 12)]:
        begin = datetime.fromisoformat(f"{evening}T19:00").replace(tzinfo=ZoneInfo("Europe/Berlin"))
        begin = begin.astimezone(UTC)
        assert nights.closes_at(begin) - begin == timedelta(hours=hours)
        assert not nights.is_open(begin - MINUTE)
        assert nights.next_open(begin - 3 * MINUTE) == begin


def test_the_weekend_between_two_nights_is_closed_and_a_day_off_opens_none():
    nights = windows("19:00-07:00 on weekdays", off=["2026-11-24"])
    saturday = utc("2026-11-28T06:59")
    assert nights.is_open(saturday)
    assert nights.next_open(saturday + MINUTE) == utc("2026-11-30T19:00")
    # Tuesday is a day off: Monday's night still ends on it, its own does not begin.
    assert nights.is_open(utc("2026-11-24T06:59"))
    assert nights.next_open(utc("2026-11-24T07:00")) == utc("2026-11-25T19:00")
    with pytest.raises(ValueError, match="no window is open"):
        nights.closes_at(utc("2026-11-24T07:00"))


def test_what_meets_is_one_and_what_never_ends_or_never_begins_says_so():
    both = windows("19:00-24:00 on friday", "00:00-12:00 on saturday", "11:00-13:00 on saturday")
    assert both.closes_at(utc("2026-11-27T20:00")) == utc("2026-11-28T13:00")
    always = windows("00:00-24:00", zone="America/New_York")
    assert always.closes_at(utc("2026-11-27T20:00")) is None
    assert always.next_open(utc("2026-11-27T20:00")) == utc("2026-11-27T20:00")
    never = WeekWindows("UTC", [parse_span("08:00-09:00 on sunday")], lambda _: True)
    assert never.next_open(utc("2026-11-27T20:00")) is None


def _walk(spans, off, zone, first, last):
    """Tell of each minute whether the clock on the wall shows one of a window."""
    zone = ZoneInfo(zone)
    at = first
    while at < last:
        local = at.astimezone(zone)
        minute, day = local.hour * 60 + local.minute, local.date()
        yesterday = day - timedelta(days=1)
        is_open = False
        for one in spans:
            begins = day.weekday() in one.days and day not in off
            began = yesterday.weekday() in one.days and yesterday not in off
            if one.end > one.start:
                is_open |= begins and one.start <= minute < one.end
            else:
                is_open |= (begins and minute >= one.start) or (began and minute < one.end)
        yield at, is_open
        at += MINUTE


_SPANS = st.builds(
    Span,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(0, 1440),
).filter(lambda one: one.start != one.end)


@settings(max_examples=40)
@given(st.sampled_from(PLACES), st.lists(_SPANS, min_size=1, max_size=3), st.integers(-1, 1))
def test_property_stretches_are_what_a_walk_minute_by_minute_finds(place, spans, day_off):
    zone, night = place
    first, last = night - timedelta(hours=30), night + timedelta(hours=30)
    off = {night.date() + timedelta(days=day_off)}
    these = WeekWindows(zone, spans, off.__contains__)
    walked = list(_walk(spans, off, zone, first, last))
    found = []
    for begin, end in these.stretches(first):
        if begin >= last:
            break
        found.append((begin, min(end, last)))
    assert all(one[1] < other[0] for one, other in pairwise(found))
    expected, since = [], None
    for at, is_open in [*walked, (last, False)]:
        if is_open and since is None:
            since = at
        elif not is_open and since is not None:
            expected.append((since, at))
            since = None
    assert found == expected
    assert all(these.is_open(at) == is_open for at, is_open in walked[::7])
