"""Retention: what a workflow has behind it moves to archive tables, or goes, in small batches.

A batch is one transaction with the mark that says how far everything has been looked at, so a kill
at any moment leaves each row in exactly one place, and the next call goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from syncflow_dagster.ledger.worker import only_one
from syncflow_dagster.nodes.delta.old_rows import OldRows
from syncflow_dagster.nodes.delta.tables import archive_table, prepare
from syncflow_dagster.nodes.linkedin.erasure import forget_texts
from syncflow_dagster.nodes.monday.keys import item_prefix
from syncflow_dagster.store import summaries
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import DeltaNode, Workflow

    Connection = psycopg.Connection[DictRow]

#: Rows, or effects, that one transaction looks at.
BATCH = 1_000
#: Where looking begins while no mark is kept.
_BEGINNING = {"at": datetime(1970, 1, 1, tzinfo=UTC), "id": 0}


@dataclass(frozen=True, slots=True)
class RetainOptions:
    """How retention is done.

    Attributes:
        home: SyncFlow's home folder, where the files of run summaries are; None: no files.
        dry_run: Count what would go. No more is made than the index that finds it.
        batch: Rows, or effects, that one transaction looks at.
    """

    home: Path | None = None
    dry_run: bool = False
    batch: int = BATCH


@dataclass(slots=True)
class TableReport:
    """What became of one delta table.

    Attributes:
        table: Its name.
        archive: The table its old rows moved to; None where they were deleted.
        looked_at: Rows that came of age since the last time.
        rows: Rows that went.
        effects: Effects that went with them.
        oldest: When the oldest row that is left was found; None if the table is empty.
    """

    table: str
    archive: str | None
    looked_at: int = 0
    rows: int = 0
    effects: int = 0
    oldest: datetime | None = None


@dataclass(slots=True)
class RetentionReport:
    """What retention did, or in a dry run would do.

    Attributes:
        workflow: The workflow's name.
        dry_run: Whether nothing was done.
        tables: The delta tables.
        attempts: Attempts that were deleted, beside those of effects that went.
        summaries: Summaries of runs that were deleted.
        texts: Leads of outreach whose texts went.
    """

    workflow: str
    dry_run: bool
    tables: list[TableReport] = field(default_factory=list)
    attempts: int = 0
    summaries: int = 0
    texts: int = 0

    @property
    def rows(self) -> int:
        """Delta rows that went, of all tables."""
        return sum(table.rows for table in self.tables)


def retain(
    database: Database,
    clock: Clock,
    workflow: Workflow,
    options: RetainOptions | None = None,
    progress: Callable[[int], None] | None = None,
) -> RetentionReport:
    """Move or delete what the workflow's policy no longer keeps.

    Args:
        database: A migrated database.
        clock: Its time.
        workflow: The workflow.
        options: How to do it.
        progress: Told after each batch how many rows and attempts have gone so far.

    Raises:
        Busy: Another process does it at the moment.
        DeltaDefinitionError: A delta table or its archive does not fit the workflow.
    """
    prepare(database, workflow.workflow, workflow.deltas)
    with only_one(database, f"retention of {workflow.workflow}"):
        work = _Retention(database, clock, workflow, options or RetainOptions(), progress)
        return work.run()


class _Aging(Protocol):
    """Something that is looked at once, some time after it was settled."""

    @property
    def what(self) -> str:
        """Under which name it is kept how far this is."""

    def look(
        self, conn: Connection, place: Mapping[str, object], before: datetime, limit: int
    ) -> list[DictRow]:
        """Return what comes next, in the order of settling, with `at` and `id`."""

    def take(self, conn: Connection, seen: Sequence[DictRow], now: datetime) -> tuple[int, int]:
        """Let go what may go of it; return how much, and how many effects with it."""

    def count(self, conn: Connection, seen: Sequence[DictRow], before: datetime) -> tuple[int, int]:
        """Return how much may go of it, where nothing goes, and how many effects with it."""


@dataclass(frozen=True, slots=True)
class _Attempts:
    """Attempts of effects that have ended."""

    workflow: str

    @property
    def what(self) -> str:
        return "attempt"

    def look(
        self, conn: Connection, place: Mapping[str, object], before: datetime, limit: int
    ) -> list[DictRow]:
        given = {**place, "workflow": self.workflow, "before": before, "limit": limit}
        return conn.execute(load("retention")["look_at_effects"], given).fetchall()

    def take(self, conn: Connection, seen: Sequence[DictRow], now: datetime) -> tuple[int, int]:  # noqa: ARG002 - the protocol's signature
        ids = {"ids": [row["id"] for row in seen]}
        return conn.execute(load("retention")["delete_attempts"], ids).rowcount, 0

    def count(self, conn: Connection, seen: Sequence[DictRow], before: datetime) -> tuple[int, int]:  # noqa: ARG002 - the protocol's signature
        ids = {"ids": [row["id"] for row in seen]}
        found = conn.execute(load("retention")["count_attempts"], ids).fetchone()
        assert found is not None
        return found["number"], 0


class _Retention:
    """One call's work."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        workflow: Workflow,
        options: RetainOptions,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._workflow = workflow
        self._options = options
        self._progress = progress
        self._now = clock.now()
        self._gone = 0

    def run(self) -> RetentionReport:
        """Do everything: delta tables, attempts, summaries, served slots."""
        policy = self._workflow.retention
        archives = policy.action == "archive" and not self._options.dry_run
        rows_before = self._now - timedelta(days=policy.delta_days)
        report = RetentionReport(self._workflow.workflow, self._options.dry_run)
        for node in self._workflow.deltas:
            old = OldRows(report.workflow, node, self._prefixes(node), archives)
            old.prepare(self._database)
            table = TableReport(node.table, archive_table(node) if archives else None)
            table.looked_at, table.rows, table.effects = self._work_off(old, rows_before)
            with self._database.transaction() as conn:
                table.oldest = old.oldest(conn)
            report.tables.append(table)
        before = self._now - timedelta(days=policy.attempts_days)
        _, report.attempts, _ = self._work_off(_Attempts(report.workflow), before)
        report.summaries = self._drop_summaries(rows_before)
        report.texts = forget_texts(
            self._database, self._clock, self._workflow, dry_run=self._options.dry_run
        )
        return report

    def _prefixes(self, node: DeltaNode) -> list[str]:
        return [
            item_prefix(push.board_id)
            for push in self._workflow.pushes
            if node.name in {push.items.source, push.subitems and push.subitems.source}
        ]

    def _work_off(self, aging: _Aging, before: datetime) -> tuple[int, int, int]:
        """Do batch after batch; return what was looked at, what went, and effects with it."""
        if self._options.dry_run:
            return self._count(aging, before)
        totals = (0, 0, 0)
        while batch := retry_transient(lambda: self._commit(aging, before), self._clock):
            crash_point("retain.batch_committed")
            totals = _sum(totals, batch)
            self._gone += batch[1]
            if self._progress is not None:
                self._progress(self._gone)
        return totals

    def _count(self, aging: _Aging, before: datetime) -> tuple[int, int, int]:
        """Do the same without letting go of anything: the mark is kept in memory."""
        mark = {"workflow": self._workflow.workflow, "what": aging.what}
        row = self._database.fetch_one(load("retention")["read_mark"], mark)
        place: Mapping[str, object] = row or _BEGINNING
        totals = (0, 0, 0)
        while True:
            with self._database.transaction() as conn:
                seen = aging.look(conn, place, before, self._options.batch)
                if not seen:
                    return totals
                totals = _sum(totals, (len(seen), *aging.count(conn, seen, before)))
            place = seen[-1]

    def _commit(self, aging: _Aging, before: datetime) -> tuple[int, int, int] | None:
        with self._database.transaction() as conn:
            # Only a person's own session can hold what is settled: the next call goes on.
            conn.execute("set local lock_timeout = '5s'")
            batch = self._batch(conn, aging, before)
            crash_point("retain.batch_written")
        return batch

    def _batch(
        self, conn: Connection, aging: _Aging, before: datetime
    ) -> tuple[int, int, int] | None:
        queries = load("retention")
        mark = {"workflow": self._workflow.workflow, "what": aging.what}
        conn.execute(queries["begin_mark"], mark)
        place = conn.execute(queries["read_mark"], mark).fetchone()
        assert place is not None
        seen = aging.look(conn, place, before, self._options.batch)
        if not seen:
            return None
        rows, effects = aging.take(conn, seen, self._now)
        last = {"at": seen[-1]["at"], "id": seen[-1]["id"]}
        conn.execute(queries["keep_mark"], {**mark, **last})
        return len(seen), rows, effects

    def _drop_summaries(self, before: datetime) -> int:
        """Delete summaries of old runs, and the slots those served; return how many summaries."""
        given = {"workflow": self._workflow.workflow, "before": before}
        with self._database.transaction() as conn:
            dropped = conn.execute(load("retention")["delete_summaries"], given).rowcount
            conn.execute(load("triggers")["delete_slots"], given)
            if self._options.dry_run:
                conn.rollback()
        if self._options.home is not None and not self._options.dry_run:
            folder = summaries.summaries_folder(
                self._options.home, self._database, self._workflow.workflow
            )
            summaries.delete_older(folder, before)
        return dropped


def _sum(totals: tuple[int, int, int], batch: tuple[int, int, int]) -> tuple[int, int, int]:
    return totals[0] + batch[0], totals[1] + batch[1], totals[2] + batch[2]
