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
from syncflow_dagster.core.detect.entries import entries, take, within
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta import marks, rejections, runs
from syncflow_dagster.nodes.delta.normalise import ROW, Chunk, Normaliser
from syncflow_dagster.nodes.delta.unpivot import melt
from syncflow_dagster.nodes.delta.versions import compared_fields
from syncflow_dagster.nodes.delta.workspace import STRIDE, Manifest

if TYPE_CHECKING:
    import numpy.typing as npt

    from syncflow_dagster.core.detect.entries import Entries, Places
    from syncflow_dagster.nodes.delta.parts import Part
    from syncflow_dagster.nodes.delta.report import Stages
    from syncflow_dagster.nodes.delta.seen import RowHasher, SeenRows
    from syncflow_dagster.nodes.delta.source import Cut
    from syncflow_dagster.nodes.delta.versions import Earlier
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Columns of the kept records beside the fields: halves of the parent's BK_HASH, and the row hash.
PARENT_HIGH, PARENT_LOW = "#parent_high", "#parent_low"
ROW_HASH = "#row_hash"
#: `flag` of a record whose key cannot be read; it gets no entry.
_KEYLESS = -1


@dataclass(frozen=True)
class _Rows:
    """A chunk's rows of this build's range.

    Attributes:
        new: Rows of which records are to be made.
        new_at: Their places in the chunk.
        hashes: Their row hashes, shape (rows, 16); None where rows cannot be known again.
        seen: Rows that were seen before: their numbers, and the columns that decide.
        seen_at: Their places in the chunk.
        known: The places of their records among the known ones.
    """

    new: pl.DataFrame
    new_at: Places
    hashes: hashing.Hashes | None
    seen: pl.DataFrame
    seen_at: Places
    known: Places


@dataclass(frozen=True)
class ChunkWork:
    """The work on any chunk of one build.

    Attributes:
        node: The node.
        normaliser: Makes its fields.
        keys_only: Makes only the fields of its key.
        versions_only: Makes only its row version; None where it has none.
        hasher: Hashes rows as they came.
        seen: Rows that were seen before.
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
    seen: SeenRows
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
            made = self._made(cut.number, chunk, keys, data)
            runs.write(self.workspace.entries(cut.number), self._entries(cut.number, rows, made))
            self._write(cut.number, chunk, rows, columns, told)
            handled(rows.new.height + rows.seen.height)
        return self._manifest(cut, chunk, rows, len(told))

    def _rows(self, raw: pl.DataFrame) -> _Rows:
        """Tell the rows that were seen before from those of which records are to be made."""
        if self.node.unpivot is not None:
            raw = melt(raw, self.node.unpivot, self.node.name, ROW)
        hashes = self.hasher(raw)
        places = self.seen.find(hashes, raw.height)
        seen = places >= 0
        wanted = ~seen
        if self.part.parts > 1:
            wanted[wanted] = self._of_part(raw.filter(pl.Series(wanted)))
        return _Rows(
            new=raw if wanted.all() else raw.filter(pl.Series(wanted)),
            new_at=np.flatnonzero(wanted),
            hashes=None if hashes is None else hashes[wanted],
            seen=self.hasher.select(raw, ROW).filter(pl.Series(seen)),
            seen_at=np.flatnonzero(seen),
            known=places[seen],
        )

    def _of_part(self, raw: pl.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell the rows of the part; those whose key cannot be read go to the first one."""
        keyed = self.keys_only(raw)
        mine = within(hashing.key_hashes(keyed.fields), self.part.number, self.part.parts)
        if self.part.number == 0:
            mine |= ~keyed.key_valid
        else:
            mine &= keyed.key_valid
        return mine

    def _made(
        self, number: int, chunk: Chunk, keys: hashing.Hashes, data: hashing.Hashes
    ) -> Entries:
        """Return the entries of the records that are made, those without a key among them."""
        flag = np.where(self._gone(chunk), GONE, np.where(chunk.valid, WHOLE, REJECTED))
        flag[~chunk.key_valid] = _KEYLESS
        return entries(keys, data, number * STRIDE + np.arange(len(keys)), flag)

    def _entries(self, number: int, rows: _Rows, made: Entries) -> Entries:
        """Return all entries, in the order of the rows."""
        if len(rows.known):
            seen = self.seen.entries(rows.known)
            seen["number"] = number * STRIDE + len(made) + np.arange(len(seen))
            seen["flag"] = WHOLE
            order = np.argsort(np.concatenate([rows.new_at, rows.seen_at]))
            made = take(np.concatenate([made, seen]), order)
        # A broken record is known by its key, where it has one: what is known of it stays.
        return take(made, np.flatnonzero(made["flag"] != _KEYLESS))

    def _write(
        self,
        number: int,
        chunk: Chunk,
        rows: _Rows,
        earlier: list[pl.Series],
        told: list[rejections.Rejection],
    ) -> None:
        hashes = pl.Series([None], dtype=pl.Binary).new_from_index(0, chunk.fields.height)
        if rows.hashes is not None:
            hashes = buffers.binaries(rows.hashes)
        records = chunk.fields.with_columns(chunk.raw[ROW], hashes.alias(ROW_HASH), *earlier)
        if chunk.parent_key is not None:
            halves = np.ascontiguousarray(hashing.key_hashes(chunk.parent_key)).view(">u8")
            high = pl.Series(PARENT_HIGH, halves[:, 0].astype(np.uint64))
            low = pl.Series(PARENT_LOW, halves[:, 1].astype(np.uint64))
            named = chunk.parent_key.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
            records = records.with_columns(high.set(~named, None), low.set(~named, None))
        records.write_ipc(self.workspace.records(number), compression="uncompressed")
        rows.seen.write_ipc(self.workspace.seen(number), compression="uncompressed")
        lines = [json.dumps(rejections.staged(each), ensure_ascii=False) for each in told]
        self.workspace.rejected(number).write_text("\n".join(lines), encoding="utf-8")

    def _gone(self, chunk: Chunk) -> npt.NDArray[np.bool_]:
        """Tell which rows say that their record is deleted: of such a one, the key is enough."""
        marker = self.node.deletes.marker
        if marker is None:
            return np.zeros(chunk.fields.height, dtype=np.bool_)
        return chunk.fields[marker].fill_null(value=False).to_numpy()

    def _manifest(self, cut: Cut, chunk: Chunk, rows: _Rows, rejected: int) -> Manifest:
        version, versionless = None, 0
        name = self.node.detection.rowversion
        if name is not None and self.versions_only is not None:
            again = self.versions_only(rows.seen).fields[name]
            values = pl.concat([chunk.fields[name], again])
            version, versionless = marks.to_text(values.max()), values.null_count()  # type: ignore[arg-type]  # an integer or datetime field
        return Manifest(
            number=cut.number,
            batch=self.workspace.batch,
            read=cut.rows.height,
            records=chunk.fields.height + rows.seen.height,
            seen=rows.seen.height,
            rejected=rejected,
            resume=marks.to_text(cut.resume),
            version=version,
            versionless=versionless,
            covered=marks.to_text(cut.covered),
            last=cut.last,
            checksums=self.workspace.checksums(cut.number),
        )
