"""Children whose parent was not there, or is named otherwise now: letting them go once it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.core.normalise.mapping import KEY_SEPARATOR
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


def relink(conn: psycopg.Connection[DictRow], node: DeltaNode, parent: DeltaNode | None) -> int:
    """Let delta rows nobody has taken up yet name their parents as the snapshot does by now.

    They were written before `parent` was declared, declared otherwise or dropped, or before the
    parent's key got other rules. Without this they would wait for a parent of a key that no record
    has any more. The work grows with the rows that are pending or wait.

    Args:
        conn: Inside the transaction that brought the snapshot to those rules.
        node: Node of the children.
        parent: Node of the parents, if it has one by now.

    Returns:
        How many rows name another parent now, or one at last.
    """
    parts = {
        "delta": delta_id(node),
        "snapshot": snapshot_id(node),
        "table": sql.Literal(node.table),
        "entity": sql.Literal(None if parent is None else parent.entity),
        "key": parent_key(node),
        "parent_uuid": _parent_uuid(parent),
    }
    relinked = conn.execute(sql.SQL(load("parents")["relink"]).format(**parts)).rowcount
    if parent is not None:
        release_waiting(conn, node, parent)
    return relinked


def _parent_uuid(parent: DeltaNode | None) -> sql.Composable:
    """Return the record id of the parent of a snapshot row `k`; NULL where there is none."""
    if parent is None:
        return sql.SQL("null")
    query = sql.SQL("(select p.record_uuid from {} p where p.bk_hash = k.parent_bk_hash)")
    return query.format(snapshot_id(parent))


def parent_key(node: DeltaNode) -> sql.Composable:
    """Return the readable key of the parent of a delta row `d`; NULL where the node has none."""
    if node.parent is None:
        return sql.SQL("null")
    names = [sql.SQL("{}::text").format(sql.Identifier("d", name)) for name in node.parent.key]
    return sql.SQL("concat_ws({}, {})").format(
        sql.Literal(KEY_SEPARATOR), sql.SQL(", ").join(names)
    )


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
