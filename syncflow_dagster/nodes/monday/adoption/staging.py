"""The items of a board while it is adopted, in a temporary table of the adoption's session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.monday.adoption.planning import StandingItem
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.monday.adoption.board_items import BoardItem

    Connection = psycopg.Connection[DictRow]


@dataclass(frozen=True)
class Staging:
    """What each item showed when the board was read.

    Args:
        conn: A session of the caller's own.
    """

    conn: Connection

    def begin(self) -> None:
        """Make the table, without any items."""
        self.conn.execute(_query("drop_board_item"))
        self.conn.execute(_query("create_board_item"))

    def keep(self, items: Iterable[BoardItem]) -> None:
        """Add the items of a page."""
        rows = [
            {
                "item_id": one.item_id,
                "name": one.name,
                "place": one.group,
                "parent": one.parent,
                "cells": Jsonb(dict(one.cells)),
            }
            for one in items
        ]
        with self.conn.transaction(), self.conn.cursor() as cursor:
            cursor.executemany(_query("keep_board_item"), rows)

    def read(self, ids: Sequence[str]) -> dict[str, StandingItem]:
        """Return items by monday's ids of them."""
        found: list[dict[str, Any]] = self.conn.execute(
            _query("read_board_items"), {"ids": list(ids)}
        ).fetchall()
        return {
            row["item_id"]: StandingItem(
                row["item_id"], row["name"], row["place"], row["parent"], row["cells"]
            )
            for row in found
        }


def _query(name: str) -> str:
    return sql.load("adopt")[name]
