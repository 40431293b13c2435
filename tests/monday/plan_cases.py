"""Delta rows and planners that the tests of the planner share."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

from monday_world import BOARD, workflow

from syncflow_dagster.nodes.monday.keys import group_key, item_key
from syncflow_dagster.nodes.monday.plan import DeltaRow, Planner, Presence

ORDER = uuid.UUID(int=1)
LINE = uuid.UUID(int=2)
ITEM = item_key(BOARD, ORDER)
SUBITEM = item_key(BOARD, LINE)
ACME = group_key(BOARD, "ACME")
LIVE = {ITEM: Presence.LIVE, SUBITEM: Presence.LIVE, ACME: Presence.LIVE}

VALUES = {
    "number": "SO-1",
    "customer_name": "ACME",
    "title": "Shirt",
    "amount": Decimal("12.50"),
    "due": date(2026, 12, 1),
    "approved": True,
    "email": "a@b.de",
    "status": "O",
}
LINE_VALUES = {"number": "SO-1", "size": "M", "qty": 5, "stage": "Cut"}


def row(operation="INSERT", changed=None, values=None, **others):
    values = {**VALUES, **(values or {})}
    given = {
        "table": "orders_delta",
        "delta_id": 7,
        "record_uuid": ORDER,
        "parent_uuid": None,
        "generation": 1,
        "operation": operation,
        "changed": frozenset(values if changed is None else changed),
        "customer": "ACME",
        "label": "SO-1",
        "values": values,
    }
    return DeltaRow(**{**given, **others})


def line(operation="INSERT", changed=None, values=None, **others):
    given = {"table": "lines_delta", "record_uuid": LINE, "parent_uuid": ORDER, "label": "SO-1 / M"}
    values = {**LINE_VALUES, **(values or {})}
    made = row(operation, values if changed is None else changed, None, **{**given, **others})
    return DeltaRow(**{**{f: getattr(made, f) for f in made.__slots__}, "values": values})


def planner(presence=None, lives=None, subitems=False, **push):
    node = workflow(**push).node("push")
    mapping = node.subitems if subitems else node.items
    return Planner(node, mapping, presence or {}, lives or {})


def kinds(plan):
    return [effect.kind for effect in plan.effects]
