"""Arithmetic of a budget: units that may be spent in a window of time, or be out at one time.

Pure: the ledger keeps the numbers in PostgreSQL, so that all processes of an account share them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple

#: `window`: all is free again some seconds after a window's first spending. `day`: at midnight
#: UTC. `flight`: so many at a time, each until it ends.
Kind = Literal["window", "day", "flight"]
#: Seconds after which somebody who found all places taken looks again.
_FLIGHT_WAIT_S = 0.1
#: Seconds after which half of the places are tried again that a refusal has taken away.
_FEWER_PLACES_S = 60.0


class Limit(NamedTuple):
    """A budget as it is before the service has said anything.

    Attributes:
        allowed: Units a window holds, or units that may be out at a time.
        window_s: Length of a window in seconds; of a flight, the longest one may last.
        kind: What kind of budget it is.
    """

    allowed: int
    window_s: float
    kind: Kind = "window"


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget of an account at one moment.

    Attributes:
        name: The service's name of it, for example `complexity`.
        allowed: Units a window holds, or units that may be out at a time.
        window_s: Length of a window in seconds; of a flight, the longest one may last.
        spent: Units the service has counted in this window; of a flight, places it did not grant.
        reserved: Units promised to requests that are on their way.
        window_ends_at: When the window ends and all is free again.
        kind: What kind of budget it is.
        confirmed: Whether an answer has told since when the present window runs.
        carried: Units that may have reached the service only in the present window, though they
            were reserved in the one before.
        unheard: Units of this window whose requests came back without the service's count: it
            may have come to know them after it last told one.
    """

    name: str
    allowed: int
    window_s: float
    spent: int
    reserved: int
    window_ends_at: datetime
    kind: Kind = "window"
    confirmed: bool = True
    carried: int = 0
    unheard: int = 0

    @property
    def taken(self) -> int:
        """Units of this window that are spent or may be yet."""
        return self.spent + self.unheard + self.reserved + self.carried


@dataclass(frozen=True, slots=True)
class Reading:
    """What the service said about a budget in an answer; None where it said nothing.

    Attributes:
        name: Name of the budget.
        allowed: Units a window holds.
        window_s: Length of a window in seconds.
        remaining: Units left after this request.
        resets_in_s: Seconds until all is free again.
    """

    name: str
    allowed: int | None = None
    window_s: float | None = None
    remaining: int | None = None
    resets_in_s: float | None = None


def rolled(budget: Budget, now: datetime) -> Budget:
    """Return the budget as it stands at `now`: a window that is over is followed by a new one.

    What was on its way at the turn may be counted in the new window, so it counts there too.
    """
    if now < budget.window_ends_at:
        return budget
    if budget.kind == "flight":
        return _more_places(budget, now)
    ends = now + timedelta(seconds=budget.window_s)
    if budget.kind == "day":
        midnight = datetime.combine(now.astimezone(UTC).date(), time(tzinfo=UTC))
        ends = midnight + timedelta(days=1)
    return replace(
        budget,
        spent=0,
        unheard=0,
        # A service that tells its count and did not of these may have seen them after the turn;
        # not those of a whole day.
        carried=budget.reserved + (budget.unheard if budget.spent and budget.kind != "day" else 0),
        reserved=0,
        window_ends_at=ends,
        confirmed=False,
    )


def room(budget: Budget, now: datetime) -> int:
    """Return the units that can be set aside at `now` without waiting."""
    current = rolled(budget, now)
    return max(0, current.allowed - current.taken)


def reserve(budget: Budget, units: int, now: datetime) -> tuple[Budget, float]:
    """Try to set `units` aside.

    Returns:
        The budget after it, and the seconds to wait before trying again: 0 if they were set
        aside. A request dearer than a whole window goes alone at the window's start, because
        the service would refuse it at any other time too.
    """
    current = rolled(budget, now)
    taken = current.taken
    if taken + units <= current.allowed or (taken == 0 and units > current.allowed):
        return replace(current, reserved=current.reserved + units), 0.0
    if current.kind == "flight":
        return current, _FLIGHT_WAIT_S
    return current, max(0.05, (current.window_ends_at - now).total_seconds())


