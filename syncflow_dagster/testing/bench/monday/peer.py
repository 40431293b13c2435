"""The way others take: a client that sends one create per request, in the peers' environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from syncflow_dagster.testing.bench.monday.books import LINES
from syncflow_dagster.testing.bench.peers.measure import NOT_INSTALLED, installed

if TYPE_CHECKING:
    from syncflow_dagster.testing.bench.monday.books import Book

#: Orders that are enough to tell what one costs.
_SAMPLE = 250
_PROGRAM = Path(__file__).parent.parent / "peers" / "monday_one_by_one.py"


def one_by_one(python: Path, url: str, token: str, book: Book) -> int | str:
    """Create a sample of a book's items and subitems.

    Args:
        python: The interpreter of the peers' environment; it need not exist.
        url: Where monday's API answers.
        token: The account's token.
        book: The book.

    Returns:
        How many were created, or why none were.
    """
    if not installed(python, "monday"):
        return NOT_INSTALLED
    orders = min(book.orders, _SAMPLE)
    told = {"url": url, "token": token, "board": book.board, "orders": orders, "lines": LINES}
    subprocess.run([python, "-I", _PROGRAM, json.dumps(told)], check=True, timeout=3_600)
    return orders * (1 + LINES)
