"""Erasing a person: his values go from our tables, and what keeps him from coming back stays.

One transaction: the request with the keyed hashes of all he is known by, which the gate asks from
then on, and the erasing itself. Effects that are on their way keep what they carry until it is
known what became of them, and are not tried again; until then the request is unfinished, and
erasing again ends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.consent.identifiers import Kind
from syncflow_dagster.core.records import SNAPSHOT
from syncflow_dagster.nodes.compliance import holdings
from syncflow_dagster.nodes.compliance.declared import NOTHING_DECLARED
from syncflow_dagster.nodes.compliance.holdings import EFFECT_TABLES, statement
from syncflow_dagster.nodes.compliance.lists import Lists
from syncflow_dagster.nodes.linkedin import erasure as outreach
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.nodes.compliance.declared import Declared
    from syncflow_dagster.nodes.compliance.holdings import Holding
    from syncflow_dagster.nodes.compliance.lists import Entry, Identifier
    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

#: Records one person may have before somebody has to say that it is meant.
MOST_RECORDS = 10


class TooMuch(RuntimeError):
    """More records were found than one person has; the text says how many and what to do."""


@dataclass(slots=True)
class Erased:
    """What came of an erasure.

    Attributes:
        erasure_id: The request; None in a dry run.
        counts: Rows that were erased, or would be, by table.
        open_effects: Ids of effects that are on their way and keep what they carry for now.
        identifiers: How many things the person is known by; their hashes stay.
    """

    erasure_id: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    open_effects: list[int] = field(default_factory=list)
    identifiers: int = 0

    @property
    def finished(self) -> bool:
        """Whether nothing is left to erase."""
        return not self.open_effects


def erase(
    database: Database,
    asked: Iterable[Identifier],
    key: PrivacyKey,
    by: Entry,
    *,
    most: int = MOST_RECORDS,
    dry_run: bool = False,
    declared: Declared = NOTHING_DECLARED,
) -> Erased:
    """Erase a person.

    Args:
        database: A migrated database.
        asked: Record ids, e-mail addresses, phone numbers, LinkedIn profiles.
        key: Makes the hashes that stay.
        by: Who wants it, and why.
        most: Records at most that may be the person's.
        dry_run: Only count.
        declared: Fields that hold addresses of the persons whose rows they are in: these are the
            person's as well.

    Raises:
        NotAnIdentifier: One of them is none of its kind.
        TooMuch: More records are his; nothing is erased.
    """
    asked = list(asked)
    lists = Lists(database, key)
    lists.checked(asked)
    with database.transaction() as conn:
        held = holdings.find(conn, asked, declared)
        if held.number > most:
            msg = (
                f"{held.number:,} records were found, more than {most:,}: is one of the addresses "
                "somebody else's, or shared? Name the person by record ids, or allow so many"
            )
            raise TooMuch(msg)
        result = Erased(identifiers=len(held.identifiers))
        result.counts = {name: len(rows) for name, rows in held.rows.items() if rows}
        if not dry_run:
            _Erasing(conn, held, key, by).run(lists, result)
    return result


@dataclass(frozen=True, slots=True)
class _Erasing:
    """One erasure within its transaction."""

    conn: Connection
    held: Holding
    key: PrivacyKey
    by: Entry

    def run(self, lists: Lists, result: Erased) -> None:
        """Note the request, then erase."""
        told = load("suppression")
        values = {"actor": self.by.actor, "reason": self.by.reason, "now": self.by.at}
        row = self.conn.execute(told["open_erasure"], values).fetchone()
        assert row is not None
        result.erasure_id = row["erasure_id"]
        hashes = lists.hashes(self.held.identifiers)
        kinds = [str(kind) for kind in hashes.values()]
        given = {"erasure_id": result.erasure_id, "hashes": list(hashes), "kinds": kinds}
        self.conn.execute(told["enter_erased"], given)
        outreach.end(self.conn, self.held.outreach, self.by.at)
        self._do("cancel_effects", {"effects": self.held.effects["effect"]})
        result.open_effects = _open(self.conn, self.held.effects["effect"])
        self._records()
        self._effects()
        self._others()
        self._identity()
        outreach.erase(self.conn, self.held.outreach, self.key, self.by.at)
        end = {"erasure_id": result.erasure_id, "counts": Jsonb(result.counts), "now": self.by.at}
        self.conn.execute(told["close_erasure"], {**end, "open_effects": result.open_effects})

    def _do(self, name: str, values: Mapping[str, Any], table: str | None = None) -> None:
        self.conn.execute(statement(name, table), {**values, "now": self.by.at})

    def _records(self) -> None:
        # First, so that a record which becomes due just now has its new row before rows go.
        for table, records in self.held.records.items():
            if table.endswith(SNAPSHOT):
                self._do("erase_due_records", {"records": records, "table": table}, table)
        for table, records in self.held.records.items():
            kind = "erase_snapshot" if table.endswith(SNAPSHOT) else "erase_rows"
            fields = holdings.own_fields(self.conn, table)
            given = {"records": records, "table": table}
            self.conn.execute(statement(kind, table, fields), given)
            if kind == "erase_rows":
                self._do("end_rows", given, table)

    def _effects(self) -> None:
        for table in EFFECT_TABLES:
            _erase_effects(self.conn, table, self.held.effects[table])

    def _others(self) -> None:
        self._do("erase_rejected", {"rejections": self.held.rejections})
        lines = {
            "plans": [plan for plan, _, _ in self.held.lines],
            "keys": [effect_key for _, effect_key, _ in self.held.lines],
            "hashes": [_instead(record_id, self.key) for _, _, record_id in self.held.lines],
        }
        self._do("erase_plan_reasons", lines)
        self._do("erase_plan_lines", lines)
        for one in self.held.ids:
            _rename(self.conn, one, self.key)

    def _identity(self) -> None:
        for name in ("candidates", "cases", "moves", "identifiers", "person_records"):
            self._do(f"erase_{name}", self.held.known)


def finish_erasures(database: Database, key: PrivacyKey, now: datetime) -> int:
    """Erase what effects carry that were on their way when their persons were erased.

    To be called now and then; a call with nothing to do costs one query.

    Args:
        database: A migrated database.
        key: Makes the hashes that stay.
        now: Database time.

    Returns:
        How many requests are still unfinished.
    """
    told = load("suppression")
    unfinished = 0
    with database.transaction() as conn:
        for request in conn.execute(told["unfinished"]).fetchall():
            effects = request["open_effects"]
            # One that was not applied, or is to be tried again, is not tried again.
            conn.execute(statement("cancel_effects"), {"effects": effects, "now": now})
            still = _open(conn, effects)
            ended = [one for one in effects if one not in still]
            _end_rows(conn, ended, now)
            for table in EFFECT_TABLES:
                _erase_effects(conn, table, ended)
            erased = conn.execute(told["erased_ids"], request).fetchall()
            hashes = {bytes(row["hash"]) for row in erased}
            for row in conn.execute(statement("keys_of_effects"), {"effects": ended}).fetchall():
                for part in (row["key"] or "").split(":"):
                    if key.hash(Kind.RECORD, part) in hashes:
                        _rename(conn, part, key)
            end = {"erasure_id": request["erasure_id"], "counts": Jsonb({}), "now": now}
            conn.execute(told["close_erasure"], {**end, "open_effects": still})
            unfinished += bool(still)
    return unfinished


def _open(conn: Connection, effects: list[int]) -> list[int]:
    """Return those effects of which it is not known yet what became of them."""
    rows = conn.execute(statement("open_effects"), {"effects": effects}).fetchall()
    return [row["effect_id"] for row in rows]


def _erase_effects(conn: Connection, table: str, effects: list[int]) -> None:
    conn.execute(statement("erase_effects", table), {"effects": effects})
    for name in ("erase_attempts", "erase_decisions"):
        conn.execute(statement(name), {"effects": effects})


def _end_rows(conn: Connection, effects: list[int], now: datetime) -> None:
    """Let nothing more be planned of erased records whose effects have come to an end."""
    rows = conn.execute(statement("records_of_effects"), {"effects": effects}).fetchall()
    for row in rows:
        table = row["delta_table"]
        found = conn.execute(statement("erased_records", table), row).fetchall()
        records = {"records": [one["record_uuid"] for one in found], "table": table, "now": now}
        conn.execute(statement("end_rows", table), records)


def _rename(conn: Connection, record_id: str, key: PrivacyKey) -> None:
    renamed = {"id": record_id, "hash": _instead(record_id, key)}
    # The keys of effects last: it is by them that open ones are told.
    for table in ("decision", "remote_object", *reversed(EFFECT_TABLES)):
        conn.execute(statement("rename_remote", table), renamed)
        conn.execute(statement("rename_objects", table), renamed)
    for table in ("tag_plan_line", *reversed(EFFECT_TABLES)):
        conn.execute(statement("rename_effects", table), renamed)


def _instead(record_id: str, key: PrivacyKey) -> str:
    """Return what stands for an id that is erased."""
    if record_id.startswith(f"{holdings.ERASED}-"):
        return record_id
    digest = key.hash(Kind.RECORD, record_id)
    assert digest is not None
    return f"{holdings.ERASED}-{digest.hex()[:32]}"
