"""How many effects the next request carries."""

from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.pace import Pace

PACE = Pace(size=20, most=100, target_s=15.0)


def test_it_doubles_while_answers_come_quickly_and_ends_at_the_most():
    pace, sizes = PACE, []
    for _ in range(5):
        pace = pace.after(pace.size, 0.1)
        sizes.append(pace.size)
    assert sizes == [40, 80, 100, 100, 100]


def test_it_goes_to_what_would_have_taken_the_target():
    assert PACE.after(20, 30.0).size == 10
    assert PACE.after(20, 10.0).size == 30


def test_a_small_request_tells_nothing_unless_it_was_slow():
    assert PACE.after(2, 5.0) == PACE
    assert PACE.after(2, 15.1).size == 1


def test_silence_halves_only_what_was_long_on_its_way():
    assert PACE.after_silence(60.0).size == 10
    assert PACE.after_silence(0.2) == PACE


def test_a_steady_pace_never_changes():
    assert Pace.steady(7).after(7, 900.0).after_silence(900.0) == Pace.steady(7)


@given(
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 200), st.booleans(), st.floats(0.01, 1)), max_size=20),
)
def test_it_stays_between_one_and_the_most(first, answers):
    pace = Pace(first, 100, 15.0)
    for seconds, silent, share in answers:
        carried = max(1, int(pace.size * share))
        before = pace.size
        pace = pace.after_silence(seconds) if silent else pace.after(carried, seconds)
        assert 1 <= pace.size <= min(100, 2 * before)


@given(st.floats(0.001, 30.0))
def test_with_a_constant_time_for_each_effect_requests_come_to_take_the_target(per_effect):
    pace = PACE
    for _ in range(20):
        pace = pace.after(pace.size, pace.size * per_effect)
    assert (
        pace.size == max(1, min(100, int(15.0 / per_effect)))
        or abs(pace.size * per_effect - 15.0) <= 1.5 * per_effect
    )
