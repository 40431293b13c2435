"""Records and the persons behind them, with all that was ever known of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from syncflow_dagster.core.matching import contacts
from syncflow_dagster.core.matching.names import Name, name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

_NAMESPACE = UUID("6f1d5a52-2f3c-4f0c-9a4c-0f6f0f3f9f11")


class Kind(StrEnum):
    """What a person can be found by, or told by."""

    EMAIL = "email"
    EXTERNAL_ID = "external_id"
    LINKEDIN = "linkedin"
    NAME = "name"
    PHONE = "phone"
    ACCOUNT = "account"
    PRIOR_ACCOUNT = "prior_account"
    #: A name and one of the three above in one text, so that both together are looked up at once:
    #: of a common name or a large account alone there may be thousands.
    NAME_AND = "name_and"


#: Of these, one value belongs to one person, unless it is known to be shared.
IDENTIFIERS = (Kind.EMAIL, Kind.EXTERNAL_ID, Kind.LINKEDIN)

#: What tells persons of one name apart.
_BESIDE = (Kind.PHONE, Kind.ACCOUNT, Kind.PRIOR_ACCOUNT)

Key = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Record:
    """What a source says of somebody; once :func:`normalised`, in one spelling.

    Attributes:
        record_id: The record's id; of Salesforce with its 18 characters.
        first_name: As it is written.
        last_name: As it is written; or the whole name.
        email: The address, normalised.
        mailbox_shared: Whether several people read it, by its local part.
        external_id: An id another system gave.
        linkedin: Name of the profile.
        phones: The digits numbers are compared by.
        account: Id of the company's record.
        company: The company's name, as it is written.
        prior_account: Id of the company the person came from.
        title: The job title.
        created: When the record was made.
        merged_into: Id of the record it was merged into.
        gone: Whether the record is deleted.
    """

    record_id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    mailbox_shared: bool = False
    external_id: str | None = None
    linkedin: str | None = None
    phones: tuple[str, ...] = ()
    account: str | None = None
    company: str | None = None
    prior_account: str | None = None
    title: str | None = None
    created: datetime | None = None
    merged_into: str | None = None
    gone: bool = False

    @property
    def name(self) -> Name:
        """The name."""
        return name_of(self.first_name, self.last_name)

    def identifiers(self) -> Iterator[Key]:
        """Return what belongs to the person alone, shared mailboxes included."""
        if self.email is not None:
            yield Kind.EMAIL, self.email
        if self.external_id is not None:
            yield Kind.EXTERNAL_ID, self.external_id
        if self.linkedin is not None:
            yield Kind.LINKEDIN, self.linkedin

    def keys(self) -> Iterator[Key]:
        """Return everything the person can be found or told by."""
        yield from self.identifiers()
        yield from ((Kind.NAME, key) for key in sorted(self.name.keys))
        yield from ((Kind.PHONE, number) for number in self.phones)
        if self.account is not None:
            yield Kind.ACCOUNT, self.account
        if self.prior_account is not None:
            yield Kind.PRIOR_ACCOUNT, self.prior_account


def normalised(said: Record, shared_mailboxes: Collection[str] = ()) -> Record:
    """Bring what a source says of somebody to one spelling.

    Args:
        said: The record in the source's own words.
        shared_mailboxes: Local parts of addresses that several people read.

    Raises:
        ValueError: The record has no id.
    """
    own = contacts.record_id(said.record_id)
    if own is None:
        msg = f"a record without an id cannot be told from others: {said.name.shown!r}"
        raise ValueError(msg)
    address = contacts.email(said.email)
    numbers = (contacts.own_phone(one) for one in said.phones)
    return replace(
        said,
        record_id=own,
        email=address,
        mailbox_shared=contacts.is_shared_mailbox(address, shared_mailboxes),
        external_id=contacts.external_id(said.external_id),
        linkedin=contacts.linkedin(said.linkedin),
        phones=tuple(dict.fromkeys(one for one in numbers if one is not None)),
        account=contacts.record_id(said.account),
        prior_account=contacts.record_id(said.prior_account),
        merged_into=contacts.record_id(said.merged_into),
    )


def name_and(names: Iterable[str], more: Iterable[Key]) -> Iterator[Key]:
    """Return each name with each of some other keys as one key."""
    beside = list(more)
    for name in names:
        yield from ((Kind.NAME_AND, f"{name} + {kind} {value}") for kind, value in beside)


def tells(record: Record) -> Iterator[Key]:
    """Return keys a record's person is found by: each name with each thing beside it."""
    beside = [key for key in record.keys() if key[0] in _BESIDE]  # noqa: SIM118 - no mapping
    return name_and(_names(record), beside)


def told_by(record: Record) -> Iterator[Key]:
    """Return keys of those who may have a record's name, and have something else of it."""
    beside: list[Key] = [(Kind.PHONE, one) for one in record.phones]
    if record.account is not None:
        beside += [(Kind.ACCOUNT, record.account), (Kind.PRIOR_ACCOUNT, record.account)]
    if record.prior_account is not None:
        beside.append((Kind.ACCOUNT, record.prior_account))
    return name_and(_names(record), beside)


def looked_up(record: Record, *, by_name: bool) -> Iterator[Key]:
    """Return keys by which persons have to be at hand before a record is decided.

    Those with its telephone are among them whatever their name is, as a number of two names tells
    nothing.

    Args:
        record: The record.
        by_name: Whether those count, too, who have no more than the name in common.
    """
    wanted = {*IDENTIFIERS, Kind.PHONE, *([Kind.NAME] if by_name else [])}
    yield from (key for key in record.keys() if key[0] in wanted)  # noqa: SIM118 - no mapping
    yield from told_by(record)


def _names(record: Record) -> list[str]:
    """Return a record's names; the last name alone finds those with initials or without."""
    return [*sorted(record.name.keys), *(f"~ {one}" for one in sorted({*record.name.families}))]


@dataclass(slots=True)
class Trait:
    """Something a person was once known by.

    Attributes:
        record_id: The record it came from first.
        shared: Whether others have it too, so that it tells nobody apart.
    """

    record_id: str
    shared: bool = False


@dataclass(slots=True, eq=False)
class Person:
    """Somebody, with his records.

    Attributes:
        person_id: Made from the id of the first record, so that it is the same after a repeat.
        records: Last known state of each, by id.
        traits: All that he was ever known by.
        last_move: Where the last move led that was found of him, as the record showed it: id and
            name of the company. None where there is none.
    """

    person_id: UUID
    records: dict[str, Record] = field(default_factory=dict)
    traits: dict[Key, Trait] = field(default_factory=dict)
    last_move: tuple[str | None, str | None] | None = None

    def has(self, key: Key) -> bool:
        """Tell whether a key is known and tells the person from others."""
        trait = self.traits.get(key)
        return trait is not None and not trait.shared


def age(record: Record) -> tuple[bool, float, str]:
    """Return what records are sorted by, the oldest first; those of unknown age stay as they are.

    Of two that were made at once the id decides, so that the order of coming does not.
    """
    if record.created is None:
        return True, 0.0, ""
    return False, record.created.timestamp(), record.record_id


def person_id(scope: str, record_id: str) -> UUID:
    """Return the id of the person a record founds.

    Args:
        scope: Names the workflow and the node.
        record_id: The record's id.
    """
    return uuid5(_NAMESPACE, f"{scope}/{record_id}")
