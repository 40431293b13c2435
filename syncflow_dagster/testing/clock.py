"""A clock that a test moves by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is moved; sleeping moves it.

    Args:
        start: The first moment; aware.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        #: Every wait that was asked for, in seconds.
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move the clock on by so many seconds, at once."""
        self.slept.append(seconds)
        self._now += timedelta(seconds=max(0.0, seconds))
