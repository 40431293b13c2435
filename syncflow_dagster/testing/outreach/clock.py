"""The sandbox's time as a clock: whoever sleeps lets the whole simulated world go on."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.control import ControlClient


class SandboxClock:
    """A :class:`syncflow_dagster.core.clock.Clock` that moves the sandbox's time.

    Between two moves both run as real time does, so the sandbox is asked only once for each.

    Args:
        control: The sandbox.
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control
        self._set(control.now())

    def now(self) -> datetime:
        """Return the sandbox's moment."""
        return self._told + timedelta(seconds=time.monotonic() - self._at)

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass in the sandbox, and do there what is due in them."""
        if seconds > 0:
            self._set(self._control.advance(seconds))

    def _set(self, told: datetime) -> None:
        self._told, self._at = told, time.monotonic()
