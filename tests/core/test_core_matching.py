"""Who is who: the tiers, and what follows from each, by example."""

from __future__ import annotations

import pytest
from matching_cases import decider, people, record, taken

from syncflow_dagster.core.matching.decide import Action, Rulings, Same
from syncflow_dagster.core.matching.people import Kind
from syncflow_dagster.core.matching.ranking import likeness
from syncflow_dagster.core.matching.tiers import Tier

OLD = {"email": "ann@acme.com", "company": "ACME", "account": "1", "year": 0}
NEW = {"email": "ann@beta.com", "company": "Beta", "account": "2", "year": 1}


@pytest.mark.parametrize(
    ("old", "new", "action", "tier", "moves"),
    [
        ({**OLD, "external_id": "7"}, {**NEW, "external_id": "7"}, "joined", 1, 1),
        (
            {**OLD, "linkedin": "linkedin.com/in/ann"},
            {**NEW, "linkedin": "https://linkedin.com/in/Ann/"},
            "joined",
            1,
            1,
        ),
        (
            {**OLD, "linkedin": "linkedin.com/in/ann"},
            {**NEW, "linkedin": "linkedin.com/in/ann", "name": "Ann Miller"},
            "held",
            5,
            0,
        ),
        (
            {**OLD, "external_id": "7"},
            {**NEW, "external_id": "7", "name": "Bob Ray"},
            "held",
            5,
            0,
        ),
        (
            {**OLD, "phones": ("4155552671",)},
            {**NEW, "phones": ("4155552671",), "name": "Ann M. Lee"},
            "held",
            3,
            0,
        ),
        (OLD, {**NEW, "prior_account": "1", "name": "Ann M. Lee"}, "held", 3, 0),
        (OLD, {**NEW, "prior_account": "1", "name": "Lee Ann"}, "held", 3, 0),
        (OLD, {**OLD, "year": 1}, "joined", 1, 0),
        (OLD, {**OLD, "name": "A. Lee"}, "joined", 1, 0),
        (OLD, {**NEW, "email": "ANN@acme.com"}, "joined", 1, 0),
        (
            {**OLD, "phones": ("415 555 2671",)},
            {**NEW, "phones": ("+14155552671",)},
            "joined",
            2,
            1,
        ),
        (OLD, {**NEW, "prior_account": "1"}, "joined", 2, 1),
        ({**OLD, "prior_account": "2"}, NEW, "joined", 2, 1),
        (
            {**OLD, "phones": ("4155552671",)},
            {**NEW, "phones": ("4155552671",), "company": "Acme, Inc", "account": None},
            "joined",
            2,
            0,
        ),
        (OLD, NEW, "held", 3, 0),
        (OLD, {**OLD, "email": "a.lee@acme.com"}, "held", 3, 0),
        (
            {**OLD, "phones": ("4155552671",), "linkedin": "linkedin.com/in/ann"},
            {**NEW, "phones": ("4155552671",), "linkedin": "linkedin.com/in/other"},
            "held",
            3,
            0,
        ),
        (OLD, {**OLD, "name": "Bob Ray"}, "held", 5, 0),
        ({**OLD, "email": "info@acme.com"}, {**OLD, "email": "info@acme.com"}, "held", 5, 0),
        (
            {**OLD, "email": "info@acme.com"},
            {**OLD, "email": "info@acme.com", "name": "Bob Ray"},
            "held",
            5,
            0,
        ),
        (OLD, {**NEW, "name": "Bob Ray", "phones": ("4155552671",)}, "new", None, 0),
        ({**OLD, "name": "Lee"}, {**NEW, "name": "Lee"}, "new", None, 0),
    ],
)
def test_the_tier_decides_what_becomes_of_a_record(old, new, action, tier, moves):
    one, (_, decision) = taken([record("a", **old), record("b", **new)])
    assert (decision.action, decision.tier) == (action, tier)
    assert len(decision.moves) == moves
    assert len(one.registry.persons) == (2 if action == "new" else 1)
    if action != "new":
        assert all(match.evidence for match in decision.matches)
    if action == "held":
        assert people(one) == {frozenset({"a"})}


