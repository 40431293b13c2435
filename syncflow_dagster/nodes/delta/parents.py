"""Children whose parent was not there: letting them go once it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode


def release_waiting(conn: psycopg.Connection[DictRow], node: DeltaNode, parent: DeltaNode) -> int:
    """Make PENDING the delta rows that waited for a parent which is in the snapshot now.

    Rows that already have effects are left alone, as are rows that wait for something else.

    Args:
        conn: Inside a transaction.
        node: Node of the children.
        parent: Node of the parents.

    Returns:
        How many rows were released.
    """
    statement = sql.SQL(load("delta")["release_waiting"]).format(
        delta=delta_id(node), parent_snapshot=snapshot_id(parent)
    )
    return conn.execute(statement, {"table": node.table}).rowcount
