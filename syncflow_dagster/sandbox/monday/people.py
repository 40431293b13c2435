"""What only people do, for which the API has no operation: restore an item, move a subitem."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.board_writes import BoardWriter
    from syncflow_dagster.sandbox.monday.model import Item


def stand(writer: BoardWriter, item_id: str, state: str) -> None:
    """Archive, delete or restore an item with its subitems; no effect where it is so already."""
    item = writer.state.items.get(item_id)
    if item is None or item.state == state:
        return
    if state != "active":
        writer.retire(item, state)
        return
    below = [writer.state.items.get(one) for one in writer.state.children.get(item_id, ())]
    for one in (item, *below):
        if one is not None and one.state == item.state:
            _put(writer, replace(one, state=state))


def hang(writer: BoardWriter, item_id: str, parent_id: str) -> None:
    """Move a subitem below another item; no effect where it hangs already.

    Raises:
        ValueError: It is no subitem, or the other is no item of the same board.
    """
    item, parent = (writer.state.items.get(one) for one in (item_id, parent_id))
    above = None if item is None else writer.state.items.get(item.parent_id or "")
    if item is None or parent is None or above is None or above.board_id != parent.board_id:
        msg = f"parents: {item_id} is no subitem that could hang below {parent_id}"
        raise ValueError(msg)
    if parent.id != above.id:
        _put(writer, replace(item, parent_id=parent.id))


def _put(writer: BoardWriter, item: Item) -> None:
    writer.state.put_item(replace(item, updated_at=writer.state.clock.real()))
