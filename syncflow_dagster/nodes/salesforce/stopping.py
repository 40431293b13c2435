"""Ending what a read still has under way, once nobody takes its rows any more."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Stop:
    """Ends the waits and requests of one read, those of its threads too."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._cuts: set[Callable[[], None]] = set()

    @property
    def is_set(self) -> bool:
        """Whether the read is over."""
        return self._event.is_set()

    def set(self) -> None:
        """End them."""
        with self._lock:
            self._event.set()
            cuts = tuple(self._cuts)
        for cut in cuts:
            cut()

    def wait(self, seconds: float) -> None:
        """Wait, at most until the read is over."""
        self._event.wait(seconds)

    @contextmanager
    def at_end(self) -> Iterator[Stop]:
        """End them at the end of the block."""
        try:
            yield self
        finally:
            self.set()

    @contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """Call `cut` where the read is over in the course of the block, or before it."""
        with self._lock:
            self._cuts.add(cut)
        if self.is_set:
            cut()
        try:
            yield
        finally:
            with self._lock:
                self._cuts.discard(cut)
