"""Persons between the database and a batch: what may concern its records, and what has changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.matching.people import Kind, Person, Record, Trait
from syncflow_dagster.core.matching.registry import Registry
from syncflow_dagster.nodes.identity.keys import close_keys, search_keys
from syncflow_dagster.nodes.identity.rulings import Answered, answered
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.matching.decide import Decision
    from syncflow_dagster.core.matching.people import Key

    Connection = psycopg.Connection[DictRow]

#: Persons of one name, or of one shared mailbox, that are looked at of many.
_ALIKE = 50
_TEXTS = (
    "record_id",
    "first_name",
    "last_name",
    "email",
    "mailbox_shared",
    "external_id",
    "linkedin",
    "account",
    "company",
    "prior_account",
    "title",
    "created",
    "merged_into",
    "gone",
)


@dataclass(frozen=True, slots=True)
class Store:
    """The tables of one identity node, within one transaction.

    Attributes:
        conn: The transaction.
        workflow: The workflow's name.
        node: The node's name.
        now: Database time.
        crowded: Keys of as many persons as are looked at, so that there may be more.
    """

    conn: Connection
    workflow: str
    node: str
    now: datetime
    crowded: set[Key] = field(default_factory=set)

    @property
    def scope(self) -> str:
        """Names the workflow and the node."""
        return f"{self.workflow}/{self.node}"

    def load(
        self, records: Collection[Record], *, by_name: bool, answers: Collection[Answered] = ()
    ) -> Registry:
        """Return the persons that some records may be, found by indexed keys.

        Args:
            records: The records.
            by_name: Whether those count, too, who have no more than the name in common.
            answers: What people answered about them; persons they named are among those returned.
        """
        found = self._by_record(records) | self._by_key(records, by_name=by_name)
        found |= {one.same.person_id for one in answers if one.same is not None}
        return Registry(self._persons(found))

    def answers(self, record_ids: Sequence[str]) -> dict[str, Answered]:
        """Return what people answered about records."""
        ids = list(record_ids)
        differences = self.ask("differences", record_ids=ids)
        return answered(self.ask("answers", record_ids=ids), differences, self.scope)

    def keep(self, registry: Registry, decisions: Mapping[str, Decision]) -> set[Key]:
        """Write down what has changed of persons and their records.

        Args:
            registry: The persons.
            decisions: By record, why it is whose it is.

        Returns:
            What is new of persons.
        """
        changes = registry.changes
        if changes.founded:
            founded = list(changes.founded)
            self.run("found_persons", persons=founded)
        uniting = {each.person_id: each for each in decisions.values() if each.absorbs}
        records = [
            _written(owner, one, decisions.get(one) or uniting.get(owner.person_id))
            for one in changes.records
            if (owner := registry.owner(one)) is not None
        ]
        if records:
            self.run("keep_records", records=Jsonb(records))
        absorbed = list(changes.absorbed)
        if absorbed:
            self.run("drop_identifiers", persons=absorbed)
        traits = _traits(registry)
        self.run(
            "keep_identifiers",
            persons=[person for person, _ in traits],
            kinds=[str(kind) for _, (kind, _) in traits],
            values=[value for _, (_, value) in traits],
            record_ids=[trait.record_id for trait in traits.values()],
            shared=[trait.shared for trait in traits.values()],
        )
        if absorbed:
            into = list(changes.absorbed.values())
            self.run("absorb_persons", persons=absorbed, into=into)
            self.run("absorb_moves", persons=absorbed, into=into)
        return {key for _, key in traits}

    def keep_moves(self, registry: Registry, decisions: Iterable[Decision]) -> int:
        """Write down moves that are not known yet; return how many those are."""
        absorbed = registry.changes.absorbed
        moves = [
            {
                "place": place,
                "move_key": move.key,
                "person_id": str(person),
                "contact_id": move.record.record_id,
                "former_contact_id": move.former.record_id,
                "name": move.record.name.shown,
                "email": move.record.email,
                "former_email": move.former.email,
                "company": move.record.company,
                "former_company": move.former.company,
                "account_id": move.record.account,
                "former_account_id": move.former.account,
                "title": move.record.title,
                "linkedin": move.record.linkedin,
                # A change of a record has no time of its own but when it was found.
                "moved_at": _moment(move.record) if move.key.startswith("joined:") else None,
                "tier": int(move.tier),
                "evidence": "; ".join(move.evidence),
            }
            for place, (person, move) in enumerate(
                (absorbed.get(each.person_id, each.person_id), move)
                for each in decisions
                if each.person_id is not None
                for move in each.moves
            )
        ]
        return len(self.ask("keep_moves", moves=Jsonb(moves))) if moves else 0

    def _by_record(self, records: Iterable[Record]) -> set[UUID]:
        ids = {one.record_id for one in records}
        ids |= {one.merged_into for one in records if one.merged_into is not None}
        return {row["person_id"] for row in self.ask("by_record", record_ids=sorted(ids))}

    def _by_key(self, records: Iterable[Record], *, by_name: bool) -> set[UUID]:
        keys = sorted({key for one in records for key in search_keys(one, by_name=by_name)})
        kinds, values = [str(kind) for kind, _ in keys], [value for _, value in keys]
        rows = self.ask("by_key", kinds=kinds, values=values, limit=_ALIKE)
        many = Counter((Kind(row["kind"]), row["value"]) for row in rows)
        crowded = (key for key, persons in many.items() if persons >= _ALIKE)
        # A number of many names tells nothing, however many they are.
        self.crowded.update(key for key in crowded if key[0] is not Kind.PHONE)
        return {row["person_id"] for row in rows}

    def _persons(self, found: Collection[UUID]) -> list[Person]:
        persons = {one: Person(one) for one in sorted(found)}
        ids = list(persons)
        for row in self.ask("records_of", persons=ids):
            persons[row["person_id"]].records[row["record_id"]] = _read(row)
        for row in self.ask("identifiers_of", persons=ids):
            key = (Kind(row["kind"]), row["value"])
            persons[row["person_id"]].traits[key] = Trait(row["record_id"], row["shared"])
        for row in self.ask("last_moves", persons=ids):
            persons[row["person_id"]].last_move = (row["account_id"], row["company"])
        # Of somebody who was erased there is nothing but the number.
        return [one for one in persons.values() if one.records or one.traits]

    def ask(self, name: str, **values: Any) -> list[DictRow]:
        """Return what a query of the node's tables finds."""
        return self.run(name, **values).fetchall()

    def run(self, name: str, **values: Any) -> psycopg.Cursor[DictRow]:
        """Execute a query of the node's tables."""
        names = {"workflow": self.workflow, "node": self.node, "now": self.now}
        return self.conn.execute(sql.load("identity")[name], {**names, **values})


