"""The second half of a build: what to do, and doing it in one transaction."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.detect.classify import Operation
from syncflow_dagster.nodes.delta import detection, rejections, superseding, versions
from syncflow_dagster.nodes.delta.detection import Decided
from syncflow_dagster.nodes.delta.due import keep_due_times
from syncflow_dagster.nodes.delta.duplicates import describe_twins
from syncflow_dagster.nodes.delta.layout import Layout
from syncflow_dagster.nodes.delta.parents import release_waiting, relink
from syncflow_dagster.nodes.delta.preview import preview
from syncflow_dagster.nodes.delta.report import DeltaResult
from syncflow_dagster.nodes.delta.settling import Settled, settle
from syncflow_dagster.nodes.delta.writing import Writer
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.delta.batches import Batch
    from syncflow_dagster.nodes.delta.cursor import Strategy
    from syncflow_dagster.nodes.delta.known import Known
    from syncflow_dagster.nodes.delta.options import DeltaOptions
    from syncflow_dagster.nodes.delta.versions import Earlier, Version
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Stages whose work is done again when the transaction is.
_WRITING = ("resolve_parents", "write_delta", "advance_snapshot")
_SHOWN_REJECTIONS = 100


@dataclass
class Finish:
    """One build's second half.

    Attributes:
        conn: The build's session.
        node: The node.
        parent: Node of the parents, if there is one.
        batch: The batch.
        workspace: Holds the chunks.
        known: What was known before.
        options: See :class:`DeltaOptions`.
        clock: Gives the moments that are stored.
    """

    conn: psycopg.Connection[DictRow]
    node: DeltaNode
    parent: DeltaNode | None
    batch: Batch
    workspace: Workspace
    known: Known
    options: DeltaOptions
    clock: Clock
    settled: Settled = field(init=False)
    decided: Decided = field(default_factory=lambda: Decided({}))
    empty: bool = False
    last: int = 0

    def decide(self, version: Version, *, complete: bool, guarded: bool) -> None:
        """Compare what was read with what is known; nothing is written.

        Args:
            version: How today's hashes are made.
            complete: Whether all of the source was read.
            guarded: Whether deletes need the guard's leave; those of an empty source always do.

        Raises:
            DeleteGuard: Too many records would be deleted.
        """
        stages, counts, part = self.batch.stages, self.batch.counts, self.options.part
        counts["read"] = sum(chunk.read for chunk in self.workspace.chunks)
        counts["records"] = sum(chunk.records for chunk in self.workspace.chunks)
        with stages.measure("detect") as handled:
            self.settled = settle(self.workspace, self.known, self.options.threads)
            handled(self.settled.count)
        self.empty = len(self.known.entries) == 0 and part.parts == 1
        self.decided = detection.decide(
            self.node,
            self.workspace,
            self.settled,
            part.span,
            version,
            stages,
            self.options.threads,
            everything=self.options.full_resync,
            complete=complete,
        )
        with stages.measure("guard") as handled:
            # A range of keys may be empty where the source is not.
            given = counts["records"] if part.parts == 1 else counts["read"]
            if guarded or not given:
                detection.guard(self.node, self.decided, given, part.parts)
            handled(self.decided.deletes)

    def write(
        self,
        version: Version,
        earlier: tuple[Earlier, ...],
        workflow: str,
        *,
        complete: bool,
    ) -> None:
        """Write what was decided, inside a transaction.

        Args:
            version: How today's hashes are made.
            earlier: Versions that known records still have.
            workflow: The workflow's name.
            complete: Whether all of the source was read.
        """
        stages, counts = self.batch.stages, self.batch.counts
        with stages.measure("resolve_parents") as handled:
            if self.parent is not None and not self.node.is_own_parent:
                handled(release_waiting(self.conn, self.node, self.parent))
        writer = self._writer(workflow, version, earlier)
        with stages.measure("write_delta") as handled:
            self._store_rejections(complete=complete)
            self._write_delta(writer, workflow)
            handled(counts["inserted"] + counts["updated"] + counts["deleted"])
        with stages.measure("advance_snapshot") as handled:
            handled(writer.advance_snapshot())
            if writer.written.rows and self.decided.count(Operation.RENEW):
                # Where nothing changed, nothing is written to the snapshot.
                writer.renew_row_hashes()
            if self.parent is not None and self.node.is_own_parent:
                # What waited for a record of this very batch waits no longer.
                release_waiting(self.conn, self.node, self.parent)
                counts["waiting"] = superseding.count_waiting(
                    self.conn, self.node, self.batch.number
                )
            if earlier:
                relink(self.conn, self.node, self.parent)
            if earlier and complete:
                versions.forget_unused(self.conn, self.node)
        self._count()
        self.batch.finish(self.conn, self.clock)

    def restart(self) -> None:
        """Forget what the transaction's stages did: it was rolled back and begins again."""
        self.batch.stages.restart(_WRITING)

    def result(self, strategy: Strategy) -> DeltaResult:
        """Say what was done."""
        told = rejections.first_rejections(
            self.conn, self.batch.workflow, self.node, self.batch.number, _SHOWN_REJECTIONS
        )
        shown = preview(self.conn, self.node, self.batch.number, self.last)
        return DeltaResult(
            self.batch.number,
            dict(self.batch.counts),
            self.batch.stages.reports(),
            told,
            shown,
            seconds=self.batch.stages.seconds,
            strategy=strategy,
        )

    def _write_delta(self, writer: Writer, workflow: str) -> None:
        """Write the delta rows, with their due times, and let them take the place of older ones."""
        counts, batch = self.batch.counts, self.batch.number
        writer.write(self.clock.now())
        counts.update(asdict(writer.written))
        keep_due_times(
            self.conn,
            workflow,
            self.node,
            self.parent,
            batch=batch,
            last=self.last,
            now=self.clock.now(),
        )
        counts["superseded"] = superseding.supersede(self.conn, self.node, batch, self.last)

    def _writer(self, workflow: str, version: Version, earlier: tuple[Earlier, ...]) -> Writer:
        self.last = superseding.last_delta(self.conn, self.node)
        layout = Layout(
            workflow,
            self.node,
            None if self.parent is None else self.parent.entity,
            version,
            {each.version.number: each for each in earlier},
            self.batch.number,
            self.options.full_resync,
        )
        # Records of one kind are looked up among those just written, which needs the indexes.
        empty = self.empty and self.last == 0 and not self.node.is_own_parent
        return Writer(
            self.conn, self.node, self.parent, layout, self.workspace, self.decided, empty
        )

    def _store_rejections(self, *, complete: bool) -> None:
        self.conn.execute(load("delta_detect")["create_rejected"])
        rejections.stage(self.conn, self._rejected())
        for told in describe_twins(self.conn, self.node, self.workspace, self.decided):
            rejections.stage(self.conn, map(rejections.staged, told))
        rejections.store(
            self.conn, self.batch, self.clock, self.options, self.settled, complete=complete
        )

    def _rejected(self) -> Iterator[list[object]]:
        for chunk in self.workspace.chunks:
            text = self.workspace.rejected(chunk.number).read_text(encoding="utf-8")
            yield from (json.loads(line) for line in text.split("\n") if line)

    def _count(self) -> None:
        counts = self.batch.counts
        counts["rejected"] = sum(chunk.rejected for chunk in self.workspace.chunks)
        counts["rejected"] += len(self.decided.twins)
        counts["duplicates"] = self.decided.dropped
        counts["same"] = self.decided.count(Operation.SAME, Operation.RENEW) + counts["migrated"]
