"""Versions of a node's sequence: a lead keeps the one it was enrolled under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.ops import Sequence
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]


def keep_version(
    conn: Connection, workflow: str, node: str, sequence: Sequence, now: datetime
) -> int:
    """Return the number of a sequence's version; it is written down if it is new.

    Two callers at once are to be kept apart by the caller, or one of them is refused.
    """
    given = {
        "workflow": workflow,
        "node": node,
        "digest": sequence.digest,
        "steps": Jsonb(sequence.to_json()),
        "now": now,
    }
    queries = sql.load("outreach")
    conn.execute(queries["keep_version"], given)
    row = conn.execute(queries["find_version"], given).fetchone()
    assert row is not None
    return int(row["sequence_id"])


class Versions:
    """Reads versions, each once.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, Sequence] = {}
        self._numbers: dict[int, int] = {}

    def sequence(self, sequence_id: int) -> Sequence:
        """Return the sequence of a version."""
        self._load(sequence_id)
        return self._known[sequence_id]

    def number(self, sequence_id: int) -> int:
        """Return which version of its node it is, from 1."""
        self._load(sequence_id)
        return self._numbers[sequence_id]

    def _load(self, sequence_id: int) -> None:
        if sequence_id in self._known:
            return
        given = {"sequence_id": sequence_id}
        row = self._database.fetch_one(sql.load("outreach")["read_version"], given)
        assert row is not None
        self._known[sequence_id] = Sequence.from_json(row["steps"])
        self._numbers[sequence_id] = row["version"]
