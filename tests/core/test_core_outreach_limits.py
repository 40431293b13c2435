"""What an account may do: limits, ramps, gaps, variants, and the circuits of its buckets."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.outreach.circuits import (
    AT_ONCE,
    FAILURE_PAUSES,
    LIMIT_PAUSES,
    TRIAL,
    Circuit,
    after_failure,
    after_limit,
    after_success,
    all_stop,
    begin_trial,
    verdict,
)
from syncflow_dagster.core.outreach.limits import (
    REDUCED_FOR,
    allowed,
    free_at,
    next_free_at,
    ramp_percent,
    windows_of,
)
from syncflow_dagster.core.outreach.ops import Text
from syncflow_dagster.core.outreach.spacing import gap
from syncflow_dagster.core.outreach.tiers import BUCKET_OF_KIND, CAPS, WINDOWS
from syncflow_dagster.core.outreach.variants import choose

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
DAY, WEEK = WINDOWS["day"], WINDOWS["week"]
TIERS = st.sampled_from(sorted(CAPS))
BUCKETS = st.sampled_from(sorted(CAPS["free"]))


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=80),
    st.integers(1, 6),
    st.integers(1, 20),
)
def test_no_window_is_ever_exceeded(wishes, a_day, a_week):
    """Whoever always asks, and waits as long as he is told, never has sent too much."""
    most = {"day": a_day, "week": a_week}
    sent, now = [], NOW
    for pause, patience in wishes:
        now += timedelta(minutes=pause * 7)
        at = free_at({"day": sent, "week": list(reversed(sent))}, most, now)
        if at - now > timedelta(hours=patience):
            continue  # somebody else's turn
        now = at
        sent.append(now)
    for last in sent:
        for window, length in WINDOWS.items():
            assert sum(last - length < at <= last for at in sent) <= most[window]


@given(st.lists(st.integers(0, 60 * 24 * 8), max_size=40), st.integers(1, 8))
def test_the_time_told_is_the_first_that_is_free(minutes, most):
    spent = [NOW - timedelta(minutes=one) for one in minutes]

    def room(at):
        return sum(one + DAY > at for one in spent) < most

    at = next_free_at(spent, most, DAY, NOW)
    assert room(at)
    assert at == NOW or not room(at - timedelta(seconds=1))


def test_nothing_is_free_where_nothing_is_allowed():
    assert next_free_at([], 0, DAY, NOW) is None
    assert free_at({"day": [], "week": []}, {"day": 1, "week": 0}, NOW) is None


@given(TIERS, BUCKETS, st.integers(0, 40), st.none() | st.integers(0, 200), st.booleans())
def test_an_account_never_may_more_than_its_tier_its_ramp_and_its_own_limit(
    tier, bucket, days, own, reduced
):
    live_since = NOW - timedelta(days=days)
    until = NOW + REDUCED_FOR if reduced else NOW
    for window in windows_of(bucket):
        limits = {} if own is None else {(bucket, window): own}
        most = allowed(bucket, window, tier, limits, live_since, until, NOW)
        cap = CAPS[tier][bucket][window]
        ramped = (
            cap
            if bucket == "read"
            else max(1, int(cap * ramp_percent(live_since, NOW) / 100 + 1e-9))
        )
        without = min(ramped, cap if own is None else own)
        assert 0 <= most <= without
        assert (most > 0) == (without > 0)
        assert most <= max(1, without / 2) if reduced else most == without


@given(TIERS, BUCKETS)
def test_a_ramp_rises_to_the_tier_and_never_falls(tier, bucket):
    for window in windows_of(bucket):
        days = [
            allowed(bucket, window, tier, {}, NOW, None, NOW + timedelta(days=day))
            for day in range(20)
        ]
        assert days == sorted(days)
        assert set(days[14:]) == {CAPS[tier][bucket][window]}
        never = allowed(bucket, window, tier, {}, None, None, NOW)
        assert never == days[0]
        at_once = allowed(bucket, window, tier, {}, None, None, NOW, ramp=False)
        assert at_once == CAPS[tier][bucket][window]


def test_the_numbers_of_a_premium_account():
    week_old = NOW - timedelta(days=7)
    assert allowed("invite", "day", "premium", {}, None, None, NOW) == 3
    assert allowed("invite", "day", "premium", {}, week_old, None, NOW) == 9
    assert allowed("invite", "week", "premium", {}, week_old, None, NOW) == 49
    own = {("invite", "day"): 5}
    assert allowed("invite", "day", "premium", own, week_old, None, NOW) == 5
    assert allowed("invite", "day", "premium", own, week_old, NOW + DAY, NOW) == 2
    assert set(BUCKET_OF_KIND.values()) <= set(CAPS["premium"])
    assert {windows_of("invite"), windows_of("message")} == {("day", "week"), ("day",)}


def test_a_gap_lies_between_its_bounds():
    chance = random.Random(7)
    gaps = [gap(chance, 120, 480).total_seconds() for _ in range(200)]
    assert min(gaps) >= 120
    assert max(gaps) <= 480
    assert len(set(gaps)) > 100


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=5), st.integers(0, 10**9))
def test_a_variant_depends_on_nothing_but_the_person(weights, person):
    texts = [Text(str(index), f"v{index}", weight) for index, weight in enumerate(weights)]
    others = [choose(other, "d", 3, texts) for other in range(person, person + 3)]
    assert [choose(other, "d", 3, texts) for other in range(person, person + 3)] == others
    assert others[0] in texts


def test_variants_go_out_by_their_weights_and_steps_choose_for_themselves():
    texts = (Text("One", "a", 1), Text("Two", "b", 3))
    first = [choose(person, "d", 0, texts).variant for person in range(4000)]
    assert 850 < Counter(first)["a"] < 1150
    second = [choose(person, "d", 1, texts).variant for person in range(4000)]
    same = sum(one == two for one, two in zip(first, second, strict=True))
    assert 2350 < same < 2650  # 1/16 + 9/16
    assert [choose(1, "d", 0, texts[:1])] == [texts[0]]


def test_a_limit_opens_a_circuit_for_longer_each_time():
    circuit, now = Circuit(), NOW
    for pause in (*LIMIT_PAUSES, LIMIT_PAUSES[-1]):
        circuit = after_limit(circuit, "cannot_resend_yet", now)
        assert verdict(circuit, now + pause - timedelta(seconds=1)) == "wait"
        now += pause
        assert verdict(circuit, now) == "trial"
        circuit = begin_trial(circuit, now)
    assert circuit.since == NOW
    assert after_success(circuit) == Circuit()
    longer = after_limit(Circuit(), "429", NOW, at_least=timedelta(hours=30))
    assert longer.open_until == NOW + timedelta(hours=30)


def test_one_action_is_on_trial_and_nobody_waits_for_one_that_is_lost():
    circuit = begin_trial(after_limit(Circuit(), "429", NOW), NOW + DAY)
    assert verdict(circuit, NOW + DAY) == "wait"
    assert verdict(circuit, NOW + DAY + TRIAL) == "trial"
    failed = after_failure(circuit, [True], "reset", NOW + DAY)
    assert verdict(failed, NOW + DAY) == "wait"
    assert verdict(failed, NOW + DAY + FAILURE_PAUSES[0]) == "trial"


def test_what_was_sent_before_it_opened_does_not_close_it():
    circuit = after_limit(Circuit(failures=2), "429", NOW)
    assert after_success(circuit).open_until == circuit.open_until
    late = after_failure(circuit, [True] * 10, "reset", NOW)
    assert late.open_until == circuit.open_until


def test_failures_open_a_circuit_in_a_row_or_by_their_share():
    circuit = Circuit()
    for count in range(3):
        assert verdict(circuit, NOW) == "go"
        circuit = after_failure(circuit, [True] * (count + 1), "timeout", NOW)
    assert verdict(circuit, NOW) == "wait"
    assert verdict(circuit, NOW + FAILURE_PAUSES[0]) == "trial"
    for pause in (*FAILURE_PAUSES[1:], FAILURE_PAUSES[-1]):
        circuit = after_failure(begin_trial(circuit, NOW), [True], "timeout", NOW)
        assert circuit.open_until == NOW + pause
    # A limit is counted for itself: a service that was away makes it no longer.
    assert after_limit(circuit, "429", NOW).open_until == NOW + LIMIT_PAUSES[0]
    every_other = [False, True] * 5
    assert verdict(after_failure(Circuit(), every_other, "timeout", NOW), NOW) == "wait"
    assert verdict(after_failure(Circuit(), every_other[1:], "timeout", NOW), NOW) == "go"
    fewer = [False, False, True] * 4
    assert verdict(after_failure(Circuit(), fewer, "timeout", NOW), NOW) == "go"
    assert verdict(after_success(Circuit(failures=2)), NOW) == "go"
    assert after_success(Circuit(failures=2)).failures == 0


def test_many_accounts_at_once_stop_all():
    failed_at = {"a": NOW, "b": NOW - AT_ONCE, "c": NOW - AT_ONCE - timedelta(seconds=1)}
    assert not all_stop(failed_at, NOW)
    assert all_stop(failed_at | {"c": NOW - timedelta(minutes=1)}, NOW)
