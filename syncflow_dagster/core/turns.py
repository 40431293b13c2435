"""Whose turn it is: start-time fair queueing over owners.

Each owner has a tag: the seconds of work it has used, divided by its share. The lowest tag comes
first, so that owners who always want something use places in proportion to their shares. An owner
who wanted nothing for a while has saved nothing up: it begins where those are that wait.

Urgent work counts as if its owner had used an hour less, low work as if it had used an hour more.
So priorities come first, but not for ever: whoever gets ahead of the others by more than that with
urgent work has to wait for them.

So an owner i that always wants work waits between two turns for

    T + sum over the others j of (T + share_j * (2 T / share_i + d)) / P

seconds at most. T is the longest turn, the start of its run included; P the number of places; d is
an hour for each step that i's work is less urgent than that of j, else 0.
Published as start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

#: Priorities by their names; a higher number comes first.
PRIORITIES = {"low": 0, "normal": 1, "urgent": 2}
#: Seconds of use that one step of priority is worth.
HEAD_START_S = 3600.0
#: Seconds charged for the start of a run: a process has to load its code before it does anything.
#: So even runs that end at once move their owner back.
START_S = 5.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A workflow that has something to do.

    Attributes:
        workflow: Its name.
        owner: Whose it is.
        priority: One of the values of `PRIORITIES`.
        since: Since when it waits.
    """

    workflow: str
    owner: str
    priority: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A workflow that has something to do and must wait.

    Attributes:
        candidate: The workflow.
        for_owner: Whether it waits for a run of its own owner; else for a place.
    """

    candidate: Candidate
    for_owner: bool

    @property
    def reason(self) -> str:
        """What it waits for, in words."""
        if self.for_owner:
            return f"{self.candidate.owner} has its turn, with another run"
        return "all places are taken; others have used less, or wait longer"


@dataclass(frozen=True, slots=True)
class Choice:
    """Who may start now.

    Attributes:
        chosen: In the order of their turns, one of each owner at most.
        waiting: The others, in the order of their turns.
        tags: The tags of the owners of all of them, before they are charged for anything.
    """

    chosen: tuple[Candidate, ...]
    waiting: tuple[Waiting, ...]
    tags: Mapping[str, float]


def choose(
    candidates: Sequence[Candidate],
    *,
    at_work: Collection[str],
    here: Collection[str],
    places: int,
    used: Mapping[str, float],
) -> Choice:
    """Choose who may start now.

    Args:
        candidates: Workflows that have something to do, and no run of their own under way.
        at_work: Owners that have a run under way.
        here: Owners that wait already, or had a run a moment ago: they are no newcomers.
        places: How many may start.
        used: The owners' tags; 0 for one that is not there.
    """
    tags = _tags(candidates, at_work, here, used)
    chosen: list[Candidate] = []
    waiting: list[Waiting] = []
    taken = set(at_work)
    for one in sorted(candidates, key=lambda one: _turn(one, tags[one.owner])):
        if one.owner in taken:
            waiting.append(Waiting(one, for_owner=True))
        elif len(chosen) >= places:
            waiting.append(Waiting(one, for_owner=False))
        else:
            chosen.append(one)
            taken.add(one.owner)
    return Choice(tuple(chosen), tuple(waiting), tags)


def first_before(
    mine: Candidate, tag: float, rivals: Sequence[tuple[Waiting, float]]
) -> Candidate | None:
    """Return who would take the place of a run whose turn is over, None if it may stay.

    Args:
        mine: The run's workflow.
        tag: Its owner's tag, what this turn has used included.
        rivals: Who waits, with their owners' tags, in the order of their turns.
    """
    for rival, theirs in rivals:
        other = rival.candidate
        if other.owner == mine.owner:
            if other.workflow != mine.workflow and other.priority >= mine.priority:
                return other
        elif not rival.for_owner and _start(other, theirs) < _start(mine, tag):
            return other
    return None


def _tags(
    candidates: Sequence[Candidate],
    at_work: Collection[str],
    here: Collection[str],
    used: Mapping[str, float],
) -> dict[str, float]:
    """Return the owners' tags; newcomers are raised to where the others are."""
    tags = {one.owner: used.get(one.owner, 0.0) for one in candidates}
    # Of those at work it is not known yet what they use, so they tell less than who waits.
    waiting = [tag for owner, tag in tags.items() if owner in here and owner not in at_work]
    working = [used.get(owner, 0.0) for owner in at_work]
    floor = min(waiting, default=max(working, default=max(used.values(), default=0.0)))
    known = {*at_work, *here}
    return {owner: tag if owner in known else max(tag, floor) for owner, tag in tags.items()}


def _start(one: Candidate, tag: float) -> float:
    return tag - HEAD_START_S * one.priority


def _turn(one: Candidate, tag: float) -> tuple[float, datetime, str]:
    return _start(one, tag), one.since, one.workflow
