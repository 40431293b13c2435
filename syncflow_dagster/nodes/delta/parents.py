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
    """Make PENDING the delta rows that waited for a parent which is there now.

    A parent is there when its node knows it, it is not deleted, and it does not wait for a parent
    of its own. Where a node is its own parent, parents are let go before their children, down to
    the last; records that go round in a cycle stay. Rows that already have effects are left
    alone. The work grows with the rows that wait, whatever their parents are.

    Args:
        conn: Inside a transaction.
        node: Node of the children.
        parent: Node of the parents; it may be the same.

    Returns:
        How many rows were released.
    """
    parts: dict[str, sql.Composable] = {
        "delta": delta_id(node),
        "table": sql.Literal(node.table),
        "is_own_parent": sql.Literal(node.is_own_parent),
        "awaited": awaited(node, parent),
    }

    def run(name: str) -> psycopg.Cursor[DictRow]:
        return conn.execute(sql.SQL(load("parents")[name]).format(**parts))

    if run("any_waiting").fetchone() is None:
        return 0
    released = 0
    if run("find_awaited").rowcount:
        for name in ("index_awaited", "analyse_awaited", "find_free", "key_free", "analyse_free"):
            run(name)
        released = run("release_waiting").rowcount
    run("drop_found")
    return released


def awaited(node: DeltaNode, parent: DeltaNode) -> sql.Composed:
    """Return the query of the known parents that have children waiting.

    Its columns: `bk`, `children`, `record_uuid`, and `up`, the key of the parent that such a
    parent waits for itself; those without `up` let their children go with the next release.
    """
    return sql.SQL(load("parents")["awaited"]).format(
        delta=delta_id(node),
        table=sql.Literal(node.table),
        parent_delta=delta_id(parent),
        parent_snapshot=snapshot_id(parent),
    )
