"""Any rule of time, held to a clock that is looked at every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing_reference import DAY, MINUTE, PLACES, days_between, last_of_month, moved, wall_around

from syncflow_dagster.core.timing.cron import CronRule
from syncflow_dagster.core.timing.dates import DatesRule
from syncflow_dagster.core.timing.filtered import DayFilter, Excluding, filtered
from syncflow_dagster.core.timing.interval import interval_rule, parse_every
from syncflow_dagster.core.timing.localtime import instants
from syncflow_dagster.core.timing.rule import Union, between

# `make fault` asks for more.
MANY = None if settings.get_current_profile_name() == "thorough" else 25
examples = settings(max_examples=MANY) if MANY else settings()

_SOME = {"min_size": 1, "max_size": 3}


@st.composite
def fields(draw, low, high):
    """A field of a cron expression: how it is written, and its numbers."""
    numbers = draw(st.none() | st.none() | st.sets(st.integers(low, high), **_SOME))
    if numbers is None:
        return "*", set(range(low, high + 1))
    step = draw(st.none() | st.integers(2, 7))
    if step is not None:
        return f"{low}-{high}/{step}", set(range(low, high + 1, step))
    return ",".join(map(str, sorted(numbers))), numbers


@st.composite
def crons(draw, zone, day):
    """A cron rule, the days on which it is due, its times, and whether it names every hour."""
    minutes, hours, numbers, months, weekdays = (
        draw(fields(*bounds)) for bounds in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
    )
    text = " ".join(one[0] for one in (minutes, hours, numbers, months, weekdays))

    def is_due(one):
        by_month, by_week = one.day in numbers[1], one.isoweekday() % 7 in weekdays[1]
        either = numbers[0] != "*" and weekdays[0] != "*"
        return one.month in months[1] and (by_month or by_week if either else by_month and by_week)

    times = [time(hour, minute) for hour in hours[1] for minute in minutes[1]]
    return CronRule.parse(text, zone), is_due, times, len(hours[1]) == 24


@st.composite
def calendars(draw, zone, day):
    """A rule every so many days, weeks or months, likewise."""
    unit = draw(st.sampled_from(["days", "weeks", "months"]))
    count = draw(st.integers(1, 4))
    anchor = day - draw(st.integers(-3, 40) | st.integers(0, 3000)) * DAY
    at = time(draw(st.integers(0, 23)), draw(st.integers(0, 59)))

    def is_due(one):
        if one < anchor:
            return False
        if unit == "months":
            passed = (one.year - anchor.year) * 12 + one.month - anchor.month
            return passed % count == 0 and one.day == min(anchor.day, last_of_month(one))
        return (one - anchor).days % (count * (7 if unit == "weeks" else 1)) == 0

    rule = interval_rule(parse_every(f"{count} {unit}"), datetime.combine(anchor, at), zone)
    return rule, is_due, [at], False


@st.composite
def listed(draw, zone, day):
    """A rule of listed days, likewise."""
    days = draw(st.sets(st.sampled_from(days_between(day - 5 * DAY, day + 5 * DAY)), min_size=1))
    times = [time(hour, draw(st.integers(0, 59))) for hour in draw(st.sets(st.integers(0, 23)))]
    return DatesRule(frozenset(days), tuple(times), ZoneInfo(zone)), days.__contains__, times, False


def of_days(zone, day):
    return crons(zone, day) | calendars(zone, day) | listed(zone, day)


@st.composite
def filters(draw, day):
    """Days of the week and others on which to be due."""
    off = draw(st.sets(st.integers(0, 6), max_size=3))
    days = draw(st.sets(st.sampled_from(days_between(day - 2 * DAY, day + 2 * DAY)), max_size=3))
    permits = lambda one: one.weekday() not in off and one not in days  # noqa: E731
    return DayFilter(permits, draw(st.sampled_from(["skip", "next", "previous"])))


@st.composite
def spans(draw, day):
    """An instant, a later one, and one between them; to the microsecond."""
    micros = st.integers(-4 * 24 * 3600 * 10**6, 4 * 24 * 3600 * 10**6)
    minutes = st.integers(-4 * 1440, 4 * 1440).map(lambda number: number * 60 * 10**6)
    begin = datetime.combine(day, time(), UTC)
    three = draw(st.lists(micros | minutes, min_size=3, max_size=3))
    after, cut, upto = (begin + timedelta(microseconds=one) for one in sorted(three))
    return after, cut, upto


def agree(rule, expected, span):
    """Hold a rule to what is expected, from wherever it is asked."""
    after, cut, upto = span
    wanted = [one for one in sorted(set(expected)) if after < one <= upto]
    assert between(rule, after, upto) == wanted
    assert between(rule, cut, upto) == [one for one in wanted if one > cut]


@examples
@given(st.data(), st.sampled_from(PLACES))
def test_a_rule_of_days_is_due_when_the_clock_shows_it(data, place):
    wall = wall_around(*place)
    rule, is_due, times, as_shown = data.draw(of_days(*place))
    days = filter(is_due, days_between(place[1] - 5 * DAY, place[1] + 5 * DAY))
    agree(rule, wall.due(days, times, as_shown), data.draw(spans(place[1])))


@examples
@given(st.data(), st.sampled_from(PLACES))
def test_days_are_filtered_moved_and_left_out(data, place):
    wall = wall_around(*place)
    rule, is_due, times, as_shown = data.draw(of_days(*place))
    by = data.draw(filters(place[1]))
    never = frozenset(data.draw(st.sets(st.sampled_from([place[1], place[1] + DAY]))))
    sources = filter(is_due, days_between(place[1] - 40 * DAY, place[1] + 40 * DAY))
    targets = {moved(day, by.permits, by.otherwise) for day in sources}
    seen = days_between(place[1] - 5 * DAY, place[1] + 5 * DAY)
    zone = ZoneInfo(place[0])
    expected = [
        due
        for due in wall.due(targets & set(seen), times, as_shown)
        if due.astimezone(zone).date() not in never
    ]
    agree(Excluding(filtered(rule, by), zone, never), expected, data.draw(spans(place[1])))


def counted(draw, zone, day, shortest):
    """A rule that counts minutes or hours, its first due time and its period."""
    minutes = draw(st.integers(shortest, 4000) | st.sampled_from([60, 90, 1440, 2880]))
    hours = minutes % 60 == 0 and draw(st.booleans())
    text = f"{minutes // 60} hours" if hours else f"{minutes} minutes"
    # Long ago nothing odd happened at noon.
    odd = st.integers(-5, 4).map(lambda number: day + number * DAY)
    anchor = draw(odd | st.just(day - 3000 * DAY))
    at = draw(st.times().map(lambda one: time(one.hour, one.minute)))
    if anchor in days_between(day - 5 * DAY, day + 4 * DAY):
        (first,) = wall_around(zone, day).comes(anchor, at, as_shown=False)
    else:
        at = time(12)
        first = datetime.combine(anchor, at, ZoneInfo(zone)).astimezone(UTC)
    rule = interval_rule(parse_every(text), datetime.combine(anchor, at), zone)
    return rule, first, timedelta(minutes=minutes)


@examples
@given(st.data(), st.sampled_from(PLACES))
def test_minutes_and_hours_are_counted_as_they_pass(data, place):
    rule, first, period = counted(data.draw, *place, shortest=1)
    begin = datetime.combine(place[1] - 5 * DAY, time(), UTC)
    every_minute = (begin + number * MINUTE for number in range(10 * 1440))
    expected = [one for one in every_minute if one >= first and (one - first) % period == 0 * DAY]
    agree(rule, expected, data.draw(spans(place[1])))


@examples
@given(st.data(), st.sampled_from(PLACES))
def test_what_is_counted_is_moved_to_the_time_the_clock_showed(data, place):
    wall, (name, day) = wall_around(*place), place
    rule, first, period = counted(data.draw, *place, shortest=45)
    by, zone = data.draw(filters(day)), ZoneInfo(name)
    due = first + max(0, (datetime.combine(day - 20 * DAY, time(), UTC) - first) // period) * period
    expected = []
    while due < datetime.combine(day + 20 * DAY, time(), UTC):
        shown = due.astimezone(zone)
        target = moved(shown.date(), by.permits, by.otherwise)
        if target == shown.date():
            expected.append(due)
        elif target is not None and day - 5 * DAY <= target <= day + 4 * DAY:
            expected += wall.comes(target, shown.time(), as_shown=False)
        due += period
    agree(filtered(rule, by), expected, data.draw(spans(day)))


@examples
@given(st.data(), st.sampled_from(PLACES))
def test_several_rules_are_due_whenever_one_of_them_is(data, place):
    after, cut, upto = data.draw(spans(place[1]))
    rules = [data.draw(of_days(*place))[0] for _ in range(data.draw(st.integers(0, 3)))]
    expected = {due for rule in rules for due in between(rule, after, upto)}
    agree(Union(tuple(rules)), expected, (after, cut, upto))


@examples
@given(st.sampled_from(PLACES), st.integers(-4, 4), st.integers(0, 1439), st.booleans())
def test_a_time_of_a_day_comes_when_the_clock_shows_it(place, number, minute, as_shown):
    day, at = place[1] + number * DAY, time(*divmod(minute, 60))
    found = instants(day, at, ZoneInfo(place[0]), as_shown=as_shown)
    assert list(found) == wall_around(*place).comes(day, at, as_shown)


@pytest.mark.parametrize("otherwise", ["skip", "next", "previous"])
@pytest.mark.parametrize(
    "rule",
    [
        CronRule.parse("* * * * *", "Europe/Berlin"),
        CronRule.parse("0 9 30 2 *", "Europe/Berlin"),
        interval_rule(parse_every("1 hours"), datetime.combine(date(2026, 1, 1), time()), "UTC"),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_a_rule_that_is_never_due_again_ends(rule, otherwise):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert list(filtered(rule, DayFilter(lambda day: False, otherwise)).after(at)) == []


def test_what_is_seldom_due_is_found():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    mondays = DayFilter(lambda day: day.weekday() == 0)
    leap_days = filtered(CronRule.parse("0 9 29 2 *", "UTC"), mondays)
    fifths = CronRule.parse("0 9 * 2 MON#5", "UTC")
    years = [2044, 2072, 2112]
    for rule in (leap_days, fifths):
        assert [due.year for due in islice(rule.after(at), 3)] == years
    assert list(CronRule.parse("0 9 31 4,6 *", "UTC").after(at)) == []
