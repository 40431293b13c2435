"""Arithmetic of a budget: units that may be spent in a window of time.

Pure: the ledger keeps the numbers in PostgreSQL, so that all processes of an account share them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget of an account at one moment.

    Attributes:
        name: The service's name of it, for example `complexity`.
        allowed: Units a window holds.
        window_s: Length of a window in seconds; it begins with the first spending.
        spent: Units the service has counted in this window.
        reserved: Units promised to requests that are on their way.
        window_ends_at: When the window ends and all is free again.
    """

    name: str
    allowed: int
    window_s: float
    spent: int
    reserved: int
    window_ends_at: datetime


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

    What was on its way at the turn may be counted in the new window, so it counts there.
    """
    if now < budget.window_ends_at:
        return budget
    ends = now + timedelta(seconds=budget.window_s)
    return replace(budget, spent=budget.reserved, reserved=0, window_ends_at=ends)


def reserve(budget: Budget, units: int, now: datetime) -> tuple[Budget, float]:
    """Try to set `units` aside.

    Returns:
        The budget after it, and the seconds to wait before trying again: 0 if they were set
        aside. A request dearer than a whole window goes alone at the window's start, because
        the service would refuse it at any other time too.
    """
    current = rolled(budget, now)
    busy = current.spent + current.reserved
    if busy + units <= current.allowed or (busy == 0 and units > current.allowed):
        return replace(current, reserved=current.reserved + units), 0.0
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
    current = rolled(budget, now)
    current = replace(
        current,
        reserved=max(0, current.reserved - reserved),
        spent=current.spent + actual,
    )
    if reading is None:
        return current
    return _believe(current, reading, now, before=current.spent - actual)


def _believe(budget: Budget, reading: Reading, now: datetime, *, before: int) -> Budget:
    allowed = reading.allowed or budget.allowed
    window_s = reading.window_s or budget.window_s
    ends, spent = budget.window_ends_at, budget.spent
    if reading.remaining is not None:
        counted = max(0, allowed - reading.remaining)
        # An answer that overtook another one counts less than is known already.
        spent = max(counted, before)
    if reading.resets_in_s is not None:
        ends = now + timedelta(seconds=reading.resets_in_s)
        if reading.remaining is not None and ends > budget.window_ends_at + timedelta(seconds=1):
            spent = max(0, allowed - reading.remaining)
    return replace(budget, allowed=allowed, window_s=window_s, spent=spent, window_ends_at=ends)