def test_several_persons_who_fit_equally_are_asked_about():
    fits_both = record("c", email="ann@acme.com", linkedin="linkedin.com/in/ann")
    one, decisions = taken(
        [
            record("a", "Ann Lee", email="ann@acme.com"),
            record("b", "A. Lee", linkedin="linkedin.com/in/ann"),
            fits_both,
        ]
    )
    assert (decisions[2].action, decisions[2].tier) == (Action.HELD, Tier.SEVERAL)
    assert len(decisions[2].matches) == 2
    # One that only fits better is not: the profile wins over the name and the number.
    better = record("d", "Ann Lee", linkedin="linkedin.com/in/ann", phones=("4155552671",))
    assert one.take(better, "1").tier is Tier.IDENTIFIER


def test_an_address_of_somebody_else_is_asked_about_though_a_profile_fits():
    _, decisions = taken(
        [
            record("a", "Bob Ray", email="ann@acme.com"),
            record("b", "Ann Lee", linkedin="linkedin.com/in/ann"),
            record("c", "Ann Lee", linkedin="linkedin.com/in/ann", email="ann@acme.com"),
        ]
    )
    assert (decisions[2].action, decisions[2].tier) == (Action.HELD, Tier.SEVERAL)


def test_a_former_address_is_evidence_only_with_the_name():
    begin = [
        record("a", email="ann@acme.com", company="ACME"),
        record("a", email="ann@beta.com", company="Beta"),
    ]
    one, decisions = taken(begin)
    assert [len(each.moves) for each in decisions] == [0, 1]
    assert (
        one.take(record("b", email="ann@acme.com", company="ACME"), "9").tier is Tier.CORROBORATED
    )
    for name in ("Bob Ray", "A. Lee"):
        one, _ = taken(begin)
        asked = one.take(record("b", name, email="ann@acme.com"), "9")
        assert (asked.action, asked.tier) == (Action.HELD, Tier.SHARED)


def test_the_first_load_asks_about_names_alone_no_more_than_about_strangers():
    quiet = [
        record("a", **OLD),
        record("b", **NEW),
        record("c", "Bob Ray", email="info@acme.com"),
        record("d", "Eve Fox", email="info@acme.com"),
    ]
    one, decisions = taken(quiet, first_load=True)
    assert {each.action for each in decisions} == {Action.NEW}
    asked = {
        "the same company": record("e", **{**OLD, "email": "lee@acme.com"}),
        "the same mailbox": record("f", "Bob Ray", email="info@acme.com"),
        "another name": record("g", "Bob Ray", email="ann@acme.com"),
    }
    for words, each in asked.items():
        decision = one.take(each, "1", first_load=True)
        assert decision.action is Action.HELD
        assert words in str(decision.matches)
    # Who comes later is asked about, and about each that bears the name.
    late = one.take(record("h", email="ann@gamma.com"), "1")
    assert (late.action, late.tier, len(late.matches)) == (Action.HELD, Tier.SEVERAL, 2)


def test_a_merge_joins_persons_over_any_steps_and_survives_cycles():
    chain = [
        record("a", email="a@acme.com", company="ACME"),
        record("b", "Bob Ray", email="b@acme.com", company="Beta"),
        record("c", "Eve Fox", merged_into="b"),
    ]
    one, decisions = taken(chain)
    assert decisions[2].person_id == decisions[1].person_id
    merged = one.take(record("b", "Bob Ray", email="b@acme.com", merged_into="a"), "9")
    assert (merged.tier, merged.absorbs) == (Tier.SAME_RECORD, (decisions[1].person_id,))
    assert merged.person_id == decisions[0].person_id
    assert merged.moves == ()
    assert people(one) == {frozenset("abc")}
    assert one.registry.changes.absorbed == {decisions[1].person_id: decisions[0].person_id}
    assert one.take(record("a", merged_into="c"), "10").person_id == decisions[0].person_id
    assert people(one) == {frozenset("abc")}
    # The record that is left may come last.
    one, decisions = taken([record("x", merged_into="y"), record("y", "Bob Ray")])
    assert people(one) == {frozenset("xy")}


