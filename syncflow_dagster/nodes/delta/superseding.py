"""A newer change of a record takes the place of an older one that has not arrived yet.

The last value wins: what of the older row was not sent is cancelled, and the fields it had still
to bring are brought by the newer row. Where the service may be seeing one of its effects right
now, the older row stays as it is, marked with its successor, until the ledger has settled it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode


def last_delta(conn: psycopg.Connection[DictRow], node: DeltaNode) -> int:
    """Return the newest delta row's id, 0 if there is none."""
    row = conn.execute(_statement(node, "last_delta")).fetchone()
    assert row is not None
    last: int = row["last"]
    return last


def count_waiting(conn: psycopg.Connection[DictRow], node: DeltaNode, batch: int) -> int:
    """Count a batch's rows whose parent is not there."""
    row = conn.execute(_statement(node, "count_waiting"), {"batch": batch}).fetchone()
    assert row is not None
    waiting: int = row["waiting"]
    return waiting


def supersede(
    conn: psycopg.Connection[DictRow], node: DeltaNode, batch: int | None, last: int
) -> int:
    """Let new rows take the place of unfinished older rows of the same records.

    Args:
        conn: Inside the transaction that wrote the rows.
        node: The node.
        batch: The new rows' batch; None for those of any, where no build writes beside.
        last: What :func:`last_delta` said before they were written.

    Returns:
        How many older rows have a successor now.
    """
    if conn.execute(_statement(node, "find_unfinished"), {"last": last}).fetchone() is None:
        return 0
    table = {"table": node.table}
    fields = [rule.name for rule in node.fields]
    batches = {"batch": batch, "last": last, "fields": fields}
    if conn.execute(_statement(node, "lock_older"), batches).rowcount == 0:
        return 0
    conn.execute(load("delta_write")["analyse_older"])
    conn.execute(load("delta_write")["lock_effects"], table)
    conn.execute(_statement(node, "inherit_changes"), {"fields": fields})
    conn.execute(load("delta_write")["cancel_effects"], table)
    return conn.execute(_statement(node, "supersede"), table).rowcount


def _statement(node: DeltaNode, name: str) -> sql.Composed:
    return sql.SQL(load("delta_write")[name]).format(delta=delta_id(node))
