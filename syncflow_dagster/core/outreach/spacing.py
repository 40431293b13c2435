"""The pause between two actions of an account."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.core.backoff import Random


def gap(chance: Random, shortest_s: float, longest_s: float) -> timedelta:
    """Return the pause until an account's next action, drawn evenly.

    Args:
        chance: Where it is drawn from.
        shortest_s: Shortest pause, seconds.
        longest_s: Longest pause, seconds.
    """
    return timedelta(seconds=chance.uniform(shortest_s, longest_s))
