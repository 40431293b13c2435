"""A folder of workflows that have nothing to do, and the boards they would push to."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

_FIRST_BOARD = 7_000
_KEY = {"id": "record_uuid", "title": "Record", "type": "text"}
#: So far away is everything that goes by the clock, so that nothing falls due while we measure.
_AWAY = timedelta(hours=8)


def name(number: int) -> str:
    """Return the name of a workflow, by its number from 0."""
    return f"idle_{number}"


def table(number: int) -> str:
    """Return the name of a workflow's delta table."""
    return f"{name(number)}_delta"


def opens_at_once(number: int) -> bool:
    """Whether a workflow has no windows, so that what waits in it may start at any time."""
    return number % len(_KINDS) != _KINDS.index(_windows)


def write(folder: Path, number: int, now: datetime) -> None:
    """Write workflows; what goes by the clock is due hours from now.

    Args:
        folder: An empty folder.
        number: How many.
        now: The present moment, aware.
    """
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text("number,amount\n", encoding="utf-8")
    due = now + _AWAY
    for each in range(number):
        # JSON is YAML.
        text = json.dumps(_workflow(folder, each, due))
        (folder / f"{name(each)}.yaml").write_text(text, encoding="utf-8")


def seed(number: int) -> dict[str, Any]:
    """Return the workflows' boards as the sandbox takes them."""
    amount = {"id": "amount", "title": "Amount", "type": "numbers"}
    return {
        "boards": [
            {
                "id": str(_FIRST_BOARD + each),
                "name": name(each),
                "key_column": "record_uuid",
                "groups": [{"id": "topics", "title": "Topics"}],
                "columns": [_KEY, amount],
            }
            for each in range(number)
        ]
    }


def _cron(due: datetime) -> dict[str, Any]:
    cron = f"{due.minute} {due.hour} * * 1-5"
    return {"triggers": [{"type": "cron", "cron": cron, "timezone": "UTC"}]}


def _interval(due: datetime) -> dict[str, Any]:
    anchor = (due - timedelta(days=10)).replace(tzinfo=None, second=0, microsecond=0)
    every = {"type": "interval", "every": "10 days", "anchor": anchor.isoformat()}
    return {"triggers": [every]}


def _phrase(due: datetime) -> dict[str, Any]:
    return {"triggers": [{"type": "phrase", "when": f"every Monday at {due:%H:%M}"}]}


def _windows(due: datetime) -> dict[str, Any]:
    shut = due + timedelta(hours=1)
    return {**_cron(due), "windows": {"open": [f"{due:%H:%M}-{shut:%H:%M} on weekdays"]}}


_KINDS: tuple[Callable[[datetime], dict[str, Any]], ...] = (_cron, _interval, _phrase, _windows)


def _workflow(folder: Path, number: int, due: datetime) -> dict[str, Any]:
    timing = _KINDS[number % len(_KINDS)](due)
    return {
        "workflow": name(number),
        "description": "Orders of one customer",
        "owner": f"owner_{number % 10}",
        "connections": {
            "files": {"type": "files", "folder": str(folder)},
            "monday": {
                "type": "monday",
                "token": "${MONDAY_TOKEN}",
                "url": "${MONDAY_URL}",
                "settle_s": 1,
            },
        },
        **timing,
        "triggers": [*timing["triggers"], {"type": "pending_rows"}],
        "nodes": _nodes(number),
    }


def _nodes(number: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "pull",
            "name": "pull_orders",
            "description": "All orders",
            "connection": "files",
            "query": "orders.csv",
        },
        {
            "type": "delta",
            "name": "orders",
            "description": "Changed orders",
            "source": "pull_orders",
            "entity": "order",
            "table": table(number),
            "key": ["number"],
            "fields": [{"name": "number"}, {"name": "amount", "type": "integer"}],
        },
        {
            "type": "monday_push",
            "name": "push",
            "description": "One item for each order",
            "connection": "monday",
            "board_id": str(_FIRST_BOARD + number),
            "group": {"field": "number"},
            "items": {
                "source": "orders",
                "name": "{number}",
                "key_column": "record_uuid",
                "columns": [{"field": "amount", "column": "amount", "type": "numbers"}],
            },
        },
    ]
