"""Building a delta: nine named stages from a source's rows to delta rows and snapshot.

Once the hashes of the known records are read, the first three run chunk by chunk while the source
is read, and leave what they made in the build's folder. The other six decide and write, the writing
in one transaction. A build that is killed leaves a batch row that says RUNNING, which the next
build of the node marks as failed, and its folder, from which that one goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg

from syncflow_dagster.core.leaving import Left
from syncflow_dagster.nodes.delta import batches as running
from syncflow_dagster.nodes.delta import cursor, tables, versions
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError, DeltaError, ReadingLeft
from syncflow_dagster.nodes.delta.finish import Finish
from syncflow_dagster.nodes.delta.known import Known, read_known
from syncflow_dagster.nodes.delta.locks import share_writing
from syncflow_dagster.nodes.delta.normalise import Normaliser
from syncflow_dagster.nodes.delta.options import DeltaOptions
from syncflow_dagster.nodes.delta.reading import STAGES_OF_READING, Reading, folder
from syncflow_dagster.nodes.delta.report import DeltaResult, Progress, Stages
from syncflow_dagster.nodes.delta.seen import nothing_seen
from syncflow_dagster.nodes.delta.settling import is_usable
from syncflow_dagster.nodes.rows import PositionLost
from syncflow_dagster.nodes.triggers import intervals
from syncflow_dagster.store.database import is_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.delta.workspace import Workspace
    from syncflow_dagster.nodes.rows import Interval, RowSource
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

__all__ = ["DeltaOptions", "DeltaResult", "Progress", "build_delta", "prepare"]

prepare = tables.prepare

#: How often the transaction is tried when it and the push wait for each other's rows.
_ATTEMPTS = 3


def build_delta(
    database: Database,
    workflow: str,
    node: DeltaNode,
    source: RowSource,
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
        source: Where the rows come from. An error it raises ends the build with nothing written.
        parent: The node `node.parent` names, or None.
        clock: Gives the moments that are stored.
        options: See :class:`DeltaOptions`.
        progress: Called after each piece of work of a stage, by any thread.

    Returns:
        Counts, stage times, first rejections and a preview.

    Raises:
        DeltaBusy: Another process builds this node's delta, or some of this part of it.
        MissingColumn: The source lacks a column.
        DeleteGuard: Too many records would be deleted.
        DeltaDefinitionError: The node cannot be used as it is declared.
        DeltaError: The source gave something that cannot be read.
        ReadingLeft: It had to stop while it read; see `DeltaOptions.leave`.
    """
    options = options or DeltaOptions()
    if node.parent is None and parent is not None:
        msg = f"node {node.name} declares no parent, but {parent.name} was given as one"
        raise DeltaDefinitionError(msg)
    Normaliser(node, parent)  # says what is wrong with the definition before anything is made
    nodes = [node] if parent is None or node.is_own_parent else [parent, node]
    tables.prepare(database, workflow, nodes)
    with (
        running.session(database, workflow, node, options.part, options.lock_wait_ms) as conn,
        folder(options.home) as home,
    ):
        build = _Build(database, conn, workflow, node, parent, source, clock, options)
        return build.run(home, progress)


