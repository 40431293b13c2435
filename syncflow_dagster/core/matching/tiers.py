"""How strongly a record points at a person: the tier, and the evidence in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.companies import is_other_company
from syncflow_dagster.core.matching.names import Agreement, agreement
from syncflow_dagster.core.matching.people import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from uuid import UUID

    from syncflow_dagster.core.matching.people import Person, Record


class Tier(IntEnum):
    """What a match rests on; see the how-to for what becomes of each.

    Attributes:
        SAME_RECORD: The record is known, or was merged with one that is.
        IDENTIFIER: An id, a profile or an address that one person has.
        CORROBORATED: The name, and something beside it.
        NAME: The name alone, or less than the name and something beside it.
        SEVERAL: Several persons fit equally well.
        SHARED: An address that several people read, or something that belongs to somebody of
            another name.
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
        contested: Whether it is something that the person has alone, under another name.
    """

    person_id: UUID
    tier: Tier
    evidence: tuple[str, ...]
    weak: bool = False
    contested: bool = False


@dataclass(frozen=True, slots=True)
class _Names:
    """How a record's name goes with those of a person's records.

    Attributes:
        best: With the one that agrees most.
        doubt: Whether it contradicts another of them, or agrees only with a name given up.
        known: Whether the person is or was looked up by the same words.
    """

    best: Agreement
    doubt: bool
    known: bool

    @property
    def equal(self) -> bool:
        """Whether it is the same name, without any doubt."""
        return self.best is Agreement.EQUAL and not self.doubt


def compare(record: Record, person: Person, common: Collection[str] = ()) -> Match | None:
    """Tell how strongly a record points at a person; None: not at all.

    Args:
        record: The record.
        person: The person.
        common: Telephone numbers that others have, too.
    """
    names = _names(record, person)
    same = tuple(_identifiers(record, person))
    if same and not names.doubt:
        return Match(person.person_id, Tier.IDENTIFIER, same)
    if same:
        words = tuple(f"{one}, under another name" for one in same)
        return Match(person.person_id, Tier.SHARED, words, contested=True)
    mailbox = _mailbox(record, person, names)
    if mailbox is not None and names.best is not Agreement.EQUAL:
        return mailbox
    if names.best in (Agreement.DIFFERENT, Agreement.UNKNOWN) and not names.known:
        return None
    return _by_name(record, person, names, mailbox, common)


def _by_name(
    record: Record, person: Person, names: _Names, mailbox: Match | None, common: Collection[str]
) -> Match | None:
    """Return what the name says, with what is beside it."""
    alike = "same" if names.best is Agreement.EQUAL else "similar"
    called = f"the {alike} name, {record.name.shown}"
    beside = tuple(_corroborators(record, person, common))
    against = _contradiction(record, person)
    if beside and names.equal and against is None:
        return Match(person.person_id, Tier.CORROBORATED, (called, *beside))
    if beside:
        doubts = ["but a name that differs from another of his"] if names.doubt else []
        more = (*doubts, *([] if against is None else [against]))
        return Match(person.person_id, Tier.NAME, (called, *beside, *more))
    if mailbox is not None:
        return Match(person.person_id, Tier.SHARED, (called, *mailbox.evidence))
    if not names.known:
        return None
    number = next((one for one in record.phones if one in common and _has_phone(person, one)), None)
    if number is not None:
        words = f"a telephone number that others have, too, ending in {number[-4:]}"
        return Match(person.person_id, Tier.NAME, (called, words))
    colleague = _colleague(record, person)
    if colleague is not None:
        return Match(person.person_id, Tier.NAME, (called, colleague))
    return Match(person.person_id, Tier.NAME, (called, "nothing else in common"), weak=True)


def _names(record: Record, person: Person) -> _Names:
    """Hold a name against each of a person's own, never against what one of them may stand for.

    Chris is Christina's short form and Christopher's, who are two.
    """
    found = [agreement(record.name, one.name) for one in person.records.values()]
    best = max(found, default=Agreement.UNKNOWN)
    known = any((Kind.NAME, key) in person.traits for key in record.name.keys)
    former = known and best in (Agreement.DIFFERENT, Agreement.UNKNOWN)
    return _Names(best, Agreement.DIFFERENT in found or former, known)


def _identifiers(record: Record, person: Person) -> Iterator[str]:
    """Return in words what one person alone has; an address only where it is in use now."""
    if record.external_id is not None and person.has((Kind.EXTERNAL_ID, record.external_id)):
        yield f"the same external id, {record.external_id}"
    if record.linkedin is not None and person.has((Kind.LINKEDIN, record.linkedin)):
        yield f"the same LinkedIn profile, {record.linkedin}"
    address = _own_address(record, person)
    if address is not None and _in_use(address, person):
        yield f"the same e-mail address, {address}"


def _corroborators(record: Record, person: Person, common: Collection[str]) -> Iterator[str]:
    """Return in words what makes one person of two records of one name."""
    own = (one for one in record.phones if one not in common and _has_phone(person, one))
    number = next(own, None)
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


def _has_phone(person: Person, number: str) -> bool:
    return (Kind.PHONE, number) in person.traits


def _in_use(address: str, person: Person) -> bool:
    """Tell whether an address is on a record that is not deleted; others may get it after that."""
    return any(one.email == address and not one.gone for one in person.records.values())


def _mailbox(record: Record, person: Person, names: _Names) -> Match | None:
    """Return what is common to both and asks where it does not answer."""
    for key in record.identifiers():
        trait = person.traits.get(key)
        if trait is None:
            continue
        what = f"the same {'mailbox' if key[0] is Kind.EMAIL else key[0].replace('_', ' ')}"
        mailbox = key[0] is Kind.EMAIL and record.mailbox_shared
        if mailbox or trait.shared:
            words = f"{what}, {key[1]}, which several people have"
            weak = mailbox and names.best is not Agreement.EQUAL
            return Match(person.person_id, Tier.SHARED, (words,), weak=weak)
        words = f"an e-mail address used before, {key[1]}, under a name that is not the same"
        return Match(person.person_id, Tier.SHARED, (words,), contested=True)
    return None


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
