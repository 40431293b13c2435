"""Entries: sorted, found and cut into ranges as plain Python does it, keys alike in half or not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.detect import entries

#: Halves of keys: few, so that keys share one or both of them.
HALVES = st.sampled_from([0, 1, 2, 1 << 63, (1 << 64) - 1])
KEYS = st.builds(lambda high, low: (high << 64 | low).to_bytes(16), HALVES, HALVES)
ANY_KEYS = st.one_of(KEYS, st.binary(min_size=16, max_size=16))


def matrix(values, width):
    return np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, width)


def made(keys):
    """Entries of keys, numbered in their order; the data names the number too."""
    data = [number.to_bytes(32) for number in range(len(keys))]
    return entries.entries(matrix(keys, 16), matrix(data, 32), np.arange(len(keys)), 0)


def keys_of(some):
    return [key.tobytes() for key in entries.key_bytes(some)]


@given(st.lists(ANY_KEYS))
def test_property_keys_and_data_come_back_as_they_went_in(keys):
    some = made(keys)
    assert keys_of(some) == keys
    assert [int.from_bytes(data.tobytes()) for data in entries.data_bytes(some)] == [
        *range(len(keys))
    ]


@given(st.lists(ANY_KEYS))
def test_property_sorting_is_that_of_bytes_and_keeps_the_order_of_one_key(keys):
    some = entries.by_key(made(keys))
    expected = sorted(range(len(keys)), key=lambda number: keys[number])
    assert some["number"].tolist() == expected
    assert keys_of(some) == sorted(keys)


@given(st.lists(ANY_KEYS))
def test_property_neighbours_are_the_same_where_their_bytes_are(keys):
    keys = sorted(keys)
    same = entries.same_as_next(made(keys))
    assert same.tolist() == [one == two for one, two in pairwise(keys)]


@given(st.lists(ANY_KEYS), st.sets(ANY_KEYS))
def test_property_a_key_is_found_where_a_dict_has_it(wanted, among):
    there = sorted(among)
    places = {key: place for place, key in enumerate(there)}
    found = entries.find(made(wanted), made(there))
    assert found.tolist() == [places.get(key, -1) for key in wanted]


@given(st.integers(1, 64))
def test_property_ranges_of_keys_leave_no_gap_and_do_not_overlap(parts):
    spans = [entries.span(part, parts) for part in range(parts)]
    assert spans[0][0] == 0
    assert spans[-1][1] == (1 << 64) - 1
    assert all(first <= last for first, last in spans)
    assert [last + 1 for _, last in spans[:-1]] == [first for first, _ in spans[1:]]


@given(st.lists(ANY_KEYS, min_size=1), st.integers(1, 64))
def test_property_every_key_is_in_one_range(keys, parts):
    inside = [entries.within(matrix(keys, 16), part, parts) for part in range(parts)]
    assert np.sum(inside, axis=0).tolist() == [1] * len(keys)
    for part, mine in enumerate(inside):
        first, last = entries.span(part, parts)
        highs = [int.from_bytes(key[:8]) for key, is_in in zip(keys, mine, strict=True) if is_in]
        assert all(first <= high <= last for high in highs)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 64])
def test_the_borders_of_a_range_are_in_it(parts):
    for part in range(parts):
        first, last = entries.span(part, parts)
        borders = matrix([(half << 64).to_bytes(16) for half in (first, last)], 16)
        assert entries.within(borders, part, parts).all()


def test_nothing_is_sorted_found_and_cut():
    nothing = made([])
    assert len(entries.by_key(nothing)) == len(entries.same_as_next(nothing)) == 0
    assert entries.find(nothing, nothing).tolist() == []
    assert entries.find(made([bytes(16)]), nothing).tolist() == [-1]
    assert entries.within(matrix([], 16), 0, 2).tolist() == []
