"""When a workflow whose last runs did not get on may be tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that has ended.

    Attributes:
        succeeded: Whether it did; a canceled run did not.
        stalled: What it waited for, if its push tried and brought nothing to an end.
        ended_at: When.
    """

    succeeded: bool
    stalled: str | None
    ended_at: datetime

    @property
    def got_on(self) -> bool:
        """Whether there is no reason to wait after it."""
        return self.succeeded and self.stalled is None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to start a run, and why."""

    start: bool
    reason: str


def has_stalled(*, tried: int, ended: int, remaining: int, paused: bool = False) -> bool:
    """Say whether a delivery got nowhere although there was something to do.

    One that ends because its time is over has brought something to an end, and one that found
    nothing due has tried nothing: neither is a reason to wait.

    Args:
        tried: Requests it made.
        ended: Effects it brought to an end.
        remaining: Effects still under way.
        paused: Whether its account may send nothing for a while.
    """
    return (tried > 0 or paused) and ended == 0 and (remaining > 0 or paused)


def wait_after(runs: Sequence[PastRun]) -> timedelta:
    """Return how long to wait after the newest run, given the latest, newest first.

    The first failure costs half a minute; each further one in a row doubles it, up to a quarter of
    an hour. So a board that is down is asked now and then, not every ten seconds.
    """
    failures = 0
    for run in runs:
        if run.got_on:
            break
        failures += 1
    if not failures:
        return timedelta(0)
    doubled: int = 2 ** (failures - 1)
    return min(_LONGEST_WAIT, _FIRST_WAIT * doubled)


def ready(runs: Sequence[PastRun], now: datetime) -> Decision:
    """Decide whether enough time has passed since the last failure."""
    if not runs:
        return Decision(True, "never ran")
    due = runs[0].ended_at + wait_after(runs)
    if now >= due:
        return Decision(True, "the way is clear")
    seconds = int((due - now).total_seconds()) + 1
    what = "did not succeed"
    if runs[0].succeeded:
        what = f"brought nothing to an end ({runs[0].stalled})"
    return Decision(False, f"the last run {what}; next try in {seconds} s")
