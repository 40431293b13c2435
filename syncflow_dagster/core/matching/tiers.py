"""How strongly a record points at a person: the tier, and the evidence in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.companies import is_other_company
from syncflow_dagster.core.matching.names import Agreement, agreement
from syncflow_dagster.core.matching.people import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from syncflow_dagster.core.matching.people import Person, Record


class Tier(IntEnum):
    """What a match rests on; see the how-to for what becomes of each.

    Attributes:
        SAME_RECORD: The record is known, or was merged with one that is.
        IDENTIFIER: An id, a profile or an address that one person has.
        CORROBORATED: The name, and something beside it.
        NAME: The name alone.
        SEVERAL: Several persons fit equally well.
        SHARED: An address that several people read, or that belongs to somebody of another name.
    """

    SAME_RECORD = 0
    IDENTIFIER = 1
    CORROBORATED = 2
    NAME = 3
    SEVERAL = 4
    SHARED = 5


#: Tiers at which nobody has to be asked.
CERTAIN = frozenset({Tier.SAME_RECORD, Tier.IDENTIFIER, Tier.CORROBORATED})


@dataclass(frozen=True, slots=True)
class Match:
    """A person a record points at.

    Attributes:
        person_id: The person.
        tier: How strongly.
        evidence: What the two have in common, in words for the person they are about.
        weak: Whether it is so little that it is not asked about records that were all there
            when the first of them was looked at.
    """

    person_id: UUID
    tier: Tier
    evidence: tuple[str, ...]
    weak: bool = False


def compare(record: Record, person: Person) -> Match | None:
    """Tell how strongly a record points at a person; None: not at all."""
    names = _names(record, person)
    same = tuple(_identifiers(record, person, names))
    if same:
        return Match(person.person_id, Tier.IDENTIFIER, same)
    beside = tuple(_corroborators(record, person))
    mailbox = _mailbox(record, person, names)
    if names is not Agreement.EQUAL:
        return mailbox
    called = f"the same name, {record.name.shown}"
    if beside:
        contradiction = _contradiction(record, person)
        if contradiction is None:
            return Match(person.person_id, Tier.CORROBORATED, (called, *beside))
        return Match(person.person_id, Tier.NAME, (called, *beside, contradiction))
    if mailbox is not None:
        return Match(person.person_id, Tier.SHARED, (called, *mailbox.evidence))
    colleague = _colleague(record, person)
    if colleague is not None:
        return Match(person.person_id, Tier.NAME, (called, colleague))
    return Match(person.person_id, Tier.NAME, (called, "nothing else in common"), weak=True)


def _names(record: Record, person: Person) -> Agreement:
    if any((Kind.NAME, key) in person.traits for key in record.name.keys):
        return Agreement.EQUAL
    return max(
        (agreement(record.name, one.name) for one in person.records.values()),
        default=Agreement.UNKNOWN,
    )


def _identifiers(record: Record, person: Person, names: Agreement) -> Iterator[str]:
    """Return in words what one person alone has; an address only where it is in use now."""
    if record.external_id is not None and person.has((Kind.EXTERNAL_ID, record.external_id)):
        yield f"the same external id, {record.external_id}"
    if record.linkedin is not None and person.has((Kind.LINKEDIN, record.linkedin)):
        yield f"the same LinkedIn profile, {record.linkedin}"
    address = _own_address(record, person)
    if address is not None and names is not Agreement.DIFFERENT and _in_use(address, person):
        yield f"the same e-mail address, {address}"


def _corroborators(record: Record, person: Person) -> Iterator[str]:
    """Return in words what makes one person of two records of one name."""
    number = next((one for one in record.phones if (Kind.PHONE, one) in person.traits), None)
    if number is not None:
        yield f"the same telephone number, ending in {number[-4:]}"
    address = _own_address(record, person)
    if address is not None and not _in_use(address, person):
        yield f"an e-mail address used before, {address}"
    if record.prior_account and (Kind.ACCOUNT, record.prior_account) in person.traits:
        yield f"came from account {record.prior_account}, where the other is known"
    elif record.account and (Kind.PRIOR_ACCOUNT, record.account) in person.traits:
        yield f"is known at account {record.account}, where the other came from"


def _own_address(record: Record, person: Person) -> str | None:
    """Return the record's address if the person alone is known to have it or have had it."""
    if record.email is None or record.mailbox_shared:
        return None
    return record.email if person.has((Kind.EMAIL, record.email)) else None


def _in_use(address: str, person: Person) -> bool:
    return any(one.email == address for one in person.records.values())


def _mailbox(record: Record, person: Person, names: Agreement) -> Match | None:
    """Return what a common address asks where it does not answer."""
    if record.email is None:
        return None
    trait = person.traits.get((Kind.EMAIL, record.email))
    if trait is None:
        return None
    if record.mailbox_shared or trait.shared:
        words = f"the same mailbox, {record.email}, which several people read"
        weak = record.mailbox_shared and names is not Agreement.EQUAL
        return Match(person.person_id, Tier.SHARED, (words,), weak=weak)
    if names is Agreement.DIFFERENT:
        words = f"the same e-mail address, {record.email}, under another name"
    else:
        words = f"an e-mail address used before, {record.email}, under a name that is not the same"
    return Match(person.person_id, Tier.SHARED, (words,))


def _contradiction(record: Record, person: Person) -> str | None:
    known = [value for kind, value in person.traits if kind is Kind.LINKEDIN]
    if record.linkedin is None or not known or record.linkedin in known:
        return None
    return f"but another LinkedIn profile, {record.linkedin} and {known[0]}"


def _colleague(record: Record, person: Person) -> str | None:
    """Say it where both are known at one company."""
    for other in person.records.values():
        known = (record.account and other.account) or (record.company and other.company)
        if known and not is_other_company(
            other.account, other.company, record.account, record.company
        ):
            return f"the same company, {record.company or record.account}"
    return None
