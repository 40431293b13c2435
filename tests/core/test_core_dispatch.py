"""When a workflow that did not get on is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncflow_dagster.core.dispatch import PastRun, has_stalled, ready, wait_after

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
RUNS = {
    "s": PastRun(True, None, NOON),
    "f": PastRun(False, None, NOON),
    "t": PastRun(True, "3 changes wait", NOON),
}


@pytest.mark.parametrize(
    ("outcomes", "seconds"),
    [
        ("", 0),
        ("s", 0),
        ("sff", 0),
        ("f", 30),
        ("ff", 60),
        ("fffs", 120),
        ("f" * 10, 900),
        ("t", 30),
        ("tft", 120),
    ],
)
def test_each_failure_in_a_row_doubles_the_wait(outcomes, seconds):
    runs = [RUNS[letter] for letter in outcomes]
    assert wait_after(runs) == timedelta(seconds=seconds)
    assert not seconds or not ready(runs, NOON + timedelta(seconds=seconds - 1)).start
    assert ready(runs, NOON + timedelta(seconds=seconds)).start


def test_the_reason_names_what_the_last_run_waited_for():
    assert ready([RUNS["f"]], NOON).reason == "the last run did not succeed; next try in 31 s"
    assert "brought nothing to an end (3 changes wait)" in ready([RUNS["t"]], NOON).reason


@pytest.mark.parametrize(
    ("tried", "ended", "remaining", "stalled"),
    [
        (5, 0, 3, True),
        # Its time was over while it got on.
        (90, 800, 4_000, False),
        # Nothing was due yet.
        (0, 0, 3, False),
        (5, 0, 0, False),
    ],
)
def test_a_delivery_stalls_when_it_tries_and_ends_nothing(tried, ended, remaining, stalled):
    assert has_stalled(tried=tried, ended=ended, remaining=remaining) is stalled


def test_an_account_that_is_paused_is_a_reason_to_wait_though_nothing_was_tried():
    assert has_stalled(tried=0, ended=0, remaining=0, paused=True)
    assert not has_stalled(tried=9, ended=3, remaining=5, paused=True)
