"""Leaving work at a boundary: between two requests, two pieces that are read, or in a wait.

Whoever works is given a function that tells why it must stop here, if so. What it has begun it
brings to its end first; what is left waits for the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.core.clock import Clock

#: Tells why the work must stop at this boundary; None: it may go on.
Leave = Callable[[], str | None]
#: Seconds after which somebody who waits asks again whether he may go on waiting.
_LOOK_EVERY_S = 5.0


class Left(RuntimeError):
    """The work stopped at a boundary. Nothing is lost: what is left waits for the next run."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check(leave: Leave | None) -> None:
    """Stop here if it must be.

    Raises:
        Left: It must.
    """
    if leave is not None and (reason := leave()) is not None:
        raise Left(reason)


def wait(clock: Clock, seconds: float, leave: Leave | None) -> None:
    """Wait for so many seconds, or until the work must stop.

    Raises:
        Left: It must.
    """
    if leave is None:
        clock.sleep(seconds)
        return
    while seconds > 0:
        check(leave)
        clock.sleep(min(seconds, _LOOK_EVERY_S))
        seconds -= _LOOK_EVERY_S
    check(leave)
