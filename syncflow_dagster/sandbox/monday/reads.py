"""Queries: what a reader gets to see, now or with a lag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from syncflow_dagster.sandbox.monday.errors import bad_argument, bad_board
from syncflow_dagster.sandbox.monday.search import Cursors, by_column_values, matching

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.sandbox.monday.model import Board, Item
    from syncflow_dagster.sandbox.monday.state import View

T = TypeVar("T")

ITEMS_IDS_LIMIT = 100


@dataclass(frozen=True)
class Page:
    """A page of items."""

    cursor: str | None
    items: Sequence[Item]


class Reader:
    """Answers the root queries from one view of the state."""

    def __init__(self, view: View, cursors: Cursors) -> None:
        self.view = view
        self._cursors = cursors

    def boards(
        self,
        ids: Sequence[str] | None = None,
        limit: int | None = 25,
        page: int | None = 1,
        state: str | None = "active",
    ) -> list[Board]:
        """`boards`: unknown ids are left out without an error."""
        found = self.view.boards()
        if ids is not None:
            by_id = {board.id: board for board in found}
            found = [by_id[one] for one in dict.fromkeys(ids) if one in by_id]
        if state not in (None, "all"):
            found = [board for board in found if board.state == state]
        return _paged(found, limit, page)

    def items(
        self,
        ids: Sequence[str] | None = None,
        limit: int | None = 25,
        page: int | None = 1,
        exclude_nonactive: bool | None = None,
        newest_first: bool | None = None,
    ) -> list[Item]:
        """`items`: archived and deleted ones too, unless `exclude_nonactive`; 25 by default.

        Raises:
            MondayError: More than 100 ids are asked for.
        """
        if ids is None:
            found = self.view.all_items()
        else:
            if len(ids) > ITEMS_IDS_LIMIT:
                msg = f"items takes at most {ITEMS_IDS_LIMIT} ids, not {len(ids)}"
                raise bad_argument(msg)
            asked = (self.view.item(one) for one in dict.fromkeys(ids))
            found = [item for item in asked if item is not None]
        if exclude_nonactive:
            found = [item for item in found if item.state == "active"]
        if newest_first:
            found = sorted(found, key=lambda item: item.created_at, reverse=True)
        return _paged(found, limit, page)

    def items_page(
        self,
        board: Board,
        group_id: str | None,
        limit: int,
        cursor: str | None,
        query_params: Mapping[str, Any] | None,
    ) -> Page:
        """`items_page` of a board or a group: active items only.

        Raises:
            MondayError: The cursor has expired, or the query cannot be answered.
        """
        if cursor is not None:
            if query_params is not None:
                raise bad_argument("give cursor or query_params, not both")
            return self.next_page(cursor, limit)
        items = self.view.items_of(board.id)
        if group_id is not None:
            items = [item for item in items if item.group_id == group_id]
        return self._page(matching(board, items, query_params), limit)

    def next_page(self, cursor: str, limit: int) -> Page:
        """`next_items_page`.

        Raises:
            MondayError: The cursor has expired.
        """
        return self._shown(*self._cursors.next(cursor, limit))

    def by_column_values(
        self,
        board_id: str,
        columns: Sequence[Mapping[str, Any]] | None,
        cursor: str | None,
        limit: int,
    ) -> Page:
        """`items_page_by_column_values`: all columns, any of each column's values.

        Raises:
            MondayError: There is no such board or column, or the cursor has expired.
        """
        board = self.view.board(board_id)
        if board is None or board.state != "active":
            raise bad_board(board_id)
        if cursor is not None:
            if columns:
                raise bad_argument("give cursor or columns, not both")
            return self.next_page(cursor, limit)
        if not columns:
            raise bad_argument("columns must name at least one column")
        return self._page(by_column_values(board, self.view.items_of(board.id), columns), limit)

    def _page(self, items: Sequence[Item], limit: int) -> Page:
        return self._shown(*self._cursors.page([item.id for item in items], limit))

    def _shown(self, item_ids: Sequence[str], cursor: str | None) -> Page:
        items = (self.view.item(item_id) for item_id in item_ids)
        return Page(cursor, [i for i in items if i is not None and i.state == "active"])


def _paged(found: list[T], limit: int | None, page: int | None) -> list[T]:
    limit, page = 25 if limit is None else limit, 1 if page is None else page
    if limit < 1 or page < 1:
        raise bad_argument("limit and page start at 1")
    return found[(page - 1) * limit : page * limit]
