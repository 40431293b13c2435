"""Who is who, for any records: nothing twice, nothing by a name, and the same in any order."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st
from matching_cases import people, record, taken

from syncflow_dagster.core.matching.decide import Action
from syncflow_dagster.core.matching.names import Agreement, agreement, fold, name_of
from syncflow_dagster.core.matching.people import IDENTIFIERS
from syncflow_dagster.core.matching.tiers import Tier

NAMES = st.sampled_from(["Ann Lee", "Anne Lee", "Bob Ray", "Robert Ray", "Lee", "A. Lee"])
MAYBE = st.none()
ANYBODY = st.builds(
    record,
    st.sampled_from("abcdefgh"),
    NAMES,
    year=MAYBE | st.integers(0, 3),
    email=MAYBE | st.sampled_from(["a@x.com", "b@x.com", "info@x.com"]),
    external_id=MAYBE | st.sampled_from("12"),
    linkedin=MAYBE | st.sampled_from(["linkedin.com/in/a", "linkedin.com/in/b"]),
    phones=st.sampled_from([(), ("4155552671",), ("4155552672",)]),
    account=MAYBE | st.sampled_from("XY"),
    company=MAYBE | st.sampled_from(["ACME", "Acme Inc.", "Beta"]),
    prior_account=MAYBE | st.sampled_from("XY"),
    merged_into=MAYBE | MAYBE | st.sampled_from("abcdefgh"),
)
WORLDS = st.lists(ANYBODY, max_size=12)


@given(WORLDS, st.booleans())
def test_no_record_has_two_persons_and_no_identifier_two_owners(records, first_load):
    one, decisions = taken(records, first_load=first_load)
    owned = [record_id for person in one.registry.persons.values() for record_id in person.records]
    assert len(owned) == len(set(owned))
    alone = [
        key
        for person in one.registry.persons.values()
        for key, trait in person.traits.items()
        if key[0] in IDENTIFIERS and not trait.shared
    ]
    assert len(alone) == len(set(alone))
    decided = {each.record_id for each in records}
    assert set(owned) <= decided
    moves = [move.key for each in decisions for move in each.moves]
    changes = [key for key in moves if key.startswith("changed")]
    assert len(changes) == len(set(changes))


@given(WORLDS, st.booleans())
def test_what_was_decided_is_decided_so_again_and_changes_nothing(records, first_load):
    last = {each.record_id: each for each in records}
    one, decisions = taken(list(last.values()), first_load=first_load)
    before = people(one)
    for each, first in zip(last.values(), decisions, strict=True):
        if first.action is Action.HELD or one.registry.owner(each.record_id) is None:
            continue
        again = one.take(each, "again", first_load=first_load)
        assert again.action is Action.KNOWN
        assert again.moves == ()
    assert people(one) == before


@given(WORLDS, st.booleans())
def test_a_name_joins_nobody(records, first_load):
    bare = [
        record(str(n), each.name.shown, company=each.company, account=each.account)
        for n, each in enumerate(records)
    ]
    one, decisions = taken(bare, first_load=first_load)
    assert {each.action for each in decisions} <= {Action.NEW, Action.HELD}
    assert all(len(person.records) == 1 for person in one.registry.persons.values())
    assert not any(each.moves for each in decisions)


@given(WORLDS)
def test_certain_tiers_have_evidence_beyond_a_name(records):
    _, decisions = taken(records)
    for each in decisions:
        if each.action is Action.JOINED and each.tier is Tier.CORROBORATED:
            assert len(each.matches[0].evidence) > 1
        if each.action is Action.HELD:
            assert all(match.evidence for match in each.matches)


@given(
    st.lists(st.lists(st.sampled_from([0, 0, 1]), min_size=1, max_size=4), max_size=3),
    st.randoms(use_true_random=False),
)
def test_persons_and_moves_do_not_depend_on_the_order_of_coming(steps, chance):
    """Each person has a record a year; a step of 1 leads to another company."""
    records = [
        record(
            f"{person}{year}",
            f"{('Ann', 'Bob', 'Eve')[person]} Lee",
            year=year,
            external_id=str(person + 1),
            company=f"Company {sum(years[: year + 1])}",
        )
        for person, years in enumerate(steps)
        for year in range(len(years))
    ]
    shuffled = chance.sample(records, len(records))
    one, decisions = taken(shuffled)
    assert not any(each.action is Action.HELD for each in decisions)
    assert len(people(one)) == len(steps)
    moves = {move.key for each in decisions for move in each.moves}
    assert len(moves) == sum(sum(years[1:]) for years in steps)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_agreement_has_no_direction_and_a_name_is_equal_to_itself(first, last, other, another):
    one, two = name_of(first, last), name_of(other, another)
    assert agreement(one, two) is agreement(two, one)
    if one.keys:
        assert agreement(one, one) is Agreement.EQUAL


@given(st.text(alphabet=string.ascii_letters + " '-.éøß", max_size=30))
def test_folding_again_changes_nothing(text):
    assert fold(fold(text)) == fold(text)
    assert fold(text.upper()) == fold(text)
