"""Which claimed effects go into one request, and which of them under the key they had."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.ledger.pieces import fitting, pieces
from syncflow_dagster.ledger.ports import Effect

A, B = UUID(int=1), UUID(int=2)


def effects(*given):
    """Effects of (key, size of its request, tries)."""
    return [
        Effect(n, f"e{n}", "create_item", f"o{n}", True, {}, None, None, tries, 0, None, key, size)
        for n, (key, size, tries) in enumerate(given)
    ]


def told(batch, most):
    return [(len(some), key) for some, key in pieces(batch, most)]


def test_a_request_that_is_whole_goes_again_under_its_key_and_alone():
    batch = effects((A, 2, 1), (A, 2, 1), (None, 0, 0), (None, 0, 0), (B, 1, 1))
    assert told(batch, 10) == [(2, A), (2, None), (1, B)]


def test_a_part_of_a_request_needs_a_new_key_and_goes_with_others():
    assert told(effects((A, 3, 1), (A, 3, 1), (None, 0, 0)), 10) == [(3, None)]


def test_a_request_that_others_have_come_between_needs_a_new_key():
    assert told(effects((A, 2, 1), (None, 0, 0), (A, 2, 1)), 10) == [(3, None)]


def test_a_request_that_failed_again_is_split_and_its_key_given_up():
    assert told(effects((A, 2, 2), (A, 2, 2)), 2) == [(1, None), (1, None)]


one = st.tuples(st.sampled_from([None, A, B]), st.integers(1, 6), st.integers(0, 5))


@given(st.lists(one, max_size=12), st.integers(1, 12))
def test_nothing_is_left_out_and_a_key_is_used_only_for_its_whole_request(given, most):
    batch = effects(*given)
    found = list(pieces(batch, most))
    assert [effect for some, _ in found for effect in some] == batch
    for some, key in found:
        assert 0 < len(some) <= most
        if key is not None:
            assert {effect.key for effect in some} == {key}
            assert len(some) == some[0].key_size


@pytest.mark.parametrize(
    ("left", "parts"),
    [(400, [4]), (40, [4]), (39, [3, 1]), (20, [2, 2]), (19, [1, 3]), (0, [4])],
)
def test_the_rest_of_a_window_is_used_where_it_is_worth_a_request(left, parts):
    batch = effects(*[(None, 0, 0)] * 4)

    def cost(some):
        return {"points": 10 * len(some), "requests": 1}

    made = list(fitting(batch, cost, {"points": left, "others": 0}, {"points": 40}))
    assert [len(some) for some in made] == parts


@pytest.mark.parametrize(("left", "parts"), [(60, [6, 14]), (40, [20]), (100, [10, 10])])
def test_a_small_part_of_a_large_window_is_not_worth_a_request(left, parts):
    batch = effects(*[(None, 0, 0)] * 20)

    def cost(some):
        return {"points": 10 * len(some)}

    made = list(fitting(batch, cost, {"points": left}, {"points": 1_000}))
    assert [len(some) for some in made] == parts
    assert [one for some in made for one in some] == batch


@given(st.integers(1, 100), st.integers(0, 50), st.integers(1, 200))
def test_no_request_of_several_is_dearer_than_a_whole_window(count, left, whole):
    """Such a request would be refused for ever, whenever it is sent."""
    batch = effects(*[(None, 0, 0)] * count)

    def cost(some):
        return {"points": 3 * len(some) + 1}

    made = list(fitting(batch, cost, {"points": min(left, whole)}, {"points": whole}))
    assert [one for some in made for one in some] == batch
    assert all(len(some) == 1 or cost(some)["points"] <= whole for some in made)
    # Neither more requests than that takes, but for one that uses the rest of a window.
    assert len(made) <= -(-count // max(1, (whole - 1) // 3)) + 1
