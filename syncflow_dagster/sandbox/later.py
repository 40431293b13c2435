"""Actions that happen some seconds from now, such as a write that is applied late."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from syncflow_dagster.sandbox.clock import Clock

# Keeps the timer from waking just before the action is due.
_PAST_DUE_S = 0.001


class Later:
    """A small agenda driven by the sandbox's clock.

    A due action runs from the event loop's own timer, and in any case before the next
    request is looked at: with a hand-driven clock nothing has to be waited for. While it runs,
    the clock tells the moment at which it was due, however far the clock has gone since.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False

    def start(self) -> None:
        """Wake by the timers of the running event loop from now on."""
        self._loop, self._timer = asyncio.get_running_loop(), None
        self._arm()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` once `seconds` of real time have passed."""
        due = self._clock.real() + seconds
        heapq.heappush(self._agenda, (due, next(self._order), action))
        if self._agenda[0][0] == due:
            self._arm()

    def run_due(self) -> None:
        """Run every action whose time has come, in the order of their times.

        What they plan in turn runs as well, if its time has come too.
        """
        # An action that asks for it does not start others in the middle of itself.
        if self._running or not self._agenda:
            return
        self._running = True
        try:
            while self._agenda and self._agenda[0][0] <= self._clock.real():
                due, _, action = heapq.heappop(self._agenda)
                with self._clock.held(due):
                    action()
        finally:
            self._running = False
            self._arm()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` go on beside the requests, such as a delivery that an action starts."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def quiet(self, longest_s: float) -> None:
        """Wait until what was spawned has ended, `longest_s` real seconds at most."""
        ends = asyncio.get_running_loop().time() + longest_s
        while self._tasks and (left := ends - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
            # What has ended may have planned something for now.
            self.run_due()

    def clear(self) -> None:
        """Forget all actions that have not run, and end what was spawned."""
        self._agenda.clear()
        for task in self._tasks:
            task.cancel()
        self._arm()

    def _arm(self) -> None:
        """Wake when the next action is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Before the sandbox runs, seeds may plan; nothing wakes then.
        if self._loop is not None and self._agenda and not self._running:
            wait = max(0.0, self._agenda[0][0] - self._clock.real())
            self._timer = self._loop.call_later(wait + _PAST_DUE_S, self.run_due)