@dataclass
class _Build:
    """One build's parts, passed through its two halves."""

    database: Database
    conn: Connection
    workflow: str
    node: DeltaNode
    parent: DeltaNode | None
    source: RowSource
    clock: Clock
    options: DeltaOptions

    def run(self, home: Path, progress: Callable[[Progress], None] | None) -> DeltaResult:
        version = versions.register(self.conn, self.node, self.parent)
        earlier = versions.earlier(self.conn, self.node, version)
        self._check_key(version, earlier)
        definition = f"{version.number} {self.source.fingerprint}"
        plan = self._plan(definition)
        expected = running.last_read(self.conn, self.workflow, self.node.name, plan.strategy)
        stages = Stages(progress, expected)
        start = running.Batch(0, self.workflow, self.node.name, self.options.part, stages)
        reading = Reading(self.node, self.parent, self.source, plan, earlier, self.options, stages)
        workspace = reading.workspace(home, self.workflow, definition)
        with running.batch(
            self.conn, self.database, self.clock, start, self.options.run_id, plan.strategy
        ) as batch:
            left_by = self._open(workspace, batch)
            try:
                known = self._read_known(reading, workspace, version)
                if left_by is not None and workspace.chunks:
                    batch.resume(self.conn, left_by)
                self._read(reading, workspace, known)
                finish = Finish(
                    self.conn,
                    self.node,
                    self.parent,
                    batch,
                    workspace,
                    known,
                    self.options,
                    self.clock,
                )
                result = self._finish(finish, plan, definition, version, earlier)
            except Left as left:
                raise ReadingLeft(left.reason, workspace.leave()) from left
            except (DeltaError, ValueError):
                workspace.remove()
                raise
            except psycopg.Error as error:
                if not is_transient(error):
                    # The same rows would be refused again, though their source is mended by then.
                    workspace.remove()
                raise
            finally:
                if not workspace.continues:
                    workspace.remove()
        workspace.remove()
        result.resumed = sum(chunk.batch != batch.number for chunk in workspace.chunks)
        return result

    def _read_known(
        self, reading: Reading, workspace: Workspace, version: versions.Version
    ) -> Known:
        """Read what is known, which nobody else may change, and keep only what goes with it."""
        started = time.perf_counter()
        options = self.options
        known = read_known(
            self.database,
            self.node,
            version.number,
            reading.hasher.tag,
            options.part,
            workspace.folder,
            options.threads,
        )
        reading.stages.add("detect", time.perf_counter() - started)
        if options.full_resync:
            # Where all is sent again, all is made again.
            known = replace(known, seen=nothing_seen())
        if not is_usable(workspace, known, everything=options.full_resync):
            workspace.forget()
        return known

    def _read(self, reading: Reading, workspace: Workspace, known: Known) -> None:
        try:
            reading.run(workspace, known)
        except PositionLost:
            # What was read lies there in vain: the source shows its rows from the first on.
            workspace.forget()
            reading.stages.restart(STAGES_OF_READING)
            reading.run(workspace, known)

    def _plan(self, definition: str) -> cursor.Plan:
        if not self.options.complete:
            # Some rows say nothing about how far all of them were read.
            return cursor.Plan("hash")
        if self.options.by_interval:
            return cursor.Plan("hash", interval=self._interval(definition))
        everything = self.options.full_resync or not self.source.selects_changes
        return cursor.plan(
            self.conn,
            self.workflow,
            self.node,
            self.options.part,
            definition,
            self.clock.now(),
            everything=everything,
        )

    def _interval(self, definition: str) -> Interval:
        return intervals.plan(
            self.conn,
            self.workflow,
            self.node.source,
            self.options.part,
            definition,
            self.options.scheduled_for or self.clock.now(),
            everything=self.options.full_resync,
        )

    def _check_key(self, version: versions.Version, earlier: tuple[versions.Earlier, ...]) -> None:
        changed = [each for each in earlier if versions.key_changed(each.version, version)]
        if changed and not self.options.full_resync:
            msg = (
                f"node {self.node.name}: the business key ({', '.join(self.node.key)}) is declared "
                "otherwise than when the known records were stored, so each of them would be "
                "deleted and made anew. Put the declaration back, give the node a new table, or "
                "accept it with one full resync"
            )
            raise DeltaDefinitionError(msg)

    def _open(self, workspace: Workspace, batch: running.Batch) -> int | None:
        """Open the folder; return the batch whose chunks are in it, None where there are none."""
        earlier = workspace.earlier()
        if earlier is not None and batch.superseded(self.conn, earlier):
            # What was read since is newer than what lies there.
            workspace.remove()
        return workspace.open(batch.number)

    def _finish(
        self,
        finish: Finish,
        plan: cursor.Plan,
        definition: str,
        version: versions.Version,
        earlier: tuple[versions.Earlier, ...],
    ) -> DeltaResult:
        complete = self.options.complete and plan.complete
        key_changed = any(versions.key_changed(each.version, version) for each in earlier)
        finish.decide(version, complete=complete, guarded=not key_changed)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.conn.transaction():
                    share_writing(self.conn, self.node)
                    finish.write(version, earlier, self.workflow, complete=complete)
                    cursor.keep(
                        self.conn,
                        self.workflow,
                        self.node,
                        self.options.part,
                        definition,
                        plan,
                        finish.workspace.chunks,
                        self.clock.now(),
                    )
                    self._keep_interval(plan, definition)
                break
            except psycopg.errors.DeadlockDetected:
                # Nothing was written, and the chunks are still there.
                if attempt == _ATTEMPTS:
                    raise
                finish.restart()
        crash_point("delta.committed")
        result = finish.result(plan.strategy)
        result.interval = plan.interval
        return result

    def _keep_interval(self, plan: cursor.Plan, definition: str) -> None:
        if plan.interval is None:
            return
        intervals.keep(
            self.conn,
            self.workflow,
            self.node.source,
            self.options.part,
            definition,
            plan.interval,
            self.options.run_id,
            self.clock.now(),
        )
