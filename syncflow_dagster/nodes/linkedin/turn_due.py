"""Which leads of one node and account are due: a few look-ups in one index, however many leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from syncflow_dagster.core.outreach.tiers import Bucket
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

#: What a due lead waits for: a look, or room in a bucket.
Queue = Literal["look"] | Bucket


class DueLeads:
    """Due leads of one node and account.

    Args:
        database: Where the leads are.
        account: The account, as the ledger knows it.
        workflow: Name of the workflow.
        node: Name of the node.
    """

    def __init__(self, database: Database, account: str, workflow: str, node: str) -> None:
        self._database = database
        self.names = {"account": account, "workflow": workflow, "node": node}
        self._queries = sql.load("outreach_turn")

    def to_look_at(self, now: datetime, limit: int) -> list[int]:
        """Return leads that are to be looked at, the longest due first."""
        return [row["lead_id"] for row in self.rows("to_look_at", now=now, limit=limit)]

    def first(self, queue: Queue, now: datetime) -> int | None:
        """Return the lead that waits longest in a queue."""
        rows = self.rows("next_in_queue", queue=queue, now=now)
        return rows[0]["lead_id"] if rows else None

    def dates(self) -> dict[Queue, datetime]:
        """Return when the first lead of each queue is due."""
        return {row["queue"]: row["next_due_at"] for row in self.rows("first_due")}

    def acting(self, now: datetime) -> list[DictRow]:
        """Return the actions that are not at their end, and when each is to be seen to (`at`)."""
        return self.rows("acting", now=now)

    def rows(self, name: str, **given: Any) -> list[DictRow]:
        """Return the rows of a statement about the node and account."""
        return self._database.fetch_all(self._queries[name], {**self.names, **given})
