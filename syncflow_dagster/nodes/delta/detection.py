"""From the hashes of a read to what is to be done: duplicates, changes, deletes, the guard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from syncflow_dagster.core.detect.classify import (
    DELETED,
    Operation,
    Twins,
    compare,
    find_twins,
)
from syncflow_dagster.core.detect.entries import key_bytes
from syncflow_dagster.core.detect.guard import refusal
from syncflow_dagster.nodes.delta import runs
from syncflow_dagster.nodes.delta.errors import DeleteGuard
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.workspace import STRIDE

if TYPE_CHECKING:
    from syncflow_dagster.core.detect.classify import Found
    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.nodes.delta.report import Stages
    from syncflow_dagster.nodes.delta.settling import Settled
    from syncflow_dagster.nodes.delta.versions import Version
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Rows named in the reason of a duplicate.
_SHOWN_TWINS = 5


@dataclass
class Decided:
    """What is to be done for every record of a read.

    Attributes:
        operations: By chunk, an :class:`Operation` for each of its records.
        gone: BK_HASHes of known records that were not read, 16 bytes each.
        known: Live records known before.
        dropped: Records that another one of their key was preferred to.
        twins: Records rejected for not being alone with their key.
    """

    operations: dict[int, npt.NDArray[np.uint8]]
    gone: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    known: int = 0
    dropped: int = 0
    twins: list[Twin] = field(default_factory=list)

    @property
    def deletes(self) -> int:
        """How many known records are gone."""
        return sum(len(each) for each in self.gone)

    def count(self, *wanted: Operation) -> int:
        """Count the records with one of some operations."""
        codes = np.array(wanted, dtype=np.uint8)
        return sum(int(np.isin(each, codes).sum()) for each in self.operations.values())


class _Operations:
    """Operations of all records in one array, of which each chunk has a part."""

    def __init__(self, workspace: Workspace) -> None:
        sizes = {chunk.number: chunk.records for chunk in workspace.chunks}
        made = {chunk.number: chunk.made for chunk in workspace.chunks}
        self._all = np.full(sum(sizes.values()), Operation.DROPPED, dtype=np.uint8)
        self._starts = np.zeros(max(sizes, default=-1) + 1, dtype=np.int64)
        self.by_chunk: dict[int, npt.NDArray[np.uint8]] = {}
        start = 0
        for chunk, size in sizes.items():
            self._starts[chunk] = start
            self.by_chunk[chunk] = self._all[start : start + size]
            self.by_chunk[chunk][made[chunk] :] = Operation.SAME
            start += size

    def put(self, numbers: npt.NDArray[np.int64], operations: npt.NDArray[np.uint8]) -> None:
        """Put operations to records by their numbers."""
        chunks, places = np.divmod(numbers, STRIDE)
        self._all[self._starts[chunks] + places] = operations


@dataclass(frozen=True)
class _Compared:
    """A range of keys: what was read, what is known, and what the one is to the other."""

    ours: Entries
    theirs: Entries
    twins: Twins
    found: Found


@dataclass(frozen=True)
class Twin:
    """A record that is not alone with its key: its number, and those it is shown with."""

    number: int
    key: bytes
    occurrences: int
    shown: tuple[int, ...]


def decide(
    node: DeltaNode,
    workspace: Workspace,
    settled: Settled,
    span: tuple[int, int],
    version: Version,
    stages: Stages,
    threads: int,
    *,
    everything: bool,
    complete: bool,
) -> Decided:
    """Compare what was read with what is known, one range of keys after the other.

    Args:
        node: The node.
        workspace: Holds the chunks.
        settled: What is left to be compared of the records read and of the known ones.
        span: First and last upper half of the keys that are compared.
        version: How today's hashes are made.
        stages: Where time and rows are counted.
        threads: Ranges compared at once.
        everything: Whether known records are written again though nothing changed.
        complete: Whether all of the source was read, so that a missing record is a deleted one.
    """
    operations = _Operations(workspace)
    decided = Decided(operations.by_chunk, known=settled.count)
    detects_deletes = complete and node.deletes.detect

    def compare_range(limits: tuple[int, int]) -> _Compared:
        with stages.measure("dedupe") as handled:
            ours = settled.read.between(*limits)
            twins = find_twins(ours, node.duplicates)
            handled(twins.dropped)
        with stages.measure("detect") as handled:
            theirs = settled.known.between(*limits)
            found = compare(ours, theirs, twins, version=version.number, everything=everything)
            handled(int((found.operations != Operation.DROPPED).sum()))
        return _Compared(ours, theirs, twins, found)

    ranges = runs.ranges(*span, max(settled.read.length, settled.known.length))
    for each in in_order(compare_range, ranges, threads):
        operations.put(each.ours["number"], each.found.operations)
        _settle(decided, each, rejects=node.duplicates == "reject", deletes=detects_deletes)
    return decided


def _settle(decided: Decided, each: _Compared, *, rejects: bool, deletes: bool) -> None:
    """Take over what was found in one range."""
    decided.known += int((each.theirs["flag"] != DELETED).sum())
    missing = each.found.gone if deletes else each.found.gone[:0]
    gone = np.concatenate([missing, each.found.marked])
    if len(gone):
        decided.gone.append(key_bytes(each.theirs[gone]))
    if rejects:
        decided.twins += _twins(each.ours, each.twins)
    else:
        decided.dropped += each.twins.dropped


def guard(node: DeltaNode, decided: Decided, records: int, parts: int) -> None:
    """Refuse more deletes than the node allows.

    Args:
        node: The node.
        decided: The deletes, and how many records are known.
        records: What the source gave.
        parts: How many ranges the node is split into.

    Raises:
        DeleteGuard: See :func:`syncflow_dagster.core.detect.guard.refusal`.
    """
    share = node.deletes.max_share
    reason = refusal(decided.deletes, decided.known, records, share, parts)
    if reason is not None:
        msg = f"node {node.name}: {reason}. Nothing of this batch was written"
        raise DeleteGuard(msg)


def _twins(ours: Entries, twins: Twins) -> list[Twin]:
    noted: list[Twin] = []
    shown: dict[int, tuple[int, ...]] = {}
    keys = key_bytes(ours[twins.places])
    for at, (place, group) in enumerate(zip(twins.places, twins.groups, strict=True)):
        size = int(twins.sizes[at])
        if group not in shown:
            first = _first_of_key(ours, int(place))
            members = ours["number"][first : first + min(size, _SHOWN_TWINS)]
            shown[group] = tuple(map(int, members))
        noted.append(Twin(int(ours["number"][place]), keys[at].tobytes(), size, shown[group]))
    return noted


def _first_of_key(ours: Entries, place: int) -> int:
    key = (ours["high"][place], ours["low"][place])
    while place and (ours["high"][place - 1], ours["low"][place - 1]) == key:
        place -= 1
    return place
