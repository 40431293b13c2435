"""Delta rows and the snapshot after them, from what was decided, in the build's transaction."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from psycopg import sql

from syncflow_dagster.core.detect.classify import WHOLE, Operation
from syncflow_dagster.core.detect.entries import ENTRY, key_bytes
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.known import read_records
from syncflow_dagster.nodes.delta.layout import (
    SNAPSHOT_COLUMNS,
    Changes,
    Written,
    keys_alone,
    renewed,
)
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.nodes.delta.work import PARENT_HIGH, PARENT_LOW, ROW_HASH
from syncflow_dagster.nodes.delta.workspace import STRIDE
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import numpy.typing as npt
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.nodes.delta.detection import Decided
    from syncflow_dagster.nodes.delta.known import KnownRecords
    from syncflow_dagster.nodes.delta.layout import Copied, Laid, Layout
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

#: Threads that lay out groups while others are sent: more only take the processor from PostgreSQL.
_LAYING = 1
#: Changes laid out together: fewer cost a statement each for little, more fill the memory. The
#: changes of one chunk stay together.
_GROUP = 5_000
#: Indexes of both tables: two keys, and two of the delta table.
_INDEXES = 4
#: Share of the known records whose row hashes one build renews: a snapshot's pages have that room.
_RENEWED_SHARE = 0.1
_WANTED = np.array([Operation.INSERT, Operation.RETURN, Operation.UPDATE], dtype=np.uint8)


@dataclass(frozen=True)
class _Some:
    """Changes of one chunk: its number, and its changed records' places and operations."""

    chunk: int
    places: npt.NDArray[np.intp]
    operations: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Group:
    """Changes of some chunks, with all that the database knows of them."""

    members: list[_Some]
    operations: npt.NDArray[np.uint8]
    entries: Entries
    known: KnownRecords
    parents: dict[bytes, bytes]


