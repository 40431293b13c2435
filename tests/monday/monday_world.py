"""A small order book, its workflow and its board, which the tests of this folder share."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta, prepare
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.judge import judge
from syncflow_dagster.workflows.models import Workflow

BOARD = "500"
SUB_BOARD = "501"
ORDERS = "orders_delta"
LINES = "lines_delta"

_KEY = {"id": "record_uuid", "title": "Record", "type": "text"}
_STATES = {"id": "state", "title": "State", "type": "status", "labels": ["Open", "Done", "Gone"]}

SEED: dict[str, Any] = {
    "boards": [
        {
            "id": BOARD,
            "name": "Orders",
            "key_column": "record_uuid",
            "groups": [{"id": "topics", "title": "Topics"}],
            "columns": [
                _KEY,
                {"id": "title", "title": "Title", "type": "text"},
                {"id": "amount", "title": "Amount", "type": "numbers"},
                {"id": "due", "title": "Due", "type": "date"},
                {"id": "approved", "title": "Approved", "type": "checkbox"},
                {"id": "email", "title": "E-mail", "type": "email"},
                _STATES,
            ],
            "subitems": {
                "board_id": SUB_BOARD,
                "key_column": "record_uuid",
                "columns": [
                    _KEY,
                    {"id": "qty", "title": "Quantity", "type": "numbers"},
                    {"id": "stage", "title": "Stage", "type": "status", "labels": ["Cut", "Sewn"]},
                ],
            },
        }
    ]
}

ITEM_MAPPING: dict[str, Any] = {
    "source": "orders",
    "name": "{number} {title}",
    "key_column": "record_uuid",
    "columns": [
        {"field": "title", "column": "title"},
        {"field": "amount", "column": "amount", "type": "numbers"},
        {"field": "due", "column": "due", "type": "date"},
        {"field": "approved", "column": "approved", "type": "checkbox"},
        {"field": "email", "column": "email", "type": "email"},
    ],
    "statuses": [{"field": "status", "column": "state", "labels": {"O": "Open", "D": "Done"}}],
}
SUBITEM_MAPPING: dict[str, Any] = {
    "source": "lines",
    "name": "{number} {size}",
    "key_column": "record_uuid",
    "columns": [{"field": "qty", "column": "qty", "type": "numbers"}],
    "statuses": [{"field": "stage", "column": "stage"}],
}
PUSH: dict[str, Any] = {
    "type": "monday_push",
    "name": "push",
    "description": "Orders and lines",
    "connection": "monday",
    "board_id": BOARD,
    "group": {"field": "customer_name", "otherwise": "Nobody"},
    "items": ITEM_MAPPING,
    "subitems": SUBITEM_MAPPING,
    "batch_size": 10,
}


def workflow(url="http://127.0.0.1:1/v2", token="sandbox-personal", monday=(), **push):
    """The workflow, with changes of its monday connection and of its push node."""
    deletes = {"detect": True, "max_share": 1}
    return Workflow.model_validate(
        {
            "workflow": "orders",
            "description": "Orders",
            "owner": "operations",
            "connections": {
                "book": {"type": "sql", "url": "sqlite://"},
                "monday": {
                    "type": "monday",
                    "token": token,
                    "url": url,
                    "settle_s": 0,
                    "timeout_s": 10,
                    **dict(monday),
                },
            },
            "nodes": [
                {
                    "type": "delta",
                    "name": "orders",
                    "description": "Orders",
                    "source": "pull",
                    "entity": "order",
                    "table": ORDERS,
                    "key": ["number"],
                    "customer": "customer_name",
                    "deletes": deletes,
                    "fields": [
                        {"name": "number", "required": True},
                        {"name": "customer_name", "whitespace": "keep"},
                        {"name": "title"},
                        {"name": "amount", "type": "decimal", "scale": 10},
                        {"name": "due", "type": "date"},
                        {"name": "approved", "type": "boolean"},
                        {"name": "email"},
                        {"name": "status"},
                    ],
                },
                {
                    "type": "delta",
                    "name": "lines",
                    "description": "Lines",
                    "source": "pull",
                    "entity": "line",
                    "table": LINES,
                    "key": ["number", "size"],
                    "customer": "customer_name",
                    "parent": {"node": "orders", "key": ["number"]},
                    "deletes": deletes,
                    "fields": [
                        {"name": "number", "required": True},
                        {"name": "size", "required": True},
                        {"name": "qty", "type": "integer"},
                        {"name": "stage"},
                        {"name": "customer_name", "compared": False},
                    ],
                },
                {**PUSH, **push},
            ],
        }
    )


def order(number, customer="ACME", **fields):
    """A source row of an order."""
    row = {
        "number": number,
        "customer_name": customer,
        "title": "Shirt",
        "amount": "12.50",
        "due": "2026-12-01",
        "approved": True,
        "email": "buyer@example.com",
        "status": "O",
    }
    return row | fields


def line(number, size="M", qty=1, stage="Cut", customer="ACME"):
    """A source row of an order's line."""
    return {
        "number": number,
        "size": size,
        "qty": qty,
        "stage": stage,
        "customer_name": customer,
    }


START = datetime(2026, 10, 29, 12, 0, tzinfo=UTC)


class SameTime(FakeClock):
    """Our clock and the sandbox's are moved together."""

    def __init__(self, sandbox):
        super().__init__(START + timedelta(seconds=sandbox.real()))
        self._sandbox = sandbox

    def sleep(self, seconds):
        super().sleep(seconds)
        self._sandbox.advance(max(0.0, seconds))


