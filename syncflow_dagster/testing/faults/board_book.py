"""A small order book before and after a day's changes, its workflow, and the board it goes to.

Which order does what follows from its number, so that each kind of mutation is needed some times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from syncflow_dagster.workflows.models import Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

BOARD, SUBITEM_BOARD = "600", "601"
WORKFLOW = "small_book"
ORDERS, LINES = "orders", "lines"
_SIZES = ("M", "L")
_CUSTOMERS = ("ACME", "Bärenstark", "Nordlicht", "شرکت نمونه")
_KEY = {"id": "record_uuid", "title": "Record", "type": "text"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Book:
    """The rows of a source at one moment.

    Attributes:
        orders: Rows of orders: number, buyer, title, status.
        lines: Rows of their lines: number, size, quantity.
    """

    orders: tuple[Row, ...]
    lines: tuple[Row, ...] = ()

    def batches(self) -> dict[str, pa.RecordBatch]:
        """Return the rows by delta node."""
        given = {ORDERS: self.orders, LINES: self.lines}
        return {name: _batch(rows, _SCHEMAS[name]) for name, rows in given.items()}


_SCHEMAS: Mapping[str, dict[str, pl.DataType]] = {
    ORDERS: dict.fromkeys(("number", "buyer", "title", "status"), pl.String()),
    LINES: {"number": pl.String(), "size": pl.String(), "quantity": pl.Int64()},
}


def _batch(rows: Sequence[Row], schema: dict[str, pl.DataType]) -> pa.RecordBatch:
    # By way of polars: Arrow's own reading of rows loads pandas, which takes a second.
    table = pl.DataFrame(list(rows), schema=schema).to_arrow().combine_chunks()
    columns = [one.combine_chunks() for one in table.columns]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def order(n: int, **changes: str) -> Row:
    """Return the row of an order."""
    row = {
        "number": number(n),
        "buyer": _CUSTOMERS[n % len(_CUSTOMERS)],
        "title": f"Hemd {n % 5}",
        "status": "OD"[n % 2],
    }
    return row | changes


def line(n: int, size: str, quantity: int) -> Row:
    """Return the row of a line."""
    return {"number": number(n), "size": size, "quantity": quantity}


def number(n: int) -> str:
    """Return an order's number."""
    return f"SO-{n:04}"


def lines_of(orders: Iterable[int]) -> tuple[Row, ...]:
    """Return two lines of each order."""
    return tuple(line(n, size, n + 1) for n in orders for size in _SIZES)


def yesterday() -> Book:
    """Return forty orders of four customers, with two lines each."""
    return Book(tuple(map(order, range(40))), lines_of(range(40)))


def today() -> Book:
    """Return what became of them: each kind of mutation is needed some times."""
    moved = {n: order(n, buyer="Südwind" if n < 7 else _CUSTOMERS[0]) for n in range(4, 10)}
    changed = {n: order(n, title="Bluse") for n in range(10, 20)}
    finished = {n: order(n, status="D") for n in range(20, 30)}
    new = {n: order(n, buyer="Ostsee" if n > 51 else _CUSTOMERS[n % 2]) for n in range(40, 56)}
    orders = {n: order(n) for n in range(4, 40)} | moved | changed | finished | new
    lines = [one for one in lines_of(orders) if not (_is_of(one, 30, 34) and one["size"] == "L")]
    lines = [one | {"quantity": 99} if _is_of(one, 20, 26) else one for one in lines]
    return Book(tuple(orders.values()), tuple(lines))


def _is_of(row: Row, first: int, end: int) -> bool:
    return row["number"] in {number(n) for n in range(first, end)}


def many(count: int) -> Book:
    """Return so many new orders of one customer, without lines."""
    return Book(tuple(order(n, buyer=_CUSTOMERS[0]) for n in range(count)))


def workflow(url: str, token: str, monday: Mapping[str, Any], batch_size: int) -> Workflow:
    """Return the workflow.

    Args:
        url: Where monday answers.
        token: Whose account.
        monday: Further settings of the connection.
        batch_size: Mutations in a request.
    """
    connection = {"type": "monday", "token": token, "url": url, **monday}
    return Workflow.model_validate(
        {
            "workflow": WORKFLOW,
            "description": "Orders and their lines",
            "owner": "operations",
            "connections": {"book": {"type": "sql", "url": "sqlite://"}, "monday": connection},
            "nodes": [_orders(), _lines(), _push(batch_size)],
        }
    )


def _orders() -> Row:
    return {
        "type": "delta",
        "name": ORDERS,
        "description": "Orders",
        "source": "pull_orders",
        "entity": "order",
        "table": "small_orders",
        "key": ["number"],
        "customer": "buyer",
        "deletes": {"detect": True, "max_share": 1},
        "fields": [
            {"name": "number", "required": True},
            {"name": "buyer"},
            {"name": "title", "whitespace": "keep"},
            {"name": "status"},
        ],
    }


def _lines() -> Row:
    return {
        "type": "delta",
        "name": LINES,
        "description": "Lines",
        "source": "pull_lines",
        "entity": "line",
        "table": "small_lines",
        "key": ["number", "size"],
        "parent": {"node": ORDERS, "key": ["number"]},
        "deletes": {"detect": True, "max_share": 1},
        "fields": [
            {"name": "number", "required": True},
            {"name": "size", "required": True},
            {"name": "quantity", "type": "integer"},
        ],
    }


def _push(batch_size: int) -> Row:
    return {
        "type": "monday_push",
        "name": "push",
        "description": "Orders as items, lines as subitems",
        "connection": "monday",
        "board_id": BOARD,
        "group": {"field": "buyer"},
        "batch_size": batch_size,
        "items": {
            "source": ORDERS,
            "name": "{number}",
            "key_column": "record_uuid",
            "columns": [{"field": "title", "column": "title"}],
            "statuses": [{"field": "status", "column": "state", "labels": {"O": "Open"}}],
        },
        "subitems": {
            "source": LINES,
            "name": "{number} {size}",
            "key_column": "record_uuid",
            "columns": [{"field": "quantity", "column": "quantity", "type": "numbers"}],
        },
    }


def seed() -> dict[str, Any]:
    """Return the board, empty."""
    quantity = {"id": "quantity", "title": "Quantity", "type": "numbers"}
    board = {
        "id": BOARD,
        "name": "Orders",
        "key_column": "record_uuid",
        "groups": [{"id": "topics", "title": "Topics"}],
        "columns": [
            _KEY,
            {"id": "title", "title": "Title", "type": "text"},
            {"id": "state", "title": "State", "type": "status", "labels": ["Open", "D"]},
        ],
        "subitems": {
            "board_id": SUBITEM_BOARD,
            "key_column": "record_uuid",
            "columns": [_KEY, quantity],
        },
    }
    return {"boards": [board]}
