"""A board that people filled before SyncFlow came, and the source it was filled from.

Which item is what follows from the order's number, so that every count is known beforehand.
"""

from __future__ import annotations

import csv
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from syncflow_dagster.core.identity import hashing

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = "adopted"
BOARD, SUBITEMS = "700", "701"
_CUSTOMERS = ("ACME", "Bärenstark", "شرکت نمونه")
_SIZES = ("M", "L")
_SHIRTS = "پیراهن‌ها 👕"  # noqa: RUF001 - Persian, with a joiner
_KEY = {"id": "record_uuid", "title": "Record", "type": "text"}

#: The workflow file; the folder of its rows takes the place of FOLDER.
_FILE = """
workflow: adopted
description: Orders that people kept on a board before.
owner: operations
connections:
  book: {type: files, folder: FOLDER}
  monday: {type: monday, token: "${MONDAY_TOKEN}", url: "${MONDAY_URL}", settle_s: 0}
nodes:
  - {type: pull, name: pull_orders, description: Orders, connection: book, query: orders.csv}
  - {type: pull, name: pull_lines, description: Lines, connection: book, query: lines.csv}
  - type: delta
    name: orders
    description: Orders
    source: pull_orders
    entity: order
    table: adopted_orders
    key: [number]
    customer: buyer
    fields:
      - {name: number, required: true, case: upper}
      - {name: buyer, column: customer}
      - {name: title}
      - {name: amount, type: decimal, scale: 2}
      - {name: due, type: date}
      - {name: status}
  - type: delta
    name: lines
    description: Lines
    source: pull_lines
    entity: line
    table: adopted_lines
    key: [number, size]
    parent: {node: orders, key: [number]}
    fields:
      - {name: number, required: true, case: upper}
      - {name: size, required: true}
      - {name: quantity, type: integer}
  - type: monday_push
    name: board
    description: Orders as items, lines as subitems.
    connection: monday
    board_id: "700"
    group: {field: buyer, otherwise: Nobody}
    items:
      source: orders
      name: "{number} {title}"
      key_column: record_uuid
      columns:
        - {field: number, column: number}
        - {field: title, column: title}
        - {field: amount, column: amount, type: numbers}
        - {field: due, column: due, type: date}
      statuses:
        - {field: status, column: state, labels: {O: Open, D: Done}}
    subitems:
      source: lines
      name: "{number} {size}"
      key_column: record_uuid
      columns:
        - {field: size, column: size}
        - {field: quantity, column: quantity, type: numbers}
"""


@dataclass
class Planted:
    """What lies on the board, and what is right to happen to it.

    Attributes:
        seed: The sandbox's boards.
        matched: Items (or subitems) that stand for one record each, by entity.
        duplicates: Business keys of orders, and of lines, that have several.
        held: Lines of orders that have several items.
        people: Items and subitems that stand for no record.
        creates: Record ids that are right to be made: the board lacks them.
        differing: Columns the board holds other values in, by record id.
    """

    seed: dict[str, Any] = field(default_factory=dict)
    matched: dict[str, int] = field(default_factory=lambda: {"order": 0, "line": 0})
    duplicates: dict[str, list[str]] = field(default_factory=lambda: {"order": [], "line": []})
    held: int = 0
    people: dict[str, int] = field(default_factory=lambda: {"order": 0, "line": 0})
    creates: set[str] = field(default_factory=set)
    differing: dict[str, set[str]] = field(default_factory=dict)


