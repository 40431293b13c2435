"""The sandbox's time: real seconds for clients, faster seconds for limit windows."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Clock:
    """Two readings of one time.

    *Real* seconds are what a client's own watch shows. They govern everything that a client
    must wait for itself: idempotency keys, cursors, delayed faults. *Limit* seconds run
    `speed` times faster and govern the windows of rate limits only, so that a minute's
    window passes in a second without changing what the limit means. `advance` lets both pass
    at once.

    Args:
        source: Monotonic seconds; replaced in tests.
        started_at: Unix time at which the clock starts; the present when absent.
    """

    def __init__(
        self, source: Callable[[], float] = time.monotonic, started_at: float | None = None
    ) -> None:
        self._source = source
        self._origin = source()
        self._ahead = 0.0
        self._hold = threading.local()
        self._started_at = time.time() if started_at is None else started_at
        self._speed = 1.0
        self._anchor_real = 0.0
        self._anchor_limit = 0.0

    @property
    def speed(self) -> float:
        """How many limit seconds pass in one real second."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Change the speed from now on; time already passed keeps its length.

        Raises:
            ValueError: `speed` is not a positive finite number.
        """
        if not (math.isfinite(speed) and speed > 0):
            msg = f"speed must be a positive number, not {speed!r}"
            raise ValueError(msg)
        now = self.real()
        self._anchor_limit += (now - self._anchor_real) * self._speed
        self._anchor_real = now
        self._speed = float(speed)

    def real(self) -> float:
        """Real seconds since the clock started, with those it was advanced by."""
        held: float | None = getattr(self._hold, "at", None)
        return self._source() - self._origin + self._ahead if held is None else held

    def advance(self, seconds: float) -> None:
        """Let `seconds` of real time pass at once. Safe to call from any thread.

        Raises:
            ValueError: `seconds` is negative or not finite.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            msg = f"a clock goes forward by a number of seconds, not by {seconds!r}"
            raise ValueError(msg)
        self._ahead += seconds

    @contextmanager
    def held(self, real: float) -> Iterator[None]:
        """Within it, this thread reads the clock as it stood at `real`."""
        before = getattr(self._hold, "at", None)
        self._hold.at = real
        try:
            yield
        finally:
            self._hold.at = before

    def wall(self) -> datetime:
        """The present moment in UTC, by real seconds."""
        return self.wall_at(self.real())

    def wall_at(self, real: float) -> datetime:
        """The UTC moment at which `real` had this value."""
        return datetime.fromtimestamp(self._started_at + real, tz=UTC)

    def limit_time(self) -> float:
        """Unix time in limit seconds: what limit windows are measured in."""
        passed = (self.real() - self._anchor_real) * self._speed
        return self._started_at + self._anchor_limit + passed

    def client_seconds(self, limit_seconds: float) -> int:
        """Whole real seconds a client must wait for `limit_seconds` to pass.

        Rounded up and never below 1, so that a client that believes the figure is never
        early.
        """
        return max(1, math.ceil(round(limit_seconds / self._speed, 6)))

    async def sleep(self, seconds: float) -> None:
        """Suspend the calling task for real seconds."""
        await asyncio.sleep(seconds)


class ManualClock(Clock):
    """A clock that stands still until a test moves it."""

    _POLL_S = 0.002

    def __init__(self, started_at: float = 1_793_275_200.0) -> None:
        super().__init__(source=lambda: 0.0, started_at=started_at)

    async def sleep(self, seconds: float) -> None:
        """Suspend the calling task until `advance` has moved the clock far enough."""
        until = self.real() + seconds
        while self.real() < until:
            await asyncio.sleep(self._POLL_S)
