"""Rows found again by their hashes, and the known records they settle."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.detect.classify import DELETED, LIVE, REJECTED, WHOLE
from syncflow_dagster.core.detect.entries import ENTRY, data_bytes, entries, key_bytes
from syncflow_dagster.nodes.delta import runs, seen, settling
from syncflow_dagster.nodes.delta.known import Known
from syncflow_dagster.nodes.delta.seen import NO_ROW, nothing_seen, sort_rows
from syncflow_dagster.nodes.delta.settling import is_usable, settle
from syncflow_dagster.nodes.delta.work import SEEN
from syncflow_dagster.nodes.delta.workspace import STRIDE, Manifest, Workspace

EVERY = (0, (1 << 64) - 1)
VERSION = 7
HALVES = st.integers(0, 2**64 - 1)


# Row hashes among row hashes.


def row(first, other):
    """A row hash of two halves."""
    return np.array([first, other], dtype=np.uint64).tobytes()


def rows(*some):
    return np.frombuffer(b"".join(some), dtype=np.uint8).reshape(-1, len(NO_ROW))


def sorted_rows(folder, some, threads=2):
    path = folder / "rows"
    path.write_bytes(b"".join(some))
    return sort_rows(path, folder, threads)


def places(found, *some):
    return found.find(rows(*some)).tolist()


def test_rows_are_found_where_their_record_is(tmp_path):
    known = [row(9, 1), row(2**64 - 1, 2), row(1, 2**64 - 1), row(5, 0)]
    found = sorted_rows(tmp_path, known)
    assert places(found, *known) == [0, 1, 2, 3]
    assert places(found, row(5, 0), row(6, 0), row(1, 2**64 - 1), row(5, 0)) == [3, -1, 2, 3]
    assert places(found, row(0, 1), row(2**64 - 1, 3)) == [-1, -1]


def test_half_a_hash_is_no_row(tmp_path):
    found = sorted_rows(tmp_path, [row(5, 1), row(5, 2), row(8, 3)])
    assert places(found, row(5, 3), row(8, 1), row(8, 5), row(3, 8)) == [-1, -1, -1, -1]
    for other, place in ((1, 0), (2, 1)):
        # Where two share their first half, either may be missed: its row is only made again.
        assert places(found, row(5, other))[0] in (-1, place)
    assert places(found, row(8, 3)) == [2]


def test_records_without_a_row_hash_are_never_found(tmp_path):
    found = sorted_rows(tmp_path, [NO_ROW, row(3, 4), NO_ROW])
    assert places(found, NO_ROW, row(3, 4), row(0, 4)) == [-1, 1, -1]
    assert len(found.firsts) == 1


@pytest.mark.parametrize("known", [[], [NO_ROW, NO_ROW]])
def test_nothing_is_found_among_none(tmp_path, known):
    for found in (sorted_rows(tmp_path, known), nothing_seen()):
        assert places(found, NO_ROW, row(3, 4)) == [-1, -1]
        assert places(found) == []


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_rows_are_sorted_in_pieces(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(seen, "_SORTED_AT_ONCE", at_once)
    hashes = np.random.default_rng(1).integers(0, 256, (100, len(NO_ROW)), dtype=np.uint8)
    hashes[::9] = 0
    # Ends of the range of hashes.
    hashes[1], hashes[2] = rows(row(1, 0), row(2**64 - 1, 2**64 - 1))
    found = sorted_rows(tmp_path, [each.tobytes() for each in hashes])
    assert (found.firsts[1:] > found.firsts[:-1]).all()
    expected = [-1 if place % 9 == 0 else place for place in range(100)]
    assert found.find(hashes).tolist() == expected
    assert found.find(np.ascontiguousarray(hashes[::-1])).tolist() == expected[::-1]


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 2**63]) | HALVES, st.integers(0, 3)), max_size=20),
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 2**63]), st.integers(0, 3)), max_size=5),
    st.integers(1, 30),
)
def test_a_row_that_is_found_is_the_one(known, strange, at_once):
    with tempfile.TemporaryDirectory() as name, patch.object(seen, "_SORTED_AT_ONCE", at_once):
        found = sorted_rows(Path(name), [row(*each) for each in known])
        asked = [*known, *strange]
        given_places = places(found, *(row(*each) for each in asked))
    firsts = [first for first, _ in known]
    for each, place in zip(asked, given_places, strict=True):
        if place >= 0:
            assert known[place] == each
        elif each in known:
            assert each[0] == 0 or firsts.count(each[0]) > 1


# What seen rows settle. Keys are written as their upper and lower half.


def record(high, low=0):
    return high.to_bytes(8, "big") + low.to_bytes(8, "big")


def matrix(keys):
    return np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 16)


def known_records(*keys, deleted=()):
    some = matrix(keys)
    flag = np.array([DELETED if key in deleted else LIVE for key in keys], dtype=np.int64)
    return entries(some, np.hstack([some, some]), np.full(len(keys), VERSION), flag)


class Folder:
    """A build's folder, filled by hand with chunks of rows.

    A row is the key of a record that is made, `broken` of one, None for one without a key, or the
    place of the known record whose row it is.
    """

    def __init__(self, path, *chunks):
        self.workspace = Workspace(path, {})
        self.workspace.open(1)
        for number, some in enumerate(chunks):
            self._keep(number, some)

    def _keep(self, number, some):
        made = [each for each in some if not isinstance(each, int)]
        keyed = [place for place, each in enumerate(made) if each is not None]
        flag = [REJECTED if isinstance(made[place], Broken) else WHOLE for place in keyed]
        keys = matrix([bytes(made[place]) for place in keyed])
        numbers = number * STRIDE + np.array(keyed, dtype=np.int64)
        nothing = np.zeros((len(keys), 32), dtype=np.uint8)
        made_entries = entries(keys, nothing, numbers, np.array(flag, dtype=np.int64))
        runs.write(self.workspace.entries(number), made_entries)
        at, before = [], 0
        for place, each in enumerate(some):
            if isinstance(each, int):
                at.append((0, 0, each, before, place + 1))
            else:
                before += 1
        np.array(at, dtype=SEEN).tofile(self.workspace.seen(number))
        self.workspace.keep(
            Manifest(
                number=number, batch=1, read=len(some), records=len(some), seen=len(at),
                known="digest", rejected=0, resume=None, version=None, versionless=0,
                covered=None, last=False, checksums={},
            )
        )  # fmt: skip

    def settle(self, known, threads=2):
        return settle(self.workspace, Known(known, nothing_seen(), "digest"), threads)


class Broken(bytes):
    """Key of a record that breaks a rule."""

    __slots__ = ()


def compared(side):
    """All entries of a side, range by range as they are compared."""
    return np.concatenate([side.between(*limits) for limits in runs.ranges(*EVERY, 16, 1)])


def read(settled):
    """The records of the read that are left to be compared: key, and number as chunk and place."""
    some = compared(settled.read)
    keys = [each.tobytes() for each in key_bytes(some)]
    return [
        (key, *divmod(int(number), STRIDE))
        for key, number in zip(keys, some["number"], strict=True)
    ]


def left(settled):
    """Keys of the known records that are left to be compared."""
    return [each.tobytes() for each in key_bytes(compared(settled.known))]


def contained(settled, *keys):
    return settled.contain(matrix(keys).reshape(-1)).tolist()


A, B, C = (record(number << 60, number) for number in (2, 5, 9))
#: Has what stands for a key in common with A; the first half of it; neither.
NEAR_A, HALF_A, FAR_A = record((2 << 60) + 1), record(2 << 60, 77), record((2 << 60) + (1 << 40))


def test_records_whose_rows_were_seen_once_are_the_same(tmp_path):
    known = known_records(C, A, B)
    settled = Folder(tmp_path, [1, FAR_A, 0]).settle(known)
    assert settled.same.tolist() == [True, True, False]
    assert settled.count == 2
    assert read(settled) == [(FAR_A, 0, 0)]
    assert settled.read.length == 1
    assert left(settled) == [B]
    assert settled.known.length == 1
    assert settled.everything is known
    assert contained(settled, A, B, C, NEAR_A, HALF_A) == [True, False, True, False, False]


@pytest.mark.parametrize("chunks", [[[0, 1, 0]], [[0, 1], [0]], [[1, 0], [], [0]]])
def test_a_record_whose_row_was_seen_twice_is_left_with_all_its_rows(tmp_path, chunks):
    settled = Folder(tmp_path, *chunks).settle(known_records(A, B))
    assert settled.same.tolist() == [False, True]
    numbers = [
        (A, number, place)
        for number, some in enumerate(chunks)
        for place, each in enumerate(some)
        if each == 0
    ]
    assert read(settled) == numbers
    assert left(settled) == [A]
    assert contained(settled, A, B) == [True, True]


def test_many_rows_of_a_record_keep_their_order(tmp_path):
    settled = Folder(tmp_path, [*[0] * 9, C] * 20, [0], [0, 0]).settle(known_records(A))
    assert settled.count == 0
    numbers = [*((0, 20 + place) for place in range(180)), (1, 0), (2, 0), (2, 1)]
    assert [number for key, *number in read(settled) if key == A] == [*map(list, numbers)]


@pytest.mark.parametrize("chunks", [[[A, 0]], [[0, A]], [[A], [0]], [[0], [A]]])
def test_a_record_of_another_row_has_the_same_key(tmp_path, chunks):
    settled = Folder(tmp_path, *chunks).settle(known_records(A))
    assert settled.count == 0
    assert [key for key, *_ in read(settled)] == [A, A]
    assert left(settled) == [A]


def test_a_record_that_breaks_a_rule_leaves_the_one_of_its_key(tmp_path):
    settled = Folder(tmp_path, [Broken(A), 0, Broken(B)]).settle(known_records(A, B))
    assert settled.count == 0
    assert [key for key, *_ in read(settled)] == [A, A, B]
    assert left(settled) == [A, B]
    assert contained(settled, A, B) == [True, False]


@pytest.mark.parametrize("other", [NEAR_A, HALF_A])
def test_a_record_with_part_of_a_key_leaves_its_record_to_be_compared(tmp_path, other):
    settled = Folder(tmp_path, [other, 0, 1]).settle(known_records(A, C))
    assert settled.same.tolist() == [False, True]
    assert sorted(key for key, *_ in read(settled)) == sorted([A, other])
    assert left(settled) == [A]
    assert contained(settled, A, other, C) == [True, True, True]


def test_what_is_left_of_seen_rows_is_what_is_known_of_them(tmp_path):
    known = known_records(B, A)
    some = compared(Folder(tmp_path, [C, None, 1, 1]).settle(known).read)
    again = some[some["high"] == known["high"][1]]
    assert (data_bytes(again) == data_bytes(known)[1]).all()
    assert again["flag"].tolist() == [WHOLE, WHOLE]
    # Behind the two records that were made, one of which has no key.
    assert again["number"].tolist() == [2, 3]


def test_entries_of_a_key_are_in_the_order_of_their_rows(tmp_path):
    first = [A, 0, None, A, 0, 0, B, A]
    settled = Folder(tmp_path, first, [0, A], [A, 0]).settle(known_records(A))
    of_a = [(number, place) for key, number, place in read(settled) if key == A]
    # Made ones are numbered first; here: 0, 2 and 4 of the first chunk, then 5 to 7 were seen.
    assert of_a == [(0, 0), (0, 5), (0, 2), (0, 6), (0, 7), (0, 4), (1, 1), (1, 0), (2, 0), (2, 1)]


def test_seen_rows_follow_their_records_to_other_places(tmp_path):
    folder = Folder(tmp_path, [0, A, 1])
    path = folder.workspace.seen(0)
    seen_rows = np.fromfile(path, dtype=SEEN)
    keys = entries(matrix([B, C]), np.zeros((2, 32), np.uint8), np.zeros(2, np.int64), LIVE)
    seen_rows["high"], seen_rows["low"] = keys["high"], keys["low"]
    seen_rows.tofile(path)
    moved = Known(known_records(C, A, B), nothing_seen(), "moved")
    assert is_usable(folder.workspace, moved, everything=False)
    assert not is_usable(folder.workspace, moved, everything=True)
    settled = settle(folder.workspace, moved, 2)
    assert settled.same.tolist() == [True, False, True]
    gone = Known(known_records(A, B), nothing_seen(), "gone")
    assert not is_usable(folder.workspace, gone, everything=False)
    assert not is_usable(
        folder.workspace, Known(moved.entries[:0], moved.seen, ""), everything=False
    )


def test_chunks_in_which_nothing_was_seen_are_always_usable(tmp_path):
    workspace = Folder(tmp_path, [A, B], []).workspace
    for everything in (False, True):
        other = Known(known_records(C), nothing_seen(), "other")
        assert is_usable(workspace, other, everything=everything)


def test_chunks_that_saw_nothing(tmp_path):
    settled = Folder(tmp_path, [A, None], [], [B]).settle(known_records(A, C, deleted=[C]))
    assert settled.count == 0
    assert read(settled) == [(A, 0, 0), (B, 2, 0)]
    assert left(settled) == [A, C]
    assert compared(settled.known)["flag"].tolist() == [LIVE, DELETED]
    assert compared(settled.known)["number"].tolist() == [VERSION, VERSION]
    assert contained(settled, A, B, C) == [True, True, False]


@pytest.mark.parametrize("chunks", [[], [[]], [[A, B]]])
def test_nothing_is_known(tmp_path, chunks):
    settled = Folder(tmp_path, *chunks).settle(np.empty(0, dtype=ENTRY))
    assert settled.count == 0
    assert settled.same.tolist() == left(settled) == []
    assert [key for key, *_ in read(settled)] == [key for some in chunks for key in some]
    assert contained(settled, A, C) == [bool(chunks and chunks[0]), False]
    assert contained(settled) == []


#: Keys of which many share what stands for a key, or their first half, and some are the same.
KEYS = [record(high, low) for high in (0, 1, 1 << 40, (1 << 64) - 1) for low in (0, 1)]


@st.composite
def reads(draw):
    """Some known keys, and chunks of rows."""
    known = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=6))
    made = st.sampled_from([None, *KEYS, *map(Broken, KEYS)])
    seen_ones = st.integers(0, len(known) - 1) if known else st.nothing()
    some = st.lists(seen_ones | seen_ones | made, max_size=6)
    return known, draw(st.lists(some, max_size=4))


@given(reads(), st.integers(1, 7))
def test_any_read_is_compared_but_for_records_that_are_surely_the_same(case, at_once):
    known, chunks = case
    flat = [each for some in chunks for each in some]
    with tempfile.TemporaryDirectory() as name, patch.object(settling, "_AT_ONCE", at_once):
        settled = Folder(Path(name) / "build", *chunks).settle(known_records(*known))
        entries_left = read(settled)
        known_left, there = left(settled), contained(settled, *KEYS)
    parts = {bytes(each)[:3] for each in flat if isinstance(each, bytes)}
    same = [flat.count(at) == 1 and key[:3] not in parts for at, key in enumerate(known)]
    assert settled.same.tolist() == same
    assert settled.count == sum(same)
    assert known_left == sorted(
        key for key, settled_one in zip(known, same, strict=True) if not settled_one
    )
    expected, whole = [], set()
    for number, some in enumerate(chunks):
        made = [place for place, each in enumerate(some) if not isinstance(each, int)]
        again = [place for place, each in enumerate(some) if isinstance(each, int)]
        for place, each in enumerate(some):
            key = known[each] if isinstance(each, int) else each
            if key is not None and not isinstance(each, Broken):
                whole.add(key)
            if key is not None and not (isinstance(each, int) and same[each]):
                expected.append((bytes(key), number, [*made, *again].index(place)))
    assert entries_left == sorted(expected, key=lambda each: each[0])
    assert there == [key in whole for key in KEYS]
