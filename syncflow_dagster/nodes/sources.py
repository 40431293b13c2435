"""Whatever a delta node reads: rows of a pull node, or what an identity node found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.identity.moves import MoveRows
from syncflow_dagster.nodes.pull.read import open_rows
from syncflow_dagster.nodes.pull.salesforce import open_records
from syncflow_dagster.nodes.pull.spared import SparedRows
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.workflows.models import (
    IdentityNode,
    PullNode,
    SalesforcePullNode,
    SqlConnection,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.nodes.rows import RowSource
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import DeltaNode


def open_source(
    loaded: LoadedWorkflow,
    node: DeltaNode,
    database: Database,
    tell: Callable[[str], None] = lambda _text: None,
) -> RowSource:
    """Return the rows a delta node is made of; nothing is connected to before the first read.

    Args:
        loaded: The workflow the node stands in.
        node: The delta node.
        database: SyncFlow's own database, where identity nodes keep what they find.
        tell: Told now and then what a read waits for that gives no rows yet.

    Raises:
        TypeError: The node's source is nothing that has rows.
    """
    source = loaded.workflow.node(node.source)
    if isinstance(source, PullNode):
        return _rows(loaded, source, database, tell)
    if isinstance(source, SalesforcePullNode):
        return open_records(loaded, source, tell)
    if isinstance(source, IdentityNode):
        return MoveRows(database, loaded.workflow.workflow, source.name)
    msg = f"the source {source.name!r} of node {node.name!r} is a {source.type} node, without rows"
    raise TypeError(msg)


def _rows(
    loaded: LoadedWorkflow, node: PullNode, database: Database, tell: Callable[[str], None]
) -> RowSource:
    connection = loaded.workflow.connections[node.connection]
    if not isinstance(connection, SqlConnection) or not connection.is_spared:
        return open_rows(loaded, node)
    clock = DatabaseClock(database)
    return SparedRows(loaded, node, connection, database=database, clock=clock, tell=tell)
