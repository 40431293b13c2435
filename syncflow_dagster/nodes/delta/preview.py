"""A look at a batch's delta rows, as the frame users know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg import sql

from syncflow_dagster.core.normalise.numbers import PRECISION
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import pandas as pd
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode, FieldRule

_LEADING = {
    "delta_id": pa.int64(),
    "operation": pa.string(),
    "state": pa.string(),
    "reason": pa.string(),
    "business_key": pa.string(),
    "changed_columns": pa.list_(pa.string()),
}


def preview(
    conn: psycopg.Connection[DictRow], node: DeltaNode, batch: int, last: int, limit: int = 20
) -> pd.DataFrame:
    """Read the first delta rows of a batch.

    Args:
        conn: A connection.
        node: The node.
        batch: The batch's number.
        last: Newest delta row before the batch.
        limit: Rows at most.
    """
    import pandas as pd

    schema = pa.schema([*_LEADING.items(), *((each.name, _type(each)) for each in node.fields)])
    statement = sql.SQL(load("delta_write")["preview"]).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, schema.names)), delta=delta_id(node)
    )
    rows = conn.execute(statement, {"batch": batch, "last": last, "limit": limit}).fetchall()
    table = pa.Table.from_pylist(rows, schema=schema)
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame


def _type(rule: FieldRule) -> pa.DataType:
    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "decimal": pa.decimal128(PRECISION, rule.scale),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC"),
    }[rule.type]
