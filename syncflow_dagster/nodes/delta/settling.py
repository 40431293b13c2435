"""What rows that were seen before settle: their records are the same, and need no comparison.

But for the records whose key another row of the read may have too: those are compared as if their
rows had been made records again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syncflow_dagster.core.detect.classify import WHOLE
from syncflow_dagster.core.detect.entries import by_key, key_bytes, take
from syncflow_dagster.nodes.delta import runs
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.work import SEEN
from syncflow_dagster.nodes.delta.workspace import STRIDE

if TYPE_CHECKING:
    import numpy.typing as npt

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.nodes.delta.workspace import Manifest, Workspace

#: Bits of a key by which it is told, without being kept, whether another row may have it.
_KEY_BITS = 24
#: Known records looked at at once.
_AT_ONCE = 100_000


@dataclass(frozen=True)
class Settled:
    """What is left to be compared, and what is not.

    Attributes:
        read: Entries of the records that are left.
        known: Entries of the known records that are left.
        everything: Entries of all known records, in no order.
        same: Which of those are the same.
    """

    read: runs.Runs
    known: runs.Runs
    everything: Entries
    same: npt.NDArray[np.bool_]

    @property
    def count(self) -> int:
        """How many records are the same."""
        return int(np.count_nonzero(self.same))

    def contain(self, keys: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Tell which keys a whole record of the read has.

        Args:
            keys: BK_HASHes one behind the other, 16 bytes each.
        """
        there = self.read.contain(keys)
        wanted = keys.reshape(-1, 16)
        high = np.ascontiguousarray(wanted).view(">u8")[:, 0].astype(np.uint64)
        for start in range(0, len(self.everything), _AT_ONCE):
            part = self.everything[start : start + _AT_ONCE]
            near = np.isin(part["high"], high) & self.same[start : start + _AT_ONCE]
            found = {key.tobytes() for key in key_bytes(part[near])}
            there |= np.array([key.tobytes() in found for key in wanted], dtype=np.bool_)
        return there


def settle(workspace: Workspace, known: Entries, threads: int) -> Settled:
    """Tell the known records that are the same, as their rows were seen, from those that are left.

    Args:
        workspace: Holds the chunks.
        known: Entries of all known records.
        threads: How many work at once.
    """
    alone = _seen_alone(workspace, len(known))
    met = _parts_met(workspace)

    def look(start: int) -> tuple[npt.NDArray[np.bool_], Entries]:
        some = known[start : start + _AT_ONCE]
        same = alone[start : start + _AT_ONCE].copy()
        same[same] = ~met[_part(some["high"][same])]
        return same, by_key(take(some, np.flatnonzero(~same)))

    path, lengths = workspace.folder / "known.left", []
    with path.open("wb") as file:
        same = [np.empty(0, dtype=np.bool_)]
        for some, left in in_order(look, range(0, len(known), _AT_ONCE), threads):
            same.append(some)
            left.tofile(file)
            lengths.append(len(left))
    left_known = runs.Runs()
    left_known.add(path, lengths)
    settled = np.concatenate(same)
    return Settled(_left_of_read(workspace, known, settled), left_known, known, settled)


def _seen_alone(workspace: Workspace, known: int) -> npt.NDArray[np.bool_]:
    """Tell which known records' rows were seen once."""
    once, twice = np.zeros(known, dtype=np.bool_), np.zeros(known, dtype=np.bool_)
    for chunk in workspace.chunks:
        places = np.sort(_seen(workspace, chunk)["known"])
        twice[places[once[places]]] = True
        twice[places[1:][places[1:] == places[:-1]]] = True
        once[places] = True
    return once & ~twice


def _parts_met(workspace: Workspace) -> npt.NDArray[np.bool_]:
    """Tell which parts of all keys hold one of a record that was made."""
    met = np.zeros(1 << _KEY_BITS, dtype=np.bool_)
    for chunk in workspace.chunks:
        met[_part(runs.mapped(workspace.entries(chunk.number))["high"])] = True
    return met


def _part(high: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    return (high >> np.uint64(64 - _KEY_BITS)).astype(np.intp)


def _left_of_read(
    workspace: Workspace, known: Entries, settled: npt.NDArray[np.bool_]
) -> runs.Runs:
    """Return the entries of the records that are left, chunk by chunk."""
    left = runs.Runs()
    for chunk in workspace.chunks:
        seen = _seen(workspace, chunk)
        places = np.flatnonzero(~settled[seen["known"]])
        path = workspace.entries(chunk.number)
        if len(places):
            late = take(known, seen["known"][places])
            together = _together(chunk, runs.mapped(path), late, seen["before"][places], places)
            path = workspace.folder / f"{chunk.number:06}.left"
            runs.write(path, together)
        left.add(path)
    return left


def _together(
    chunk: Manifest,
    made: Entries,
    late: Entries,
    before: npt.NDArray[np.int64],
    places: npt.NDArray[np.intp],
) -> Entries:
    """Return entries of records that were made, and of others, in the order of their rows."""
    late["number"] = chunk.number * STRIDE + chunk.made + places
    late["flag"] = WHOLE
    order = np.concatenate([2 * (made["number"] % STRIDE) + 1, 2 * before])
    return take(np.concatenate([made, late]), np.argsort(order, kind="stable"))


def _seen(workspace: Workspace, chunk: Manifest) -> npt.NDArray[np.void]:
    return np.fromfile(workspace.seen(chunk.number), dtype=SEEN)
