"""How much plans come to together: what the caps of a policy hold for, however it is split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True, slots=True)
class Load:
    """How much some plans come to together.

    Attributes:
        changes: Their lines.
        records: The records they change, each counted once.
    """

    changes: int
    records: int


class Caps:
    """Counts the plans of one tag node.

    Args:
        workflow: Name of the workflow.
        node: Name of the tag node.
    """

    def __init__(self, workflow: str, node: str) -> None:
        self._place = {"workflow": workflow, "node": node}
        self._queries = sql.load("tag")

    def load(
        self,
        conn: Connection,
        record_ids: Collection[str],
        changes: int,
        plan_ids: Sequence[int],
        since: datetime | None = None,
    ) -> Load:
        """Return how much a plan and others come to together.

        Args:
            conn: The transaction.
            record_ids: Records of a plan that is not kept yet.
            changes: Its changes.
            plan_ids: Other plans.
            since: Also what the policy has let through by itself since then, if given.
        """
        given = {
            **self._place,
            "record_ids": list(record_ids),
            "plan_ids": list(plan_ids),
            "since": since,
        }
        row = conn.execute(self._queries["load"], given).fetchone()
        assert row is not None
        return Load(changes + row["changes"], row["records"])

    def note(self, conn: Connection, plan: Mapping[str, object], reason: str) -> None:
        """Note, until the next planning, that a plan was not made as it is too large."""
        conn.execute(self._queries["note_too_large"], {**plan, "reason": reason})

    def forget(self, conn: Connection) -> None:
        """Forget which plans were too large; planning tells again."""
        conn.execute(self._queries["forget_too_large"], self._place)

    def too_large(self, database: Database) -> list[DictRow]:
        """Return plans that the last planning did not make as they are too large."""
        return database.fetch_all(self._queries["too_large"], self._place)
