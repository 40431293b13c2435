"""Whose event it is: what a service tells about a person, matched to leads.

Keys are asked from the surest to the weakest, and only those that are equal everywhere: the
member's id, the same id in a URN, the slug, and an id that stands where a slug should. Names are
never asked: many people share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from syncflow_dagster.core.outreach import slugs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Tier(IntEnum):
    """By what an event was matched; lower is surer."""

    PROVIDER_ID = 1
    URN = 2
    SLUG = 3
    ID_AS_SLUG = 4


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person as an event tells of it.

    Attributes:
        account: Account on which it was told; a service may tell it on another than it concerns.
        provider_id: The member's id.
        urns: URNs that end in it.
        slug: Slug or address of the profile, as told.
    """

    account: str
    provider_id: str | None = None
    urns: tuple[str, ...] = ()
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead that may be meant.

    Attributes:
        lead_id: The lead.
        person_id: Whose lead it is; a person may have been a lead before.
        account: Account it belongs to.
        live: Whether it is not at its end.
        provider_id: The member's id, as this account knows it.
        slug: Its slug, comparable.
    """

    lead_id: int
    person_id: int
    account: str
    live: bool
    provider_id: str | None = None
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """The lead that is meant.

    Attributes:
        lead_id: The lead.
        tier: By what it was found.
        other_account: Whether the event was told on another account than the lead's: it says who
            is meant, but not yet that it happened to the lead's account.
    """

    lead_id: int
    tier: Tier
    other_account: bool


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several leads may be meant, or what is known contradicts itself: a person has to look.

    Attributes:
        lead_ids: The leads, ascending.
        reason: Why it cannot be told, for people.
    """

    lead_ids: tuple[int, ...]
    reason: str


Matched: TypeAlias = Match | Ambiguous


def keys_of(sighting: Sighting) -> list[str]:
    """Return the keys leads are to be looked up by (`provider:…`, `slug:…`), each once."""
    told = (sighting.provider_id, *sighting.urns, sighting.slug)
    found = (slugs.normalise(one) for one in told)
    return list(dict.fromkeys(one.key for one in found if one is not None))


def match(sighting: Sighting, candidates: Iterable[Candidate]) -> Matched | None:
    """Find the lead an event is about.

    Args:
        sighting: The person, as the event tells.
        candidates: Leads that may be meant, of all accounts; others among them do no harm.

    Returns:
        None if none of them is meant.
    """
    candidates = list(candidates)
    address = slugs.normalise(sighting.slug)
    slug = address.value if isinstance(address, slugs.Slug) else None
    as_slug = address.value if isinstance(address, slugs.ProviderId) else None
    urns = {slugs.provider_id(one) for one in sighting.urns} - {None}
    tiers = {
        Tier.PROVIDER_ID: {slugs.provider_id(sighting.provider_id)} - {None},
        Tier.URN: urns,
        Tier.SLUG: {slug} - {None},
        Tier.ID_AS_SLUG: {as_slug} - {None},
    }
    for tier, values in tiers.items():
        hits = [
            one
            for one in candidates
            if (one.slug if tier is Tier.SLUG else one.provider_id) in values
        ]
        if hits:
            return _one_of(hits, tier, sighting)
    return None


def _one_of(hits: Sequence[Candidate], tier: Tier, sighting: Sighting) -> Match | Ambiguous:
    """Choose among leads that share a key: those of the same account first."""
    here = [one for one in hits if one.account == sighting.account]
    chosen = here or list(hits)
    ids = tuple(sorted(one.lead_id for one in chosen))
    if len({one.person_id for one in chosen}) > 1:
        return Ambiguous(ids, f"leads of several persons share this {tier.name.lower()}")
    if len({one.account for one in chosen}) > 1:
        return Ambiguous(ids, "leads of several accounts, none of them the one that was told")
    told = slugs.provider_id(sighting.provider_id)
    if tier is Tier.SLUG and told is not None and _another(chosen, told, here=bool(here)):
        return Ambiguous(ids, "the slug is the lead's, the member's id is another's")
    # Of one person on one account at most one lead is live; else the latest is meant.
    best = max(chosen, key=lambda one: (one.live, one.lead_id))
    return Match(best.lead_id, tier, other_account=best.account != sighting.account)


def _another(chosen: Sequence[Candidate], told: str, *, here: bool) -> bool:
    """Tell whether an account knows another id for a slug: it went to another member.

    Ids that different accounts are told need not be comparable.
    """
    known = {one.provider_id for one in chosen if slugs.provider_id(one.provider_id)}
    return here and bool(known) and told not in known
