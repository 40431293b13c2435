"""What is done with one chunk of rows: normalised, hashed and written down.

Chunks know nothing of each other, so several are worked on at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from syncflow_dagster.core import buffers
from syncflow_dagster.core.detect.classify import GONE, REJECTED, WHOLE
from syncflow_dagster.core.detect.entries import entries, within
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta import marks, rejections, runs
from syncflow_dagster.nodes.delta.normalise import ROW, Chunk, Normaliser
from syncflow_dagster.nodes.delta.unpivot import melt
from syncflow_dagster.nodes.delta.versions import compared_fields
from syncflow_dagster.nodes.delta.workspace import STRIDE, Manifest

if TYPE_CHECKING:
    import numpy.typing as npt

    from syncflow_dagster.core.detect.entries import Places
    from syncflow_dagster.nodes.delta.known import Known
    from syncflow_dagster.nodes.delta.parts import Part
    from syncflow_dagster.nodes.delta.report import Stages
    from syncflow_dagster.nodes.delta.seen import RowHasher
    from syncflow_dagster.nodes.delta.source import Cut
    from syncflow_dagster.nodes.delta.versions import Earlier
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Columns of the kept records beside the fields: halves of the parent's BK_HASH, and the row hash.
PARENT_HIGH, PARENT_LOW = "#parent_high", "#parent_low"
ROW_HASH = "#row_hash"
#: A row that was seen before: the halves of its record's key, the record's place among the known
#: ones, how many of the chunk's new rows come before it, and its number.
SEEN = np.dtype(
    [("high", "<u8"), ("low", "<u8"), ("known", "<i8"), ("before", "<i8"), ("row", "<i8")]
)


@dataclass(frozen=True)
class _Rows:
    """A chunk's rows of this build's range.

    Attributes:
        new: Rows of which records are to be made.
        hashes: Their row hashes, shape (rows, 16); None where rows cannot be known again.
        seen: The rows that were seen before, as `SEEN`.
        versions: Row versions of those; None where they have none.
    """

    new: pl.DataFrame
    hashes: hashing.Hashes | None
    seen: npt.NDArray[np.void]
    versions: pl.Series | None


@dataclass(frozen=True)
class ChunkWork:
    """The work on any chunk of one build.

    Attributes:
        node: The node.
        normaliser: Makes its fields.
        keys_only: Makes only the fields of its key.
        versions_only: Makes only its row version; None where it has none.
        hasher: Hashes rows as they came.
        known: The known records, and the rows that were seen before.
        earlier: Fields as earlier definitions of the node made them.
        part: Range of keys that is built.
        workspace: Where the result goes.
        stages: Where its time and rows are counted.
    """

    node: DeltaNode
    normaliser: Normaliser
    keys_only: Normaliser
    versions_only: Normaliser | None
    hasher: RowHasher
    known: Known
    earlier: tuple[Earlier, ...]
    part: Part
    workspace: Workspace
    stages: Stages

    def __call__(self, cut: Cut) -> Manifest:
        """Do it.

        Raises:
            MissingColumn: A source column of a field is not there.
        """
        with self.stages.measure("normalise") as handled:
            rows = self._rows(cut.rows)
            chunk = self.normaliser(rows.new)
            columns = [column for each in self.earlier for column in each.columns(rows.new)]
            handled(rows.new.height)
        with self.stages.measure("identify") as handled:
            keys = hashing.key_hashes(chunk.fields.select(self.node.key))
            data = hashing.data_hashes(chunk.fields.select(compared_fields(self.node)))
            told = rejections.of_chunk(self.node, chunk, keys, cut.number * STRIDE)
            self._write_entries(cut.number, chunk, keys, data)
            rows.seen.tofile(self.workspace.seen(cut.number))
            self._write(cut.number, chunk, rows.hashes, columns, told)
            handled(rows.new.height + len(rows.seen))
        return self._manifest(cut, chunk, rows, len(told))

    def _rows(self, raw: pl.DataFrame) -> _Rows:
        """Tell the rows that were seen before from those of which records are to be made."""
        if self.node.unpivot is not None:
            raw = melt(raw, self.node.unpivot, self.node.name, ROW)
        columns = self.hasher.columns(raw)
        if columns is None:
            return self._all_new(raw)
        deciding = raw.select(columns)
        hashes = self.hasher(deciding)
        places = self.known.seen.find(hashes)
        wanted = places < 0
        if self.part.parts > 1:
            wanted[wanted] = self._of_part(raw.filter(pl.Series(wanted)))
        seen = self._seen(places, wanted, raw[ROW])
        return _Rows(
            new=raw if wanted.all() else raw.filter(pl.Series(wanted)),
            hashes=hashes[wanted],
            seen=seen,
            versions=self._versions(deciding, places),
        )

    def _all_new(self, raw: pl.DataFrame) -> _Rows:
        if self.part.parts > 1:
            raw = raw.filter(pl.Series(self._of_part(raw)))
        return _Rows(new=raw, hashes=None, seen=np.empty(0, dtype=SEEN), versions=None)

    def _seen(
        self, places: Places, wanted: npt.NDArray[np.bool_], rows: pl.Series
    ) -> npt.NDArray[np.void]:
        at = np.flatnonzero(places >= 0)
        seen = np.empty(len(at), dtype=SEEN)
        known = self.known.entries
        seen["high"], seen["low"] = known["high"][places[at]], known["low"][places[at]]
        seen["known"], seen["before"] = places[at], np.cumsum(wanted)[at]
        seen["row"] = rows.to_numpy()[at]
        return seen

    def _versions(self, deciding: pl.DataFrame, places: Places) -> pl.Series | None:
        """Return the row versions of the rows that were seen before."""
        if self.versions_only is None:
            return None
        seen = deciding.filter(pl.Series(places >= 0))
        return self.versions_only(seen).fields.to_series()

    def _of_part(self, raw: pl.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell the rows of the part; those whose key cannot be read go to the first one."""
        keyed = self.keys_only(raw)
        mine = within(hashing.key_hashes(keyed.fields), self.part.number, self.part.parts)
        if self.part.number == 0:
            mine |= ~keyed.key_valid
        else:
            mine &= keyed.key_valid
        return mine

    def _write_entries(
        self, number: int, chunk: Chunk, keys: hashing.Hashes, data: hashing.Hashes
    ) -> None:
        # A broken record is known by its key, where it has one: what is known of it stays.
        used = np.flatnonzero(chunk.key_valid)
        flag = np.where(self._gone(chunk), GONE, np.where(chunk.valid, WHOLE, REJECTED))
        some = entries(keys[used], data[used], number * STRIDE + used, flag[used])
        runs.write(self.workspace.entries(number), some)

    def _write(
        self,
        number: int,
        chunk: Chunk,
        row_hashes: hashing.Hashes | None,
        earlier: list[pl.Series],
        told: list[rejections.Rejection],
    ) -> None:
        hashes = pl.Series([None], dtype=pl.Binary).new_from_index(0, chunk.fields.height)
        if row_hashes is not None:
            hashes = buffers.binaries(row_hashes)
        records = chunk.fields.with_columns(chunk.raw[ROW], hashes.alias(ROW_HASH), *earlier)
        if chunk.parent_key is not None:
            halves = np.ascontiguousarray(hashing.key_hashes(chunk.parent_key)).view(">u8")
            high = pl.Series(PARENT_HIGH, halves[:, 0].astype(np.uint64))
            low = pl.Series(PARENT_LOW, halves[:, 1].astype(np.uint64))
            named = chunk.parent_key.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
            records = records.with_columns(high.set(~named, None), low.set(~named, None))
        records.write_ipc(self.workspace.records(number), compression="uncompressed")
        lines = [json.dumps(rejections.staged(each), ensure_ascii=False) for each in told]
        self.workspace.rejected(number).write_text("\n".join(lines), encoding="utf-8")

    def _gone(self, chunk: Chunk) -> npt.NDArray[np.bool_]:
        """Tell which rows say that their record is deleted: of such a one, the key is enough."""
        marker = self.node.deletes.marker
        if marker is None:
            return np.zeros(chunk.fields.height, dtype=np.bool_)
        return chunk.fields[marker].fill_null(value=False).to_numpy()

    def _manifest(self, cut: Cut, chunk: Chunk, rows: _Rows, rejected: int) -> Manifest:
        version, versionless = self._version(chunk, rows)
        return Manifest(
            number=cut.number,
            batch=self.workspace.batch,
            read=cut.rows.height,
            records=chunk.fields.height + len(rows.seen),
            seen=len(rows.seen),
            known=self.known.digest,
            rejected=rejected,
            resume=marks.to_text(cut.resume),
            version=version,
            versionless=versionless,
            covered=marks.to_text(cut.covered),
            last=cut.last,
            checksums=self.workspace.checksums(cut.number),
        )

    def _version(self, chunk: Chunk, rows: _Rows) -> tuple[str | None, int]:
        """Return the highest row version as text, and how many rows have none."""
        name = self.node.detection.rowversion
        if name is None:
            return None, 0
        values = chunk.fields[name]
        if rows.versions is not None:
            values = pl.concat([values, rows.versions])
        return marks.to_text(values.max()), values.null_count()  # type: ignore[arg-type]  # an integer or datetime field
