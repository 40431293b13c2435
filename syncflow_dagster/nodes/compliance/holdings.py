"""What we hold about a person: found by record ids, addresses and profiles, in every table of ours.

A record is the person's when its key is one of the ids, when one of its fields is one of the
addresses, or when it names the person as identity nodes know him; then all its rows are, older and
newer. A record that only refers to the person by id is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.core.consent.identifiers import Kind, comparable
from syncflow_dagster.core.records import ARCHIVE, RESERVED_COLUMNS, SNAPSHOT
from syncflow_dagster.core.soql.record_ids import BadIdError, long_id
from syncflow_dagster.nodes.compliance.declared import NOTHING_DECLARED
from syncflow_dagster.nodes.compliance.lists import Identifier
from syncflow_dagster.nodes.linkedin import erasure as outreach
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.nodes.compliance.declared import Declared

    Connection = psycopg.Connection[DictRow]

_SCHEMA = "syncflow"
_SHORT_ID = 15
#: Tables of effects, and those that hold keys of objects beside them.
EFFECT_TABLES = ("effect", "effect_archive")
#: What is kept of a person's records where their values were.
ERASED = "erased"


@dataclass(slots=True)
class Holding:
    """One person's rows.

    Attributes:
        identifiers: All that he is known by, what was asked for among it.
        ids: Record ids, those of Salesforce in both lengths.
        emails: Addresses in small letters.
        persons: Ids of his persons of identity nodes.
        records: `record_uuid`s of his records, by table: delta tables, archives, snapshots.
        rows: The rows themselves, by table.
        effects: Ids of effects, by table.
        rejections: Ids of rejected records.
        lines: Plan, effect key and record of lines of tag plans.
        outreach: What outreach on LinkedIn holds.
    """

    identifiers: dict[Identifier, None] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    persons: list[Any] = field(default_factory=list)
    records: dict[str, list[Any]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    effects: dict[str, list[int]] = field(default_factory=dict)
    rejections: list[int] = field(default_factory=list)
    lines: list[tuple[int, str, str]] = field(default_factory=list)
    outreach: outreach.HeldLeads = field(default_factory=outreach.HeldLeads)

    @property
    def known(self) -> dict[str, list[Any]]:
        """What statements look for."""
        return {"ids": self.ids, "emails": self.emails, "persons": self.persons}

    @property
    def number(self) -> int:
        """How many records are the person's, each counted once."""
        return len({one for records in self.records.values() for one in records})

    def add(self, identifiers: Iterable[Identifier]) -> None:
        """Add what the person is known by."""
        self.identifiers |= dict.fromkeys(identifiers)
        for one in identifiers:
            text = comparable(one.kind, one.value)
            if text is not None and one.kind is Kind.RECORD:
                self.ids = list(dict.fromkeys([*self.ids, *_both(text)]))
            elif text is not None and one.kind is Kind.EMAIL:
                written = one.value.strip().lower()
                self.emails = list(dict.fromkeys([*self.emails, text, written]))


def statement(name: str, table: str | None = None, fields: Iterable[str] = ()) -> compose.Composed:
    """Return a statement about persons, with its table and the fields it sets to nothing."""
    # The text is ours, from the package.
    text = compose.SQL(load("person")[name])
    nothing = compose.SQL("").join(
        compose.SQL("{} = null, ").format(compose.Identifier(one)) for one in fields
    )
    return text.format(table=compose.Identifier(_SCHEMA, table or ""), fields=nothing)


def own_fields(conn: Connection, table: str) -> list[str]:
    """Return those columns of one of our tables that come from the source.

    Of a delta table, archive or snapshot; none of a table that is not there.
    """
    rows = conn.execute(statement("columns"), {"table": table}).fetchall()
    return [row["name"] for row in rows if row["name"] not in RESERVED_COLUMNS]


def delta_tables(conn: Connection) -> list[str]:
    """Return the names of all delta tables and archives that are there."""
    names = [row["name"] for row in conn.execute(statement("delta_tables")).fetchall()]
    both = [name + ending for name in names for ending in ("", ARCHIVE)]
    return [name for name in both if own_fields(conn, name)]


def find(
    conn: Connection, asked: Iterable[Identifier], declared: Declared = NOTHING_DECLARED
) -> Holding:
    """Find everything we hold about a person.

    Each thing the person turns out to be known by is looked for, too, until nothing new is found.

    Args:
        conn: A transaction.
        asked: Record ids and e-mail addresses; a phone number finds nothing, as many share one.
        declared: Fields that hold addresses of the persons whose rows they are in.
    """
    found = Holding()
    found.add(list(asked))
    tables, before = delta_tables(conn), None
    while before != (now := (len(found.identifiers), found.outreach.persons)):
        before = now
        _find_persons(conn, found)
        for table in tables:
            _find_records(conn, found, table)
        for table in list(found.records):
            _find_rows(conn, found, table)
            found.add(declared.addresses(table, found.rows[table]))
        _find_outreach(conn, found)
    _find_effects(conn, found)
    _find_others(conn, found)
    return found


