"""What goes before rows of a tag node: of one record, one change comes after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from syncflow_dagster.store.database import Database

#: Characters of a record's id that tell it from all others; the rest is a checksum.
SHORT_ID = 15


class Order:
    """Tells which records have something to wait for.

    Args:
        database: Where plans, rows and effects are kept.
        workflow: Name of the workflow.
        node: Name of the tag node.
        table: The delta table of its source.
    """

    def __init__(self, database: Database, workflow: str, node: str, table: str) -> None:
        self._database = database
        self._place = {"workflow": workflow, "node": node}
        self._table = table
        self._queries = sql.load("tag")

    def busy(
        self, record_ids: Collection[str], object_keys: Collection[str], since: datetime
    ) -> dict[str, str | None]:
        """Return records that are not to be planned now, with the hash of the plan they wait in.

        Args:
            record_ids: Records, for those that wait in a plan.
            object_keys: What of them is to be changed, for what is under way.
            since: What was written later may not show in reads yet.
        """
        given = {
            **self._place,
            "record_ids": list(record_ids),
            "object_keys": list(object_keys),
            "since": since,
        }
        rows = self._database.fetch_all(self._queries["busy_records"], given)
        return {row["record_id"]: row["plan_hash"] for row in rows}

    def waiting(
        self, fields: Collection[str], record_ids: Collection[str], before: int
    ) -> dict[str, int]:
        """Return the first row that waits, by the first 15 characters of a record's id.

        Args:
            fields: Fields of the source by which rules name records.
            record_ids: The records that are asked about.
            before: Rows that are pending wait if they come before this one.
        """
        text: Any = self._queries["waiting_records"]
        statement = compose.SQL(text).format(
            table=compose.Identifier(self._table),
            columns=compose.SQL(", ").join(
                compose.SQL("d.{}::text").format(compose.Identifier(one)) for one in sorted(fields)
            ),
        )
        given = {"before": before, "short_ids": [one[:SHORT_ID] for one in record_ids]}
        with self._database.transaction() as conn:
            rows = conn.execute(statement, given).fetchall()
        return {row["record_id"]: row["delta_id"] for row in rows}
