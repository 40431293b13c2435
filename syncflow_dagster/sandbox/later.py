"""Actions that happen some real seconds from now, such as a write that is applied late."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.clock import Clock


class Later:
    """A small agenda driven by the sandbox's clock.

    A due action runs from the event loop's own timer, and in any case before the next
    request is looked at: with a hand-driven clock nothing has to be waited for.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` once `seconds` of real time have passed."""
        due = self._clock.real() + seconds
        heapq.heappush(self._agenda, (due, next(self._order), action))
        # The millisecond keeps the timer from waking just before the action is due.
        asyncio.get_running_loop().call_later(seconds + 0.001, self.run_due)

    def run_due(self) -> None:
        """Run every action whose time has come, in the order of their times."""
        while self._agenda and self._agenda[0][0] <= self._clock.real():
            heapq.heappop(self._agenda)[2]()

    def clear(self) -> None:
        """Forget all actions that have not run."""
        self._agenda.clear()
