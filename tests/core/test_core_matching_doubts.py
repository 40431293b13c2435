"""Who is who where records mislead: contradictions are asked about, in whatever order they come."""

from __future__ import annotations

from itertools import permutations

import pytest
from matching_cases import decider, people, record, taken

from syncflow_dagster.core.matching.decide import Action, Rulings, Same
from syncflow_dagster.core.matching.tiers import Tier

PHONE = ("4155552671",)
PROFILE = "linkedin.com/in/ann"


def same_person(company, year, record_id, **said):
    return record(record_id, external_id="7", company=company, year=year, **said)


def shown(decisions):
    return [
        (move.former.company, move.record.company, move.key)
        for each in decisions
        for move in each.moves
    ]


@pytest.mark.parametrize("way", list(permutations("abc")))
@pytest.mark.parametrize(
    ("names", "known_by"),
    [
        (("Christina Lee", "Chris Lee", "Christopher Lee"), {"phones": PHONE}),
        (("Ann Lee", "A. Lee", "Adam Lee"), {"email": "alee@x.com"}),
        (("Ann Lee", "", "Bob Ray"), {"email": "alee@x.com"}),
        (("Ann Smith", "Smith", "Adam Smith"), {"email": "alee@x.com"}),
        (("Ann Lee", "Ann Lee", "Ann Leigh"), {"linkedin": PROFILE}),
    ],
)
def test_names_that_differ_are_never_one_person_by_one_between_them(names, known_by, way):
    all_three = dict(zip("abc", names, strict=True))
    one, decisions = taken([record(each, all_three[each], **known_by) for each in way])
    assert not any({"a", "c"} <= whose for whose in people(one))
    assert Action.HELD in {each.action for each in decisions}


def test_whoever_has_two_certain_matches_is_asked_about_though_one_is_better():
    one, _ = taken(
        [
            record("a", linkedin=PROFILE),
            record("b", email="old@x.com", company="X"),
            record("b", email="new@x.com", company="X"),
        ],
        first_load=True,
    )
    both = one.take(record("c", linkedin=PROFILE, email="old@x.com"), "9")
    assert (both.action, both.tier, len(both.matches)) == (Action.HELD, Tier.SEVERAL, 2)
    assert people(one) == {frozenset("a"), frozenset("b")}


def test_a_telephone_that_others_have_tells_nothing():
    desk = ("+1 212 555 0100",)
    for first_load in (True, False):
        one, decisions = taken(
            [
                record("x", "Eve Fox", phones=desk),
                record("a", phones=desk, company="ACME"),
                record("b", phones=desk, company="Beta"),
            ],
            first_load=first_load,
        )
        assert [each.action for each in decisions] == ["new", "new", "held"]
        assert "others have" in str(decisions[2].matches)
        assert len(people(one)) == 2
    one, decisions = taken(
        [record(each, phones=("+1 212 555 0100 x12",), company=each) for each in "ab"]
    )
    assert (decisions[1].action, decisions[1].tier) == (Action.HELD, Tier.NAME)


def test_the_address_of_a_deleted_record_is_in_use_no_more():
    one, _ = taken(
        [record("a", "J. Smith", email="j@acme.com"), record("a", "J. Smith", gone=True)]
    )
    again = one.take(record("b", "Jane Smith", email="j@acme.com"), "9")
    assert (again.action, again.tier) == (Action.HELD, Tier.SHARED)


def test_a_record_that_becomes_somebody_else_s_is_asked_about():
    begin = [record("a", email="ann@acme.com", company="ACME", external_id="7")]
    bob = record("a", "Bob Ray", email="bob@beta.com", company="Beta", external_id="7")
    one, (first, taken_over) = taken([*begin, bob])
    assert (taken_over.action, taken_over.tier, taken_over.moves) == ("held", Tier.SHARED, ())
    assert [each.person_id for each in taken_over.matches] == [first.person_id]
    assert one.registry.owner("a").records["a"].name.shown == "Ann Lee"
    # Her own name alone, or her own address under a new name, is nothing to ask about.
    for known in ({"name": "Ann Miller", "email": "ann@acme.com"}, {"email": "ann@beta.com"}):
        one, _ = taken(begin)
        assert one.take(record("a", **known), "1").action is Action.KNOWN
    # She has married.
    same = Rulings(same=Same(first.person_id, "Eve said so", Tier.SHARED, change="1"))
    one, decisions = taken([*begin, bob], rulings={"a": same})
    assert (decisions[1].action, len(decisions[1].moves)) == (Action.KNOWN, 1)
    # That answer is about that change only.
    joe = record("a", "Joe Doe", email="joe@gamma.com", company="Gamma")
    assert one.take(joe, "2").action is Action.HELD
    # It is Bob: he is somebody new, and what both had tells nobody apart.
    other = {"a": Rulings(different=frozenset({first.person_id}))}
    one, decisions = taken([*begin, bob, bob], rulings=other)
    assert [each.action for each in decisions] == ["new", "new", "known"]
    assert decisions[1].person_id not in (None, first.person_id)
    assert one.registry.owner("a").person_id == decisions[1].person_id
    assert one.registry.persons[first.person_id].records == {}
    assert shown(decisions) == []
    third = one.take(record("c", "Bob Ray", external_id="7", email="c@gamma.com"), "9")
    assert third.action is Action.HELD


