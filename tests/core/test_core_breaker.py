"""The circuit breaker, pure: two processes that share one, in any order of events."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from syncflow_dagster.core import breaker as rules
from syncflow_dagster.core.breaker import Admission, Breaker

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Highest:
    def uniform(self, _, b):
        return b


def failed(breaker, times, now=START, chance=None):
    for _ in range(times):
        breaker = rules.after_failure(breaker, "HTTP 502", now, chance or Highest())
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_not_before():
    assert failed(Breaker(), rules.THRESHOLD - 1).open_until is None
    opened = failed(Breaker(), rules.THRESHOLD)
    assert opened.open_until == START + timedelta(seconds=rules.FIRST_PAUSE_S)
    assert (opened.reason, opened.since) == ("HTTP 502", START)


def test_an_answer_in_between_begins_the_row_anew():
    almost = failed(Breaker(), rules.THRESHOLD - 1)
    assert failed(rules.after_answer(almost, wrote=False), 1).open_until is None


def test_each_opening_lasts_longer_up_to_the_longest():
    breaker, now, pauses = failed(Breaker(), rules.THRESHOLD), START, []
    for _ in range(8):
        pauses.append((breaker.open_until - now).total_seconds())
        now = breaker.open_until
        breaker, admission = rules.admit(breaker, now)
        assert admission is Admission.PROBE
        breaker = failed(breaker, 1, now)
    assert pauses == [5, 10, 20, 40, 60, 60, 60, 60]


def test_reads_that_are_answered_do_not_make_failing_writes_quick_again():
    breaker = failed(Breaker(), rules.THRESHOLD)
    closed = rules.after_answer(breaker, wrote=False)
    assert closed.open_until is None
    again = failed(closed, rules.THRESHOLD)
    assert (again.open_until - START).total_seconds() == 2 * rules.FIRST_PAUSE_S
    assert rules.after_answer(again, wrote=True) == Breaker()


def test_what_was_sent_before_it_opened_does_not_lengthen_the_pause():
    opened = failed(Breaker(), rules.THRESHOLD)
    assert failed(opened, 3).open_until == opened.open_until


class TwoProcesses(RuleBasedStateMachine):
    """Time passes, processes ask to send, and their requests end well or badly."""

    def __init__(self):
        super().__init__()
        self.breaker, self.now = Breaker(), START
        self.chance = random.Random(1)
        self.out, self.probes, self.failures = 0, [], 0

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def somebody_wants_to_send(self):
        was_open = self.breaker.open_until
        self.breaker, admission = rules.admit(self.breaker, self.now)
        if admission is Admission.GO:
            assert was_open is None
            self.out += 1
        elif admission is Admission.PROBE:
            assert was_open <= self.now
            # At most one asks at a time.
            assert all(since + rules.PROBE_LEASE <= self.now for since in self.probes)
            self.probes.append(self.now)
        else:
            assert rules.look_again_at(self.breaker) > self.now

    @precondition(lambda self: self.out)
    @rule(wrote=st.booleans())
    def a_request_is_answered(self, wrote):
        self.out -= 1
        self._answered(wrote)

    @precondition(lambda self: self.out)
    @rule()
    def a_request_fails(self):
        self.out -= 1
        self._failed()

    @precondition(lambda self: self.probes)
    @rule(answered=st.booleans())
    def the_question_ends(self, answered):
        self.probes.pop(0)
        self._answered(False) if answered else self._failed()

    def _answered(self, wrote):
        self.failures, self.probes = 0, []
        self.breaker = rules.after_answer(self.breaker, wrote=wrote)
        assert self.breaker.open_until is None

    def _failed(self):
        self.failures += 1
        was_open = self.breaker.open_until
        self.breaker = rules.after_failure(self.breaker, "down", self.now, self.chance)
        if self.breaker.open_until != was_open:
            self.probes = []
            pause = (self.breaker.open_until - self.now).total_seconds()
            assert 0 < pause <= rules.LONGEST_PAUSE_S

    @invariant()
    def it_is_open_only_for_a_reason(self):
        if self.failures < rules.THRESHOLD:
            assert self.breaker.open_until is None
        if self.failures >= rules.THRESHOLD:
            assert self.breaker.open_until is not None


TwoProcesses.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestTwoProcesses = TwoProcesses.TestCase
