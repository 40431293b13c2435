"""Matching rows of an upload with the items of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.sandbox.monday.model import Board, CellValue, Item
    from syncflow_dagster.sandbox.monday.state import MondayState

# What of a stored value is compared, for each type that can be matched.
_KEYS: Mapping[str, Callable[[CellValue], Any]] = {
    "text": str,
    "long_text": str,
    "numbers": float,
    "date": lambda value: value["date"],
    "status": int,
    "email": lambda value: value["email"],
    "phone": lambda value: value["phone"],
    "link": lambda value: value["url"],
}
MATCHED_TYPES = frozenset(_KEYS) | {"name"}


def match_key(board: Board, column_id: str, name: str, values: Mapping[str, CellValue]) -> Any:
    """What is compared of an item with this name and these stored values; None for nothing."""
    if column_id == "name":
        return name or None
    value = values.get(column_id)
    return None if value is None else _KEYS[board.columns[column_id].type](value)


def items_by_key(state: MondayState, board: Board, column_id: str) -> dict[Any, Item]:
    """The active items of the whole board by key; of several, the most recently created."""
    found: dict[Any, Item] = {}
    # A board's items are listed in the order of their creation.
    for item_id in state.board_items[board.id]:
        item = state.items.get(item_id)
        if item is not None and item.state == "active":
            key = match_key(board, column_id, item.name, item.values)
            if key is not None:
                found[key] = item
    return found
