"""Persons between the database and a batch: what may concern its records, and what has changed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.matching.decide import Decision, Rulings, Same
from syncflow_dagster.core.matching.people import IDENTIFIERS, Kind, Person, Record, Trait, told_by
from syncflow_dagster.core.matching.registry import Registry
from syncflow_dagster.core.matching.tiers import Tier
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    Connection = psycopg.Connection[DictRow]

#: Persons of one name, or of one shared mailbox, that are looked at of many.
_ALIKE = 10
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
    """

    conn: Connection
    workflow: str
    node: str
    now: datetime

    def load(self, records: Collection[Record], *, by_name: bool) -> Registry:
        """Return the persons that some records may be, found by indexed keys.

        Args:
            records: The records.
            by_name: Whether those count, too, who have no more than the name in common.
        """
        found = self._by_record(records) | self._by_key(records, by_name=by_name)
        return Registry(self._persons(found))

    def rulings(self, record_ids: Sequence[str]) -> dict[str, Rulings]:
        """Return what people decided about records."""
        rows = self._ask("rulings", record_ids=list(record_ids))
        cases: defaultdict[str, list[DictRow]] = defaultdict(list)
        for row in rows:
            cases[row["record_id"]].append(row)
        return {record_id: _ruling(found) for record_id, found in cases.items()}

    def keep(self, registry: Registry, decisions: Mapping[str, Decision]) -> None:
        """Write down what has changed of persons and their records.

        Args:
            registry: The persons.
            decisions: By record, why it is whose it is.
        """
        changes = registry.changes
        persons = registry.persons
        if changes.founded:
            founded = list(changes.founded)
            self._run("found_persons", persons=founded)
        uniting = {each.person_id: each for each in decisions.values() if each.absorbs}
        records = [
            _written(owner, one, decisions.get(one) or uniting.get(owner.person_id))
            for one in changes.records
            if (owner := registry.owner(one)) is not None
        ]
        if records:
            self._run("keep_records", records=Jsonb(records))
        absorbed = list(changes.absorbed)
        if absorbed:
            self._run("drop_identifiers", persons=absorbed)
        traits = [
            (person, key, persons[person].traits[key])
            for person, key in changes.traits
            if person in persons
        ]
        self._run(
            "keep_identifiers",
            persons=[person for person, _, _ in traits],
            kinds=[str(kind) for _, (kind, _), _ in traits],
            values=[value for _, (_, value), _ in traits],
            record_ids=[trait.record_id for _, _, trait in traits],
            shared=[trait.shared for _, _, trait in traits],
        )
        if absorbed:
            into = list(changes.absorbed.values())
            self._run("absorb_persons", persons=absorbed, into=into)
            self._run("absorb_moves", persons=absorbed, into=into)

    def keep_moves(self, decisions: Iterable[Decision]) -> int:
        """Write down moves that are not known yet; return how many those are."""
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
                (each.person_id, move) for each in decisions for move in each.moves
            )
        ]
        return len(self._ask("keep_moves", moves=Jsonb(moves))) if moves else 0

    def _by_record(self, records: Iterable[Record]) -> set[UUID]:
        ids = {one.record_id for one in records}
        ids |= {one.merged_into for one in records if one.merged_into is not None}
        return self._persons_in("by_record", record_ids=sorted(ids))

    def _by_key(self, records: Iterable[Record], *, by_name: bool) -> set[UUID]:
        wanted = {*IDENTIFIERS, Kind.NAME} if by_name else set(IDENTIFIERS)
        found = {key for one in records for key in one.keys() if key[0] in wanted}  # noqa: SIM118
        keys = sorted(found | {key for one in records for key in told_by(one)})
        kinds, values = [str(kind) for kind, _ in keys], [value for _, value in keys]
        return self._persons_in("by_key", kinds=kinds, values=values, limit=_ALIKE)

    def _persons_in(self, name: str, **values: Any) -> set[UUID]:
        return {row["person_id"] for row in self._ask(name, **values)}

    def _persons(self, found: Collection[UUID]) -> list[Person]:
        persons = {one: Person(one) for one in sorted(found)}
        ids = list(persons)
        for row in self._ask("records_of", persons=ids):
            persons[row["person_id"]].records[row["record_id"]] = _read(row)
        for row in self._ask("identifiers_of", persons=ids):
            key = (Kind(row["kind"]), row["value"])
            persons[row["person_id"]].traits[key] = Trait(row["record_id"], row["shared"])
        return list(persons.values())

    def _ask(self, name: str, **values: Any) -> list[DictRow]:
        return self._run(name, **values).fetchall()

    def _run(self, name: str, **values: Any) -> psycopg.Cursor[DictRow]:
        names = {"workflow": self.workflow, "node": self.node, "now": self.now}
        return self.conn.execute(sql.load("identity")[name], {**names, **values})


def _ruling(rows: Sequence[DictRow]) -> Rulings:
    """Put together what was decided about one record, in the order of deciding."""
    same: Same | None = None
    different: set[UUID] = set()
    for row in rows:
        if row["decision"] == "ignore":
            return Rulings(ignored=True)
        if row["candidate"] is not None:
            different.add(row["candidate"])
        if row["decision"] == "same":
            day = row["ended_at"].date().isoformat()
            words = f"{row['actor']} decided on {day} that it is the same person: {row['why']}"
            same = Same(row["person_id"], words, Tier(row["tier"]))
    if same is not None:
        different.discard(same.person_id)
    return Rulings(same, frozenset(different))


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