def _traits(registry: Registry) -> dict[tuple[UUID, Key], Trait]:
    """Return what is new of persons, with what they are found by in the database alone."""
    persons, changes = registry.persons, registry.changes
    found = {
        (person, key): persons[person].traits[key]
        for person, key in changes.traits
        if person in persons
    }
    for record_id in changes.records:
        owner = registry.owner(record_id)
        if owner is None:
            continue
        record = owner.records[record_id]
        for key in close_keys(record):
            if key not in owner.traits:
                found[owner.person_id, key] = Trait(record_id, shared=record.mailbox_shared)
    return found


def _read(row: DictRow) -> Record:
    return Record(phones=tuple(row["phones"]), **{name: row[name] for name in _TEXTS})


def _written(person: Person, record_id: str, decision: Decision | None) -> dict[str, Any]:
    record = person.records[record_id]
    row = {name: getattr(record, name) for name in _TEXTS}
    tier = None if decision is None else decision.tier
    words = () if decision is None or not decision.matches else decision.matches[0].evidence
    return {
        **row,
        "created": _moment(record),
        "phones": list(record.phones),
        "person_id": str(person.person_id),
        "tier": None if tier is None else int(tier),
        "evidence": list(words),
    }


def _moment(record: Record) -> str | None:
    return None if record.created is None else record.created.isoformat()
