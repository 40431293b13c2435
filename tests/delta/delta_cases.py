"""Nodes and sources that the delta tests share."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.workflows.models.delta import DeltaNode

WORKFLOW = "orders"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class FixedClock:
    """A clock that stands still."""

    def now(self):
        return NOW

    def sleep(self, seconds):
        raise AssertionError("a build never sleeps")


def headers_node(**changes):
    fields = [
        {"name": "order_number", "column": "ORDER_NO", "required": True},
        {"name": "customer_name", "column": "CUSTOMER", "required": True},
        {"name": "total", "type": "decimal", "column": "TOTAL", "scale": 2},
        {"name": "due", "type": "date", "column": "DUE"},
        {"name": "notes", "column": "NOTES", "compared": False},
    ]
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "order_delta",
            "description": "Orders",
            "source": "order_pull",
            "entity": "order",
            "table": "order_list_delta",
            "key": ["order_number"],
            "customer": "customer_name",
            "fields": fields,
            **changes,
        }
    )


def tree_node():
    """Records that have their parents among themselves."""
    return headers_node(
        name="tree",
        table="tree",
        key=["number"],
        customer=None,
        fields=[{"name": "number", "column": "N"}, {"name": "above", "column": "P"}],
        parent={"node": "tree", "key": ["above"]},
    )


def things_node(key, fields, **changes):
    """A node of nothing but a key and fields."""
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "things",
            "description": "Things",
            "source": "pull",
            "entity": "thing",
            "table": "things_delta",
            "key": key,
            "fields": fields,
            **changes,
        }
    )


def lines_node(**changes):
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "line_delta",
            "description": "Lines",
            "source": "order_pull",
            "entity": "order_line",
            "table": "order_list_lines_delta",
            "key": ["order_no", "size"],
            "fields": [
                {"name": "order_no", "column": "ORDER_NO"},
                {"name": "size", "column": "SIZE"},
                {"name": "qty", "type": "integer", "column": "QTY"},
            ],
            "parent": {"node": "order_delta", "key": ["order_no"]},
            **changes,
        }
    )


def order(number, customer="ACME", total="10.00", due="2026-06-01", notes=None):
    return {"ORDER_NO": number, "CUSTOMER": customer, "TOTAL": total, "DUE": due, "NOTES": notes}


def line(number, size, qty):
    return {"ORDER_NO": number, "SIZE": size, "QTY": qty}


def batch_of(rows, schema=None):
    if not rows:
        return []
    return pa.Table.from_pylist(rows, schema=schema).to_batches()


def build(
    database,
    node,
    rows,
    *,
    parent=None,
    workflow=WORKFLOW,
    progress=None,
    fingerprint=None,
    **options,
):
    plain = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    batches = batch_of(rows) if plain else rows
    return build_delta(
        database,
        workflow,
        node,
        GivenRows(batches, fingerprint) if fingerprint else GivenRows(batches),
        parent=parent,
        clock=FixedClock(),
        options=DeltaOptions(**options),
        progress=progress,
    )


def delta_rows(database, node):
    return database.fetch_all(f"select * from {node.table} order by delta_id")


def snapshot_rows(database, node):
    return database.fetch_all(f"select * from {node.table}_snapshot order by business_key")


def rejected_rows(database):
    return database.fetch_all("select * from rejected_record order by rejection_id")


def seen(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def crash_rows(*, changed):
    """Source rows before and after a change of every kind."""
    if not changed:
        return [order("SO-1"), order("SO-2"), order("SO-3"), order("SO-4")]
    return [
        order("SO-1"),
        order("SO-2", total="22"),
        order("SO-4", due="31/02/2026"),
        order("SO-5"),
        order("SO-6"),
        order("SO-6"),
    ]


def some(result, **expected):
    filled = {name: result.counts[name] for name in expected}
    assert filled == expected
    counts = result.counts
    parts = ("inserted", "updated", "same", "rejected", "duplicates")
    assert counts["records"] == sum(counts[name] for name in parts)
