"""Delta rows and snapshot rows of a chunk's changes, laid out as PostgreSQL takes them.

Nothing here waits for the database, so one chunk is laid out while another is sent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder

from syncflow_dagster.core.detect.changes import changed_fields
from syncflow_dagster.core.detect.classify import Operation
from syncflow_dagster.core.detect.entries import data_bytes, key_bytes
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.normalise.types import to_text
from syncflow_dagster.nodes.delta.normalise import readable_key
from syncflow_dagster.nodes.delta.versions import compared_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.nodes.delta.known import KnownRecords
    from syncflow_dagster.nodes.delta.versions import Earlier, Version
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Matrix = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]

#: Columns of a snapshot beside the key's.
SNAPSHOT_COLUMNS = (
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
class Changes:
    """Changed records of some chunks.

    Attributes:
        records: Normalised rows.
        operations: What is to be done for each.
        entries: Their hashes.
        known: What is known of those that are not new, in their order.
        parents: Record id of the parents that are there, by BK_HASH; both 16 bytes.
        parent_keys: BK_HASH of each record's parent, shape (records, 16); None without a parent.
        has_parent: Where a record names a parent.
    """

    records: pl.DataFrame
    operations: npt.NDArray[np.uint8]
    entries: Entries
    known: KnownRecords
    parents: Mapping[bytes, bytes]
    parent_keys: Matrix | None
    has_parent: Mask | None


@dataclass(frozen=True)
class Copied:
    """Rows in PostgreSQL's binary COPY format; `columns` are their names."""

    columns: tuple[str, ...]
    rows: int
    wire: tuple[bytes, ...]


