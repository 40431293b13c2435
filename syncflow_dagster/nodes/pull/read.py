"""A pull node's rows: its template filled, its connection opened, its batches read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from syncflow_dagster.nodes.pull.registry import database_of, open_files, open_source
from syncflow_dagster.nodes.pull.resume import Order
from syncflow_dagster.nodes.pull.template import (
    CHANGED_SINCE,
    INTERVAL,
    INTERVAL_END,
    INTERVAL_START,
    RESUME_AFTER,
    SCHEDULED_FOR,
    read_text,
    render,
    variables,
)
from syncflow_dagster.nodes.rows import Interval, Piece, Position
from syncflow_dagster.workflows.models import FilesConnection, SqlConnection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from syncflow_dagster.nodes.rows import RowSource
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import PullNode

#: Where a read ends that is given no interval.
_NO_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PullRows:
    """The rows of a pull node, as a delta reads them; see `nodes.rows.RowSource`.

    Attributes:
        loaded: The workflow the node stands in.
        node: The node.
        connection: The database it reads from.
        parameters: Values that take the place of the file's.
    """

    loaded: LoadedWorkflow
    node: PullNode
    connection: SqlConnection
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """A hash of the template, its parameters, and the place they are asked of; no secret.

        Raises:
            QueryTemplateError: The template cannot be read.
        """
        url = make_url(self.connection.url.get_secret_value())
        parts = [
            read_text(self._template),
            {name: [type(value).__name__, value] for name, value in self._parameters.items()},
            self.node.connection,
            [url.get_backend_name(), url.host, url.port, url.database],
            self.node.resume,
        ]
        text = json.dumps(parts, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def selects_changes(self) -> bool:
        """Whether the template asks for `changed_since`.

        Raises:
            QueryTemplateError: The template cannot be read.
        """
        return CHANGED_SINCE in self._used

    @property
    def reads_intervals(self) -> bool:
        """Whether the template asks for `interval_start` or `interval_end`.

        Raises:
            QueryTemplateError: The template cannot be read.
        """
        return bool(INTERVAL & self._used)

    @property
    def asks_when(self) -> bool:
        """Whether the template asks for anything that depends on when the run was due.

        Raises:
            QueryTemplateError: The template cannot be read.
        """
        return self.reads_intervals or SCHEDULED_FOR in self._used

    def read(self, position: Position) -> Iterator[Piece]:
        """Read the rows.

        Args:
            position: What the template gets beside its parameters.

        Yields:
            Batches of at most `node.batch_rows` rows and one schema, but for dates that are none
            (see `Source.read`); one empty batch if there are no rows. Each can be read on behind,
            if the node names a `resume` column.

        Raises:
            QueryTemplateError: The template cannot be filled.
            SourceUnavailableError: The database cannot be read now.
            QueryFailedError: The database refuses the query, or the rows are not in the order of
                the `resume` column.
            MissingColumn: There is no `resume` column.
        """
        interval = position.interval or Interval(None, _NO_END)
        places = {
            RESUME_AFTER: position.after,
            CHANGED_SINCE: position.changed_since,
            INTERVAL_START: interval.start,
            INTERVAL_END: interval.end,
            SCHEDULED_FOR: position.scheduled_for,
        }
        database = database_of(self.connection.url.get_secret_value()) or ""
        query = render(self._template, {**self._parameters, **places}, database)
        order = None if self.node.resume is None else Order(self.node, query.path, position.after)
        for batch in open_source(self.connection).read(query, self.node.batch_rows):
            yield Piece(batch, None if order is None else order.follow(batch))

    @property
    def _used(self) -> frozenset[str]:
        return frozenset(one.name for one in variables(self._template))

    @property
    def _template(self) -> Path:
        return self.loaded.queries[self.node.name]

    @property
    def _parameters(self) -> dict[str, Any]:
        return {**self.node.parameters, **self.parameters}


def open_rows(
    loaded: LoadedWorkflow, node: PullNode, parameters: Mapping[str, Any] | None = None
) -> RowSource:
    """Return a pull node's rows; nothing is connected to before the first read.

    Args:
        loaded: The workflow the node stands in.
        node: The node.
        parameters: Values that take the place of the file's; of no use to files.

    Raises:
        TypeError: The node's connection is to nothing that has rows.
    """
    connection = loaded.workflow.connections[node.connection]
    if isinstance(connection, FilesConnection):
        return open_files(connection, node.query, node.batch_rows)
    if isinstance(connection, SqlConnection):
        return PullRows(loaded, node, connection, parameters or {})
    msg = (
        f"{node.name}: {node.connection!r} is a {connection.type} connection, "
        "and neither a sql nor a files one"
    )
    raise TypeError(msg)


def read_rows(
    loaded: LoadedWorkflow, node: PullNode, parameters: Mapping[str, Any] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read all of a pull node's rows; see `open_rows` and `PullRows.read`."""
    for piece in open_rows(loaded, node, parameters).read(Position()):
        yield piece.batch
