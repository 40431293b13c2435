"""The items of a board as an adoption sees them, read page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday import columns
from syncflow_dagster.nodes.monday.census import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syncflow_dagster.nodes.monday.census import BoardReader

#: What is asked of an item.
_SHOWN = (
    "id name created_at group { title } parent_item { id } "
    f"column_values(ids: $columns) {{ {columns.SELECTION} }}"
)
#: Points of an item and of each of its cells, at the dearest case seen of either.
_ITEM_POINTS, _CELL_POINTS = 50, 60
#: Points of one page at most: a tenth of what the smallest account has in a minute.
_PAGE_POINTS = 100_000
_LEAST_PAGE = 25


@dataclass(frozen=True, slots=True)
class BoardItem:
    """An active item, or subitem.

    Attributes:
        item_id: monday's id.
        name: Its name.
        made_at: When it was made.
        group: Title of its group; that of a subitem says nothing.
        parent: monday's id of the item it hangs under.
        cells: What its columns show, by column id, as `columns.read` tells it.
    """

    item_id: str
    name: str
    made_at: datetime
    group: str
    parent: str | None
    cells: Mapping[str, columns.Shown]

    def shows(self, column: str) -> columns.Shown:
        """Return what a column shows; the column `name` is the item's name."""
        return self.name if column == "name" else self.cells.get(column, "")


def read_items(
    reader: BoardReader, board_id: str, wanted: Sequence[str]
) -> Iterator[list[BoardItem]]:
    """Read the active items of a board.

    Args:
        reader: Keeps to the account's budgets.
        board_id: The board, or the board its subitems live on.
        wanted: Ids of the columns to read.

    Yields:
        The items of a page.

    Raises:
        BoardUnavailable: monday did not answer, or refused.
    """
    each = _ITEM_POINTS + _CELL_POINTS * len(wanted)
    limit = max(_LEAST_PAGE, min(PAGE, _PAGE_POINTS // each))
    for page in reader.pages(board_id, wanted, _SHOWN, limit, limit * each):
        yield [_item(one) for one in page["items"] if one]


def _item(given: Mapping[str, Any]) -> BoardItem:
    made_at = datetime.fromisoformat(given["created_at"]) if given["created_at"] else None
    parent = given["parent_item"]
    return BoardItem(
        item_id=str(given["id"]),
        name=given["name"],
        made_at=made_at or datetime.fromtimestamp(0, UTC),
        group=(given["group"] or {}).get("title") or "",
        parent=None if parent is None else str(parent["id"]),
        cells={one["id"]: columns.read(one) for one in given["column_values"]},
    )
