"""Which item stands for which record: by example, and by what must hold of any board."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.adoption import Item, Matcher, Record, claim

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
A, B, C = (UUID(int=n) for n in (1, 2, 3))


def item(number, how, *values, parent=None, minutes=0):
    said = claim(how, None if how == "id" else parent, values)
    return Item(str(number), said, how, NOON + timedelta(minutes=minutes), parent)


def by_id(number, record, **more):
    return item(number, "id", record.bytes, **more)


def record(uuid, key, name=None, parent=None, known=None):
    says = [("id", claim("id", None, [uuid.bytes])), ("key", claim("key", parent, [key]))]
    if name is not None:
        says.append(("name", claim("name", parent, [name])))
    return Record(uuid, key, tuple(says), parent, known)


def match(items, records, choice="hold"):
    matcher = Matcher(items, choice)
    for one in records:
        matcher.see(one)
    return matcher.settle()


def told(matching):
    return {fate.record.label: (fate.outcome, fate.items, fate.chosen) for fate in matching.fates}


def test_an_id_and_a_key_find_their_records_and_the_rest_is_left():
    items = [by_id(1, A), item(2, "key", "b"), item(3, "key", "x"), by_id(4, UUID(int=9))]
    matching = match(items, [record(A, "a"), record(B, "b"), record(C, "c")])
    assert told(matching) == {"a": ("matched", ("1",), "1"), "b": ("matched", ("2",), "2")}
    assert [fate.how for fate in matching.fates] == ["id", "key"]
    assert matching.left == ["3", "4"]


@pytest.mark.parametrize(("choice", "chosen"), [("hold", None), ("oldest", "7"), ("newest", "8")])
def test_of_several_items_none_is_taken_unless_age_decides(choice, chosen):
    items = [item(8, "key", "a", minutes=5), by_id(7, A), item(9, "key", "a", minutes=1)]
    matching = match(items, [record(A, "a")], choice)
    assert told(matching) == {"a": ("duplicate", ("7", "9", "8"), chosen)}
    assert matching.left == []


def test_items_of_the_same_moment_are_as_old_as_their_numbers():
    matching = match([item(10, "key", "a"), item(9, "key", "a")], [record(A, "a")], "oldest")
    assert told(matching)["a"] == ("duplicate", ("9", "10"), "9")


def test_a_second_item_of_a_known_record_is_told_and_never_taken():
    matching = match([item(2, "key", "a")], [record(A, "a", known="1")], "newest")
    assert told(matching) == {"a": ("duplicate", ("1", "2"), "1")}


def test_a_name_finds_a_record_only_where_it_is_one_of_each():
    named = [item(1, "name", "n"), item(2, "name", "m"), item(3, "name", "m")]
    one = record(A, "a", "n")
    assert told(match(named[:1], [one])) == {"a": ("matched", ("1",), "1")}
    assert told(match(named[:1], [one, record(B, "b", "n")])) == {
        "a": ("ambiguous", ("1",), None),
        "b": ("ambiguous", ("1",), None),
    }
    for choice in ("hold", "oldest"):
        assert told(match(named[1:], [record(A, "a", "m")], choice)) == {
            "a": ("ambiguous", ("2", "3"), None)
        }


def test_a_surer_item_goes_before_a_name_and_its_record_still_counts_among_the_named():
    items = [item(1, "key", "a"), item(2, "name", "n")]
    alone = match(items, [record(A, "a", "n")])
    assert told(alone) == {"a": ("matched", ("1",), "1")}
    assert alone.left == ["2"]
    both = match(items, [record(A, "a", "n"), record(B, "b", "n")])
    assert told(both)["b"] == ("ambiguous", ("2",), None)
    known = match([item(2, "name", "n")], [record(A, "a", "n", known="1"), record(B, "b", "n")])
    assert told(known) == {"b": ("ambiguous", ("2",), None)}


def test_a_subitem_says_its_key_under_its_item_s_record():
    items = [item(1, "key", "M", parent=A), item(2, "key", "M", parent=B)]
    lines = [record(UUID(int=11), "M", parent=A), record(UUID(int=12), "M", parent=C)]
    matching = match(items, lines)
    assert [fate.chosen for fate in matching.fates] == ["1"]
    assert matching.left == ["2"]


@pytest.mark.parametrize("choice", ["hold", "oldest"])
def test_of_two_subitems_with_one_id_the_one_at_its_place_is_taken(choice):
    line = UUID(int=11)
    items = [by_id(1, line, parent=B), by_id(2, line, parent=A)]
    assert told(match(items, [record(line, "M", parent=A)], choice)) == {
        "M": ("duplicate", ("1", "2"), "2")
    }


def test_an_item_that_two_records_may_own_is_neither_s():
    matching = match([item(1, "key", "a")], [record(A, "a"), record(B, "a")], "oldest")
    assert [fate.outcome for fate in matching.fates] == ["ambiguous", "ambiguous"]


UUIDS = [UUID(int=n) for n in range(1, 7)]
ITEMS = st.lists(
    st.tuples(st.sampled_from(["id", "key", "name"]), st.integers(0, 7), st.integers(0, 3)),
    max_size=14,
)
RECORDS = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=6, max_size=6)


def _board(said):
    items = []
    for number, (how, which, minutes) in enumerate(said):
        if how == "id":
            items.append(by_id(number, UUID(int=which + 1), minutes=minutes))
        elif how == "key":
            items.append(item(number, "key", f"k{which}", minutes=minutes))
        else:
            items.append(item(number, "name", f"n{which % 3}", minutes=minutes))
    return items


def _book(drawn):
    return [
        record(uuid, f"k{place}", f"n{name}", known=f"known{place}" if is_known else None)
        for place, (uuid, (name, is_known)) in enumerate(zip(UUIDS, drawn, strict=True))
    ]


@given(ITEMS, RECORDS, st.sampled_from(["hold", "oldest", "newest"]), st.randoms())
def test_whatever_the_board_holds(said, drawn, choice, chance):
    items, book = _board(said), _book(drawn)
    matching = match(items, book, choice)
    chosen = [fate.chosen for fate in matching.fates if fate.chosen]
    assert len(chosen) == len(set(chosen))
    listed = {one for fate in matching.fates for one in fate.items}
    fresh = {one.item_id for one in items}
    assert fresh - set(matching.left) == listed & fresh
    says = {one.item_id: one for one in items}
    for fate in matching.fates:
        own = dict(fate.record.says)
        assert all(own[says[one].how] == says[one].says for one in fate.items if one in fresh)
        assert fate.record.item_id in {None, fate.chosen}
        if fate.how == "name" and fate.chosen in fresh:
            same = [one for one in book if dict(one.says)["name"] == own["name"]]
            assert len(same) == len(fate.items) == 1
        if choice == "hold" and len(fate.items) > 1 and fate.record.item_id is None:
            assert fate.chosen is None
    shuffled_items, shuffled_book = items.copy(), book.copy()
    random.Random(chance.random()).shuffle(shuffled_items)
    chance.shuffle(shuffled_book)
    again = match(shuffled_items, shuffled_book, choice)
    assert told(again) == told(matching)
    assert again.left == matching.left
