"""A look at a batch's delta rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from psycopg import sql

from syncflow_dagster.core.normalise.numbers import PRECISION
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule

_LEADING: dict[str, pl.DataType] = {
    "delta_id": pl.Int64(),
    "operation": pl.String(),
    "state": pl.String(),
    "reason": pl.String(),
    "business_key": pl.String(),
    "changed_columns": pl.List(pl.String()),
}


def preview(
    conn: psycopg.Connection[DictRow], node: DeltaNode, batch: int, last: int, limit: int = 20
) -> pl.DataFrame:
    """Read the first delta rows of a batch, without what tells about persons.

    Args:
        conn: A connection.
        node: The node.
        batch: The batch's number.
        last: Newest delta row before the batch.
        limit: Rows at most.
    """
    shown = [each for each in node.fields if not each.personal]
    schema = _LEADING | {each.name: _type(each) for each in shown}
    statement = sql.SQL(load("delta_write")["preview"]).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, schema)), delta=delta_id(node)
    )
    rows = conn.execute(statement, {"batch": batch, "last": last, "limit": limit}).fetchall()
    return pl.DataFrame(rows, schema=schema)


def _type(rule: FieldRule) -> pl.DataType:
    kinds: dict[str, pl.DataType] = {
        "text": pl.String(),
        "integer": pl.Int64(),
        "decimal": pl.Decimal(PRECISION, rule.scale),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "datetime": pl.Datetime("us", "UTC"),
    }
    return kinds[rule.type]
