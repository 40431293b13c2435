"""Fair turns: simulated with the real rule, over owners, shares, priorities and places."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.core.turns import (
    HEAD_START_S,
    PRIORITIES,
    START_S,
    Candidate,
    Waiting,
    choose,
    first_before,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NORMAL = PRIORITIES["normal"]


@dataclass
class Owner:
    """Somebody with work.

    Attributes:
        turns: Seconds of its turns, over and over while there is work.
        work_s: Seconds of work left.
    """

    turns: list[float]
    share: int = 1
    priority: int = NORMAL
    work_s: float = float("inf")
    turn: int = 0
    since: float = 0.0
    waits: list[float] = field(default_factory=list)
    done_at: float | None = None

    def next_turn(self) -> float:
        seconds = min(self.turns[self.turn % len(self.turns)], self.work_s)
        self.turn += 1
        return seconds


def simulate(owners: dict[str, Owner], places: int, until: float) -> None:
    """Give turns by the rule, on the spot, until nobody wants any or the time is over."""
    now, used, running = 0.0, {}, {}
    here: set[str] = set()
    while now < until:
        wanting = [
            Candidate(name, name, one.priority, NOON + timedelta(seconds=one.since))
            for name, one in owners.items()
            if one.work_s > 0 and name not in running
        ]
        free = places - len(running)
        choice = choose(wanting, at_work=set(running), here=here, places=free, used=used)
        used |= choice.tags
        here = {one.candidate.owner for one in choice.waiting}
        for chosen in choice.chosen:
            one = owners[chosen.owner]
            one.waits.append(now - one.since)
            used[chosen.owner] += START_S / one.share
            running[chosen.owner] = (now + START_S, one.next_turn())
        if not running:
            return
        name, (began, seconds) = min(running.items(), key=lambda item: sum(item[1]))
        now = began + seconds
        one = owners[name]
        used[name] += seconds / one.share
        one.work_s -= seconds
        one.since = now
        one.done_at = now if one.work_s <= 0 else None
        del running[name]
        here.add(name)
    for name, one in owners.items():
        if one.work_s > 0 and name not in running:
            one.waits.append(now - one.since)


def bound(owners: dict[str, Owner], name: str, places: int) -> float:
    """What the module promises."""
    mine = owners[name]
    longest = START_S + max(max(one.turns) for one in owners.values())
    others = [one for other, one in owners.items() if other != name]
    steps = [max(0, one.priority - mine.priority) for one in others]
    return (
        longest
        + sum(
            longest + one.share * (2 * longest / mine.share + HEAD_START_S * step)
            for one, step in zip(others, steps, strict=True)
        )
        / places
    )


TURNS = st.lists(st.floats(1, 300), min_size=1, max_size=4)
OWNERS = st.lists(
    st.builds(Owner, TURNS, st.integers(1, 10), st.sampled_from(sorted(PRIORITIES.values()))),
    min_size=2,
    max_size=8,
)


@settings(max_examples=30)
@given(OWNERS, st.integers(1, 4))
def test_nobody_waits_longer_than_is_promised(found, places):
    owners = {f"owner {number}": one for number, one in enumerate(found)}
    simulate(owners, places, 25_000)
    for name, one in owners.items():
        assert max(one.waits) <= bound(owners, name, places)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 10), min_size=2, max_size=5))
def test_who_always_wants_work_gets_its_share_of_it(shares):
    owners = {f"{number}": Owner([60.0], share) for number, share in enumerate(shares)}
    rounds = 20
    simulate(owners, 1, rounds * 65.0 * sum(shares))
    for one in owners.values():
        assert one.turn / one.share == pytest.approx(rounds, abs=2)


def test_fifty_owners_one_of_them_large_are_served_within_two_fair_rounds():
    """200,000 rows at 100 a second beside 49 times 10 rows, on 6 places, with turns of 300 s."""
    turn_s, places = 300.0, 6
    small = {f"small {number:02}": Owner([turn_s], work_s=0.1) for number in range(49)}
    large = Owner([turn_s], work_s=2_000.0)
    # The large one was there first: it has its place already when the others come.
    owners = {"a large one": large, **small}
    simulate(owners, places, 100_000)
    a_round = (turn_s + START_S) * len(owners) / places
    assert max(one.done_at for one in small.values()) <= 2 * a_round
    assert max(one.done_at for one in small.values()) < 60
    assert large.done_at == pytest.approx(2_000 + 7 * START_S, rel=0.01)


def test_on_one_place_the_large_one_leaves_it_to_all_small_ones_after_one_turn():
    small = {f"small {number:02}": Owner([300.0], work_s=0.1) for number in range(49)}
    owners = {"a large one": Owner([300.0], work_s=2_000.0), **small}
    simulate(owners, 1, 100_000)
    assert max(one.done_at for one in small.values()) == pytest.approx(305 + 49 * 5.1)


def _candidate(workflow, owner=None, priority="normal", since=0):
    moment = NOON + timedelta(seconds=since)
    return Candidate(workflow, owner or workflow, PRIORITIES[priority], moment)


def _chosen(candidates, **given):
    free = {"at_work": (), "here": (), "places": 9, "used": {}}
    return [one.workflow for one in choose(candidates, **(free | given)).chosen]


def test_urgent_comes_first_then_who_has_used_less_then_who_waits_longer():
    ones = [
        _candidate("low", priority="low"),
        _candidate("later", since=9),
        _candidate("busy"),
        _candidate("sooner"),
        _candidate("urgent", priority="urgent", since=99),
    ]
    used = {"urgent": 900.0, "busy": 600.0}
    here = [one.owner for one in ones]
    order = _chosen(ones, used=used, here=here)
    assert order == ["urgent", "sooner", "later", "busy", "low"]
    # An hour of use is what urgency is worth.
    used["urgent"] = 601.0 + HEAD_START_S
    assert _chosen(ones, used=used, here=here)[-2:] == ["urgent", "low"]


def test_an_owner_has_one_run_at_a_time_and_its_own_workflows_take_turns():
    ones = [_candidate("b", "ana"), _candidate("a", "ana", since=5), _candidate("c", "bo")]
    choice = choose(ones, at_work={"bo"}, here=(), places=9, used={})
    assert [one.workflow for one in choice.chosen] == ["b"]
    assert [(one.candidate.workflow, one.for_owner) for one in choice.waiting] == [
        ("c", True),
        ("a", True),
    ]
    assert choice.waiting[0].reason == "bo has its turn, with another run"
    (waiting,) = choose(ones[:1], at_work=(), here=(), places=0, used={}).waiting
    assert not waiting.for_owner
    assert "all places are taken" in waiting.reason


def test_who_wanted_nothing_for_a_while_has_saved_nothing_up():
    used = {"always": 9_000.0, "back": 10.0, "idle": 50_000.0}
    back, new = _candidate("back"), _candidate("new")
    given = {"at_work": (), "here": (), "places": 1, "used": used}
    both = [back, _candidate("always")]
    tags = choose(both, **given | {"here": ["always"]}).tags
    assert tags == {"back": 9_000.0, "always": 9_000.0}
    assert choose([new], **given | {"at_work": ["always"]}).tags == {"new": 9_000.0}
    assert choose([new], **given).tags == {"new": 50_000.0}
    assert choose([back], **given | {"here": ["back"]}).tags == {"back": 10.0}


def test_a_run_leaves_its_place_only_to_who_would_come_before_it():
    mine = _candidate("mine", "ana")

    def leaves(rival, tag, *, for_owner=False):
        return first_before(mine, 500.0, [(Waiting(rival, for_owner), tag)]) is not None

    assert leaves(_candidate("bo"), 499.0)
    assert not leaves(_candidate("bo"), 500.0)
    assert leaves(_candidate("bo", priority="urgent"), 501.0)
    assert not leaves(_candidate("bo", priority="low"), 499.0)
    # Another run of its own owner is what it waits for: our place is no use to it.
    assert not leaves(_candidate("bo"), 0.0, for_owner=True)
    # Those of one owner take turns, the more urgent first.
    assert leaves(_candidate("other", "ana"), 500.0, for_owner=True)
    assert leaves(_candidate("other", "ana", "urgent"), 500.0, for_owner=True)
    assert not leaves(_candidate("other", "ana", "low"), 500.0, for_owner=True)
    assert not leaves(replace(mine, priority=PRIORITIES["urgent"]), 0.0)
