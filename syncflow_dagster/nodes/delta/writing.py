"""Delta rows from the set of changes, and the snapshot after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from syncflow_dagster.core.detect.changes import changed_fields
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.normalise.types import to_text
from syncflow_dagster.nodes.delta import versions
from syncflow_dagster.nodes.delta.staging import KEY_TEXT, PARENT_TEXT
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import numpy.typing as npt
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.staging import Spill
    from syncflow_dagster.nodes.delta.versions import Version
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

_SNAPSHOT_COLUMNS = (
    "bk_hash",
    "data_hash",
    "field_hashes",
    "hash_version",
    "record_uuid",
    "generation",
    "parent_bk_hash",
    "business_key",
    "customer",
)


@dataclass(frozen=True)
class Writer:
    """Writes one batch's changes.

    Attributes:
        conn: The build's session, inside its transaction.
        workflow: The workflow's name.
        node: The node.
        parent: Node of the parents, if there is one.
        version: How today's hashes are made.
        batch: The batch's number.
        everything: Whether every known record counts as changed in all fields.
    """

    conn: Connection
    workflow: str
    node: DeltaNode
    parent: DeltaNode | None
    version: Version
    batch: int
    everything: bool

    def write(self, spill: Spill) -> None:
        """Write INSERT and UPDATE rows from the spill and DELETE rows from the snapshot.

        The new state of the same records goes to the session's table `advance`.
        """
        self.conn.execute(self._format("create_advance", columns=self._snapshot_columns()))
        known = versions.known(self.conn, self.node)
        read = sql.SQL(load("delta_detect")["read_changes"]).format(snapshot=snapshot_id(self.node))
        for first, end in spill.ranges():
            rows = self.conn.execute(read, {"first": first, "end": end}).fetchall()
            if rows:
                self._write_chunk(rows, spill.take([row["n"] for row in rows]), known)
        self._write_deletes()
        self.conn.execute(load("delta_write")["analyse_advance"])

    def advance_snapshot(self, now: object) -> int:
        """Bring the snapshot to the state of the source and return the rows touched."""
        columns = self._snapshot_columns()
        names = [*_SNAPSHOT_COLUMNS, *self.node.key]
        advanced = sql.SQL(", ").join(sql.Identifier("a", name) for name in names)
        update = self._format("update_snapshot", columns=columns, advance_columns=advanced)
        touched = self.conn.execute(update).rowcount
        touched += self.conn.execute(self._format("insert_snapshot", columns=columns)).rowcount
        forget = self._format("forget_deleted")
        return touched + self.conn.execute(forget, {"now": now}).rowcount

    def _write_chunk(
        self, rows: list[DictRow], records: pl.DataFrame, known: dict[int, tuple[str, ...]]
    ) -> None:
        fields = versions.compared_fields(self.node)
        hashes = hashing.field_hashes(records.select(fields))
        changed = self._changed(rows, hashes, known)
        state = self._state(rows, records, hashes)
        inserted = np.array([row["operation"] == "INSERT" for row in rows])
        wanted = changed.any(axis=1) | inserted
        if wanted.any():
            picked = pl.Series(np.flatnonzero(wanted))
            delta = self._delta_rows(rows, state, records, changed)
            self._copy(delta.take(picked.to_arrow()), delta_id(self.node))
        advance = state.select([*_SNAPSHOT_COLUMNS, "known"]).hstack(
            records.select(self.node.key).get_columns()
        )
        self._copy(_arrow(advance), sql.Identifier("pg_temp", "advance"))

    def _changed(
        self, rows: list[DictRow], hashes: hashing.Hashes, known: dict[int, tuple[str, ...]]
    ) -> npt.NDArray[np.bool_]:
        """Tell which declared fields changed, for each row; shape (rows, all fields)."""
        names = [rule.name for rule in self.node.fields]
        changed = np.zeros((len(rows), len(names)), dtype=np.bool_)
        places = [names.index(name) for name in self.version.fields]
        by_version: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            if self.everything or row["operation"] == "INSERT":
                changed[place] = True
            else:
                by_version.setdefault(row["hash_version"], []).append(place)
        for number, members in by_version.items():
            old = [rows[place]["field_hashes"] for place in members]
            differ = changed_fields(old, known[number], hashes[members], self.version.fields)
            changed[np.ix_(members, places)] = differ
        return changed

    def _state(
        self, rows: list[DictRow], records: pl.DataFrame, hashes: hashing.Hashes
    ) -> pl.DataFrame:
        """Return what delta and snapshot rows share, with the parent's id and `known` beside."""
        keys = [row["bk"] for row in rows]
        derived = hashing.record_uuids(
            self.workflow,
            self.node.entity,
            np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, hashing.KEY_BYTES),
        )
        ids = [row["record_uuid"] or derived[place].tobytes() for place, row in enumerate(rows)]
        customer = (
            to_text(records[self.node.customer]).values
            if self.node.customer
            else pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
        )
        binary = pl.Binary
        return pl.DataFrame(
            {
                "bk_hash": pl.Series(keys, dtype=binary),
                "data_hash": pl.Series([row["data_hash"] for row in rows], dtype=binary),
                "field_hashes": pl.Series([each.tobytes() for each in hashes], dtype=binary),
                "hash_version": pl.Series([self.version.number] * len(rows), dtype=pl.Int32),
                "record_uuid": pl.Series(ids, dtype=binary),
                "generation": pl.Series([row["generation"] for row in rows], dtype=pl.Int32),
                "parent_bk_hash": pl.Series([row["parent_bk"] for row in rows], dtype=binary),
                "business_key": records[KEY_TEXT],
                "customer": customer,
                "parent_uuid": pl.Series([row["parent_uuid"] for row in rows], dtype=binary),
                "known": pl.Series([row["known"] for row in rows], dtype=pl.Boolean),
            }
        )

    def _delta_rows(
        self,
        rows: list[DictRow],
        state: pl.DataFrame,
        records: pl.DataFrame,
        changed: npt.NDArray[np.bool_],
    ) -> pa.Table:
        """Lay out delta rows in Arrow, one column of the table each."""
        waiting = state["parent_bk_hash"].is_not_null() & state["parent_uuid"].is_null()
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))
        reason = nothing
        if self.parent is not None:
            frame = records.select(
                pl.format("parent {} {} is not there", pl.lit(self.parent.entity), PARENT_TEXT)
            )
            reason = frame.to_series().zip_with(waiting, nothing)
        frame = state.drop("field_hashes", "hash_version", "known").with_columns(
            batch_id=pl.lit(self.batch, dtype=pl.Int64),
            operation=pl.Series([row["operation"] for row in rows], dtype=pl.String),
            state=pl.Series(np.where(waiting.to_numpy(), "WAITING", "PENDING"), dtype=pl.String),
            reason=reason,
        )
        names = [rule.name for rule in self.node.fields]
        table = _arrow(frame.hstack(records.select(names).get_columns()))
        return table.append_column("changed_columns", _names_where(changed, names))

    def _write_deletes(self) -> None:
        keys = [sql.Identifier(name) for name in self.node.key]
        # A child may outlive its parent here by one build; its own deletion still names it.
        parents: sql.Composable = sql.Identifier("pg_temp", "parent")
        if self.parent is not None:
            parents = snapshot_id(self.parent)
        statement = self._format(
            "write_deletes",
            delta=delta_id(self.node),
            parents=parents,
            keys=sql.SQL(", ").join(keys),
            snapshot_keys=sql.SQL(", ").join(sql.Identifier("k", name) for name in self.node.key),
        )
        self.conn.execute(statement, {"batch": self.batch})

    def _copy(self, table: pa.Table, target: sql.Identifier) -> None:
        table = table.combine_chunks()
        encoder = ArrowToPostgresBinaryEncoder(table.schema)
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
            target, sql.SQL(", ").join(map(sql.Identifier, table.column_names))
        )
        with self.conn.cursor().copy(statement) as copy:
            copy.write(encoder.write_header())
            for batch in table.to_batches():
                copy.write(encoder.write_batch(batch))
            copy.write(encoder.finish())

    def _snapshot_columns(self) -> sql.Composed:
        names = [*_SNAPSHOT_COLUMNS, *self.node.key]
        return sql.SQL(", ").join(map(sql.Identifier, names))

    def _format(self, name: str, **parts: sql.Composable) -> sql.Composed:
        text = load("delta_write")[name]
        return sql.SQL(text).format(snapshot=snapshot_id(self.node), **parts)


def _arrow(frame: pl.DataFrame) -> pa.Table:
    # The oldest layout has no string views, which the COPY encoder reads more slowly.
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _names_where(mask: npt.NDArray[np.bool_], names: list[str]) -> pa.Array:
    """Return, for each row of a mask, the list of the names whose column is true."""
    offsets = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    picked = pa.array(names, type=pa.string()).take(pa.array(np.nonzero(mask)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), picked)
