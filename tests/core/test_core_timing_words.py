"""Rules of time in words: what cron expressions mean, and intervals and dates."""

from datetime import UTC, date, datetime, time
from itertools import islice

import pytest

from syncflow_dagster.core.timing.cron import CronRule
from syncflow_dagster.core.timing.interval import interval_rule, parse_every
from syncflow_dagster.core.timing.phrases import parse_phrase
from syncflow_dagster.core.timing.words import cron_words, dates_words, every_words

# A cron expression, and what it means.
SAID = {
    "0 7 * * *": "every day at 07:00",
    "0 7,19 * * 1-5": "weekdays at 07:00 and 19:00",
    "0 0 * * 0": "every Sunday at 00:00",
    "0 10 * * SAT,SUN": "weekends at 10:00",
    "0 12 * * 1,4": "every Monday and Thursday at 12:00",
    "15 * * * *": "every hour at :15",
    "0 * * * *": "every hour",
    "0 9 15,L * *": "on the 15th and last day of the month at 09:00",
    "7 3 1 1 *": "on the 1st of January at 03:07",
    "0 9 * * MON#1,MON#3": "first and third Monday of the month at 09:00",
    "0 9 * * L5": "last Friday of the month at 09:00",
}
# What no phrase says, in words all the same, or as it is.
SAID_OTHERWISE = {
    "*/15 7-19 * * 1-5": "weekdays, every 15 minutes from 07:00 to 19:45",
    "* * * * *": "every minute",
    "*/15 * * * *": "every 15 minutes",
    "15,45 * * * 1": "every Monday, every hour at :15 and :45",
    "0 7-19 * * *": "every hour from 07:00 to 19:00",
    "0 9 1,15 * 1": "by cron 0 9 1,15 * 1",
    "0 9 * 1 1": "by cron 0 9 * 1 1",
    "30 7-19/2 * * *": "by cron 30 7-19/2 * * *",
    "*/7 * * * *": "by cron */7 * * * *",
    "0 9 * * MON#1,TUE#2": "by cron 0 9 * * MON#1,TUE#2",
}


@pytest.mark.parametrize("text", SAID)
def test_a_cron_and_its_words_are_due_at_the_same_times(text):
    rule = CronRule.parse(text, "Europe/Berlin")
    assert cron_words(rule) == SAID[text]
    start = datetime(2026, 3, 28, tzinfo=UTC)
    said = parse_phrase(SAID[text], "Europe/Berlin")
    assert list(islice(rule.after(start), 40)) == list(islice(said.after(start), 40))


@pytest.mark.parametrize("text", SAID_OTHERWISE)
def test_a_cron_that_no_phrase_says(text):
    assert cron_words(CronRule.parse(text, "UTC")) == SAID_OTHERWISE[text]


def test_intervals_and_dates():
    anchor = datetime(2026, 1, 5, 9)  # noqa: DTZ001 - by the clock on the wall
    assert every_words(parse_every("1 week"), anchor) == "every week, counted from 2026-01-05 09:00"
    assert every_words(parse_every("90 minutes"), anchor).startswith("every 90 minutes, counted")
    assert dates_words([date(2026, 12, 24)], [time(19, 30), time(9)]) == (
        "on 2026-12-24 at 09:00 and 19:30"
    )
    many = [date(2026, 1, day) for day in range(1, 11)]
    assert dates_words(many, [time(9)]) == "on 10 days from 2026-01-01 to 2026-01-10 at 09:00"


@pytest.mark.parametrize("every", ["999999 weeks", "36000 days", "999999 months"])
def test_an_interval_ends_where_dates_do(every):
    anchor = datetime(2020, 1, 5, 9)  # noqa: DTZ001 - by the clock on the wall
    rule = interval_rule(parse_every(every), anchor, "UTC")
    assert all(due.year < 10_000 for due in rule.after(datetime(2026, 1, 1, tzinfo=UTC)))
