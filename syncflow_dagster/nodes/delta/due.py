"""Due times of records, written down with the very changes that bring them.

A node whose records have times of their own has a row for each record that says one. It is written
in the transaction that writes the record's delta row, for all rows of a batch at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from syncflow_dagster.nodes.delta.due_times import DueTimes
from syncflow_dagster.nodes.delta.parents import release_waiting
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

_NOWHERE = "00000000-0000-0000-0000-000000000000"
#: Rules read from the database at once.
_AT_ONCE = 10_000


def keep_due_times(
    conn: Connection,
    workflow: str,
    node: DeltaNode,
    parent: DeltaNode | None,
    *,
    batch: int,
    last: int,
    now: datetime,
) -> None:
    """Write down when the records of a batch are due, and hold those that are to wait for it.

    To be called before older rows are superseded: a row that was let go stays so in the newer one.

    Args:
        conn: The build's session, inside its transaction.
        workflow: The workflow's name.
        node: The delta node; of one without due times all that was noted is dropped.
        parent: Node of the parents, if there is one.
        batch: The batch that wrote the rows.
        last: The newest delta row before them.
        now: Database time.
    """
    noted = Noted(conn, workflow, node, parent)
    if node.due is None:
        noted.drop()
        return
    noted.run("begin_definition")
    written: dict[str, Any] = {"batch": batch, "last": last, "now": now}
    times = DueTimes(node, node.due)
    noted.run("create_wanted")
    noted.run("changed_records", times, **written)
    noted.keep_wanted(times, now, anew=False)
    if node.due.release == "when_due":
        for was, becomes in (("WAITING", "PENDING"), ("PENDING", "HELD")):
            noted.run("hold", was=was, becomes=becomes, **written)


@dataclass(frozen=True)
class Noted:
    """What is noted of one node's due times, inside a transaction.

    Attributes:
        conn: The transaction's session.
        workflow: The workflow's name.
        node: The delta node.
        parent: Node of the parents, if there is one.
    """

    conn: Connection
    workflow: str
    node: DeltaNode
    parent: DeltaNode | None

    def drop(self) -> None:
        """Forget the due times of a node that has none any more; held rows are let go."""
        if self.run("drop_definition").rowcount:
            self.run("drop_all")
            self.let_go(everything=True)

    def is_outdated(self, times: DueTimes) -> bool:
        """Whether some due times were found as the file does not say it any more, or none yet."""
        row = self.run("read_definition").fetchone()
        return row is None or row["definition"] != times.definition

    def renew(self, times: DueTimes, after: UUID | None, limit: int, now: datetime) -> UUID | None:
        """Find the due times of some known records anew.

        Args:
            times: How.
            after: The last record that was done, None for the first ones.
            limit: Records at most.
            now: Due times are found from now on.

        Returns:
            The last one, None where all are done; then held rows that wait for nothing are let go.
        """
        self.run("create_wanted")
        self.run("known_records", times, after=after or _NOWHERE, limit=limit)
        row = self.run("last_known").fetchone()
        if row is not None:
            self.keep_wanted(times, now, anew=True)
            last: UUID = row["last"]
            return last
        self.run("keep_definition", definition=times.definition)
        self.let_go(everything=times.due.release == "at_once")
        return None

    def keep_wanted(self, times: DueTimes, now: datetime, *, anew: bool) -> None:
        """Write down the due times of the records in `due_wanted`."""
        self.run("create_times")
        with self.conn.cursor("due_rules") as rules:
            rules.execute(load("due_records")["distinct_rules"])
            while found := rules.fetchmany(_AT_ONCE):
                self._find_times(times, found, now)
        self.run("analyse")
        self.run("keep", now=now, anew=anew)
        self.run("drop_silent")

    def let_go(self, *, everything: bool) -> None:
        """Let go held rows: all of them, or those whose record is not to be waited for."""
        orphans = self.run("let_go", all=everything).fetchall()
        if orphans:
            self.run("await_parents", delta_ids=[row["delta_id"] for row in orphans])
            self.release_children()

    def release_children(self) -> None:
        """Let go those that wait for a parent which is there."""
        if self.parent is not None:
            release_waiting(self.conn, self.node, self.parent)

    def run(
        self,
        name: str,
        times: DueTimes | None = None,
        parts: dict[str, sql.Composable] | None = None,
        **given: Any,
    ) -> psycopg.Cursor[DictRow]:
        """Run a statement about the node.

        Args:
            name: Its name.
            times: Fills in what records say of their times.
            parts: Fills in more.
            given: Its values.
        """
        who = {"workflow": self.workflow, "node": self.node.name}
        return self.conn.execute(self.statement(name, times, parts), {**who, **given})

    def statement(
        self,
        name: str,
        times: DueTimes | None = None,
        parts: dict[str, sql.Composable] | None = None,
    ) -> sql.Composed:
        """Return a statement about the node; see `run`."""
        queries = load("due_records")
        return sql.SQL(queries[name]).format(
            delta=delta_id(self.node),
            snapshot=snapshot_id(self.node),
            is_held=sql.SQL(queries["is_held"]),
            **(times.columns if times is not None else {}),
            **(parts or {}),
        )

    def _find_times(self, times: DueTimes, rules: list[DictRow], now: datetime) -> None:
        with self.conn.cursor().copy(load("due_records")["copy_times"]) as copy:
            for row in rules:
                found = times.after(now, row["said"], row["anchor"])
                copy.write_row((row["said"], row["anchor"], found.due_at, found.problem))