def export(
    conn: Connection,
    asked: Iterable[Identifier],
    key: PrivacyKey,
    declared: Declared = NOTHING_DECLARED,
) -> dict[str, Any]:
    """Return everything we hold about a person as JSON values.

    Args:
        conn: A transaction.
        asked: Record ids, e-mail addresses, phone numbers.
        key: Finds hashes.
        declared: As for `find`.
    """
    held = find(conn, asked, declared)
    hashes = {one for item in held.identifiers if (one := key.hash(item.kind, item.value))}
    given = {"hashes": list(hashes), "list": None, "limit": None}
    decided = conn.execute(load("consent")["of_subjects"], given).fetchall()
    entries = conn.execute(load("suppression")["entries"], given).fetchall()
    erasures = conn.execute(load("suppression")["erasures_of"], given).fetchall()
    return {
        "known_by": [{"kind": str(one.kind), "value": one.value} for one in held.identifiers],
        "rows": held.rows,
        "decisions": [_plain(row) for row in decided],
        "suppression": [_plain(row, "total") for row in entries],
        "erasures": [_plain(row) for row in erasures],
    }


def _find_persons(conn: Connection, found: Holding) -> None:
    rows = conn.execute(statement("persons"), found.known).fetchall()
    persons = [*(row["person_id"] for row in rows), *found.outreach.identities]
    found.persons = list(dict.fromkeys(persons))
    told = conn.execute(statement("known_by"), found.known).fetchall()
    found.add([Identifier(Kind(row["kind"]), row["value"]) for row in told])


def _find_outreach(conn: Connection, found: Holding) -> None:
    records: list[tuple[str | None, str]] = [
        (table, row["business_key"])
        for table in found.records
        if not table.endswith((SNAPSHOT, ARCHIVE))
        for row in found.rows[table]
    ]
    records += [(None, one) for one in found.ids]
    known = list(found.identifiers)
    found.outreach = outreach.find_persons(conn, known, records, found.persons)
    found.add(found.outreach.identifiers)


def _find_records(conn: Connection, found: Holding, table: str) -> None:
    given = {**found.known, "own": sorted(RESERVED_COLUMNS)}
    rows = conn.execute(statement("records", table), given).fetchall()
    if not rows:
        return
    base = table.removesuffix(ARCHIVE)
    uuids = [row["record_uuid"] for row in rows]
    for name in (base, base + ARCHIVE, base + SNAPSHOT):
        if own_fields(conn, name):
            found.records[name] = list(dict.fromkeys([*found.records.get(name, ()), *uuids]))
    found.add([Identifier(Kind.RECORD, row["business_key"]) for row in rows if _is_id(row)])


def _find_rows(conn: Connection, found: Holding, table: str) -> None:
    rows = conn.execute(statement("rows", table), {"records": found.records[table]}).fetchall()
    found.rows[table] = [row["held"] for row in rows]


def _find_effects(conn: Connection, found: Holding) -> None:
    given = {**found.known, **_delta_rows(found)}
    lines = conn.execute(statement("plan_lines"), given).fetchall()
    found.rows["tag_plan_line"] = [row["held"] for row in lines]
    found.lines = [(row["plan_id"], row["effect_key"], row["record_id"]) for row in lines]
    for table in EFFECT_TABLES:
        rows = conn.execute(statement("effects", table), given).fetchall()
        found.effects[table] = [row["effect_id"] for row in rows]
        found.rows[table] = [row["held"] for row in rows]
    outreach.find_rows(conn, found.outreach)
    found.effects["effect"] = sorted({*found.effects["effect"], *found.outreach.effects})
    for name, held in found.outreach.rows.items():
        found.rows[name] = held


def _delta_rows(found: Holding) -> dict[str, list[Any]]:
    """Return table and `delta_id` of each of the person's rows, as statements look for them."""
    tables: list[str] = []
    ids: list[int] = []
    for table in found.records:
        if not table.endswith(SNAPSHOT):
            rows = found.rows[table]
            tables += [table.removesuffix(ARCHIVE)] * len(rows)
            ids += [row["delta_id"] for row in rows]
    return {"tables": tables, "delta_ids": ids}


def _find_others(conn: Connection, found: Holding) -> None:
    rejected = conn.execute(statement("rejected"), found.known).fetchall()
    found.rejections = [row["rejection_id"] for row in rejected]
    found.rows["rejected_record"] = [row["held"] for row in rejected]
    for row in conn.execute(statement("identity_rows"), found.known).fetchall():
        found.rows.setdefault(row["name"], []).append(row["held"])


def _is_id(row: Mapping[str, Any]) -> bool:
    try:
        long_id(row["business_key"])
    except BadIdError:
        return False
    return True


def _both(record_id: str) -> tuple[str, ...]:
    try:
        long_id(record_id)
    except BadIdError:
        return (record_id,)
    return record_id, record_id[:_SHORT_ID]


def _plain(row: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """Return a row with its hashes in hex."""
    return {
        name: bytes(value).hex() if isinstance(value, bytes | memoryview) else value
        for name, value in row.items()
        if name not in without
    }
