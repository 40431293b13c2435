"""From staged hashes to the set of changes: duplicates, parents, one join, the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.core.detect.guard import refusal
from syncflow_dagster.nodes.delta import rejections
from syncflow_dagster.nodes.delta.errors import DeleteGuard
from syncflow_dagster.nodes.delta.parents import release_waiting
from syncflow_dagster.nodes.delta.staging import KEY_TEXT
from syncflow_dagster.nodes.delta.tables import snapshot_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.staging import Spill
    from syncflow_dagster.nodes.delta.versions import Version
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]


def drop_duplicates(conn: Connection, node: DeltaNode, spill: Spill) -> tuple[int, int]:
    """Apply the node's rule to records of one batch that share a business key.

    Returns:
        How many were dropped (rules `first` and `last`), and how many rejected.
    """
    statements = load("delta_detect")
    conn.execute(statements["find_duplicates"])
    rejected = 0
    if node.duplicates == "reject":
        for first, end in spill.ranges():
            rejected += _reject_duplicates(conn, node, spill, first, end)
    gone = conn.execute(statements["drop_duplicates"], {"keep": node.duplicates}).rowcount
    return (0 if rejected else gone), rejected


def _reject_duplicates(
    conn: Connection, node: DeltaNode, spill: Spill, first: int, end: int
) -> int:
    rows = conn.execute(
        load("delta_detect")["read_duplicates"], {"first": first, "end": end}
    ).fetchall()
    if not rows:
        return 0
    records = spill.take([row["n"] for row in rows])
    keys = records[KEY_TEXT].to_list()
    fields = records.select([rule.name for rule in node.fields])
    told = [
        rejections.duplicate(node, fields, place, row, keys[place])
        for place, row in enumerate(rows)
    ]
    return rejections.stage(conn, told)


def find_parents(conn: Connection, node: DeltaNode, parent: DeltaNode | None) -> None:
    """Find the parents that are there, and let go the rows that waited for one of them."""
    statements = load("delta_detect")
    conn.execute(statements["create_parents"])
    if parent is not None:
        conn.execute(
            sql.SQL(statements["find_parents"]).format(parent_snapshot=snapshot_id(parent))
        )
        conn.execute(statements["analyse_parents"])
        release_waiting(conn, node, parent)


def detect(
    conn: Connection, node: DeltaNode, version: Version, *, everything: bool, complete: bool
) -> DictRow:
    """Join the staged hashes with the snapshot, once.

    Args:
        conn: The build's session, inside its transaction.
        node: The node.
        version: How today's hashes are made; rows of another version are looked at by field.
        everything: Whether known records are written again though nothing changed.
        complete: Whether all of the source was read, so that a missing record is a deleted one.

    Returns:
        Counts: `staged`, `changes`, `deletes`, and `known` (live records before this batch).
    """
    statements = load("delta_detect")
    snapshot = snapshot_id(node)
    conn.execute(
        sql.SQL(statements["detect"]).format(snapshot=snapshot),
        {
            "deletes": node.deletes.detect and complete,
            "everything": everything,
            "version": version.number,
        },
    )
    conn.execute(statements["index_changes"])
    conn.execute(statements["analyse_changes"])
    counts = conn.execute(sql.SQL(statements["count_changes"]).format(snapshot=snapshot)).fetchone()
    assert counts is not None
    return counts


def guard(node: DeltaNode, counts: DictRow, records: int) -> None:
    """Refuse more deletes than the node allows.

    Raises:
        DeleteGuard: See :func:`syncflow_dagster.core.detect.guard.refusal`.
    """
    reason = refusal(counts["deletes"], counts["known"], records, node.deletes.max_share)
    if reason is not None:
        msg = f"node {node.name}: {reason}. Nothing of this batch was written"
        raise DeleteGuard(msg)