def plant(folder: Path, orders: int) -> Planted:
    """Write a workflow with its rows into a folder, and plan the board it belongs to.

    Args:
        folder: An empty folder.
        orders: How many orders the source has, with two lines each.
    """
    folder.joinpath(f"{WORKFLOW}.yaml").write_text(_FILE.replace("FOLDER", str(folder)), "utf-8")
    numbers = [_number(n) for n in range(orders)]
    _write(folder / "orders.csv", [_order(n) for n in range(orders)])
    lines = [(number, size) for number in numbers for size in _SIZES]
    rows = [{"number": a, "size": b, "quantity": _quantity(a, b)} for a, b in lines]
    _write(folder / "lines.csv", rows)
    ids = dict(zip(numbers, _ids("order", [numbers]), strict=True))
    below = dict(zip(lines, _ids("line", list(zip(*lines, strict=True))), strict=True))
    planted = Planted()
    items = [one for n in range(orders) for one in _items(planted, n, ids, below)]
    for n in range(orders // 50 + 1):
        planted.people["order"] += 2
        strange = {"number": f"X-{n}", "title": "Their own"}
        items += [
            {"name": "A note of theirs", "group": "g0", "column_values": {}},
            {"name": f"X-{n} Their own", "group": "g1", "column_values": strange},
        ]
    planted.seed = _seed(items)
    return planted


def _items(
    planted: Planted, n: int, ids: dict[str, str], below: dict[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """Return what the board has of an order, and note what is right to happen."""
    number = _number(n)
    if n % 50 == 7:
        planted.creates |= {ids[number], *(below[number, size] for size in _SIZES)}
        return []
    row = _order(n)
    shown = {
        # People write numbers as they like.
        "number": f"  so-{n}" if n % 10 == 1 else number,
        "title": row["title"],
        "amount": row["amount"],
        "due": {"date": row["due"]},
        "state": {"label": {"O": "Open", "D": "Done"}[row["status"]]},
    }
    if n % 10 == 0:
        shown["record_uuid"] = ids[number]
        del shown["number"]
        planted.differing.setdefault(ids[number], set()).add("number")
    if n % 10 == 1:
        planted.differing.setdefault(ids[number], set()).add("number")
    if n % 20 == 3:
        shown["amount"] = "0.5"
        planted.differing.setdefault(ids[number], set()).add("amount")
    if n % 20 == 13:
        shown["state"] = None
        planted.differing.setdefault(ids[number], set()).add("state")
    item = {
        "name": f"{number} {row['title']}",
        "group": f"g{n % len(_CUSTOMERS)}",
        "column_values": shown,
        "subitems": _subitems(planted, n, below),
    }
    if n % 100 != 4:
        planted.matched["order"] += 1
        return [item]
    planted.duplicates["order"].append(number)
    return [item, {**item, "name": f"{number} again"}]


def _subitems(planted: Planted, n: int, below: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    number = _number(n)
    is_twice = n % 100 == 4
    found = []
    for size in _SIZES:
        record = below[number, size]
        if n % 50 == 9 and size == "L":
            planted.creates.add(record)
            continue
        shown = {"size": size, "quantity": str(_quantity(number, size))}
        if n % 10 == 0:
            shown["record_uuid"] = record
        one = {"name": f"{number} {size}", "column_values": shown}
        found.append(one)
        if is_twice:
            planted.held += 1
            planted.people["line"] += 2
        elif n % 100 == 5 and size == "M":
            found.append(one)
            planted.duplicates["line"].append(f"{number} / {size}")
        else:
            planted.matched["line"] += 1
    return found


def _number(n: int) -> str:
    return f"SO-{n}"


def _order(n: int) -> dict[str, Any]:
    return {
        "number": _number(n),
        "customer": _CUSTOMERS[n % len(_CUSTOMERS)],
        "title": _SHIRTS if n % 7 == 0 else f"Hemd Größe {n % 5}",
        "amount": f"{n % 90 + 1}.25",
        "due": f"2026-12-{n % 28 + 1:02}",
        "status": "OD"[n % 2],
    }


def _quantity(number: str, size: str) -> int:
    return len(number) * 3 + ord(size) % 7


def _ids(entity: str, key: list[Any]) -> list[str]:
    frame = pl.DataFrame({str(place): list(values) for place, values in enumerate(key)})
    found = hashing.record_uuids(WORKFLOW, entity, hashing.key_hashes(frame))
    return [str(uuid.UUID(bytes=one.tobytes())) for one in found]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _seed(items: list[dict[str, Any]]) -> dict[str, Any]:
    groups = [{"id": f"g{n}", "title": title} for n, title in enumerate(_CUSTOMERS)]
    columns = [
        _KEY,
        {"id": "number", "title": "Number", "type": "text"},
        {"id": "title", "title": "Title", "type": "text"},
        {"id": "amount", "title": "Amount", "type": "numbers"},
        {"id": "due", "title": "Due", "type": "date"},
        {"id": "state", "title": "State", "type": "status", "labels": ["Open", "Done"]},
    ]
    below = [
        _KEY,
        {"id": "size", "title": "Size", "type": "text"},
        {"id": "quantity", "title": "Quantity", "type": "numbers"},
    ]
    board = {
        "id": BOARD,
        "name": "Orders",
        "key_column": "record_uuid",
        "groups": groups,
        "columns": columns,
        "items": items,
        "subitems": {"board_id": SUBITEMS, "key_column": "record_uuid", "columns": below},
    }
    return {"boards": [board]}