@dataclass(frozen=True)
class Written:
    """How many delta rows are written, by operation.

    Attributes:
        inserted: New and returned records.
        updated: Known records that changed.
        deleted: Known records that are gone.
        waiting: Those among all of them whose parent is not there.
        migrated: Known records of which nothing but the version of their hashes changed; they
            have no delta row.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    waiting: int = 0
    migrated: int = 0

    def __add__(self, more: Written) -> Written:
        """Add numbers up."""
        ours, theirs = asdict(self), asdict(more)
        return Written(**{name: ours[name] + theirs[name] for name in ours})


@dataclass(frozen=True)
class Laid:
    """Some changes, ready to be sent.

    Attributes:
        delta: Delta rows.
        fresh: Snapshot rows of records that were not known.
        moved: Snapshot rows of known records.
        written: Its numbers.
    """

    delta: Copied
    fresh: Copied
    moved: Copied
    written: Written


@dataclass(frozen=True)
class Layout:
    """How the changes of one build are laid out.

    Attributes:
        workflow: The workflow's name.
        node: The node.
        parent_entity: What a parent is called, for reasons.
        version: How today's hashes are made.
        earlier: Versions the snapshot still holds.
        batch: The batch's number.
        everything: Whether every known record counts as changed in all fields.
    """

    workflow: str
    node: DeltaNode
    parent_entity: str | None
    version: Version
    earlier: Mapping[int, Earlier]
    batch: int
    everything: bool

    def __call__(self, changes: Changes) -> Laid:
        """Lay out some changes."""
        records = changes.records
        hashes = hashing.field_hashes(records.select(compared_fields(self.node)))
        changed = self._changed(changes, hashes)
        new = np.isin(changes.operations, (Operation.INSERT, Operation.RETURN))
        wanted = changed.any(axis=1) | new
        shared = self._shared(changes)
        keys = [_series(records[name]) for name in self.node.key]
        state = {
            **{name: shared[name] for name in SNAPSHOT_COLUMNS if name in shared},
            "field_hashes": _binary(hashes),
            "hash_version": _constant(self.version.number, pa.int32(), records.height),
        }
        snapshot = pa.table(
            [*(state[name] for name in SNAPSHOT_COLUMNS), *keys],
            names=[*SNAPSHOT_COLUMNS, *self.node.key],
        )
        fresh = changes.operations == Operation.INSERT
        parents, waiting = self._parents(changes)
        delta = self._delta(changes, shared, changed, new, parents, waiting)
        written = Written(
            inserted=int(new.sum()),
            updated=int((wanted & ~new).sum()),
            waiting=int((wanted & waiting).sum()),
            migrated=int((~wanted).sum()),
        )
        return Laid(
            delta=_copied(delta, wanted),
            fresh=_copied(snapshot, fresh),
            moved=_copied(snapshot, ~fresh),
            written=written,
        )

    def _changed(self, changes: Changes, hashes: hashing.Hashes) -> Mask:
        """Tell which declared fields changed, for each record; none for one that is new."""
        names = [rule.name for rule in self.node.fields]
        changed = np.zeros((changes.records.height, len(names)), dtype=np.bool_)
        if self.everything:
            changed[changes.operations == Operation.UPDATE] = True
            return changed
        places = np.array([names.index(name) for name in self.version.fields])
        known = np.flatnonzero(changes.operations != Operation.INSERT)
        updated = changes.operations[known] == Operation.UPDATE
        for number in np.unique(changes.known.versions[updated]):
            members = np.flatnonzero(updated & (changes.known.versions == number))
            old, of = changes.known.field_hashes(members), known[members]
            differ = self._differ(int(number), old, changes.records[of], hashes[of])
            changed[np.ix_(of, places)] = differ
        return changed

    def _differ(
        self, number: int, old: Matrix, records: pl.DataFrame, hashes: hashing.Hashes
    ) -> Mask:
        width = hashing.FIELD_BYTES
        now = {
            name: hashes[:, place * width : (place + 1) * width]
            for place, name in enumerate(self.version.fields)
        }
        if number == self.version.number:
            return changed_fields(old, self.version.fields, now, self.version.fields)
        earlier = self.earlier[number]
        for name in earlier.remade:
            column = earlier.column(name)
            if column in records.columns:
                now[name] = hashing.field_hashes(records.select(column))
            else:
                del now[name]
        return changed_fields(old, earlier.version.fields, now, self.version.fields)

    def _shared(self, changes: Changes) -> dict[str, pa.Array]:
        """Return the columns that delta and snapshot rows share."""
        records, length = changes.records, changes.records.height
        keys = key_bytes(changes.entries)
        ids = hashing.record_uuids(self.workflow, self.node.entity, keys).copy()
        generation = np.ones(length, dtype=np.int32)
        known = np.flatnonzero(changes.operations != Operation.INSERT)
        returned = changes.operations[known] == Operation.RETURN
        ids[known] = changes.known.ids
        generation[known] = changes.known.generations + returned
        customer = pa.nulls(length, pa.large_string())
        if self.node.customer:
            customer = _series(to_text(records[self.node.customer]).values)
        parents = pa.nulls(length, pa.large_binary())
        if changes.parent_keys is not None:
            parents = _binary(changes.parent_keys, changes.has_parent)
        return {
            "bk_hash": _binary(keys),
            "data_hash": _binary(data_bytes(changes.entries)),
            "record_uuid": _binary(ids),
            "generation": pa.array(generation),
            "parent_bk_hash": parents,
            "business_key": _series(readable_key(records.select(self.node.key))),
            "customer": customer,
        }

    def _delta(
        self,
        changes: Changes,
        shared: dict[str, pa.Array],
        changed: Mask,
        new: Mask,
        parents: pa.Array,
        waiting: Mask,
    ) -> pa.Table:
        length = changes.records.height
        reason = pa.nulls(length, pa.large_string())
        if waiting.any():
            reason = pc.if_else(pa.array(waiting), self._reasons(changes), reason)
        names = [rule.name for rule in self.node.fields]
        columns = {
            **shared,
            "parent_uuid": parents,
            "batch_id": _constant(self.batch, pa.int64(), length),
            "operation": pc.if_else(pa.array(new), "INSERT", "UPDATE"),
            "state": pc.if_else(pa.array(waiting), "WAITING", "PENDING"),
            "reason": reason,
            "changed_columns": _names_where(changed, names),
            **{name: _series(changes.records[name]) for name in names},
        }
        return pa.table(columns)

    def _parents(self, changes: Changes) -> tuple[pa.Array, Mask]:
        length = changes.records.height
        if changes.parent_keys is None or changes.has_parent is None:
            return pa.nulls(length, pa.large_binary()), np.zeros(length, dtype=np.bool_)
        found = [changes.parents.get(key.tobytes()) for key in changes.parent_keys]
        there = np.array([each is not None for each in found], dtype=np.bool_)
        return pa.array(found, type=pa.large_binary()), changes.has_parent & ~there

    def _reasons(self, changes: Changes) -> pa.Array:
        assert self.node.parent is not None
        key = readable_key(changes.records.select(self.node.parent.key))
        text = pl.format("parent {} {} is not there", pl.lit(self.parent_entity), pl.lit(key))
        return _series(pl.select(text).to_series())


def keys_alone(keys: Matrix) -> Copied:
    """Lay out records of which only the BK_HASH is needed, shape (records, 16)."""
    return _copied(pa.table({"bk": _binary(keys)}), np.ones(len(keys), dtype=np.bool_))


def _copied(table: pa.Table, rows: Mask) -> Copied:
    if not rows.all():
        table = table.filter(pa.array(rows))
    table = table.combine_chunks()
    encoder = ArrowToPostgresBinaryEncoder(table.schema)
    wire = [encoder.write_header()]
    wire += [encoder.write_batch(batch) for batch in table.to_batches()]
    return Copied(tuple(table.column_names), table.num_rows, (*wire, encoder.finish()))


def _series(values: pl.Series) -> pa.Array:
    # The oldest layout has no string views, which the COPY encoder reads more slowly.
    return values.to_arrow(compat_level=pl.CompatLevel.oldest())


def _constant(value: int, kind: pa.DataType, length: int) -> pa.Array:
    return pa.array(np.full(length, value), type=kind)


def _binary(matrix: Matrix, there: Mask | None = None) -> pa.Array:
    """Return the rows of a matrix as values of bytes; null where `there` is not."""
    length, width = matrix.shape
    offsets = np.arange(length + 1, dtype=np.int64) * width
    data = np.ascontiguousarray(matrix)
    values = pa.Array.from_buffers(
        pa.large_binary(), length, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    if there is None or there.all():
        return values
    return pc.if_else(pa.array(there), values, pa.scalar(None, pa.large_binary()))


def _names_where(mask: Mask, names: list[str]) -> pa.Array:
    """Return, for each row of a mask, the list of the names whose column is true."""
    offsets = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    picked = pa.array(names, type=pa.string()).take(pa.array(np.nonzero(mask)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), picked)
