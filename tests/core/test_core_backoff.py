"""Waits between tries: their bounds, their growth, their spread."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.backoff import full_jitter


class Fixed:
    """Draws the lowest or the highest number, and notes what it was asked for."""

    def __init__(self, share):
        self.share = share

    def uniform(self, a, b):
        return a + (b - a) * self.share


@pytest.mark.parametrize(
    ("tries", "ceiling"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (10_000, 60.0)]
)
def test_the_ceiling_doubles_until_it_is_a_minute(tries, ceiling):
    assert full_jitter(tries, Fixed(1)) == pytest.approx(ceiling)
    assert full_jitter(tries, Fixed(0)) == pytest.approx(ceiling / 10)


@given(st.integers(1, 10**9), st.integers(0, 2**32), st.floats(0.01, 10), st.floats(10, 3600))
def test_a_wait_is_positive_and_never_longer_than_the_longest(tries, seed, first_s, most_s):
    wait = full_jitter(tries, random.Random(seed), first_s=first_s, most_s=most_s)
    assert 0 < wait <= most_s


def test_workers_that_failed_together_do_not_come_back_together():
    chance = random.Random(7)
    waits = [full_jitter(6, chance) for _ in range(200)]
    assert len({round(wait, 2) for wait in waits}) > 150
    assert max(waits) - min(waits) > 10
