"""How much memory processes use while something is measured."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SAMPLING_S = 0.02


@contextmanager
def peak_of(pids: Iterable[int]) -> Iterator[list[int]]:
    """Sample processes' anonymous memory.

    Args:
        pids: The processes; one that ends meanwhile is no error.

    Yields:
        A list whose one number is the most bytes any of them had, shared memory left out.
    """
    processes, done, peak = [psutil.Process(pid) for pid in pids], threading.Event(), [0]

    def sample() -> None:
        while not done.wait(_SAMPLING_S):
            for process in processes:
                try:
                    memory = process.memory_info()
                except psutil.NoSuchProcess:
                    continue
                peak[0] = max(peak[0], memory.rss - memory.shared)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
