"""What rows that were seen before settle: their records are the same, and need no comparison.

But for the records whose key another row of the read may have too: those are compared as if their
rows had been made records again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syncflow_dagster.core.detect.classify import LIVE, WHOLE
from syncflow_dagster.core.detect.entries import by_key, find, take
from syncflow_dagster.nodes.delta import runs
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.work import SEEN
from syncflow_dagster.nodes.delta.workspace import STRIDE

if TYPE_CHECKING:
    import numpy.typing as npt

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.nodes.delta.known import Known
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
        wanted = runs.wanted(keys)
        there = self.read.contain(wanted)
        for start in range(0, len(self.everything), _AT_ONCE):
            same = np.flatnonzero(self.same[start : start + _AT_ONCE])
            if len(same):
                there |= find(wanted, by_key(take(self.everything, start + same))) >= 0
        return there


def is_usable(workspace: Workspace, known: Known, *, everything: bool) -> bool:
    """Tell whether chunks of an earlier build can be gone on with.

    Args:
        workspace: Holds the chunks.
        known: What is known now.
        everything: Whether known records are written again though nothing changed.
    """
    if everything:
        # Of what was seen before, no records were made.
        return not any(chunk.seen for chunk in workspace.chunks)
    for chunk in workspace.chunks:
        if chunk.known == known.digest:
            continue
        places = _seen(workspace, chunk, known)["known"]
        if (places < 0).any() or (known.entries["flag"][places] != LIVE).any():
            return False
    return True


def settle(workspace: Workspace, known: Known, threads: int) -> Settled:
    """Tell the known records that are the same, as their rows were seen, from those that are left.

    Args:
        workspace: Holds the chunks.
        known: The known records.
        threads: How many work at once.
    """
    alone = _seen_alone(workspace, known)
    met = _parts_met(workspace)

    def look(start: int) -> tuple[npt.NDArray[np.bool_], Entries]:
        some = known.entries[start : start + _AT_ONCE]
        same = alone[start : start + _AT_ONCE].copy()
        same[same] = ~met[_part(some["high"][same])]
        return same, by_key(take(some, np.flatnonzero(~same)))

    path, lengths = workspace.folder / "known.open", []
    with path.open("wb") as file:
        same = [np.empty(0, dtype=np.bool_)]
        for some, left in in_order(look, range(0, len(known.entries), _AT_ONCE), threads):
            same.append(some)
            left.tofile(file)
            lengths.append(len(left))
    left_known = runs.Runs()
    left_known.add(path, lengths)
    settled = np.concatenate(same)
    left_read = _left_of_read(workspace, known, settled)
    return Settled(left_read, left_known, known.entries, settled)


def _seen_alone(workspace: Workspace, known: Known) -> npt.NDArray[np.bool_]:
    """Tell which known records' rows were seen once."""
    once = np.zeros(len(known.entries), dtype=np.bool_)
    twice = np.zeros(len(known.entries), dtype=np.bool_)
    for chunk in workspace.chunks:
        places = np.sort(_seen(workspace, chunk, known)["known"])
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


def _left_of_read(workspace: Workspace, known: Known, settled: npt.NDArray[np.bool_]) -> runs.Runs:
    """Return the entries of the records that are left, chunk by chunk."""
    left = runs.Runs()
    for chunk in workspace.chunks:
        seen = _seen(workspace, chunk, known)
        places = np.flatnonzero(~settled[seen["known"]])
        path = workspace.entries(chunk.number)
        if len(places):
            late = take(known.entries, seen["known"][places])
            together = _together(chunk, runs.mapped(path), late, seen["before"][places], places)
            path = workspace.folder / f"known.{chunk.number:06}.open"
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


def _seen(workspace: Workspace, chunk: Manifest, known: Known) -> npt.NDArray[np.void]:
    """Return a chunk's seen rows, with the places that their records have now."""
    seen = np.fromfile(workspace.seen(chunk.number), dtype=SEEN)
    if chunk.known != known.digest:
        # A record was touched since, as by the erasure of a person, or all were moved.
        seen["known"] = known.places(seen["high"], seen["low"])
    return seen
