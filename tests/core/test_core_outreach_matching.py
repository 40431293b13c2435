"""Events find the lead they are about, by the surest key, and never by a name."""

from __future__ import annotations

import pytest

from syncflow_dagster.core.outreach.matching import (
    Ambiguous,
    Candidate,
    Match,
    Sighting,
    Tier,
    keys_of,
    match,
)

_JANE = Candidate(1, 11, "unipile:a", True, "ACoAAjane", "jane-doe")
_OTHER = Candidate(2, 12, "unipile:a", True, "ACoAAotto", "otto")


@pytest.mark.parametrize(
    ("sighting", "tier"),
    [
        (Sighting("unipile:a", "ACoAAjane", slug="changed"), Tier.PROVIDER_ID),
        (Sighting("unipile:a", urns=("urn:li:fsd_connection:ACoAAjane",)), Tier.URN),
        (Sighting("unipile:a", slug="https://linkedin.com/in/Jane-Doe/"), Tier.SLUG),
        (Sighting("unipile:a", slug="linkedin.com/in/ACoAAjane"), Tier.ID_AS_SLUG),
    ],
)
def test_each_key_finds_the_lead(sighting: Sighting, tier: Tier) -> None:
    assert match(sighting, [_OTHER, _JANE]) == Match(1, tier, other_account=False)


def test_an_id_is_compared_with_its_case() -> None:
    assert match(Sighting("unipile:a", "ACoAAJANE"), [_JANE]) is None


def test_a_surer_key_wins_over_a_slug_that_went_to_somebody_else() -> None:
    found = match(Sighting("unipile:a", "ACoAAotto", slug="jane-doe"), [_JANE, _OTHER])
    assert found == Match(2, Tier.PROVIDER_ID, other_account=False)


def test_a_slug_with_another_id_is_a_contradiction() -> None:
    found = match(Sighting("unipile:a", "ACoAAnew", slug="jane-doe"), [_JANE])
    assert isinstance(found, Ambiguous)


def test_ids_of_another_account_need_not_be_comparable() -> None:
    found = match(Sighting("unipile:b", "ACoAAnew", slug="jane-doe"), [_JANE])
    assert found == Match(1, Tier.SLUG, other_account=True)


def test_the_account_that_was_told_comes_first_then_there_has_to_be_one() -> None:
    there = Candidate(3, 11, "unipile:b", True, "ACoAAjane", "jane-doe")
    third = Candidate(4, 11, "unipile:c", False, "ACoAAjane", "jane-doe")
    told = Sighting("unipile:b", "ACoAAjane")
    assert match(told, [_JANE, there]) == Match(3, Tier.PROVIDER_ID, other_account=False)
    sibling = Sighting("unipile:z", "ACoAAjane")
    assert match(sibling, [_JANE]) == Match(1, Tier.PROVIDER_ID, other_account=True)
    found = match(sibling, [_JANE, there, third])
    assert isinstance(found, Ambiguous)
    assert found.lead_ids == (1, 3, 4)


def test_several_persons_with_one_key_are_ambiguous() -> None:
    twin = Candidate(5, 15, "unipile:a", True, None, "jane-doe")
    assert isinstance(match(Sighting("unipile:a", slug="jane-doe"), [_JANE, twin]), Ambiguous)


def test_of_several_leads_of_a_person_the_live_one_is_meant() -> None:
    old = Candidate(9, 11, "unipile:a", False, "ACoAAjane", "jane-doe")
    told = Sighting("unipile:a", "ACoAAjane")
    assert match(told, [old, _JANE]) == Match(1, Tier.PROVIDER_ID, other_account=False)


def test_keys_to_look_leads_up_by() -> None:
    sighting = Sighting("a", "ACoAAx1", urns=("urn:li:fsd_profile:ACoAAx1",), slug="Jane")
    assert keys_of(sighting) == ["provider:ACoAAx1", "slug:jane"]
