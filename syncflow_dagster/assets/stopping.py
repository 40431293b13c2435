"""Stopping a push between two requests, when Dagster or a service manager ends its run.

Dagster raises in the middle of whatever the step is doing. Between sending a request and writing
down its answer that leaves a question that the next run has to look up, so there the signal only
asks.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType

import dagster as dg

from syncflow_dagster.core.clock import Clock

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: Seconds after which a waiting push sees that it is asked to stop.
_LOOK_EVERY_S = 0.2


class Stop:
    """Whether a push is asked to stop; a second signal ends it at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def check(self) -> None:
        """Stop here if it was asked for: what was sent is written down.

        Raises:
            dagster.DagsterExecutionInterruptedError: It was.
        """
        if self._asked.is_set():
            raise dg.DagsterExecutionInterruptedError

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT ask, for as long as the context lasts.

        Raises:
            dagster.DagsterExecutionInterruptedError: One has asked, and the work came to its end.
        """
        if threading.current_thread() is not threading.main_thread():
            # Only the main thread may say what a signal does.
            yield
            return
        former = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
        self.check()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.check()
        self._asked.set()


class StoppableClock:
    """A clock whose waits end when a stop is asked for.

    Args:
        clock: The clock.
        stop: Who asks.
    """

    def __init__(self, clock: Clock, stop: Stop) -> None:
        self._clock = clock
        self._stop = stop

    def now(self) -> datetime:
        """Return the clock's moment."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait for real seconds.

        Raises:
            dagster.DagsterExecutionInterruptedError: A stop was asked for.
        """
        while seconds > 0:
            self._stop.check()
            self._clock.sleep(min(seconds, _LOOK_EVERY_S))
            seconds -= _LOOK_EVERY_S
        self._stop.check()
