"""Progress lines in a run's log: how fast, and how long still; at most one every two seconds."""

import math
import threading
import time
from collections.abc import Callable

from syncflow_dagster.nodes.delta.report import Progress as StageProgress

_EVERY_S = 2.0
_MINUTE_S = 60
_HOUR_S = 3600
# They follow what is read chunk by chunk, in a partition for its own rows only.
_FOLLOWING = frozenset({"normalise", "identify"})


def every_two_seconds(clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Return a function that says yes at most once every two seconds, and not at once."""
    last = clock()

    def may_tell() -> bool:
        nonlocal last
        now = clock()
        if now - last < _EVERY_S:
            return False
        last = now
        return True

    return may_tell


def stage_teller(
    log: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[StageProgress], None]:
    """Return a listener for a delta's stages that any thread may call.

    Args:
        log: Where lines go.
        clock: Seconds, monotonic.
    """
    may_tell = every_two_seconds(clock)
    lock = threading.Lock()

    def tell(progress: StageProgress) -> None:
        with lock:
            if progress.stage in _FOLLOWING or not may_tell():
                return
            text = f"{progress.stage}: {progress.rows:,} rows, {progress.rows_per_s:,.0f} rows/s"
            # What is expected are rows of the source; later stages handle fewer.
            if progress.stage == "extract" and progress.seconds_left:
                text += f", about {duration(progress.seconds_left)} left"
            log(text)

    return tell


class Progress:
    """Writes a line now and then.

    Args:
        log: Where lines go.
        what: What is counted, in the plural.
        clock: Seconds, monotonic.
        closes_in_s: Gives the seconds until the work's window ends; None: it has none, or no end.
    """

    def __init__(
        self,
        log: Callable[[str], None],
        what: str,
        clock: Callable[[], float] = time.monotonic,
        closes_in_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._log = log
        self._what = what
        self._clock = clock
        self._closes_in_s = closes_in_s
        self._began = clock()
        self._may_tell = every_two_seconds(clock)

    def tell(self, done: int, remaining: Callable[[], int] | None = None) -> None:
        """Say how many are done, unless it was said a moment ago.

        Args:
            done: So far.
            remaining: Counts what is still to do, where that is known; asked only if it is told.
        """
        if not self._may_tell():
            return
        rate = done / self.elapsed_s
        text = f"{done:,} {self._what} done, {rate:,.1f}/s"
        if remaining is not None and (left := remaining()):
            text += f", {left:,} to go"
            text += f", about {duration(left / rate)} left{self._fit(left, rate)}" if rate else ""
        self._log(text)

    def _fit(self, left: int, rate: float) -> str:
        """Return whether it will be done when its window ends."""
        closes_in_s = self._closes_in_s()
        if closes_in_s is None:
            return ""
        over = math.ceil(left - rate * closes_in_s)
        fits = f"does not fit: {over:,} will be left" if over > 0 else "fits"
        return f"; the window ends in {duration(closes_in_s)}: {fits}"

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began


def duration(seconds: float) -> str:
    """Return a span of time in words: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
