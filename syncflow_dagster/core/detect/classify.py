"""INSERT, UPDATE, DELETE or the same: records that were read against records that are known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from syncflow_dagster.core.detect.entries import find, same_as_next, take

if TYPE_CHECKING:
    from syncflow_dagster.core.detect.entries import Entries, Places

#: `flag` of a record that was read: it is whole, it was rejected and only its key is known, or it
#: says of itself that it is deleted.
WHOLE, REJECTED, GONE = 0, 1, 2
#: `flag` of a known record: it is there; its deletion is what is known; or it is there, and its row
#: is known again by a hash that was made otherwise than today's.
LIVE, DELETED, STALE = 0, 1, 2


class Operation(IntEnum):
    """What is to be done for a record that was read."""

    SAME = 0
    INSERT = 1
    #: INSERT of a record that was deleted before.
    RETURN = 2
    UPDATE = 3
    #: Not looked at: rejected, or another record of the batch has its key.
    DROPPED = 4
    #: The same, but for what its row is known again by.
    RENEW = 5


@dataclass(frozen=True)
class Twins:
    """Whole records of one batch that share a key with another of its records.

    Attributes:
        places: Their places among the sorted records.
        groups: For each, a number that those of one key share.
        kept: Place of the record that is used all the same; -1 for none.
        sizes: For each, how many records share its key, rejected ones included.
    """

    places: Places
    groups: Places
    kept: Places
    sizes: Places

    @property
    def dropped(self) -> int:
        """How many of them are not used."""
        return int((self.kept != self.places).sum())


def find_twins(read: Entries, rule: Literal["reject", "first", "last"]) -> Twins:
    """Find the records whose key is not theirs alone.

    Args:
        read: Sorted by key, in the order of reading within a key.
        rule: Which record of a key is used: none, the first or the last whole one. Where a
            rejected record has the key too, nobody can say that another is the right one, so
            `first` and `last` choose only when the record they mean is whole.
    """
    same = same_as_next(read)
    usable = read["flag"] != REJECTED
    shared = np.zeros(len(read), dtype=np.bool_)
    shared[:-1] |= same
    shared[1:] |= same
    places = np.flatnonzero(shared)
    starts = np.concatenate([[True], ~same])[places] if len(read) else np.empty(0, np.bool_)
    groups = np.cumsum(starts) - 1
    sizes = np.bincount(groups)[groups] if len(places) else groups
    whole = usable[places]
    kept = np.full(len(places), -1, dtype=np.intp)
    if rule != "reject" and len(places):
        ends = np.concatenate([starts[1:], [True]])
        chosen = places[starts] if rule == "first" else places[ends]
        kept = np.where(usable[chosen], chosen, -1)[groups]
    return Twins(places[whole], groups[whole], kept[whole], sizes[whole])


@dataclass(frozen=True)
class Found:
    """What a comparison found.

    Attributes:
        operations: Of each record that was read, as :class:`Operation`.
        gone: Places of the known records that are live and were not read.
        marked: Places of the known records that are live, and deleted by what was read.
    """

    operations: npt.NDArray[np.uint8]
    gone: Places
    marked: Places


def compare(
    read: Entries, known: Entries, twins: Twins, *, version: int, everything: bool
) -> Found:
    """Tell what each record that was read is to the known ones.

    Args:
        read: Sorted by key; `number` is the caller's.
        known: Sorted by key, each once; `number` is the version of the hashes.
        twins: Of `read`.
        version: How the hashes of `read` were made. A known record of another version is an
            UPDATE, to be looked at field by field.
        everything: Whether known records are UPDATEs though nothing changed.
    """
    place = find(read, known)
    there = place >= 0
    match = np.zeros(len(read), known.dtype)
    if len(known):
        match = take(known, np.where(there, place, 0))
    live = there & (match["flag"] != DELETED)
    differs = (match["data"] != read["data"]).any(axis=1) | (match["number"] != version)
    operations = np.full(len(read), Operation.SAME, dtype=np.uint8)
    operations[~there] = Operation.INSERT
    operations[there & ~live] = Operation.RETURN
    operations[live & (match["flag"] == STALE)] = Operation.RENEW
    operations[live & (differs | everything)] = Operation.UPDATE
    operations[read["flag"] == REJECTED] = Operation.DROPPED
    operations[twins.places[twins.kept != twins.places]] = Operation.DROPPED
    marked = (read["flag"] == GONE) & (operations != Operation.DROPPED)
    operations[marked] = Operation.SAME
    seen = np.zeros(len(known), dtype=np.bool_)
    seen[place[there]] = True
    unseen = np.flatnonzero(~seen & (known["flag"] != DELETED))
    return Found(operations, unseen, place[marked & live])
