"""Phrases: what is understood, as which days and times; what is not, and what is said then."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.timing import phrases_days as said
from syncflow_dagster.core.timing.phrases import (
    PhraseError,
    parse_phrase,
    parse_time,
    read_phrase,
)
from syncflow_dagster.core.timing.phrases_nearest import EXAMPLES
from syncflow_dagster.core.timing.phrases_reading import WORDS, Phrase

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"

UNDERSTOOD = {
    "every Monday at 12 PM": "every Monday at 12:00",
    "every Monday and Thursday at 7 and 19": "every Monday and Thursday at 07:00 and 19:00",
    "every thursday, monday, and FRIDAY at 7": "every Monday, Thursday and Friday at 07:00",
    "on Mondays and Thursdays at 7am": "every Monday and Thursday at 07:00",
    "weekdays at 7 and 19": "weekdays at 07:00 and 19:00",
    "every weekday at 19, 7": "weekdays at 07:00 and 19:00",
    "every Saturday and Sunday at 10": "weekends at 10:00",
    "weekends at 10": "weekends at 10:00",
    "daily at 09:30": "every day at 09:30",
    "every day at noon": "every day at 12:00",
    "every day at 12 am and midnight": "every day at 00:00",
    "last Friday of the month at 09:30": "last Friday of the month at 09:30",
    "the first and third Monday of every month at 8": (
        "first and third Monday of the month at 08:00"
    ),
    "2nd Tuesday of July and January at 7:30pm": "second Tuesday of January and July at 19:30",
    "on the 15th of the month at 8": "on the 15th of the month at 08:00",
    "on the last and 1st day of the month at 8": "on the 1st and last day of the month at 08:00",
    "on the first of the month at 8": "on the 1st of the month at 08:00",
    "last day of the month at 18:00": "last day of the month at 18:00",
    "first business day of the month at 9": "first business day of the month at 09:00",
    "last and second business day of the month at 9": (
        "second and last business day of the month at 09:00"
    ),
    "every business day at 9": "every business day at 09:00",
    "business days at 9": "every business day at 09:00",
    "every hour": "every hour",
    "hourly at :45 and :15": "every hour at :15 and :45",
    "every\u2002Monday\u2003at 7:30\u00a0p.m.": "every Monday at 19:30",
}


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_phrases_that_are_understood(text):
    assert read_phrase(text).words == UNDERSTOOD[text]
    assert read_phrase(text.upper()) == read_phrase(text)


# The words, what is said not to be understood, and the nearest that is.
NOT_UNDERSTOOD = {
    "every Mondy at 7": ("'Mondy'", "every Monday at 07:00"),
    "evry Monday at 7": ("'evry'", "every Monday at 07:00"),
    "Monday at 7": ("'Monday'", "every Monday at 07:00"),
    "daily": ("lacks something at its end: wanted 'at' and a time", "every day at 09:00"),
    "daily 09:30": ("'09:30'", "every day at 09:30"),
    "last Friday at 09:30": ("'at'", "last Friday of the month at 09:30"),
    "last bussiness day of month at 9": (
        "'bussiness'",
        "last business day of the month at 09:00",
    ),
    "on the 15th (and last day) of the month at 8": (
        "'('",
        "on the 15th and last day of the month at 08:00",
    ),
    "weekdays at 7 and": ("lacks something at its end", "weekdays at 07:00 and 09:00"),
    "weekdays at 7 except July": ("'except' is not understood", "weekdays at 07:00"),
    "every Monday at 25:00": ("a time from 00:00 to 23:59", "every Monday at"),
    "every day at 24:00": ("'24:00'", "every day at"),
    "every day at 13 pm": ("an hour from 1 to 12", "every day at"),
    "every day at 0 am": ("an hour from 1 to 12", "every day at"),
    "every day at 7.30": ("'.'", "every day at 07:00"),
    "every hour at 15": ("'15'", "every hour at :15"),
    "fifth Friday of the month at 9": ("not every month has a fifth one", "Friday of the month"),
    "on the 31st of February at 9": ("up to the 29th", "of February at 09:00"),
    "on the 22th of the month at 9": ("'22th'", "of the month at 09:00"),
    "": ("lacks something", "every day at 09:30"),
    "when the moon is full": ("'when'", ""),
    "every 90 minutes": ("'90'", "use 'type: interval' with 'every: 90 minutes' and an 'anchor'"),
    "every other week at 7": ("'other'", "'every: 2 weeks'"),
    "every second Monday at 9": ("'second'", "'every: 2 weeks' and an 'anchor' such as that of a"),
    "every two hours": ("'two'", "'every: 2 hours'"),
    "every 0 minutes": ("'0'", "the nearest that is understood"),
    f"every {'9' * 5000} days": ("is not understood", "the nearest that is understood"),
    "every quarter": ("'quarter'", "'every: 3 months'"),
}


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_phrases_that_are_not_understood(text):
    part, hint = NOT_UNDERSTOOD[text]
    with pytest.raises(PhraseError) as caught:
        parse_phrase(text, BERLIN)
    assert part in caught.value.message
    assert hint in caught.value.hint


def test_a_time_of_day_on_its_own():
    assert [parse_time(one) for one in ("7", "09:30", "7:30pm", "noon", "12 a.m.")] == [
        time(7),
        time(9, 30),
        time(19, 30),
        time(12),
        time(0),
    ]
    with pytest.raises(PhraseError, match="'25' is no time of day; a time of day is written as"):
        parse_time("25")
    with pytest.raises(PhraseError, match="is no time of day"):
        parse_time("7 and 8")


def test_every_example_is_canonical():
    assert [read_phrase(one).words for one in EXAMPLES] == list(EXAMPLES)


def numbers(first, last, *, with_last=False):
    more = [said.LAST] if with_last else []
    values = st.sampled_from([*range(first, last + 1), *more])
    return st.sets(values, min_size=1).map(said.in_order)


MONTHS = numbers(1, 12)
DAYS = st.one_of(
    numbers(0, 6).map(said.OnWeekdays),
    st.just(said.EveryBusinessDay()),
    st.builds(said.WeekdaysOfMonth, numbers(1, 4, with_last=True), st.integers(0, 6), MONTHS),
    st.builds(said.DaysOfMonth, numbers(1, 29, with_last=True), MONTHS),
    st.builds(said.DaysOfMonth, numbers(1, 31, with_last=True), st.just(said.ALL_MONTHS)),
    st.builds(said.BusinessDaysOfMonth, numbers(1, 23, with_last=True), MONTHS),
)
TIMES = st.sets(st.builds(time, st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=4)
PHRASES = st.one_of(
    st.builds(Phrase, DAYS, TIMES.map(lambda times: tuple(sorted(times)))),
    st.builds(Phrase, st.none(), minutes=numbers(0, 59)),
)


@settings(max_examples=150, deadline=None)
@given(PHRASES)
def test_canonical_words_say_the_same_again(phrase):
    assert read_phrase(phrase.words) == phrase


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, "7", "07:30", ":15", "Mondy", "(", "ü"]), max_size=9))
def test_what_is_suggested_is_understood(words):
    try:
        read_phrase(" ".join(words))
    except PhraseError as error:
        *_, suggested, _end = error.hint.rsplit("'", 2)
        if "type: interval" not in error.hint:
            assert read_phrase(suggested).words == suggested


def due(text, start, count, **calendar):
    rule, zone = parse_phrase(text, BERLIN, **calendar), ZoneInfo(BERLIN)
    at = datetime.fromisoformat(start).replace(tzinfo=zone)
    found = [one.astimezone(zone) for one in islice(rule.after(at), count)]
    return [f"{one:%a %Y-%m-%d %H:%M}" for one in found]


def test_days_of_the_month():
    assert due("first and last Monday of the month at 9", "2026-02-01T00:00", 3) == [
        "Mon 2026-02-02 09:00",
        "Mon 2026-02-23 09:00",
        "Mon 2026-03-02 09:00",
    ]
    assert due("on the 31st of the month at 9", "2026-01-01T00:00", 3) == [
        "Sat 2026-01-31 09:00",
        "Tue 2026-03-31 09:00",
        "Sun 2026-05-31 09:00",
    ]
    assert due("last day of February at 18:00", "2027-03-01T00:00", 2) == [
        "Tue 2028-02-29 18:00",
        "Wed 2029-02-28 18:00",
    ]
    # 2100 is no leap year.
    assert due("on the 29th of February at 9", "2096-03-01T00:00", 1) == ["Fri 2104-02-29 09:00"]


def test_business_days_are_those_of_the_calendar():
    new_year = {date(2027, 1, 1), date(2027, 1, 4)}

    def works(day):
        return day.weekday() < 5 and day not in new_year

    first = "first business day of the month at 9"
    assert due(first, "2026-12-31T00:00", 1) == ["Fri 2027-01-01 09:00"]
    assert due(first, "2026-12-31T00:00", 1, is_business_day=works) == ["Tue 2027-01-05 09:00"]
    last = "last business day of the month at 9"
    assert due(last, "2027-01-01T00:00", 1) == ["Fri 2027-01-29 09:00"]
    every = "every business day at 9"
    assert due(every, "2026-12-31T12:00", 2, is_business_day=works) == [
        "Tue 2027-01-05 09:00",
        "Wed 2027-01-06 09:00",
    ]
    assert due("23rd business day of February at 9", "2026-01-01T00:00", 1) == []
    assert due(every, "2026-01-01T00:00", 1, is_business_day=lambda _: False) == []


def test_clocks_that_change():
    # 02:30 is left out on 29 March and shown twice on 25 October 2026.
    assert due("every day at 02:30 and 02:45", "2026-03-28T12:00", 2) == [
        "Sun 2026-03-29 03:00",
        "Mon 2026-03-30 02:30",
    ]
    rule = parse_phrase("every day at 02:30", BERLIN)
    night = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert next(rule.after(night)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    hourly = parse_phrase("every hour at :15", NEW_YORK)
    found = list(islice(hourly.after(datetime(2026, 11, 1, tzinfo=UTC)), 24))
    assert {later - one for one, later in pairwise(found)} == {timedelta(hours=1)}
