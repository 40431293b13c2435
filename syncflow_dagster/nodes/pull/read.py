"""A pull node's rows: its template filled, its connection opened, its batches read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.pull.registry import open_source
from syncflow_dagster.nodes.pull.template import render
from syncflow_dagster.workflows.models import SqlConnection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import PullNode


def read_rows(
    loaded: LoadedWorkflow, node: PullNode, parameters: Mapping[str, Any] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a pull node's rows.

    Args:
        loaded: The workflow the node stands in.
        node: The node.
        parameters: Values that take the place of the file's for this read.

    Yields:
        Batches of at most `node.batch_rows` rows and one schema; one empty batch if there are
        no rows.

    Raises:
        QueryTemplateError: The template cannot be filled.
        SourceUnavailableError: The database cannot be read now.
        QueryFailedError: The database refuses the query.
        TypeError: The node's connection is none to a SQL database.
    """
    connection = loaded.workflow.connections[node.connection]
    if not isinstance(connection, SqlConnection):
        msg = f"{node.name}: {node.connection!r} is a {connection.type} connection, not a sql one"
        raise TypeError(msg)
    query = render(loaded.queries[node.name], {**node.parameters, **(parameters or {})})
    yield from open_source(connection).read(query, node.batch_rows)
