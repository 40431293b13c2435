"""Entries in a file, sorted piece by piece, so that a range of keys is read without the rest."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np

from syncflow_dagster.core.detect.classify import REJECTED, WHOLE
from syncflow_dagster.core.detect.entries import ENTRY, by_key, entries, find
from syncflow_dagster.core.identity import hashing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from syncflow_dagster.core.detect.entries import Entries

#: Entries compared at once. Both sides of more are too large for a processor's cache, and for
#: memory that is used again instead of asked for anew.
RANGE_ENTRIES = 50_000


class Runs:
    """Sorted runs of entries, each in its own place of a file or in its own file.

    Their memory is the file's: the system takes it back when it needs it.
    """

    def __init__(self) -> None:
        self._runs: list[Entries] = []
        self.length = 0

    def add(self, path: Path, lengths: Sequence[int] | None = None) -> None:
        """Take a file of sorted entries as one run, or of several with the lengths they have."""
        whole, start = mapped(path), 0
        for length in [len(whole)] if lengths is None else lengths:
            if length:
                self._runs.append(whole[start : start + length])
            start += length
        self.length += len(whole)

    def between(self, first: int, last: int) -> Entries:
        """Return the entries whose key's upper half is in a range, sorted by key.

        Entries of one key keep the order of their runs.
        """
        parts = []
        for run in self._runs:
            # Not numpy's search, which first copies the whole column out of the entries.
            start, end = bisect_left(run["high"], first), bisect_right(run["high"], last)
            parts.append(run[start:end])
        return by_key(np.concatenate(parts)) if parts else _nothing()

    def contain(self, wanted: Entries) -> npt.NDArray[np.bool_]:
        """Tell of which wanted entries a whole record has the key."""
        there = np.zeros(len(wanted), dtype=np.bool_)
        for run in self._runs:
            there |= find(wanted, run[run["flag"] != REJECTED]) >= 0
        return there


def wanted(keys: npt.NDArray[np.uint8]) -> Entries:
    """Return entries of nothing but keys, to be looked for.

    Args:
        keys: BK_HASHes one behind the other, 16 bytes each.
    """
    matrix = keys.reshape(-1, hashing.KEY_BYTES)
    nothing = np.zeros((len(matrix), hashing.DATA_BYTES), dtype=np.uint8)
    return entries(matrix, nothing, np.zeros(len(matrix), np.int64), WHOLE)


def write(path: Path, some: Entries) -> None:
    """Write entries as a file for :meth:`Runs.add`."""
    by_key(some).tofile(path)


def mapped(path: Path) -> Entries:
    """Return a file of entries, in memory that is the file's."""
    if not path.stat().st_size:
        return _nothing()
    return np.asarray(np.memmap(path, dtype=ENTRY, mode="r"))


def ranges(
    first: int, last: int, length: int, size: int = RANGE_ENTRIES
) -> Iterator[tuple[int, int]]:
    """Cut a range of hashes into ranges of about as many entries each.

    Args:
        first: First upper half.
        last: Last upper half.
        length: Entries in the whole; hashes are spread evenly.
        size: Entries in a range.
    """
    pieces = max(1, -(-length // size))
    width = last - first + 1
    for piece in range(pieces):
        yield first + width * piece // pieces, first + width * (piece + 1) // pieces - 1


def _nothing() -> Entries:
    return np.empty(0, dtype=ENTRY)
