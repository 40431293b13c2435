"""Order books as files, the workflows that bring them to boards, and those boards."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = 3
#: Orders of one customer, whose items share a group.
_PER_CUSTOMER = 20
_FIRST_BOARD = 700
_KEY = {"id": "record_uuid", "title": "Record", "type": "text"}


@dataclass(frozen=True, slots=True)
class Book:
    """One workflow with its own rows and its own board.

    Attributes:
        number: Which of the run's books, from 1.
        orders: How many orders it has, each with `LINES` lines.
    """

    number: int
    orders: int

    @property
    def name(self) -> str:
        """The workflow's name."""
        return f"bench_{self.number}"

    @property
    def board(self) -> int:
        """Number of its board; the next one is that of the subitems."""
        return _FIRST_BOARD + 10 * self.number

    @property
    def records(self) -> int:
        """How many items and subitems come of it."""
        return self.orders * (1 + LINES)


def write(book: Book, folder: Path) -> None:
    """Write a book's rows and workflow, replacing those of its number."""
    rows = folder / book.name
    rows.mkdir(parents=True, exist_ok=True)
    _write_csv(rows / "orders.csv", ("number", "buyer", "amount"), _orders(book))
    _write_csv(rows / "lines.csv", ("number", "size", "quantity"), _lines(book))
    # JSON is YAML.
    (folder / f"{book.name}.yaml").write_text(json.dumps(_workflow(book, rows)), encoding="utf-8")


def seed(books: list[Book]) -> dict[str, Any]:
    """Return the books' boards as the sandbox takes them."""
    return {
        "boards": [
            {
                "id": str(book.board),
                "name": book.name,
                "key_column": "record_uuid",
                "groups": [{"id": "topics", "title": "Topics"}],
                "columns": [_KEY, {"id": "amount", "title": "Amount", "type": "numbers"}],
                "subitems": {
                    "board_id": str(book.board + 1),
                    "key_column": "record_uuid",
                    "columns": [_KEY, {"id": "quantity", "title": "Quantity", "type": "numbers"}],
                },
            }
            for book in books
        ]
    }


def _orders(book: Book) -> Iterator[tuple[object, ...]]:
    for n in range(book.orders):
        yield f"SO-{n:06}", f"Customer {n // _PER_CUSTOMER}", n * 7


def _lines(book: Book) -> Iterator[tuple[object, ...]]:
    for n in range(book.orders):
        for size in "SML"[:LINES]:
            yield f"SO-{n:06}", size, n % 9 + 1


def _write_csv(path: Path, names: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)


def _workflow(book: Book, rows: Path) -> dict[str, Any]:
    return {
        "workflow": book.name,
        "description": "Orders and their lines",
        "owner": "benchmark",
        "connections": {
            "files": {"type": "files", "folder": str(rows)},
            "monday": {
                "type": "monday",
                "token": "${MONDAY_TOKEN}",
                "url": "${MONDAY_URL}",
                "account": "benchmark",
                "settle_s": 1,
            },
        },
        "nodes": [
            _pull("orders"),
            _pull("lines"),
            _delta(book, "orders", "order", ["number"], ["number", "buyer", "amount"]),
            {
                **_delta(book, "lines", "line", ["number", "size"], ["number", "size", "quantity"]),
                "parent": {"node": "orders", "key": ["number"]},
            },
            {
                "type": "monday_push",
                "name": "push",
                "description": "One item for each order, one subitem for each line",
                "connection": "monday",
                "board_id": str(book.board),
                "group": {"field": "buyer"},
                "items": _mapping("orders", "{number}", "amount"),
                "subitems": _mapping("lines", "{number} {size}", "quantity"),
            },
        ],
    }


def _pull(name: str) -> dict[str, Any]:
    return {
        "type": "pull",
        "name": f"pull_{name}",
        "description": f"All {name}",
        "connection": "files",
        "query": f"{name}.csv",
    }


def _delta(book: Book, name: str, entity: str, key: list[str], fields: list[str]) -> dict[str, Any]:
    numbers = {"amount", "quantity"}
    return {
        "type": "delta",
        "name": name,
        "description": f"Changed {name}",
        "source": f"pull_{name}",
        "entity": entity,
        "table": f"{book.name}_{name}_delta",
        "key": key,
        "fields": [
            {"name": field, **({"type": "integer"} if field in numbers else {})} for field in fields
        ],
    }


def _mapping(source: str, name: str, column: str) -> dict[str, Any]:
    return {
        "source": source,
        "name": name,
        "key_column": "record_uuid",
        "columns": [{"field": column, "column": column, "type": "numbers"}],
    }
