"""Another try of only those rows that could not become records, under the rules of today."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg import sql

from syncflow_dagster.nodes.delta import tables
from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError
from syncflow_dagster.nodes.delta.options import DeltaOptions
from syncflow_dagster.nodes.delta.source import CHUNK_ROWS
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.delta.report import DeltaResult, Progress
    from syncflow_dagster.nodes.rows import Position
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode


def retry_rejected(
    database: Database,
    workflow: str,
    node: DeltaNode,
    *,
    parent: DeltaNode | None,
    clock: Clock,
    options: DeltaOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> DeltaResult | None:
    """Build a node's delta from its open rejections alone, without reading the source.

    What becomes a record closes its rejection; what is rejected again keeps it open. Left out
    are rows whose record has changed since (the source's newer row is the right one) and those
    rejected for sharing a key, which only the source can settle.

    Args:
        database: A migrated database.
        workflow: The workflow's name.
        node: The delta node.
        parent: The node `node.parent` names, or None.
        clock: Gives the moments that are stored.
        options: See :class:`DeltaOptions`; such a build is never complete.
        progress: See :func:`build_delta`.

    Returns:
        As of a build; `read` counts the rows that were tried. None when there are none.

    Raises:
        DeltaBusy: Another process builds this node's delta.
        MissingColumn: The rows lack a column that a field is read from by now.
        DeltaDefinitionError: The node cannot be used as it is declared.
    """
    options = replace(options or DeltaOptions(), complete=False, retry=True)
    _refuse_computed(node)
    # The rows as they were kept are already unpivoted.
    plain = node.model_copy(update={"unpivot": None})
    tables.prepare(database, workflow, [node])
    rows = _RejectedRows(database, workflow, node)
    if not rows.after(0):
        return None
    return build_delta(
        database, workflow, plain, rows, parent=parent, clock=clock, options=options,
        progress=progress,
    )  # fmt: skip


def _refuse_computed(node: DeltaNode) -> None:
    made = [
        rule.name
        for rule in node.fields
        if rule.transform is not None and rule.transform.type in ("expression", "python")
    ]
    if made:
        msg = (
            f"node {node.name}: {', '.join(made)} is computed from the source's own values, and "
            "rejected rows are kept as texts; run the workflow, which reads them again"
        )
        raise DeltaDefinitionError(msg)


@dataclass(frozen=True)
class _RejectedRows:
    """The rows of open rejections, all values as texts."""

    database: Database
    workflow: str
    node: DeltaNode

    @property
    def fingerprint(self) -> str:
        return "rejected"

    @property
    def selects_changes(self) -> bool:
        return False

    def read(self, position: Position) -> Iterator[Piece]:  # noqa: ARG002 - the port's signature
        last = 0
        while rows := self.after(last):
            # A row that never had a column must not be read as one that holds nothing in it.
            for _, alike in groupby(rows, key=lambda row: sorted(row["record"])):
                yield Piece(_batch(list(alike)))
            last = rows[-1]["rejection_id"]

    def after(self, last: int) -> list[DictRow]:
        """Read the next open rejections behind one."""
        statement = sql.SQL(load("delta")["read_rejected"]).format(delta=delta_id(self.node))
        names = {"workflow": self.workflow, "node": self.node.name}
        with self.database.transaction() as conn:
            limits = {"after": last, "limit": CHUNK_ROWS}
            return conn.execute(statement, {**names, **limits}).fetchall()


def _batch(rows: list[DictRow]) -> pa.RecordBatch:
    names = list(rows[0]["record"])
    columns = [pa.array([row["record"][name] for row in rows], pa.string()) for name in names]
    return pa.RecordBatch.from_arrays(columns, names=names)