_ORDER_SCHEMA = pa.schema(
    [(name, pa.bool_() if name == "approved" else pa.string()) for name in order("x")]
)
_LINE_SCHEMA = pa.schema(
    [(name, pa.int64() if name == "qty" else pa.string()) for name in line("x")]
)


@dataclass
class Result:
    """What one push came to."""

    plan: Any
    deliveries: list[Any] = field(default_factory=list)

    @property
    def requests(self):
        return sum(one.requests + one.lookups for one in self.deliveries)


class MondayWorld:
    """Source rows, a database and a sandbox; builds deltas and pushes them.

    Args:
        database: A migrated database.
        urls: Of a sandbox that holds `SEED`.
        clock: Of our side; one that never waits if left out.
        token: Whose account.
    """

    def __init__(self, database, urls, clock=None, token="sandbox-personal", monday=(), **push):
        self.database = database
        self.control = ControlClient(urls["control"])
        self.clock = clock or FakeClock()
        self.workflow = workflow(urls["monday"], token, monday, **push)
        prepare(database, self.workflow.workflow, self.workflow.deltas)

    @property
    def node(self):
        return self.workflow.node("push")

    def build(self, orders=None, lines=None, **options):
        """Compare the source's rows with what is known; None leaves an entity alone."""
        nodes = {"orders": (orders, _ORDER_SCHEMA), "lines": (lines, _LINE_SCHEMA)}
        for name, (rows, schema) in nodes.items():
            if rows is not None:
                node = self.workflow.node(name)
                batches = pa.Table.from_pylist(rows, schema=schema).to_batches()
                parent = self.workflow.node(node.parent.node) if node.parent else None
                build_delta(
                    self.database,
                    self.workflow.workflow,
                    node,
                    GivenRows(batches),
                    parent=parent,
                    clock=DatabaseClock(self.database),
                    options=DeltaOptions(**options),
                )

    def open(self, options=None):
        """A push that is not prepared yet."""
        return Push(self.database, self.clock, self.workflow, self.node, options)

    def push(self, passes=(ITEMS, SUBITEMS, STATUSES), **options):
        """Push everything that is pending, and say what it came to."""
        options.setdefault("delivery", DeliveryOptions(patience_s=60, chance=random.Random(1)))
        push = self.open(PushOptions(**options))
        try:
            push.prepare()
            result = Result(push.plan())
            if not options.get("dry_run"):
                result.deliveries = [push.deliver(number) for number in passes]
            return result
        finally:
            push.close()

    def sync(self, orders=None, lines=None, **options):
        """Build and push."""
        self.build(orders, lines)
        return self.push(**options)

    def writes(self, after=0):
        """Operations of the sandbox's committed writes, in their order."""
        return [one["op"] for one in self.control.log(after=after)]

    def mark(self):
        """The number of the last committed write, to ask for those after it."""
        log = self.control.log()
        return log[-1]["seq"] if log else 0

    def judged(self):
        return judge(self.control.log(), {"topics": "Topics"})

    def doubled(self):
        """Keys of items and subitems made while one of the same key was there, by the log.

        An item that is archived takes its subitems with it.
        """
        keys, live, found = {}, Counter(), []
        for write in self.control.log():
            if write["op"] in {"create_item", "create_subitem"}:
                keys[write["remote_id"]] = write["key"]
                live[write["key"]] += 1
                found += [write["key"]] * (live[write["key"]] > 1)
            elif write["op"] in {"archive_item", "delete_item"} and write["payload"]["changed"]:
                for gone in (write["remote_id"], *write["payload"]["subitem_ids"]):
                    live[keys[gone]] -= 1
        return found

    def rows(self, table=ORDERS):
        return self.database.fetch_all(f"select * from {table} order by delta_id")

    def states(self, table=ORDERS):
        """State and reason of the newest delta row of each record, by business key."""
        rows = {row["business_key"]: row for row in self.rows(table)}
        return {key: row["state"] for key, row in rows.items()}

    def reason(self, key, table=ORDERS):
        return [row["reason"] for row in self.rows(table) if row["business_key"] == key][-1]

    def board(self):
        """What a person sees: for each active item its group, name, texts and subitems.

        The column of keys is left out; `keys` tells it.
        """
        boards = self._boards()
        titles = {group["id"]: group["title"] for group in boards[BOARD]["groups"]}
        below = [one for one in boards[SUB_BOARD]["items"] if one["state"] == "active"]
        return {
            item["name"]: {
                "group": titles[item["group_id"]],
                "values": _without_key(item["values"]),
                "below": {
                    one["name"]: _without_key(one["values"])
                    for one in below
                    if one["parent_item_id"] == item["id"]
                },
            }
            for item in boards[BOARD]["items"]
            if item["state"] == "active"
        }

    def keys(self):
        """How often each record's key is among the active items and subitems."""
        items = [item for board in self.control.state()["boards"] for item in board["items"]]
        return Counter(item["key"] for item in items if item["state"] == "active")

    def board_items(self):
        """The active items of the board as the sandbox holds them."""
        return [one for one in self._boards()[BOARD]["items"] if one["state"] == "active"]

    def _boards(self):
        return {one["id"]: one for one in self.control.state()["boards"]}

    def group_titles(self):
        """Titles of the board's live groups, in alphabetical order."""
        boards = self._boards()
        live = [one for one in boards[BOARD]["groups"] if not (one["archived"] or one["deleted"])]
        return sorted(group["title"] for group in live)


def _without_key(values):
    return {column: text for column, text in values.items() if column != "record_uuid"}
