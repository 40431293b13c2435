"""What grows in Dagster's own tables and that no call of Dagster's deletes.

Dagster 1.13 deletes a run with its events when it is asked to, and old ticks of the schedules and
sensors it still evaluates. Everything else stays for ever: results of checks, events without a
run, ticks of workflows that are gone, backfills, and snapshots of former definitions.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from syncflow_dagster.store.database import Database

#: Rows looked at in one transaction.
BATCH = 1_000
_LOCK_CLASS = 0x5F4B  # of advisory locks: who tidies Dagster's tables
#: The columns the statements use, by table.
_COLUMNS = {
    "asset_check_executions": "id asset_key check_name partition run_id execution_status "
    "create_timestamp evaluation_event_storage_id materialization_event_storage_id",
    "asset_event_tags": "event_id",
    "backfill_tags": "backfill_id",
    "bulk_actions": "id key status timestamp",
    "event_logs": "id run_id dagster_event_type timestamp asset_key partition",
    "job_ticks": "id selector_id status timestamp",
    "runs": "run_id snapshot_id status run_body create_timestamp backfill_id",
    "snapshots": "id snapshot_id",
}
#: What walks a table, and the table; in this order, as what goes first holds what comes after.
_WALKS = {
    "walk_checks": "asset_check_executions",
    "walk_events": "event_logs",
    "walk_ticks": "job_ticks",
    "walk_backfills": "bulk_actions",
}
_BESIDE = {"event_logs": ("asset_event_tags",), "runs": ("run_tags",)}


class UnknownTablesError(RuntimeError):
    """Dagster's tables are not those we know; the text says what differs. Nothing is deleted."""


class DagsterTables:
    """Dagster's tables on PostgreSQL.

    Args:
        database: The database of Dagster's storage.

    Raises:
        UnknownTablesError: A column that is needed is not there.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("dagster_tables")
        there: dict[str, set[str]] = {}
        for row in database.fetch_all(self._queries["columns"]):
            there.setdefault(row["table_name"], set()).add(row["column_name"])
        for table, columns in _COLUMNS.items():
            missing = set(columns.split()) - there.get(table, set())
            if missing:
                msg = (
                    f"Dagster's table public.{table} has no column {min(missing)!r}: it is of a "
                    "version of Dagster whose tables SyncFlow does not know, so old runs and "
                    "events are kept. Use the version of requirements.lock"
                )
                raise UnknownTablesError(msg)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold the right to delete, which one process has at a time; False: another has it."""
        with self._database.connect() as conn:
            row = conn.execute(self._queries["try_lock"], {"lock_class": _LOCK_CLASS}).fetchone()
            yield bool(row and row["taken"])

    def runs_to_keep(self, runs: Sequence[str]) -> set[str]:
        """Return those runs that hold the latest the UI shows of an asset or a check."""
        rows = self._database.fetch_all(self._queries["runs_to_keep"], {"runs": list(runs)})
        return {row["run_id"] for row in rows}

    def known_runs(self, runs: Collection[str]) -> set[str]:
        """Return those runs that there are."""
        rows = self._database.fetch_all(self._queries["known_runs"], {"runs": list(runs)})
        return {row["run_id"] for row in rows}

    def used_snapshots(self) -> list[str]:
        """Return the snapshots of jobs that runs have been made from."""
        rows = self._database.fetch_all(self._queries["used_snapshots"])
        return [row["snapshot_id"] for row in rows]

    def delete_old(self, before: datetime, should_stop: Callable[[], bool]) -> dict[str, int]:
        """Delete old rows that are no asset's, check's or schedule's latest.

        Args:
            before: What is younger stays.
            should_stop: Asked before each batch.

        Returns:
            Rows deleted, by table.
        """
        values = {"before": _naive(before)}
        return {table: self._walk(name, values, should_stop) for name, table in _WALKS.items()}

    def delete_snapshots(
        self, parents: Collection[str], now: datetime, should_stop: Callable[[], bool]
    ) -> int:
        """Delete snapshots of definitions that no run has any more.

        Args:
            parents: Snapshots that others are parts of.
            now: The present moment, aware.
            should_stop: Asked before each batch.
        """
        values = {"parents": list(parents), "yesterday": _naive(now - timedelta(days=1))}
        return self._walk("walk_snapshots", values, should_stop)

    def vacuum(self, tables: Collection[str]) -> None:
        """Give the space of what was deleted back to new rows."""
        every = [name for table in tables for name in (table, *_BESIDE.get(table, ()))]
        with self._database.connect() as conn:  # in autocommit: vacuum allows no transaction
            for table in every:
                statement = compose.SQL(self._queries["vacuum"])
                conn.execute(statement.format(table=compose.Identifier("public", table)))

    def _walk(
        self,
        name: str,
        values: dict[str, Any],
        should_stop: Callable[[], bool],
    ) -> int:
        """Walk a table in batches, each a transaction; return the number of rows deleted."""
        after, deleted = 0, 0
        while not should_stop():
            batch = {**values, "after": after, "batch": BATCH}
            with self._database.transaction() as conn:
                # What the server believes of a table's size is wrong just after a large deletion.
                conn.execute("set local enable_seqscan = off")
                row = conn.execute(self._queries[name], batch).fetchone()
            if row is None or row["last"] is None:
                break
            after = row["last"]
            deleted += row["deleted"]
            if not row["any_old"]:
                break
        return deleted


def is_run_id(text: str) -> bool:
    """Whether a folder's name is that of a run: a UUID."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
