"""When waiting work will be done: equal to a slow walk, and more work never ends earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.timing.forecast import DayLimit, Part, Ran, fit, rate_of

AT = datetime(2026, 11, 26, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: Nights from 19:00 to 07:00, the first under way.
NIGHTS = [
    (max(AT, AT.replace(hour=19) + timedelta(days=n)), AT.replace(hour=7) + timedelta(days=n + 1))
    for n in range(300)
]

works = st.lists(
    st.builds(Part, st.integers(0, 3_000), st.sampled_from([0.1, 0.5, 2.0])), max_size=3
)
open_times = st.sampled_from([None, NIGHTS, [(AT + timedelta(hours=9), AT + timedelta(hours=400))]])
limits = st.none() | st.builds(DayLimit, st.integers(0, 500), st.integers(200, 900))


def _walk(parts, stretches, day):
    """Go minute by minute."""
    todo = [[one.effects, one.per_s] for one in parts if one.effects > 0]
    now, today, left = AT, AT.date(), None if day is None else day.left
    while todo:
        if now.date() != today:
            today, left = now.date(), None if day is None else day.per_day
        seconds = 60.0
        if stretches is not None and not any(begin <= now < end for begin, end in stretches):
            seconds = 0.0
        while todo and seconds > 1e-9 and (left is None or left > 1e-9):
            done = min(todo[0][0], seconds * todo[0][1], *([] if left is None else [left]))
            todo[0][0] -= done
            seconds -= done / todo[0][1]
            left = None if left is None else left - done
            if todo[0][0] <= 1e-6:
                todo.pop(0)
        now += MINUTE
    return now


@given(works, open_times, limits)
def test_it_is_what_a_slow_walk_finds(parts, stretches, day):
    found = fit(AT, parts, stretches, day)
    if found.ends_at is None:
        assert stretches is not None
        assert len(stretches) == 1
    else:
        assert abs(found.ends_at - _walk(parts, stretches, day)) <= MINUTE


@given(works, works, open_times, limits)
def test_more_work_never_ends_earlier_nor_leaves_less(parts, more, stretches, day):
    found, later = (fit(AT, one, stretches, day) for one in (parts, parts + more))
    assert later.windows >= found.windows
    assert later.left >= found.left
    if found.ends_at is None:
        assert later.ends_at is None
    elif later.ends_at is not None:
        assert later.ends_at >= found.ends_at - timedelta(milliseconds=1)


@given(st.integers(1, 100_000), st.floats(0.05, 500))
def test_without_windows_and_limits_it_is_a_division(effects, per_s):
    found = fit(AT, [Part(effects, per_s)])
    assert found.ends_at is not None
    assert (found.ends_at - AT).total_seconds() == pytest.approx(effects / per_s, abs=1e-3)
    assert (found.fits, found.windows, found.closes_at) == (True, 1, None)


def test_what_does_not_fit_is_told_with_when_it_is_done():
    # 11 hours at 0.1/s are 3,960.
    found = fit(AT, [Part(5_000, 0.1)], NIGHTS)
    assert (found.fits, found.left, found.closes_at) == (False, 1_040, NIGHTS[0][1])
    assert found.windows == 2
    assert found.ends_at == NIGHTS[1][0] + timedelta(seconds=10_400)


def test_a_day_lets_through_what_it_does_and_is_whole_after_midnight():
    found = fit(AT, [Part(250, 10.0)], None, DayLimit(left=50, per_day=100))
    assert found.ends_at == datetime(2026, 11, 28, 0, 0, 10, tzinfo=UTC)
    assert fit(AT, [Part(1, 1.0)], None, DayLimit(0, 0)).ends_at is None


def test_the_newest_delivery_counts_most():
    assert rate_of([]) is None
    assert rate_of([Ran(0, 10.0)]) is None
    assert rate_of([Ran(10, 10.0)]) == 1.0
    fast, slow = Ran(100, 10.0), Ran(100, 100.0)
    newest_fast, newest_slow = rate_of([fast, slow]), rate_of([slow, fast])
    assert newest_fast is not None
    assert newest_slow is not None
    assert 1.0 < newest_slow < newest_fast < 10.0
