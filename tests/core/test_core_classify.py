"""Duplicates and operations: what plain Python with a dict says of the same records."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.detect.classify import (
    DELETED,
    GONE,
    LIVE,
    REJECTED,
    WHOLE,
    Operation,
    compare,
    find_twins,
)
from syncflow_dagster.core.detect.entries import by_key, entries

RULES = st.sampled_from(["reject", "first", "last"])
#: Few halves of keys, so that there are duplicates and keys that are alike in half.
HALVES = st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1])
KEYS = st.builds(lambda high, low: (high << 64 | low).to_bytes(16), HALVES, HALVES)
DATA = st.sampled_from([bytes(32), b"\xff" * 32, bytes(31) + b"\x01", b"\x01" + bytes(31)])
VERSION = 2
READ = st.lists(st.tuples(KEYS, DATA, st.sampled_from([WHOLE, WHOLE, REJECTED, GONE])))
#: What is known by key: data, version of the hashes, and whether it is there or deleted.
KNOWN = st.dictionaries(
    KEYS, st.tuples(DATA, st.sampled_from([1, VERSION]), st.sampled_from([LIVE, LIVE, DELETED]))
)


def matrix(values, width):
    return np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, width)


def read_entries(read):
    """Sorted entries of records; their number is the place in the read."""
    keys, data, flags = zip(*read, strict=True) if read else ((), (), ())
    flag = np.array(flags, dtype=np.int64)
    return by_key(entries(matrix(keys, 16), matrix(data, 32), np.arange(len(read)), flag))


def known_entries(known):
    ordered = sorted(known.items())
    states = [state for _, state in ordered]
    data, versions, flags = zip(*states, strict=True) if states else ((), (), ())
    made = entries(
        matrix([key for key, _ in ordered], 16),
        matrix(data, 32),
        np.array(versions, dtype=np.int64),
        np.array(flags, dtype=np.int64),
    )
    return made, [key for key, _ in ordered]


def by_places(read):
    """Places in the read by key, in the order of reading."""
    found = defaultdict(list)
    for place, (key, _, _) in enumerate(read):
        found[key].append(place)
    return found


def kept_of(read, places, rule):
    """The record of a shared key that is used, -1 for none."""
    if rule == "reject":
        return -1
    chosen = places[0] if rule == "first" else places[-1]
    return -1 if read[chosen][2] == REJECTED else chosen


def dropped(read, rule):
    gone = {place for place, (_, _, flag) in enumerate(read) if flag == REJECTED}
    for places in by_places(read).values():
        if len(places) > 1:
            gone |= set(places) - {kept_of(read, places, rule)}
    return gone


def operation_of(record, known, everything):
    key, data, said = record
    if said == GONE:
        return Operation.SAME
    if key not in known:
        return Operation.INSERT
    then, version, flag = known[key]
    if flag == DELETED:
        return Operation.RETURN
    changed = everything or version != VERSION or then != data
    return Operation.UPDATE if changed else Operation.SAME


@given(READ, RULES)
def test_property_twins_are_the_whole_records_of_a_shared_key(read, rule):
    some = read_entries(read)
    twins = find_twins(some, rule)
    numbers = some["number"].tolist()
    found = {
        numbers[place]: (-1 if kept < 0 else numbers[kept], size)
        for place, kept, size in zip(
            twins.places.tolist(), twins.kept.tolist(), twins.sizes.tolist(), strict=True
        )
    }
    expected = {
        place: (kept_of(read, places, rule), len(places))
        for places in by_places(read).values()
        if len(places) > 1
        for place in places
        if read[place][2] != REJECTED
    }
    assert found == expected


@given(READ)
def test_property_a_group_is_a_key(read):
    some = read_entries(read)
    twins = find_twins(some, "reject")
    keys = [read[number][0] for number in some["number"][twins.places]]
    pairs = set(zip(twins.groups.tolist(), keys, strict=True))
    assert len(pairs) == len(set(keys)) == len(set(twins.groups.tolist()))


@given(READ, KNOWN, RULES, st.booleans())
def test_property_operations_and_deletes_are_those_of_a_dict(read, known, rule, everything):
    some, (theirs, keys) = read_entries(read), known_entries(known)
    found = compare(some, theirs, find_twins(some, rule), version=VERSION, everything=everything)
    gone = dropped(read, rule)
    expected = [
        Operation.DROPPED if place in gone else operation_of(read[place], known, everything)
        for place in some["number"].tolist()
    ]
    assert found.operations.tolist() == expected
    there = {key for key, _, _ in read}
    live = {key for key, (_, _, flag) in known.items() if flag == LIVE}
    # A record that was rejected is there: what is known of it stays.
    assert {keys[place] for place in found.gone.tolist()} == live - there
    said = {key for place, (key, _, flag) in enumerate(read) if flag == GONE and place not in gone}
    assert {keys[place] for place in found.marked.tolist()} == live & said


@given(KNOWN)
def test_property_what_is_known_and_read_again_is_the_same(known):
    live = {key: state for key, state in known.items() if state[1:] == (VERSION, LIVE)}
    some = read_entries([(key, data, WHOLE) for key, (data, _, _) in live.items()])
    theirs, _ = known_entries(live)
    found = compare(some, theirs, find_twins(some, "reject"), version=VERSION, everything=False)
    assert found.operations.tolist() == [Operation.SAME] * len(live)
    assert found.gone.tolist() == []


@pytest.mark.parametrize("rule", ["reject", "first", "last"])
def test_nothing_read_and_nothing_known(rule):
    nothing, (unknown, _) = read_entries([]), known_entries({})
    assert find_twins(nothing, rule).places.tolist() == []
    found = compare(nothing, unknown, find_twins(nothing, rule), version=1, everything=True)
    assert (found.operations.tolist(), found.gone.tolist()) == ([], [])


def test_keys_that_share_their_upper_half_are_not_one():
    keys = [bytes(8) + low.to_bytes(8) for low in (3, 1, 2)]
    read = read_entries([(key, bytes(32), WHOLE) for key in keys])
    assert find_twins(read, "reject").places.tolist() == []
    theirs, _ = known_entries({keys[0]: (bytes(32), VERSION, LIVE)})
    found = compare(read, theirs, find_twins(read, "reject"), version=VERSION, everything=False)
    wanted = [Operation.INSERT, Operation.INSERT, Operation.SAME]
    assert found.operations.tolist() == wanted