def test_a_merged_record_that_comes_before_the_one_that_is_left_keeps_what_it_knew():
    lost = record("a", email="ann@acme.com", company="ACME", merged_into="b", gone=True)
    left = record("b", email="ann@beta.com", company="Beta")
    one, decisions = taken([lost, left, record("c", email="ann@acme.com", company="ACME")])
    assert [each.action for each in decisions] == ["new", "joined", "joined"]
    assert people(one) == {frozenset("abc")}
    assert decisions[1].moves == ()


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        # The record that was there first is brought up to date after the second one came.
        (
            [same_person("ACME", 0, "a"), same_person("Beta", 1, "b"), same_person("Beta", 0, "a")],
            [("ACME", "Beta", "joined:b")],
        ),
        # Two records of one person, both brought up to date.
        (
            [
                same_person("ACME", 0, "a"),
                same_person("ACME", 1, "b"),
                same_person("Beta", 0, "a"),
                same_person("Beta", 1, "b"),
            ],
            [("ACME", "Beta", "changed:a:2")],
        ),
        # The record that is left takes the company of the one that is merged into it.
        (
            [
                same_person("ACME", 0, "a"),
                same_person("Beta", 1, "b"),
                same_person("Beta", 1, "b", merged_into="a", gone=True),
                same_person("Beta", 0, "a"),
            ],
            [("ACME", "Beta", "joined:b")],
        ),
        (
            [
                same_person("ACME", 0, "a"),
                same_person("Beta", 1, "b"),
                same_person("Gamma", 0, "a"),
                same_person("Gamma", 3, "d"),
            ],
            [("ACME", "Beta", "joined:b"), ("ACME", "Gamma", "changed:a:2")],
        ),
        # There and back, by one record.
        (
            [same_person(each, 0, "a") for each in ("ACME", "Beta", "ACME", "Beta")],
            [
                ("ACME", "Beta", "changed:a:1"),
                ("Beta", "ACME", "changed:a:2"),
                ("ACME", "Beta", "changed:a:3"),
            ],
        ),
        # The new record gets its company later.
        (
            [same_person("ACME", 0, "a"), same_person(None, 1, "b"), same_person("Beta", 1, "b")],
            [("ACME", "Beta", "joined:b")],
        ),
        # A record between them shows no company.
        (
            [same_person("ACME", 0, "a"), same_person(None, 1, "b"), same_person("Beta", 2, "c")],
            [("ACME", "Beta", "joined:c")],
        ),
        # A copy whose address is put right later; then it changes once more.
        (
            [
                same_person("ACME", 0, "a", email="ann@acme.com"),
                same_person("Beta", 1, "b", email="ann@acme.com"),
                same_person("Beta", 1, "b", email="ann@beta.com"),
                same_person("Beta", 1, "b", email="a@beta.com"),
            ],
            [("ACME", "Beta", "joined:b")],
        ),
        # The same, but that she moved was found before.
        (
            [
                same_person("ACME", 0, "a", email="ann@acme.com"),
                same_person("ACME", 1, "b", email="ann@acme.com"),
                same_person("Beta", 1, "b", email="ann@acme.com"),
                same_person("Beta", 1, "b", email="ann@beta.com"),
            ],
            [("ACME", "Beta", "changed:b:2")],
        ),
        # She keeps her own address, not one of the company.
        (
            [
                same_person("ACME", 0, "a", email="ann@gmail.com"),
                same_person("Beta", 1, "b", email="ann@gmail.com"),
            ],
            [("ACME", "Beta", "joined:b")],
        ),
    ],
)
def test_each_move_is_found_once(records, expected):
    _, decisions = taken(records)
    assert Action.HELD not in {each.action for each in decisions}
    assert shown(decisions) == expected


def test_two_persons_who_are_one_have_one_line_of_records():
    one, decisions = taken(
        [
            record("a", company="ACME", email="ann@acme.com", year=0),
            record("b", company="Beta", linkedin=PROFILE, year=1),
            record("c", company="Beta", linkedin=PROFILE, year=2),
        ],
        first_load=True,
    )
    assert people(one) == {frozenset("a"), frozenset("bc")}
    one.rulings = {"c": Rulings(same=Same(decisions[0].person_id, "Eve", Tier.NAME))}
    united = one.take(record("c", company="Beta", linkedin=PROFILE, year=2, title="CEO"), "9")
    assert people(one) == {frozenset("abc")}
    assert shown([united]) == [("ACME", "Beta", "joined:b")]


@pytest.mark.parametrize("way", list(permutations("abc")))
def test_records_made_at_once_have_one_order(way):
    companies = {"a": "ACME", "b": "Beta", "c": "Gamma"}
    _, decisions = taken([same_person(companies[each], 1, each) for each in way])
    assert {move for _, _, move in shown(decisions)} == {"joined:b", "joined:c"}


def test_what_a_person_is_found_by_grows_with_the_records_only():
    def traits(count):
        one = decider()
        for n in range(count):
            phones = (f"+1 415 {n:07}",)
            said = {"phones": phones, "account": f"A{n}", "email": f"e{n}@x.com"}
            one.take(record(str(n), "Bob Ray", external_id="7", **said), "1")
        (person,) = one.registry.persons.values()
        return len(person.traits)

    assert traits(20) - traits(10) == traits(30) - traits(20)