def test_a_deleted_record_keeps_its_person():
    one, decisions = taken([record("a", **OLD)])
    gone = one.take(record("a", "", gone=True), "2")
    assert (gone.action, gone.person_id) == (Action.KNOWN, decisions[0].person_id)
    assert one.registry.owner("a").records["a"].email == "ann@acme.com"
    assert one.registry.owner("a").records["a"].gone
    assert one.take(record("z", "", gone=True), "3").action is Action.GONE
    again = one.take(record("b", **OLD), "4")
    assert (again.action, again.tier) == (Action.JOINED, Tier.CORROBORATED)


def test_a_known_record_that_begins_to_look_like_another_person_is_asked_about_once():
    one, decisions = taken([record("a", **OLD), record("b", **NEW)], first_load=True)
    assert people(one) == {frozenset("a"), frozenset("b")}
    twin = record("b", **{**NEW, "prior_account": "1"})
    asked = one.take(twin, "2")
    assert (asked.action, asked.tier) == (Action.HELD, Tier.CORROBORATED)
    assert one.take(record("b", **NEW, title="CEO"), "3").action is Action.KNOWN
    first, second = (each.person_id for each in decisions)
    one.rulings = {"b": Rulings(different=frozenset({first}))}
    assert one.take(twin, "4").action is Action.KNOWN
    one.rulings = {"b": Rulings(same=Same(first, "Eve said so", Tier.CORROBORATED))}
    united = one.take(twin, "5")
    assert (united.person_id, united.absorbs) == (first, (second,))
    assert [(move.former.record_id, move.record.record_id) for move in united.moves] == [("a", "b")]
    assert united.moves[0].evidence == ("Eve said so",)
    assert one.take(twin, "6").moves == ()


def test_what_people_decided_is_done_and_what_two_share_tells_nobody_apart():
    first = record("a", email="desk@acme.com")
    second = record("b", "Bob Ray", email="desk@acme.com")
    one, decisions = taken([first, second])
    assert decisions[1].action is Action.HELD
    one.rulings = {"b": Rulings(different=frozenset({decisions[0].person_id}))}
    assert one.take(second, "2").action is Action.NEW
    assert all(
        person.traits[Kind.EMAIL, "desk@acme.com"].shared
        for person in one.registry.persons.values()
    )
    third = one.take(record("c", email="desk@acme.com"), "3")
    assert (third.action, third.tier) == (Action.HELD, Tier.SEVERAL)
    one.rulings = {"c": Rulings(ignored=True)}
    assert one.take(record("c", email="desk@acme.com"), "4").action is Action.IGNORED


def test_moves_follow_the_age_of_the_records_not_their_coming():
    years = {
        "a": record("a", external_id="7", company="ACME", year=0),
        "b": record("b", external_id="7", company="Beta", year=1),
        "c": record("c", external_id="7", company="Gamma", year=2),
    }
    _, decisions = taken([years[each] for each in "bac"])
    shown = [
        (move.former.record_id, move.record.record_id, move.key)
        for each in decisions
        for move in each.moves
    ]
    assert shown == [("a", "b", "joined:b"), ("b", "c", "joined:c")]


def test_a_company_that_is_not_shown_for_a_while_is_not_forgotten():
    states = [record("a", company=name) for name in ("ACME", None, "acme inc", None, "Beta")]
    _, decisions = taken(states)
    assert [len(each.moves) for each in decisions] == [0, 0, 0, 0, 1]
    assert decisions[-1].moves[0].former.company == "acme inc"
    assert decisions[-1].moves[0].key == "changed:a:4"


def test_candidates_are_ranked_by_likeness():
    one = decider()
    one.take(record("a", company="ACME", email="ann@acme.com"), "1")
    one.take(record("b", "Anton Leeds", company="Zeta", email="anton@zeta.com"), "1")
    new = record("c", company="Acme Inc", email="ann@beta.com")
    scores = [likeness(new, person) for person in one.registry.persons.values()]
    assert scores[0] == 100.0
    assert 0 < scores[1] < scores[0]
