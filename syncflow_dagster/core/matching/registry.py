"""Known persons at hand, found by what they are known by; and what of them has changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.names import Agreement, agreement
from syncflow_dagster.core.matching.people import (
    IDENTIFIERS,
    Kind,
    Person,
    Trait,
    looked_up,
    tells,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from syncflow_dagster.core.matching.names import Name
    from syncflow_dagster.core.matching.people import Key, Record


@dataclass(slots=True)
class Changes:
    """What a store has to write down.

    Attributes:
        founded: New persons.
        records: Ids of records that are new, changed, or another person's now.
        traits: Person and key of what is new or known to be shared since.
        absorbed: Persons that became part of another, and of whom.
    """

    founded: dict[UUID, None] = field(default_factory=dict)
    records: dict[str, None] = field(default_factory=dict)
    traits: dict[tuple[UUID, Key], None] = field(default_factory=dict)
    absorbed: dict[UUID, UUID] = field(default_factory=dict)


class Registry:
    """Persons, by record and by key.

    Args:
        persons: Those that are known already.
    """

    def __init__(self, persons: Iterable[Person] = ()) -> None:
        self.persons: dict[UUID, Person] = {}
        self.changes = Changes()
        self._owner: dict[str, UUID] = {}
        self._by_key: defaultdict[Key, dict[UUID, None]] = defaultdict(dict)
        self._merged: defaultdict[str, set[str]] = defaultdict(set)
        for person in persons:
            self._index(person)

    def owner(self, record_id: str) -> Person | None:
        """Return the person of a record, if it is known."""
        found = self._owner.get(record_id)
        return None if found is None else self.persons[found]

    def candidates(self, record: Record) -> list[Person]:
        """Return persons who share an identifier or a name with a record."""
        found: dict[UUID, None] = {}
        for key in looked_up(record, by_name=True):
            if key[0] is not Kind.PHONE:
                found |= self._by_key.get(key, {})
        return [self.persons[one] for one in sorted(found)]

    def common_phones(self, record: Record) -> frozenset[str]:
        """Return those of a record's numbers that somebody of another name has."""
        return frozenset(
            number for number in record.phones if self._has_others(number, record.name)
        )

    def _has_others(self, number: str, name: Name) -> bool:
        return any(
            agreement(name, one.name) is Agreement.DIFFERENT
            for person in self._by_key.get((Kind.PHONE, number), {})
            for one in self.persons[person].records.values()
            if number in one.phones
        )

    def linked(self, record: Record) -> list[Person]:
        """Return persons of records that were merged with this one, over any number of steps.

        The person of the record that is left comes first. Cycles, which no service should give,
        end where they began.
        """
        seen = {record.record_id}
        waiting = [record.merged_into] if record.merged_into is not None else []
        waiting += sorted(self._merged.get(record.record_id, ()))
        found: dict[UUID, None] = {}
        while waiting:
            one = waiting.pop(0)
            if one in seen:
                continue
            seen.add(one)
            owner = self.owner(one)
            if owner is not None:
                into = owner.records[one].merged_into
                if into is None:
                    found = {owner.person_id: None, **found}
                else:
                    waiting.append(into)
                found[owner.person_id] = None
            waiting += sorted(self._merged.get(one, ()))
        return [self.persons[one] for one in found]

    def found(self, person_id: UUID, record: Record) -> Person:
        """Begin a person with a first record."""
        person = Person(person_id)
        self.persons[person_id] = person
        self.changes.founded[person_id] = None
        self.keep(person, record)
        return person

    def keep(self, person: Person, record: Record) -> None:
        """Keep what a record says as its last known state, and all it ever said as traits.

        What another person has already is shared from then on, and tells nobody apart.
        """
        self._place(person, record)
        for key in record.keys():  # noqa: SIM118 - a method, no mapping
            own = person.traits.get(key)
            shared = own is not None and own.shared
            if key[0] in IDENTIFIERS:
                others = [one for one in self._by_key[key] if one != person.person_id]
                shared = shared or bool(others) or (key[0] is Kind.EMAIL and record.mailbox_shared)
                for other in others:
                    self._share(self.persons[other], key)
            if own is None:
                self._add(person, key, Trait(record.record_id, shared))
            elif shared:
                self._share(person, key)
        for key in tells(record):
            if key not in person.traits:
                self._add(person, key, Trait(record.record_id))

    def absorb(self, person: Person, other: Person) -> None:
        """Make two persons one."""
        for record in list(other.records.values()):
            self._place(person, record)
        person.last_move = person.last_move or other.last_move
        for key, trait in other.traits.items():
            del self._by_key[key][other.person_id]
            self._by_key[key][person.person_id] = None
            own = person.traits.setdefault(key, trait)
            own.shared = own.shared or trait.shared
            self.changes.traits[person.person_id, key] = None
            self.changes.traits.pop((other.person_id, key), None)
        del self.persons[other.person_id]
        self.changes.absorbed = {
            gone: person.person_id if into == other.person_id else into
            for gone, into in self.changes.absorbed.items()
        }
        self.changes.absorbed[other.person_id] = person.person_id

    def _index(self, person: Person) -> None:
        self.persons[person.person_id] = person
        for record in person.records.values():
            self._owner[record.record_id] = person.person_id
            if record.merged_into is not None:
                self._merged[record.merged_into].add(record.record_id)
        for key in person.traits:
            self._by_key[key][person.person_id] = None

    def _place(self, person: Person, record: Record) -> None:
        if person.records.get(record.record_id) != record:
            self.changes.records[record.record_id] = None
        former = self.owner(record.record_id)
        if former is not None and former is not person:
            del former.records[record.record_id]
        person.records[record.record_id] = record
        self._owner[record.record_id] = person.person_id
        if record.merged_into is not None:
            self._merged[record.merged_into].add(record.record_id)

    def _add(self, person: Person, key: Key, trait: Trait) -> None:
        person.traits[key] = trait
        self._by_key[key][person.person_id] = None
        self.changes.traits[person.person_id, key] = None

    def _share(self, person: Person, key: Key) -> None:
        trait = person.traits[key]
        if not trait.shared:
            trait.shared = True
            self.changes.traits[person.person_id, key] = None
