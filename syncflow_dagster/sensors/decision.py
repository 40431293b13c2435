"""When waiting rows start a run. Pure: no Dagster, no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.resources.observe import Pending

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that has ended.

    Attributes:
        succeeded: Whether it did; a canceled run did not.
        ended_at: When.
    """

    succeeded: bool
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to start a run, and why."""

    start: bool
    reason: str


def wait_after(runs: Sequence[PastRun]) -> timedelta:
    """Return how long to wait after the newest run, given the latest, newest first.

    The first failure costs half a minute; each further one in a row doubles it, up to a quarter of
    an hour. So a board that is down is asked now and then, not every ten seconds.
    """
    failures = 0
    for run in runs:
        if run.succeeded:
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
    return Decision(False, f"the last run did not succeed; next try in {seconds} s")


def told(pending: Pending, most: int) -> str:
    """Return what waits, in words.

    Args:
        pending: What waits.
        most: Where counting stopped.
    """

    def number(count: int, word: str) -> str:
        if count >= most:
            return f"{most:,} or more {word}s"
        return f"{count:,} {word}{'' if count == 1 else 's'}"

    parts = [number(pending.rows, "new row")] if pending.rows else []
    parts += [number(pending.effects, "unfinished change")] if pending.effects else []
    return " and ".join(parts) or "nothing"
