"""Building a delta: nine named stages from a source's batches to delta rows and snapshot.

The first three run chunk by chunk while the source is read and leave nothing behind. The other
six are one transaction: after a crash there is at most a batch row that says RUNNING, which the
next build of the node marks as failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import psycopg

from syncflow_dagster.nodes.delta import batches as running
from syncflow_dagster.nodes.delta import (
    detection,
    rejections,
    staging,
    superseding,
    tables,
    versions,
)
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.normalise import ROW, Normaliser
from syncflow_dagster.nodes.delta.preview import preview
from syncflow_dagster.nodes.delta.report import DeltaResult, Progress, Stages
from syncflow_dagster.nodes.delta.source import chunks
from syncflow_dagster.nodes.delta.unpivot import melt
from syncflow_dagster.nodes.delta.writing import Writer
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.delta.batches import Batch
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

__all__ = ["DeltaOptions", "DeltaResult", "Progress", "build_delta", "prepare"]

prepare = tables.prepare

#: The stages inside the one transaction.
_FINAL = ("dedupe", "resolve_parents", "detect", "guard", "write_delta", "advance_snapshot")
#: How often the transaction is tried when it and the push wait for each other's rows.
_ATTEMPTS = 3
_SHOWN_REJECTIONS = 100


@dataclass(frozen=True)
class DeltaOptions:
    """How one build differs from the usual.

    Attributes:
        full_resync: Write every known record again, as an UPDATE of all its fields.
        run_id: Dagster's run, kept with the batch.
        complete: Whether the batches are all of the source. With a limit or a filter they are
            not: then nothing counts as deleted, and no rejection as mended.
        expected_rows: How many rows the source will give, where known, for the time left.
        lock_wait_ms: How long to wait for another build of the node before `DeltaBusy`.
    """

    full_resync: bool = False
    run_id: str | None = None
    complete: bool = True
    expected_rows: int | None = None
    lock_wait_ms: int = 2000


def build_delta(
    database: Database,
    workflow: str,
    node: DeltaNode,
    batches: Iterable[pa.RecordBatch],
    *,
    parent: DeltaNode | None,
    clock: Clock,
    options: DeltaOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> DeltaResult:
    """Compare what a source gives with what is known, and keep the changes as delta rows.

    Args:
        database: A migrated database.
        workflow: The workflow's name.
        node: The delta node.
        batches: The source's rows. An error it raises ends the build with nothing written.
        parent: The node `node.parent` names, or None.
        clock: Gives the moments that are stored.
        options: See :class:`DeltaOptions`.
        progress: Called after each piece of work of a stage.

    Returns:
        Counts, stage times, first rejections and a preview.

    Raises:
        DeltaBusy: Another process builds this node's delta.
        MissingColumn: The source lacks a column.
        DeleteGuard: Too many records would be deleted.
        DeltaDefinitionError: The node cannot be used as it is declared.
        DeltaError: The source gave something that cannot be read.
    """
    options = options or DeltaOptions()
    nodes = [node] if parent is None else [parent, node]
    if node.parent is None and parent is not None:
        msg = f"node {node.name} declares no parent, but {parent.name} was given as one"
        raise DeltaDefinitionError(msg)
    normaliser = Normaliser(node, parent)
    tables.prepare(database, workflow, nodes)
    stages = Stages(progress, options.expected_rows)
    start = running.Batch(0, workflow, node.name, stages)
    with (
        running.session(database, workflow, node.name, options.lock_wait_ms) as conn,
        running.batch(conn, database, clock, start, options.run_id) as batch,
        staging.Spill(node) as spill,
    ):
        build = _Build(conn, node, parent, batch, spill, options, clock)
        build.stream(batches, normaliser)
        return build.finish()


@dataclass
class _Build:
    """One build's parts, passed through its two halves."""

    conn: Connection
    node: DeltaNode
    parent: DeltaNode | None
    batch: Batch
    spill: staging.Spill
    options: DeltaOptions
    clock: Clock
    last: int = 0
    rejected_in_chunks: int = 0

    def stream(self, batches: Iterable[pa.RecordBatch], normaliser: Normaliser) -> None:
        """Read the source to its end: normalise, hash, stage and spill chunk by chunk."""
        stages, counts = self.batch.stages, self.batch.counts
        staging.create(self.conn)
        for raw in self._extract(batches):
            with stages.measure("normalise") as handled:
                chunk = normaliser(raw)
                first = self.spill.append(chunk)
                handled(raw.height)
            with stages.measure("identify") as handled:
                identities = staging.identify(self.node, chunk)
                staging.stage(self.conn, chunk, identities, first)
                told = rejections.of_chunk(self.node, chunk, identities.keys, first)
                self.rejected_in_chunks += rejections.stage(self.conn, told)
                handled(raw.height)
        counts["records"] = self.spill.rows

    def finish(self) -> DeltaResult:
        """Decide and write, in one transaction, and say what was done."""
        self.conn.execute(load("delta_detect")["analyse_stage"])
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.conn.transaction():
                    self._decide_and_write()
                break
            except psycopg.errors.DeadlockDetected:
                # Nothing was written, and the staged rows outlive the transaction.
                if attempt == _ATTEMPTS:
                    raise
                self.batch.stages.restart(_FINAL)
        crash_point("delta.committed")
        told = rejections.first_rejections(
            self.conn, self.batch.workflow, self.node.name, self.batch.number, _SHOWN_REJECTIONS
        )
        shown = preview(self.conn, self.node, self.batch.number, self.last)
        stages = self.batch.stages.reports()
        return DeltaResult(self.batch.number, dict(self.batch.counts), stages, told, shown)

    def _extract(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
        source = chunks(batches)
        stages = self.batch.stages
        while True:
            with stages.measure("extract") as handled:
                raw = next(source, None)
                if raw is None:
                    return
                read = self.batch.counts["read"]
                numbers = pl.int_range(read + 1, read + raw.height + 1, dtype=pl.Int32)
                raw = raw.with_columns(numbers.alias(ROW))
                self.batch.counts["read"] += raw.height
                handled(raw.height)
                if self.node.unpivot is not None:
                    raw = melt(raw, self.node.unpivot, self.node.name, ROW)
            yield raw

    def _decide_and_write(self) -> None:
        stages, counts, node = self.batch.stages, self.batch.counts, self.node
        version = versions.register(self.conn, node)
        with stages.measure("dedupe") as handled:
            dropped, rejected = detection.drop_duplicates(self.conn, node, self.spill)
            counts["duplicates"] = dropped
            counts["rejected"] = self.rejected_in_chunks + rejected
            handled(dropped + rejected)
        with stages.measure("resolve_parents") as handled:
            detection.find_parents(self.conn, node, self.parent)
            handled(self.spill.rows if self.parent is not None else 0)
        with stages.measure("detect") as handled:
            found = detection.detect(
                self.conn,
                node,
                version,
                everything=self.options.full_resync,
                complete=self.options.complete,
            )
            handled(found["staged"])
        with stages.measure("guard") as handled:
            detection.guard(node, found, counts["records"])
            handled(found["deletes"])
        self._write(version, found["staged"])

    def _write(self, version: versions.Version, staged: int) -> None:
        stages, counts = self.batch.stages, self.batch.counts
        everything = self.options.full_resync
        writer = Writer(
            self.conn,
            self.batch.workflow,
            self.node,
            self.parent,
            version,
            self.batch.number,
            everything,
        )
        with stages.measure("write_delta") as handled:
            self.last = superseding.last_delta(self.conn, self.node)
            writer.write(self.spill)
            written = superseding.count_written(self.conn, self.node, self.last)
            counts.update(written)
            counts["same"] = staged - counts["inserted"] - counts["updated"]
            counts["superseded"] = superseding.supersede(self.conn, self.node, self.last)
            rejections.store(self.conn, self.batch, self.clock, complete=self.options.complete)
            handled(counts["inserted"] + counts["updated"] + counts["deleted"])
        with stages.measure("advance_snapshot") as handled:
            handled(writer.advance_snapshot(self.clock.now()))
        self.batch.finish(self.conn, self.clock)
