"""What becomes of due times at which nothing was started in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.timing.missed import Missed, settle

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = 5 * MINUTE
DUE = [NOW - number * MINUTE for number in (60, 30, 10, 4, 1)]
AT_ONCE = lambda due: due  # noqa: E731


@pytest.mark.parametrize(
    ("kind", "most", "run"),
    [
        ("skip", 24, DUE[3:]),
        ("latest", 24, DUE[4:]),
        ("all", 24, DUE),
        ("all", None, DUE),
        # Those that are not late are no part of the most.
        ("all", 2, DUE[1:]),
        ("all", 1, DUE[2:]),
    ],
)
def test_a_policy_says_what_is_run_and_why_the_rest_is_not(kind, most, run):
    settled = settle(DUE[::-1], NOW, Missed(kind, most, LATE), AT_ONCE)
    assert list(settled.run) == run
    assert [due for due, _why in settled.skipped] == [due for due in DUE if due not in run]
    assert all(why for _due, why in settled.skipped)


def test_the_latest_is_run_however_late_it_is():
    settled = settle(DUE[:2], NOW, Missed("latest", 24, LATE), AT_ONCE)
    assert settled.run == (DUE[1],)
    assert "later" in settled.skipped[0][1]


def test_to_wait_for_a_window_is_not_to_be_late():
    opens = NOW - MINUTE
    for kind in ("skip", "all"):
        settled = settle(DUE, NOW, Missed(kind, 1, LATE), lambda due: max(due, opens))
        assert list(settled.run) == DUE
    shut = settle(DUE, NOW, Missed("skip", 1, LATE), lambda _due: NOW + 60 * MINUTE)
    assert list(shut.run) == DUE


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 100)),
    st.sampled_from(["skip", "latest", "all"]),
    st.integers(1, 5),
    st.integers(0, 60),
)
def test_every_due_time_is_settled_once_and_in_order(minutes, kind, most, late):
    due = [NOW - number * MINUTE for number in minutes]
    settled = settle(due, NOW, Missed(kind, most, late * MINUTE), AT_ONCE)
    skipped = [one for one, _why in settled.skipped]
    assert sorted({*due}) == sorted([*settled.run, *skipped])
    assert list(settled.run) == sorted(settled.run)
    assert skipped == sorted(skipped)
    late_ones = [one for one in settled.run if NOW - one > late * MINUTE]
    assert len(late_ones) <= {"skip": 0, "latest": 1, "all": most}[kind]
    # What is newest is run, unless it is late and is not to be made up for.
    assert kind == "skip" or not due or max(due) in settled.run
