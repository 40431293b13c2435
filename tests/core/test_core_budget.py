"""A budget against a slow reference: a service that counts every request it was ever sent."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.budget import Budget, Reading, reserve, rolled, settle

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALLOWED = 100


def at(seconds):
    return START + timedelta(seconds=seconds)


def budget(spent=0, reserved=0, ends=60.0, allowed=ALLOWED, window_s=60.0):
    return Budget("points", allowed, window_s, spent, reserved, at(ends))


@dataclass
class Service:
    """Keeps every request with its time and adds them up anew for each question."""

    allowed: int = ALLOWED
    window_s: float = 60.0
    starts: list[float] = field(default_factory=list)
    charged: list[tuple[float, int]] = field(default_factory=list)
    refused: int = 0

    def start_of_window(self, now):
        # A microsecond is as fine as the client's clock.
        if not self.starts or now - self.starts[-1] >= self.window_s - 1e-6:
            self.starts.append(now)
        return self.starts[-1]

    def counted(self, now):
        start = self.start_of_window(now)
        return sum(units for when, units in self.charged if when >= start)

    def take(self, units, now):
        if self.counted(now) + units > self.allowed:
            self.refused += 1
            return False
        self.charged.append((now, units))
        return True

    def reading(self, now):
        counted = self.counted(now)
        left = self.window_s - (now - self.start_of_window(now))
        return Reading(
            "points",
            allowed=self.allowed,
            window_s=self.window_s,
            remaining=max(0, self.allowed - counted),
            resets_in_s=max(1, math.ceil(round(left, 6))),
        )


def test_what_fits_is_set_aside_at_once():
    after, wait = reserve(budget(spent=60), 40, at(0))
    assert wait == 0
    assert (after.spent, after.reserved) == (60, 40)


def test_what_does_not_fit_waits_for_the_end_of_the_window_and_takes_nothing():
    before = budget(spent=60, reserved=10)
    after, wait = reserve(before, 31, at(20))
    assert wait == pytest.approx(40)
    assert after == before


def test_a_wait_is_never_so_short_that_the_caller_spins():
    _, wait = reserve(budget(spent=100), 1, at(59.9999))
    assert wait >= 0.05


def test_a_request_dearer_than_a_window_goes_alone_at_its_start():
    _, wait = reserve(budget(spent=1), 150, at(0))
    assert wait > 0
    after, wait = reserve(budget(spent=1), 150, at(60))
    assert wait == 0
    assert after.reserved == 150
    _, wait = reserve(after, 1, at(61))
    assert wait > 0


def test_at_the_turn_what_is_on_its_way_counts_in_the_new_window():
    turned = rolled(budget(spent=70, reserved=30), at(60))
    assert (turned.spent, turned.reserved, turned.carried) == (0, 0, 30)
    assert turned.window_ends_at == at(120)
    assert rolled(turned, at(120)).taken == 0


def test_at_the_turn_lost_replies_count_in_the_new_window_of_a_service_that_tells_its_count():
    lost = settle(budget(spent=50, reserved=20), 20, 20, None, at(59))
    assert rolled(lost, at(60)).taken == 20
    silent = settle(budget(reserved=20), 20, 20, None, at(59))
    assert rolled(silent, at(60)).taken == 0


def test_a_window_that_is_not_over_does_not_turn():
    before = budget(spent=70, reserved=30)
    assert rolled(before, at(59.999)) == before


def test_what_was_reserved_is_replaced_by_what_it_cost():
    after = settle(budget(spent=10, reserved=40), 40, 25, None, at(1))
    assert (after.taken, after.reserved) == (35, 0)


def test_the_services_count_of_other_clients_is_believed():
    reading = Reading("points", remaining=20, resets_in_s=30)
    after = settle(budget(spent=0, reserved=10), 10, 10, reading, at(0))
    assert (after.spent, after.window_ends_at) == (80, at(30))


def test_an_answer_that_was_overtaken_takes_nothing_back():
    known = settle(
        budget(reserved=30), 10, 10, Reading("points", remaining=70, resets_in_s=60), at(0)
    )
    late = settle(known, 20, 20, Reading("points", remaining=80, resets_in_s=60), at(0))
    assert late.spent >= 30
    assert late.reserved == 0


def test_an_answer_of_a_window_that_is_over_does_not_end_the_next_one():
    known = settle(
        budget(reserved=30), 10, 10, Reading("points", remaining=40, resets_in_s=60), at(0)
    )
    late = settle(known, 20, 20, Reading("points", remaining=95, resets_in_s=13), at(5))
    assert late.window_ends_at == known.window_ends_at
    assert late.spent == known.spent


def test_a_larger_account_is_learnt_from_its_first_answer():
    reading = Reading("points", allowed=1000, window_s=30, remaining=990, resets_in_s=30)
    after = settle(budget(reserved=10), 10, 10, reading, at(0))
    assert (after.allowed, after.window_s, after.spent) == (1000, 30, 10)


def test_a_new_window_of_the_service_frees_what_the_old_one_had_counted():
    reading = Reading("points", remaining=90, resets_in_s=60)
    after = settle(budget(spent=95, reserved=10, ends=5), 10, 10, reading, at(0))
    assert (after.spent, after.window_ends_at) == (10, at(60))


def test_a_reading_that_says_nothing_changes_nothing_but_the_spending():
    after = settle(budget(reserved=5), 5, 7, Reading("points"), at(1))
    assert after == replace(budget(), unheard=7)


readings = st.builds(
    Reading,
    name=st.just("points"),
    allowed=st.none() | st.integers(0, 500),
    window_s=st.none() | st.floats(0, 120),
    remaining=st.none() | st.integers(0, 1000),
    resets_in_s=st.none() | st.floats(0, 120),
)


@given(
    steps=st.lists(
        st.tuples(
            st.floats(0, 50),
            st.integers(0, 150),
            st.integers(0, 150),
            st.none() | readings,
        ),
        max_size=30,
    )
)
def test_no_number_is_ever_negative_and_no_window_is_empty(steps):
    held, now = budget(), 0.0
    for passed, reserved, actual, reading in steps:
        now += passed
        held, wait = reserve(held, reserved, at(now))
        assert wait >= 0
        held = settle(held, reserved, actual, reading, at(now))
        assert held.spent >= 0
        assert held.reserved >= 0
        assert held.allowed > 0
        assert held.window_s > 0


@dataclass
class Client:
    """Keeps one budget, sends several requests at once, and learns from every answer."""

    service: Service
    held: Budget
    now: float = 0.0
    flying: list[tuple[float, int]] = field(default_factory=list)

    def send(self, units, lasts):
        while True:
            self.held, wait = reserve(self.held, units, at(self.now))
            if not wait:
                break
            self.pass_time(self.now + wait)
        self.service.take(units, self.now)
        self.flying = sorted([*self.flying, (self.now + lasts, units)])

    def pass_time(self, until):
        while self.flying and self.flying[0][0] <= until:
            self.answer()
        self.now = max(self.now, until)

    def answer(self):
        arrives, units = self.flying.pop(0)
        self.now = max(self.now, arrives)
        reading = self.service.reading(self.now)
        self.held = settle(self.held, units, units, reading, at(self.now))


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(1, ALLOWED), st.floats(0, 70), st.floats(0, 40), st.integers(0, 3)),
        max_size=30,
    )
)
def test_a_client_that_believes_the_service_is_never_refused(requests):
    """Requests of any cost and length, up to four at once, in windows that the service begins."""
    service = Service()
    service.take(1, 0.0)
    # The first answer tells where the window stands.
    client = Client(service, settle(budget(ends=0), 0, 0, service.reading(0.0), START))
    for units, pause, lasts, together in requests:
        client.pass_time(client.now + pause)
        while len(client.flying) > together:
            client.answer()
        client.send(units, lasts)
    assert service.refused == 0


@given(
    st.lists(st.tuples(st.integers(1, 60), st.floats(0, 90)), min_size=1, max_size=40),
)
def test_without_a_word_of_the_service_no_window_of_ours_holds_more_than_is_allowed(requests):
    held, now = budget(ends=0), 0.0
    windows = {}
    for units, pause in requests:
        now += pause
        held, wait = reserve(held, units, at(now))
        if wait:
            now += wait
            held, wait = reserve(held, units, at(now))
            assert wait == 0
        held = settle(held, units, units, None, at(now))
        end = held.window_ends_at
        windows[end] = windows.get(end, 0) + units
    assert max(windows.values()) <= ALLOWED
    ends = sorted(windows)
    assert all((b - a).total_seconds() >= 60 for a, b in itertools.pairwise(ends))


# --- two processes, requests that take their time, replies that are lost -------------------------


@dataclass
class Late:
    """A request of one of the processes: sent, seen by the service, answered."""

    units: int
    arrives: float
    answered: float
    lost: bool
    refused: bool = False
    reading: Reading | None = None
    seen: bool = False


@dataclass
class Two:
    """Two processes that share one budget, and a service that sees requests when they arrive."""

    service: Service = field(default_factory=Service)
    held: Budget = field(default_factory=lambda: budget(ends=0))
    now: float = 0.0
    out: list[Late] = field(default_factory=list)

    def pass_time(self, until):
        while events := [
            (one.answered if one.seen else one.arrives, number)
            for number, one in enumerate(self.out)
        ]:
            when, number = min(events)
            if when > until:
                break
            self.now = max(self.now, when)
            self.happen(self.out[number])
        self.now = max(self.now, until)

    def happen(self, one):
        if not one.seen:
            one.seen = True
            one.refused = not self.service.take(one.units, self.now)
            one.reading = None if one.lost else self.service.reading(self.now)
            return
        self.out.remove(one)
        self.held = settle(self.held, one.units, one.units, one.reading, at(self.now))

    def send(self, units, travels, works, *, lost):
        while True:
            self.held, wait = reserve(self.held, units, at(self.now))
            if not wait:
                break
            self.pass_time(self.now + wait)
        self.out.append(Late(units, self.now + travels, self.now + travels + works, lost))


@settings(max_examples=100, phases=[Phase.generate])
@given(
    st.lists(
        st.tuples(
            st.integers(1, ALLOWED),
            st.floats(0, 70),
            st.floats(0, 3),
            st.floats(0, 20),
            st.booleans(),
            st.integers(0, 1),
        ),
        max_size=25,
    )
)
def test_two_processes_never_exceed_together_what_one_may(requests):
    """The service's window begins when a request reaches it, which is later than ours."""
    two = Two()
    silent = True
    for units, pause, travels, works, lost, together in requests:
        # Where no answer comes at all nobody can know when the service's windows begin.
        silent = lost and not silent
        two.pass_time(two.now + pause)
        while len(two.out) > together:
            two.pass_time(min(one.answered if one.seen else one.arrives for one in two.out))
        two.send(units, travels, works, lost=silent)
    two.pass_time(math.inf)
    assert two.service.refused == 0
