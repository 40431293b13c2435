"""A workflow of one delta node, histories of its records, and the rule in plain Python."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from syncflow_dagster.nodes.delta.tables import prepare
from syncflow_dagster.workflows.models import Workflow

TABLE = "orders_delta"
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SETTLED = {"SYNCED", "SUPERSEDED"}


def workflow(**retention):
    return Workflow.model_validate(
        {
            "workflow": "orders",
            "description": "Orders",
            "owner": "operations",
            "connections": {"book": {"type": "sql", "url": "sqlite://"}},
            "retention": {"delta_days": 90, **retention},
            "nodes": [
                {
                    "type": "delta",
                    "name": "orders",
                    "description": "Orders",
                    "source": "pull",
                    "entity": "order",
                    "table": TABLE,
                    "key": ["number"],
                    "fields": [{"name": "number"}, {"name": "title"}],
                }
            ],
        }
    )


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now=NOW):
        self.moment = now

    def now(self):
        return self.moment

    def sleep(self, seconds):
        raise AssertionError("nothing here waits")


def record(number):
    return uuid.uuid5(uuid.NAMESPACE_OID, number)


def fill(database, rows):
    """Write delta rows: (record, operation, state, days since it was settled)."""
    one = workflow()
    prepare(database, one.workflow, one.deltas)
    with database.transaction() as conn:
        conn.cursor().executemany(
            f"insert into {TABLE} (batch_id, record_uuid, generation, operation, state,"
            " state_since, created_at, bk_hash, business_key, number, title)"
            " values (1, %(id)s, 1, %(operation)s, %(state)s, %(at)s, %(at)s, %(id)s, %(number)s,"
            " %(number)s, %(title)s)",
            [
                {
                    "id": record(number),
                    "operation": operation,
                    "state": state,
                    "at": NOW - timedelta(days=days),
                    "number": number,
                    "title": f"{number} {place}",
                }
                for place, (number, operation, state, days) in enumerate(rows)
            ],
        )


def left(database, table=TABLE):
    return database.fetch_all(f"select * from {table} order by delta_id")


def should_go(rows, before):
    """Ids of the rows that are history, by the rule read one record at a time."""
    records = defaultdict(list)
    for row in sorted(rows, key=lambda one: one["delta_id"]):
        records[row["record_uuid"]].append(row)
    found = set()
    for history in records.values():
        old = [row["state"] in SETTLED and row["state_since"] < before for row in history]
        for place, row in enumerate(history):
            if not old[place]:
                break
            is_gone = row is history[-1] and row["operation"] == "DELETE"
            if is_gone or any(old[place + 1 :]):
                found.add(row["delta_id"])
    return found
