"""Delta rows that are history: found in the order they were settled, and moved or deleted.

What everybody else needs stays. The newest row of a record holds its present values, and builds,
parents and the push ask for it; rows that are not settled are work. Of a record that is gone
nothing stays but the snapshot's note of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.tables import (
    SCHEMA,
    archive_id,
    archive_table,
    columns,
    delta_id,
)
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

#: Written anew for a row that moves.
_OWN = frozenset({"state", "state_since"})


@dataclass(frozen=True, slots=True)
class OldRows:
    """The old rows of one delta node.

    Attributes:
        workflow: The workflow's name.
        node: The delta node; its tables are there.
        prefixes: What the keys of objects begin with that pushes make of its records.
        archives: Whether old rows move to the archive; otherwise they are deleted.
    """

    workflow: str
    node: DeltaNode
    prefixes: Sequence[str]
    archives: bool

    @property
    def what(self) -> str:
        """Under which name it is kept how far the rows have been looked at."""
        return self.node.table

    def prepare(self, database: Database) -> None:
        """Make the index that finds old rows, unless the table is empty, and the archive.

        A process may die at any moment of it; the next call goes on.

        Raises:
            DeltaDefinitionError: A column has another type in the archive than in the delta table.
        """
        with database.connect() as conn:
            if conn.execute(self._statement("any_row")).fetchone() is None:
                return  # a first load is faster without the index
            self._make_index(conn)
        if self.archives:
            with database.transaction() as conn:
                self._make_archive(conn)

    def look(
        self, conn: Connection, place: Mapping[str, object], before: datetime, limit: int
    ) -> list[DictRow]:
        """Return the next rows (`at`, `id`, `record_uuid`) settled before a moment.

        Args:
            conn: The batch's transaction.
            place: `at` and `id` of the last row that was looked at.
            before: The moment.
            limit: Rows at most.
        """
        given = {**place, "before": before, "limit": limit}
        return conn.execute(self._statement("look_at_rows"), given).fetchall()

    def take(self, conn: Connection, seen: Sequence[DictRow], now: datetime) -> tuple[int, int]:
        """Move or delete what is old of the records that were looked at.

        Args:
            conn: The batch's transaction.
            seen: What :meth:`look` returned.
            now: When the rows are said to be archived.

        Returns:
            How many rows and how many effects.
        """
        old = self._old(conn, seen, _records(seen))
        if not old["ids"]:
            return 0, 0
        if self.archives:
            # A build of another version may have brought a field since the last batch.
            self._make_archive(conn)
        taken = {**old, "now": now}
        effects = conn.execute(self._taking(conn, "effects"), taken).rowcount
        return conn.execute(self._taking(conn, "rows"), taken).rowcount, effects

    def count(self, conn: Connection, seen: Sequence[DictRow], before: datetime) -> tuple[int, int]:
        """Count what :meth:`take` would take, where nothing is taken from batch to batch.

        Args:
            conn: The batch's transaction.
            seen: What :meth:`look` returned.
            before: As given to :meth:`look`, in all batches.

        Returns:
            How many rows and how many effects, each counted in one batch only.
        """
        place = {"at": seen[-1]["at"], "id": seen[-1]["id"], "before": before}
        asked = {**place, "records": _records(seen)}
        done = conn.execute(self._statement("done_with"), asked).fetchall()
        old = self._old(conn, seen, [row["record_uuid"] for row in done])
        if not old["ids"]:
            return 0, 0
        which = self._statement("which_effects")
        found = conn.execute(self._statement("count_effects", which=which), old).fetchone()
        assert found is not None
        return len(old["ids"]), found["number"]

    def _old(
        self, conn: Connection, seen: Sequence[DictRow], records: Sequence[UUID]
    ) -> dict[str, Any]:
        """Return what names the old rows of records, and their effects, to the queries."""
        given = {
            "workflow": self.workflow,
            "node": self.node.name,
            "table": self.node.table,
            "records": records,
            "prefixes": list(self.prefixes),
            "at": seen[-1]["at"],
            "id": seen[-1]["id"],
        }
        old = conn.execute(self._statement("old_rows"), given).fetchall()
        ended = [row for row in old if row["object_key"] is not None]
        return {
            "table": self.node.table,
            "ids": sorted({row["delta_id"] for row in old}),
            "keys": [row["object_key"] for row in ended],
            "ends": [row["delta_id"] for row in ended],
        }

    def oldest(self, conn: Connection) -> datetime | None:
        """Return when the oldest row that is left was found, None if there is none."""
        row = conn.execute(self._statement("oldest_row")).fetchone()
        moment: datetime | None = row["created_at"] if row else None
        return moment

    def _taking(self, conn: Connection, what: str) -> sql.Composed:
        taken = self._statement(f"take_{what}", which=self._statement("which_effects"))
        if not self.archives:
            return taken
        names = [name for name in columns(conn, self.node.table) if name not in _OWN]
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        return self._statement(f"archive_{what}", taken=taken, columns=listed)

    def _make_index(self, conn: Connection) -> None:
        bare = f"{self.node.table}_settled"
        name = sql.Identifier(SCHEMA, bare)
        found = conn.execute(load("retention")["find_index"], {"name": name.as_string(conn)})
        row = found.fetchone()
        if row is not None and row["valid"]:
            return
        if row is not None:  # a process died while it was made
            conn.execute(self._statement("drop_index", index=name))
        conn.execute(self._statement("create_index", bare=sql.Identifier(bare)))

    def _make_archive(self, conn: Connection) -> None:
        wanted = columns(conn, self.node.table)
        there = columns(conn, archive_table(self.node))
        if not there:
            for name in ("create_archive", "index_archive"):
                conn.execute(self._statement(name))
            return
        for column, type_ in wanted.items():
            if column not in there:
                added = {"column": sql.Identifier(column), "type": sql.SQL(type_)}
                conn.execute(self._statement("add_column", **added))
            elif there[column] != type_:
                msg = (
                    f"node {self.node.name}: the column {column} is {type_} in "
                    f"{self.node.table}, but {there[column]} in {archive_table(self.node)}: "
                    "change its type in the archive too, or rename the archive, and a new one is "
                    "made"
                )
                raise DeltaDefinitionError(msg)

    def _statement(self, name: str, **parts: sql.Composable) -> sql.Composed:
        tables = {"delta": delta_id(self.node), "archive": archive_id(self.node)}
        return sql.SQL(load("retention")[name]).format(**tables, **parts)


def _records(seen: Sequence[DictRow]) -> list[UUID]:
    return sorted({row["record_uuid"] for row in seen})
