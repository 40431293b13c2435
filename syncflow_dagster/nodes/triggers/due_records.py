"""Records whose time has come: each goes to its consumers once more, as if it had changed.

A batch of due records is one transaction: their new delta rows, and their next due times. So a
record goes once for a due time, whatever is killed when. One that was due several times while
nothing ran goes once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.nodes.delta import superseding
from syncflow_dagster.nodes.delta.due import Noted
from syncflow_dagster.nodes.delta.due_times import DueTime, DueTimes
from syncflow_dagster.nodes.delta.locks import hold_writing
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

#: Records in one transaction.
BATCH = 1_000
#: Known records whose times are found anew in one transaction.
_RENEWED_AT_ONCE = 10_000
_SHOWN_PROBLEMS = 20


@dataclass(slots=True)
class DueReport:
    """What came of looking for due records.

    Attributes:
        due: Records that were due, each with a new delta row.
        superseded: Older rows whose place the new ones took.
        renewed: Whether the due times of all records were found anew.
        next_due_at: When the next record is due.
        problems: Records whose times cannot be read, by key, with the reason; the first ones.
        unreadable: How many there are of them.
    """

    due: int = 0
    superseded: int = 0
    renewed: bool = False
    next_due_at: datetime | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    unreadable: int = 0


def take_due(
    database: Database,
    clock: Clock,
    workflow: str,
    node: DeltaNode,
    parent: DeltaNode | None,
    *,
    batch: int = BATCH,
    progress: Callable[[int], None] | None = None,
) -> DueReport:
    """Write a delta row for each record that is due.

    The work grows with the records that are due, not with those that are known. Where the file
    says otherwise than before when records are due, all due times are found anew first.

    Args:
        database: With the node's tables.
        clock: Database time; what is due later than the call is left to the next one.
        workflow: The workflow's name.
        node: A delta node.
        parent: The node `node.parent` names, or None.
        batch: Records in one transaction at most.
        progress: Called after each batch with its records.
    """
    report = DueReport()
    if node.due is None:
        return report
    times, now = DueTimes(node, node.due), clock.now()
    taking = _Taking(database, workflow, node, parent, times, now, batch)
    report.renewed = taking.renew(clock)
    while taken := retry_transient(taking.next, clock):
        crash_point("due.committed")
        report.due += taken.written
        report.superseded += taken.superseded
        if progress is not None:
            progress(taken.written)
    taking.tell(report)
    return report


@dataclass(frozen=True, slots=True)
class _Taken:
    """A batch: how many rows were written, and how many older ones they superseded."""

    written: int
    superseded: int


@dataclass(frozen=True)
class _Taking:
    """One search for due records."""

    database: Database
    workflow: str
    node: DeltaNode
    parent: DeltaNode | None
    times: DueTimes
    now: datetime
    batch: int

    def renew(self, clock: Clock) -> bool:
        """Find all due times anew where they were found otherwise; tell whether they were.

        Killed in the middle, it begins anew.
        """
        with self.database.transaction() as conn:
            if not self._noted(conn).is_outdated(self.times):
                return False
        last: UUID | None = None
        while last := retry_transient(partial(self._renew_some, last), clock):
            pass
        return True

    def next(self) -> _Taken | None:
        """Take a batch of due records; None where no record is due any more."""
        with self.database.transaction() as conn:
            # What a build writes of them at the same time would be followed by something older.
            hold_writing(conn, self.node)
            noted = self._noted(conn)
            claimed = noted.run("claim", self.times, now=self.now, limit=self.batch).fetchall()
            if not claimed:
                return None
            last = superseding.last_delta(conn, self.node)
            written = self._write(noted, claimed)
            superseded = superseding.supersede(conn, self.node, None, last)
            self._advance(noted, claimed)
            crash_point("due.rows_written")
        return _Taken(written, superseded)

    def tell(self, report: DueReport) -> None:
        """Add to a report what is left."""
        with self.database.transaction() as conn:
            noted = self._noted(conn)
            following = noted.run("next_due").fetchone()
            found = noted.run("problems", limit=_SHOWN_PROBLEMS).fetchall()
        report.next_due_at = following["at"] if following is not None else None
        report.problems = [(row["record"], row["problem"]) for row in found]
        report.unreadable = found[0]["number"] if found else 0

    def _renew_some(self, after: UUID | None) -> UUID | None:
        with self.database.transaction() as conn:
            hold_writing(conn, self.node)
            return self._noted(conn).renew(self.times, after, _RENEWED_AT_ONCE, self.now)

    def _write(self, noted: Noted, claimed: Sequence[DictRow]) -> int:
        names = [rule.name for rule in self.node.fields]
        listed: dict[str, sql.Composable] = {
            "fields": sql.SQL(", ").join(map(sql.Identifier, names)),
            "values": sql.SQL(", ").join(sql.Identifier("d", name) for name in names),
        }
        there = [row for row in claimed if row["said"] is not None]
        written = noted.run(
            "write_due",
            None,
            listed,
            changed=names,
            keys=[row["bk_hash"] for row in there],
            due=[row["next_due_at"] for row in there],
        )
        noted.release_children()
        return written.rowcount

    def _advance(self, noted: Noted, claimed: Sequence[DictRow]) -> None:
        found = {row["bk_hash"]: self._following(row) for row in claimed}
        noted.run(
            "advance",
            keys=list(found),
            due=[one.due_at for one in found.values()],
            problems=[one.problem for one in found.values()],
        )
        gone = [row["bk_hash"] for row in claimed if row["said"] is None]
        if gone:
            noted.run("drop_gone", keys=gone)

    def _following(self, row: DictRow) -> DueTime:
        """Return when a record is due next."""
        if row["said"] is None:
            return DueTime()
        found = DueTime(row["due_at"])
        if found.due_at is None:
            found = self.times.after(self.now, row["said"], row["anchor"])
        is_later = found.due_at is not None and found.due_at > self.now
        return found if is_later else DueTime(problem=found.problem)

    def _noted(self, conn: Connection) -> Noted:
        return Noted(conn, self.workflow, self.node, self.parent)
