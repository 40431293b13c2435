"""Delta rows and snapshot rows of a chunk's changes, laid out as PostgreSQL takes them.

Nothing here waits for the database, so one chunk is laid out while another is sent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder

from syncflow_dagster.core import buffers
from syncflow_dagster.core.detect.changes import changed_fields
from syncflow_dagster.core.detect.classify import Operation
from syncflow_dagster.core.detect.entries import data_bytes, key_bytes
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.identity.rows import ROW_BYTES, bound
from syncflow_dagster.core.normalise.types import to_text
from syncflow_dagster.nodes.delta.normalise import readable_key
from syncflow_dagster.nodes.delta.versions import compared_fields
from syncflow_dagster.nodes.delta.work import ROW_HASH

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
    "row_hash",
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

    @property
    def rows(self) -> int:
        """All delta rows."""
        return self.inserted + self.updated + self.deleted

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
        state = shared.with_columns(
            buffers.binaries(hashes).alias("field_hashes"),
            _bound(records[ROW_HASH], changes.entries).alias("row_hash"),
            pl.lit(self.version.number, pl.Int32).alias("hash_version"),
            *records.select(self.node.key),
        )
        snapshot = state.select(*SNAPSHOT_COLUMNS, *self.node.key)
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
        changed = changed_fields(old, earlier.version.fields, now, self.version.fields)
        for place, name in enumerate(self.version.fields):
            if name not in earlier.version.fields and self.node.field(name).backfill:
                changed[:, place] = records[name].is_not_null().to_numpy()
        return changed

    def _shared(self, changes: Changes) -> pl.DataFrame:
        """Return the columns that delta and snapshot rows share."""
        records, length = changes.records, changes.records.height
        keys = key_bytes(changes.entries)
        ids = hashing.record_uuids(self.workflow, self.node.entity, keys).copy()
        generation = np.ones(length, dtype=np.int32)
        known = np.flatnonzero(changes.operations != Operation.INSERT)
        returned = changes.operations[known] == Operation.RETURN
        ids[known] = changes.known.ids
        generation[known] = changes.known.generations + returned
        customer = _nothing(pl.String, length)
        if self.node.customer:
            customer = to_text(records[self.node.customer]).values
        return pl.DataFrame(
            {
                "bk_hash": buffers.binaries(keys),
                "data_hash": buffers.binaries(data_bytes(changes.entries)),
                "record_uuid": buffers.binaries(ids),
                "generation": generation,
                "parent_bk_hash": _keys_there(changes),
                "business_key": readable_key(records.select(self.node.key)),
                "customer": customer,
            }
        )

    def _delta(
        self,
        changes: Changes,
        shared: pl.DataFrame,
        changed: Mask,
        new: Mask,
        parents: pl.Series,
        waiting: Mask,
    ) -> pl.DataFrame:
        names = [rule.name for rule in self.node.fields]
        waits, is_new = pl.lit(pl.Series(waiting)), pl.lit(pl.Series(new))
        return shared.select(
            pl.all(),
            pl.lit(parents).alias("parent_uuid"),
            pl.lit(self.batch, pl.Int64).alias("batch_id"),
            pl.when(is_new).then(pl.lit("INSERT")).otherwise(pl.lit("UPDATE")).alias("operation"),
            pl.when(waits).then(pl.lit("WAITING")).otherwise(pl.lit("PENDING")).alias("state"),
            self._reasons(changes, waiting).alias("reason"),
            pl.lit(_names_where(changed, names)).alias("changed_columns"),
            *(pl.lit(changes.records[name]).alias(name) for name in names),
        )

    def _parents(self, changes: Changes) -> tuple[pl.Series, Mask]:
        if changes.parent_keys is None or changes.has_parent is None:
            length = changes.records.height
            return _nothing(pl.Binary, length), np.zeros(length, dtype=np.bool_)
        found = [changes.parents.get(key.tobytes()) for key in changes.parent_keys]
        there = np.array([each is not None for each in found], dtype=np.bool_)
        return pl.Series(found, dtype=pl.Binary), changes.has_parent & ~there

    def _reasons(self, changes: Changes, waiting: Mask) -> pl.Expr:
        """Return why a record waits, which only one with a parent does."""
        if self.node.parent is None or not waiting.any():
            return pl.lit(None, pl.String)
        key = readable_key(changes.records.select(self.node.parent.key))
        reason = pl.format("parent {} {} is not there", pl.lit(self.parent_entity), pl.lit(key))
        return pl.when(pl.lit(pl.Series(waiting))).then(reason)


def renewed(some: Entries, hashes: pl.Series) -> Copied:
    """Lay out the BK_HASHes of records with the row hashes they get."""
    keys = buffers.binaries(key_bytes(some)).alias("bk")
    frame = pl.DataFrame([keys, _bound(hashes, some).alias("row_hash")])
    return _copied(frame, np.ones(len(some), dtype=np.bool_))


def _bound(hashes: pl.Series, some: Entries) -> pl.Series:
    """Bind row hashes to what the records hold; all of a chunk have one, or none."""
    there = hashes.is_not_null()
    given = buffers.joined(hashes.fill_null(bytes(ROW_BYTES)))[1].reshape(-1, ROW_BYTES)
    made = buffers.binaries(bound(given, data_bytes(some))).to_frame("hash")
    return made.select(pl.when(pl.lit(there)).then("hash")).to_series()


def keys_alone(keys: Matrix) -> Copied:
    """Lay out records of which only the BK_HASH is needed, shape (records, 16)."""
    frame = buffers.binaries(keys).alias("bk").to_frame()
    return _copied(frame, np.ones(len(keys), dtype=np.bool_))


def _copied(frame: pl.DataFrame, rows: Mask) -> Copied:
    if not rows.all():
        frame = frame.filter(pl.Series(rows))
    # A column without values need not be sent.
    frame = frame.select(column for column in frame if column.null_count() < frame.height)
    # The oldest layout has no string views, which the encoder reads more slowly.
    table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    encoder = ArrowToPostgresBinaryEncoder(table.schema)
    wire = [encoder.write_header()]
    wire += [encoder.write_batch(batch) for batch in table.to_batches()]
    return Copied(tuple(table.column_names), table.num_rows, (*wire, encoder.finish()))


def _keys_there(changes: Changes) -> pl.Series:
    """Return the BK_HASH of each record's parent."""
    if changes.parent_keys is None or changes.has_parent is None:
        return _nothing(pl.Binary, changes.records.height)
    keys = buffers.binaries(changes.parent_keys)
    return (
        keys.to_frame("key")
        .select(pl.when(pl.lit(pl.Series(changes.has_parent))).then("key"))
        .to_series()
    )


def _nothing(kind: type[pl.DataType], length: int) -> pl.Series:
    return pl.Series([None], dtype=kind).new_from_index(0, length)


def _names_where(mask: Mask, names: list[str]) -> pl.Series:
    """Return, for each row of a mask, the list of the names whose column is true."""
    ends = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    picked = pl.Series(names, dtype=pl.String)[np.nonzero(mask)[1]]
    values = picked.to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = pl.Series(ends).to_arrow()
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, values)))
