"""Hashes of many records as arrays: sorted by key, looked up, told apart.

An entry is a record's BK_HASH as two numbers (so that sorting and searching are a machine's own
operations), its DATA_HASH, and two numbers whose meaning is the caller's.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

#: `high` and `low` are the halves of BK_HASH, which orders entries as PostgreSQL orders uuids.
ENTRY = np.dtype(
    [("high", "<u8"), ("low", "<u8"), ("data", "<u8", (4,)), ("number", "<i8"), ("flag", "<i8")]
)
Entries: TypeAlias = npt.NDArray[np.void]
Places: TypeAlias = npt.NDArray[np.intp]

_KEYS = 1 << 64
_WORDS = ENTRY.itemsize // 8


def entries(
    keys: npt.NDArray[np.uint8],
    data: npt.NDArray[np.uint8],
    number: npt.NDArray[np.integer],
    flag: npt.NDArray[np.integer] | int,
) -> Entries:
    """Return entries in the given order.

    Args:
        keys: BK_HASH of each record, shape (records, 16).
        data: DATA_HASH of each record, shape (records, 32).
        number: A number for each.
        flag: Another one.
    """
    made = np.empty(len(keys), dtype=ENTRY)
    halves = np.ascontiguousarray(keys).view(">u8")
    made["high"], made["low"] = halves[:, 0], halves[:, 1]
    made["data"] = np.ascontiguousarray(data).view("<u8")
    made["number"], made["flag"] = number, flag
    return made


def key_bytes(some: Entries) -> npt.NDArray[np.uint8]:
    """Return the BK_HASH of each entry, shape (entries, 16)."""
    halves = np.empty((len(some), 2), dtype=">u8")
    halves[:, 0], halves[:, 1] = some["high"], some["low"]
    return halves.view(np.uint8)


def data_bytes(some: Entries) -> npt.NDArray[np.uint8]:
    """Return the DATA_HASH of each entry, shape (entries, 32)."""
    return np.ascontiguousarray(some["data"]).view(np.uint8)


def by_key(some: Entries) -> Entries:
    """Return the entries sorted by key; those of one key stay in their order."""
    high = np.ascontiguousarray(some["high"])
    order = np.argsort(high, kind="stable")
    sorted_high = high[order]
    tied = sorted_high[1:] == sorted_high[:-1]
    if tied.any() and (some["low"][order][1:] != some["low"][order][:-1])[tied].any():
        # Half a key in common with another one: as good as never, and told apart all the same.
        order = np.lexsort((some["low"], high))
    return take(some, order)


def take(some: Entries, places: Places) -> Entries:
    """Return the entries at some places."""
    # As plain numbers: picking whole records of mixed fields is several times as slow.
    words = np.ascontiguousarray(some).view("<u8").reshape(-1, _WORDS)
    taken: Entries = np.take(words, places, axis=0).view(ENTRY).reshape(-1)
    return taken


def same_as_next(some: Entries) -> npt.NDArray[np.bool_]:
    """Tell for each entry but the last of sorted ones whether the next has the same key."""
    same: npt.NDArray[np.bool_] = (some["high"][1:] == some["high"][:-1]) & (
        some["low"][1:] == some["low"][:-1]
    )
    return same


def find(wanted: Entries, among: Entries) -> Places:
    """Find each wanted key among sorted entries without duplicates.

    Returns:
        The place of each wanted entry's key in `among`, -1 where it is not there.
    """
    if not len(among):
        return np.full(len(wanted), -1, dtype=np.intp)
    high, wanted_high = np.ascontiguousarray(among["high"]), np.ascontiguousarray(wanted["high"])
    inside = np.minimum(np.searchsorted(high, wanted_high), len(among) - 1)
    equal_high = high[inside] == wanted_high
    hit = equal_high & (among["low"][inside] == wanted["low"])
    found = np.where(hit, inside, -1)
    for each in np.flatnonzero(equal_high & ~hit):
        found[each] = _walk(wanted[each], among, int(inside[each]))
    return found


def span(part: int, parts: int) -> tuple[int, int]:
    """Return the first and the last upper half of the keys of a range.

    Args:
        part: Which range, from 0.
        parts: How many ranges of one size there are.
    """
    return _KEYS * part // parts, _KEYS * (part + 1) // parts - 1


def within(keys: npt.NDArray[np.uint8], part: int, parts: int) -> npt.NDArray[np.bool_]:
    """Tell which keys are in a range.

    Args:
        keys: BK_HASH of each record, shape (records, 16).
        part: See :func:`span`.
        parts: See :func:`span`.
    """
    first, last = span(part, parts)
    high = np.ascontiguousarray(keys).view(">u8")[:, 0].astype(np.uint64)
    inside: npt.NDArray[np.bool_] = (high >= np.uint64(first)) & (high <= np.uint64(last))
    return inside


def _walk(wanted: np.void, among: Entries, place: int) -> int:
    while place < len(among) and among["high"][place] == wanted["high"]:
        if among["low"][place] == wanted["low"]:
            return place
        place += 1
    return -1
