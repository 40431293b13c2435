"""When waiting work will be done: by how fast it went before, daily limits, and windows."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from syncflow_dagster.core.timing.windows import Stretch

#: By how much less each delivery counts than the one after it.
_WEIGHT = 0.7
#: How far a forecast looks; what takes longer has no end in it.
HORIZON = timedelta(days=370)
_DAY = timedelta(days=1)
#: What is left over by the rounding of times is not work.
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Ran:
    """What a delivery got done.

    Attributes:
        effects: Effects it brought to an end.
        seconds: Seconds it was at work, without waits.
    """

    effects: int
    seconds: float


def rate_of(ran: Sequence[Ran]) -> float | None:
    """Return the effects of a second at work; None: nothing has been measured.

    Args:
        ran: Deliveries, the newest first; each counts for 0.7 of the one after it.
    """
    weights = [_WEIGHT**place for place in range(len(ran))]
    effects = sum(weight * one.effects for weight, one in zip(weights, ran, strict=True))
    seconds = sum(weight * one.seconds for weight, one in zip(weights, ran, strict=True))
    return effects / seconds if effects > 0 and seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Part:
    """Work that is done before the next part begins.

    Attributes:
        effects: How much of it is left.
        per_s: Effects of a second at work; more than 0.
    """

    effects: float
    per_s: float


@dataclass(frozen=True, slots=True)
class DayLimit:
    """What a day, from midnight to midnight in UTC, lets through.

    Attributes:
        left: Effects that may still go today.
        per_day: Effects that may go on each day after it.
    """

    left: float
    per_day: float


@dataclass(frozen=True, slots=True)
class Fit:
    """When work will be done, and what of it is not when its window ends.

    Attributes:
        effects: How much there is to do.
        ends_at: When it will be done; None: not for a year.
        windows: In how many windows it is at work.
        closes_at: When the present window ends, or the next one if none is open; None where
            there is no end.
        left: Effects that will be left then.
    """

    effects: int
    ends_at: datetime | None
    windows: int
    closes_at: datetime | None
    left: int

    @property
    def fits(self) -> bool:
        """Whether all is done when that window ends."""
        return self.left == 0 and self.ends_at is not None


def fit(
    at: datetime,
    parts: Iterable[Part],
    stretches: Iterable[Stretch] | None = None,
    day: DayLimit | None = None,
) -> Fit:
    """Let work go on in open time until it is done.

    Args:
        at: From when on.
        parts: What is to be done, one after the other.
        stretches: Open time, in its order; None: it may be at work at any time.
        day: What a day lets through; None: as much as there is time for.
    """
    todo = deque(one for one in parts if one.effects > 0)
    effects = math.ceil(sum(one.effects for one in todo))
    if not todo:
        return Fit(0, at, 0, None, 0)
    limit = _Limit(day, at)
    closes_at, left, used = None, effects, 0
    for begin, end in [(at, at + HORIZON)] if stretches is None else stretches:
        used += 1
        ended = _work(todo, begin, end, limit)
        if used == 1:
            left = math.ceil(sum(one.effects for one in todo) - _NOTHING)
            closes_at = None if stretches is None else end
        if ended is not None:
            return Fit(effects, ended, used, closes_at, left)
    return Fit(effects, None, used, closes_at, left)


class _Limit:
    """What the day that is worked on lets through yet."""

    def __init__(self, day: DayLimit | None, at: datetime) -> None:
        self._date = at.astimezone(UTC).date()
        self._per_day = math.inf if day is None else day.per_day
        self.left = math.inf if day is None else max(0.0, day.left)

    def turn_to(self, date: date) -> None:
        """Go on with a day; another one than the present is whole."""
        if date != self._date:
            self._date, self.left = date, self._per_day


def _work(todo: deque[Part], begin: datetime, end: datetime, limit: _Limit) -> datetime | None:
    """Work in a stretch of open time, day by day; return when all is done, if it is."""
    while begin < end:
        today = begin.astimezone(UTC).date()
        midnight = datetime.combine(today, time(), UTC) + _DAY
        limit.turn_to(today)
        ended = _work_until(todo, begin, min(end, midnight), limit)
        if ended is not None:
            return ended
        begin = midnight
    return None


def _work_until(todo: deque[Part], now: datetime, end: datetime, limit: _Limit) -> datetime | None:
    while todo:
        one = todo[0]
        done = min(one.effects, one.per_s * (end - now).total_seconds(), limit.left)
        limit.left -= done
        now += timedelta(seconds=done / one.per_s)
        if one.effects - done > _NOTHING:
            todo[0] = Part(one.effects - done, one.per_s)
            return None
        todo.popleft()
    return now
