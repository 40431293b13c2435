"""Budgets that are no windows: requests out at a time, and the calls of a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.budget import Budget, Reading, forecast, reserve, rolled, room, settle

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60))
def test_no_more_are_out_at_a_time_than_may_be(steps):
    """Flights: of any number of processes, each with a request of its own."""
    held = Budget("concurrency", 3, 60.0, 0, 0, at(0), "flight")
    out = 0
    for starts, _ in steps:
        if starts:
            held, wait = reserve(held, 1, at(0))
            assert (wait == 0) == (out < 3)
            out += wait == 0
        elif out:
            held = settle(held, 1, 1, None, at(0))
            out -= 1
        assert held.reserved == out <= 3


def test_a_refusal_for_too_many_at_a_time_lowers_what_may_be():
    held = Budget("concurrency", 40, 60.0, 0, 6, at(0), "flight")
    fewer = settle(held, 1, 1, Reading("concurrency", remaining=0), at(0))
    assert room(fewer, at(0)) == 0
    assert room(replace(fewer, reserved=0), at(59)) == 5
    told = Reading("concurrency", allowed=100, remaining=0)
    assert room(settle(fewer, 1, 1, told, at(0)), at(0)) == 96


def test_places_that_a_refusal_has_taken_away_come_back():
    """Whoever used the account beside us may have gone."""
    held = Budget("concurrency", 40, 60.0, 0, 1, at(0), "flight")
    held = settle(held, 1, 1, Reading("concurrency", remaining=0), at(0))
    free = []
    for minute in range(8):
        held = rolled(held, at(60 * minute))
        free.append(room(held, at(60 * minute)))
    assert free == [1, 21, 31, 36, 38, 39, 40, 40]


def test_the_calls_of_yesterday_do_not_count_today():
    """monday tells the count of a day only where it refuses."""
    held = Budget("points", 100, 86_400.0, 0, 0, at(0), "day")
    for _ in range(100 - 1):
        held, _ = reserve(held, 1, at(1))
        held = settle(held, 1, 1, None, at(1))
    held, _ = reserve(held, 1, at(2))
    refused = settle(held, 1, 1, Reading("points", remaining=0), at(2))
    assert room(refused, at(3)) == 0
    assert room(refused, at(86_400)) == 100


def test_the_end_of_a_day_that_the_service_tells_is_believed():
    """monday may count from another midnight than ours."""
    held = Budget("points", 100, 86_400.0, 0, 1, at(61_200), "day")
    refused = settle(held, 1, 1, Reading("points", remaining=0, resets_in_s=3_599), at(2))
    assert room(refused, at(3_600)) == 0
    assert room(refused, at(3_602)) > 0


@pytest.mark.parametrize(
    ("hour", "ends"), [(0, 24 * 3600), (11.5, 12.5 * 3600), (23.99, 0.01 * 3600)]
)
def test_the_calls_of_a_day_come_back_at_midnight(hour, ends):
    now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hour)
    held = Budget("dailyCalls", 10, 86_400.0, 0, 0, now, "day")
    for _ in range(10):
        held, wait = reserve(held, 1, now)
        assert wait == 0
        held = settle(held, 1, 1, None, now)
    _, wait = reserve(held, 1, now)
    assert wait == pytest.approx(ends)
    _, wait = reserve(held, 1, now + timedelta(seconds=wait))
    assert wait == 0


@pytest.mark.parametrize(
    ("effects", "per_request", "calls", "words"),
    [
        (0, 20, 1_000, "nothing is left to send"),
        (10, 20, 1_000, "10 changes are left, about 1 requests: 1 more day at this rate"),
        (40_000, 20, 1_000, "40,000 changes are left, about 2,000 requests: 2 more days at this rate"),  # noqa: E501
    ],
)  # fmt: skip
def test_the_forecast_of_a_daily_limit(effects, per_request, calls, words):
    told = forecast(effects=effects, per_request=per_request, calls_per_day=calls)
    assert told.in_words() == words