@dataclass
class Writer:
    """Writes one batch's changes.

    Attributes:
        conn: The build's session, inside its transaction.
        node: The node.
        parent: Node of the parents, if there is one.
        layout: How rows are laid out.
        workspace: Holds the records.
        decided: What is to be done for each.
        empty: Whether nothing at all was known before, so that indexes are better made last.
        written: What delta rows were written.
        added: How many rows the snapshot got.
    """

    conn: Connection
    node: DeltaNode
    parent: DeltaNode | None
    layout: Layout
    workspace: Workspace
    decided: Decided
    empty: bool
    written: Written = field(default_factory=Written)
    added: int = 0

    def write(self, now: datetime) -> None:
        """Write INSERT and UPDATE rows from the records and DELETE rows from the snapshot.

        New and deleted records change the snapshot at once; the new state of known ones goes to
        the transaction's table `advance`.

        Args:
            now: When deleted records are said to have been deleted.
        """
        # The whole snapshot was just read: its pages are as good as in memory.
        self.conn.execute("set local random_page_cost = 1.1")
        self.conn.execute(self._format("create_advance", columns=self._snapshot_columns()))
        remade = self.empty and self._drop_indexes()
        advance = sql.Identifier("pg_temp", "advance")
        for laid in in_order(self._lay_out, self._groups(), _LAYING):
            self._copy(laid.delta, delta_id(self.node))
            self._copy(laid.fresh, snapshot_id(self.node))
            self.added += laid.fresh.rows
            self._copy(laid.moved, advance)
            self.written += laid.written
        if remade:
            self._make_indexes()
        self._write_deletes(now)

    def advance_snapshot(self) -> int:
        """Bring the known records that changed to the state of the source.

        Returns:
            How many rows of the snapshot were added or brought there.
        """
        update = self._format(
            "update_snapshot",
            columns=self._snapshot_columns(),
            advance_columns=self._snapshot_columns("a"),
        )
        return self.added + self.conn.execute(update).rowcount

    def renew_row_hashes(self) -> None:
        """Let records be known again by their rows of now, where hashes were made otherwise.

        After another release, say, or in a snapshot that had none. A part of them at a time, and
        evenly, so that they fit into the room that their pages have.
        """
        stale = {
            chunk: np.flatnonzero(operations == Operation.RENEW)
            for chunk, operations in self.decided.operations.items()
        }
        most = max(1, self.decided.known * _RENEWED_SHARE)
        step, count = math.ceil(sum(map(len, stale.values())) / most), 0
        self.conn.execute(load("delta_write")["create_renewed"])
        for chunk, all_places in stale.items():
            if not len(all_places):
                continue
            places = all_places[-count % step :: step]
            count += len(all_places)
            some = _Some(chunk, places, self.decided.operations[chunk][places])
            hashes = self._records(some, [ROW_HASH])[ROW_HASH]
            if hashes.null_count() == 0:
                rows = renewed(self._entries(some), hashes)
                self._copy(rows, sql.Identifier("pg_temp", "renewed"))
        self.conn.execute(self._format("renew_row_hashes"))

    def _groups(self) -> Iterator[_Group]:
        held: list[_Some] = []
        for chunk, operations in self.decided.operations.items():
            places = np.flatnonzero(np.isin(operations, _WANTED))
            if not len(places):
                continue
            full = sum(len(some.places) for some in held) >= _GROUP
            if held and (full or self._columns(chunk) != self._columns(held[0].chunk)):
                yield self._group(held)
                held = []
            held.append(_Some(chunk, places, operations[places]))
        if held:
            yield self._group(held)

    def _columns(self, chunk: int) -> list[str]:
        """Return a chunk's columns: what an earlier rule cannot make of a chunk is not there."""
        return list(pl.read_ipc_schema(self.workspace.records(chunk)))

    def _group(self, members: list[_Some]) -> _Group:
        """Ask the database about a group, which only the transaction's own thread may do."""
        operations = np.concatenate([some.operations for some in members])
        entries = np.concatenate([self._entries(some) for some in members])
        known = read_records(
            self.conn, self.node, key_bytes(entries[operations != Operation.INSERT])
        )
        parents = {} if self.parent is None else self._find_parents(members)
        return _Group(members, operations, entries, known, parents)

    def _lay_out(self, group: _Group) -> Laid:
        records = pl.concat([self._records(some) for some in group.members])
        keys, has_parent = _parent_keys(records)
        return self.layout(
            Changes(
                records=records,
                operations=group.operations,
                entries=group.entries,
                known=group.known,
                parents=group.parents,
                parent_keys=keys,
                has_parent=has_parent,
            )
        )

    def _records(self, some: _Some, columns: list[str] | None = None) -> pl.DataFrame:
        records = self.workspace.read_records(some.chunk, columns)
        return records if len(some.places) == records.height else records[some.places]

    def _entries(self, some: _Some) -> Entries:
        """Return the hashes of a chunk's changed records, in the records' order."""
        entries = np.fromfile(self.workspace.entries(some.chunk), dtype=ENTRY)
        whole = np.flatnonzero(entries["flag"] == WHOLE)
        at = np.full(len(self.decided.operations[some.chunk]), -1, dtype=np.intp)
        at[entries["number"][whole] % STRIDE] = whole
        found = at[some.places]
        assert (found >= 0).all()  # only what is whole is written
        chosen: Entries = entries[found]
        return chosen

    def _find_parents(self, members: list[_Some]) -> dict[bytes, bytes]:
        assert self.parent is not None
        halves = pl.concat([self._records(some, [PARENT_HIGH, PARENT_LOW]) for some in members])
        keys, _ = _parent_keys(halves)
        assert keys is not None  # the records of a node with a parent have both halves
        find = sql.SQL(load("delta_detect")["find_parents"]).format(
            parent_snapshot=snapshot_id(self.parent), parent_delta=delta_id(self.parent)
        )
        distinct = np.unique(np.ascontiguousarray(keys).view("V16"))
        wanted = [each.tobytes().hex() for each in distinct]
        given = {"keys": wanted, "never_waits": self.parent.parent is None}
        rows = self.conn.execute(find, given, binary=True).fetchall()
        return {row["bk_hash"].bytes: row["record_uuid"].bytes for row in rows}

    def _write_deletes(self, now: datetime) -> None:
        if not self.decided.gone:
            return
        self.conn.execute(load("delta_write")["create_gone"])
        gone = sql.Identifier("pg_temp", "gone")
        for keys in self.decided.gone:
            self._copy(keys_alone(keys), gone)
        names = [sql.Identifier(name) for name in self.node.key]
        # A child may outlive its parent here by one build; its own deletion still names it.
        statement = self._format(
            "write_deletes",
            delta=delta_id(self.node),
            parents=snapshot_id(self.parent or self.node),
            keys=sql.SQL(", ").join(names),
            snapshot_keys=sql.SQL(", ").join(sql.Identifier("k", name) for name in self.node.key),
        )
        done = self.conn.execute(statement, {"batch": self.layout.batch, "now": now})
        self.written += Written(deleted=done.rowcount)

    def _drop_indexes(self) -> bool:
        """Drop the indexes that :meth:`_make_indexes` makes; no others are touched."""
        tables = {"delta": delta_id(self.node), "snapshot": snapshot_id(self.node)}
        names = {name: table.as_string(self.conn) for name, table in tables.items()}
        found = self.conn.execute(load("delta_write")["find_indexes"], names).fetchall()
        if len(found) != _INDEXES or any(row["pointed_at"] for row in found):
            # Somebody has added to the tables what nobody here could make again.
            return False
        for row in found:
            self.conn.execute(sql.SQL(row["drop_it"]))
        return True

    def _make_indexes(self) -> None:
        self.conn.execute("set local maintenance_work_mem = '256MB'")
        for name in ("index_records", "index_unfinished"):
            self.conn.execute(sql.SQL(load("delta")[name]).format(delta=delta_id(self.node)))
        self.conn.execute(self._format("add_keys", delta=delta_id(self.node)))

    def _copy(self, rows: Copied, target: sql.Identifier) -> None:
        if not rows.rows:
            return
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
            target, sql.SQL(", ").join(map(sql.Identifier, rows.columns))
        )
        with self.conn.cursor().copy(statement) as copy:
            for block in rows.wire:
                copy.write(block)

    def _snapshot_columns(self, *of: str) -> sql.Composed:
        names = [*SNAPSHOT_COLUMNS, *self.node.key]
        return sql.SQL(", ").join(sql.Identifier(*of, name) for name in names)

    def _format(self, name: str, **parts: sql.Composable) -> sql.Composed:
        text = load("delta_write")[name]
        return sql.SQL(text).format(snapshot=snapshot_id(self.node), **parts)


def _parent_keys(
    records: pl.DataFrame,
) -> tuple[npt.NDArray[np.uint8] | None, npt.NDArray[np.bool_] | None]:
    if PARENT_HIGH not in records.columns:
        return None, None
    halves = np.empty((records.height, 2), dtype=">u8")
    halves[:, 0] = records[PARENT_HIGH].fill_null(0).to_numpy()
    halves[:, 1] = records[PARENT_LOW].fill_null(0).to_numpy()
    return halves.view(np.uint8), records[PARENT_HIGH].is_not_null().to_numpy()