def settle(
    budget: Budget, reserved: int, actual: int, reading: Reading | None, now: datetime
) -> Budget:
    """Turn a reservation into spending, and believe what the service says.

    Args:
        budget: The budget before.
        reserved: Units set aside for the request.
        actual: Units it cost, as far as we know.
        reading: What the answer said, or None.
        now: When the answer came.
    """
    if budget.kind == "flight":
        return _landed(budget, reserved, reading, now)
    turned = rolled(budget, now)
    current = _back(_confirmed(turned, now), reserved)
    if reading is None or reading.remaining is None:
        current = replace(current, unheard=current.unheard + actual)
    if reading is None or (turned.confirmed and _is_of_earlier_window(turned, reading, now)):
        return current
    return _believe(current, reading, now)


def _back(budget: Budget, units: int) -> Budget:
    # Which of those that are out came back makes no difference to their sum. What is carried over
    # goes last: what never comes back is then forgotten at the next turn.
    reserved = max(0, budget.reserved - units)
    rest = units - (budget.reserved - reserved)
    return replace(budget, reserved=reserved, carried=max(0, budget.carried - rest))


def _landed(budget: Budget, units: int, reading: Reading | None, now: datetime) -> Budget:
    landed = replace(budget, reserved=max(0, budget.reserved - units))
    if reading is not None and reading.allowed:
        return replace(landed, allowed=reading.allowed, spent=0)
    if reading is None or reading.remaining != 0:
        return landed
    # Refused although there was room by our count: so many at a time were too many. Others may
    # have used the account too, so it is not for good.
    granted = max(1, min(landed.allowed - landed.spent, landed.reserved))
    ends = now + timedelta(seconds=_FEWER_PLACES_S)
    return replace(landed, spent=landed.allowed - granted, window_ends_at=ends)


def _more_places(budget: Budget, now: datetime) -> Budget:
    if not budget.spent:
        return budget
    ends = now + timedelta(seconds=_FEWER_PLACES_S)
    return replace(budget, spent=budget.spent // 2, window_ends_at=ends)


def _confirmed(budget: Budget, now: datetime) -> Budget:
    # The service's window begins when the first request reaches it: at the latest now.
    if budget.confirmed or budget.kind != "window":
        return budget
    ends = max(budget.window_ends_at, now + timedelta(seconds=budget.window_s))
    return replace(budget, window_ends_at=ends, confirmed=True)


def _is_of_earlier_window(budget: Budget, reading: Reading, now: datetime) -> bool:
    """Tell whether an answer was so long on its way that its window is over by now."""
    if reading.resets_in_s is None or budget.kind != "window":
        return False
    ends = now + timedelta(seconds=reading.resets_in_s)
    return ends < budget.window_ends_at - timedelta(seconds=budget.window_s / 2)


def _believe(budget: Budget, reading: Reading, now: datetime) -> Budget:
    allowed = reading.allowed or budget.allowed
    window_s = reading.window_s or budget.window_s
    ends, spent, unheard = budget.window_ends_at, budget.spent, budget.unheard
    if reading.remaining is not None:
        # An answer that was overtaken by another one counts less than is known already.
        spent = max(spent, allowed - reading.remaining)
    if reading.resets_in_s is not None:
        ends = now + timedelta(seconds=reading.resets_in_s)
        # A new window ends about a window later than the last one; an answer that was long on its
        # way only seems to put the end off, and may know less than others that were quicker.
        later = timedelta(seconds=max(1.0, window_s / 2))
        if reading.remaining is not None and ends > budget.window_ends_at + later:
            spent, unheard = max(0, allowed - reading.remaining), 0
    return replace(
        budget,
        allowed=allowed,
        window_s=window_s,
        spent=spent,
        unheard=unheard,
        window_ends_at=ends,
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a limit that is reached means for the work that is left.

    Attributes:
        effects: Effects still to be sent.
        requests: Requests they take, at the present rate.
        days: Further days they take.
    """

    effects: int
    requests: int
    days: int

    def in_words(self) -> str:
        """Return it as a part of a sentence."""
        if not self.effects:
            return "nothing is left to send"
        day = "day" if self.days == 1 else "days"
        return (
            f"{self.effects:,} changes are left, about {self.requests:,} requests: "
            f"{self.days:,} more {day} at this rate"
        )


def forecast(*, effects: int, per_request: float, calls_per_day: int) -> Forecast:
    """Return how long work takes that a daily limit holds up.

    Args:
        effects: Effects still to be sent.
        per_request: Effects one request brings to an end.
        calls_per_day: Requests a day may have.
    """
    requests = math.ceil(effects / max(per_request, 0.01))
    return Forecast(effects, requests, math.ceil(requests / calls_per_day))
