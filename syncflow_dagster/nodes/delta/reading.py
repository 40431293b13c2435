"""The first half of a build: the source's rows, chunk by chunk, into the build's folder."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.core.leaving import check
from syncflow_dagster.nodes.delta import marks
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.normalise import Normaliser
from syncflow_dagster.nodes.delta.seen import RowHasher
from syncflow_dagster.nodes.delta.source import cuts
from syncflow_dagster.nodes.delta.tables import key_fields
from syncflow_dagster.nodes.delta.work import ChunkWork
from syncflow_dagster.nodes.delta.workspace import Workspace
from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.nodes.delta.cursor import Plan
    from syncflow_dagster.nodes.delta.known import Known
    from syncflow_dagster.nodes.delta.options import DeltaOptions
    from syncflow_dagster.nodes.delta.report import Stages
    from syncflow_dagster.nodes.delta.source import Cut
    from syncflow_dagster.nodes.delta.versions import Earlier
    from syncflow_dagster.nodes.rows import Piece, RowSource
    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule


#: Stages that run while the source is read.
STAGES_OF_READING = ("extract", "normalise", "identify")


@contextmanager
def folder(home: Path | None) -> Iterator[Path]:
    """Give the folder of builds; without one, a folder that is gone afterwards."""
    if home is not None:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="syncflow-delta-") as temporary:
        yield Path(temporary)


@dataclass(frozen=True)
class Reading:
    """What is read, and what is made of it.

    Attributes:
        node: The node.
        parent: Node of the parents, if there is one.
        source: Where the rows come from.
        plan: Which of them are wanted.
        earlier: Versions of the definition that known records still have.
        options: See :class:`DeltaOptions`.
        stages: Where time and rows are counted.
    """

    node: DeltaNode
    parent: DeltaNode | None
    source: RowSource
    plan: Plan
    earlier: tuple[Earlier, ...]
    options: DeltaOptions
    stages: Stages

    def workspace(self, home: Path, workflow: str, definition: str) -> Workspace:
        """Return the build's folder, which names all that decides about what is in it."""
        identity = {
            "workflow": workflow,
            "node": self.node.model_dump(mode="json"),
            "parent": None if self.parent is None else self.parent.model_dump(mode="json"),
            "definition": definition,
            "earlier": [each.version.number for each in self.earlier],
            "since": marks.to_text(self.plan.since),
            "interval": str(self.plan.interval),
            "scheduled_for": str(self.options.scheduled_for),
            "complete": self.options.complete,
            "part": self.options.part.name,
            "rows": self.hasher.tag.hex(),
            "release": installed("syncflow-dagster"),
        }
        name = f"{workflow}.{self.node.name}.{self.options.part.name}"
        if self.options.retry:
            # Apart from what a build that was killed has read.
            name += ".retry"
        return Workspace(home / name, identity)

    @cached_property
    def hasher(self) -> RowHasher:
        """What rows are known again by."""
        return RowHasher(self.node, self.parent)

    def run(self, workspace: Workspace, known: Known) -> None:
        """Read the source from where the folder's chunks end, and keep a chunk for each piece.

        Args:
            workspace: The build's folder.
            known: The known records; of the rows they were written from, none are made again.
        """
        if workspace.complete:
            return
        rowversion = self.node.detection.rowversion
        work = ChunkWork(
            self.node,
            Normaliser(self.node, self.parent),
            self._only(key_fields(self.node)),
            None if rowversion is None else self._only([self.node.field(rowversion)]),
            self.hasher,
            known,
            self.earlier,
            self.options.part,
            workspace,
            self.stages,
        )
        # Closed at once when a chunk fails, so that no statement goes on at the source.
        with closing(self._extract(workspace)) as cut:
            for manifest in in_order(work, cut, self.options.threads, finish_begun=True):
                workspace.keep(manifest)
                crash_point("delta.chunk_kept")

    def _only(self, rules: list[FieldRule]) -> Normaliser:
        """Return what makes some fields alone, as if they were the key."""
        update = {"fields": rules, "key": [rule.name for rule in rules], "parent": None}
        return Normaliser(self.node.model_copy(update=update), None)

    def _extract(self, workspace: Workspace) -> Generator[Cut, None, None]:
        done = workspace.chunks
        position = Position(
            after=workspace.resume,
            changed_since=self.plan.since,
            interval=self.plan.interval,
            scheduled_for=self.options.scheduled_for,
        )
        pieces = self.source.read(position)
        with _closed(pieces):
            found = cuts(pieces, len(done), sum(chunk.read for chunk in done))
            while True:
                check(self.options.leave)
                with self.stages.measure("extract") as handled:
                    cut = next(found, None)
                    if cut is None:
                        return
                    handled(cut.rows.height)
                yield cut


@contextmanager
def _closed(pieces: Iterator[Piece]) -> Iterator[None]:
    try:
        yield
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
