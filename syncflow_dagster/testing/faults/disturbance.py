"""Something that happens once the sandbox has committed so many writes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.control import ControlClient

_LOOK_EVERY_S = 0.02


class Disturbance:
    """Acts in the middle of the work, in a thread of its own, for as long as the context lasts.

    Args:
        control: The sandbox.
        after: Committed writes after which it acts, beyond those there are; None: never.
        act: What it does.
    """

    def __init__(
        self, control: ControlClient, after: int | None, act: Callable[[], None] | None
    ) -> None:
        self._control = control
        self._threshold = None if after is None else len(control.log()) + after
        self._act = act
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        #: When it happened, on the monotonic clock.
        self.at: float | None = None
        #: How long it took, in seconds.
        self.took_s = 0.0

    def happened(self) -> None:
        """Note that the disturbance is now."""
        self.at = time.monotonic()

    def has_happened(self) -> bool:
        """Whether it has happened."""
        return self.at is not None

    def missed(self) -> str | None:
        """Say so if the work was over before the disturbance."""
        if self._threshold is not None and self.at is None:
            return "the work was over before the disturbance"
        return None

    def __enter__(self) -> Self:
        """Begin to watch."""
        if self._threshold is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no more; what has begun comes to its end."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        assert self._threshold is not None
        while not self._over.wait(_LOOK_EVERY_S):
            if len(self._control.log()) >= self._threshold:
                self.happened()
                began = time.monotonic()
                if self._act is not None:
                    self._act()
                self.took_s = time.monotonic() - began
                return
