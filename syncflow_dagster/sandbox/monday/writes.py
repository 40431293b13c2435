"""Mutations on items. Each checks everything first, then commits and logs at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday import boards
from syncflow_dagster.sandbox.monday.cells import (
    CellWrite,
    checked_name,
    checked_object,
    record_key,
)
from syncflow_dagster.sandbox.monday.columns import CODECS
from syncflow_dagster.sandbox.monday.errors import (
    MondayError,
    bad_argument,
    bad_board,
    bad_column,
    bad_group,
    bad_item,
    not_found,
)
from syncflow_dagster.sandbox.monday.model import Board, Group, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncflow_dagster.sandbox.log import WriteLog
    from syncflow_dagster.sandbox.monday.state import MondayState

SERVICE = "monday"
BOARD_FULL = "ItemsLimitationException"


class Accounts:
    """Look-ups that refuse what is not there, and the log; shared by all writers."""

    def __init__(self, state: MondayState, log: WriteLog) -> None:
        self.state = state
        self._log = log
        self._job: Mapping[str, str] = {}

    def committed(self, op: str, key: str, remote_id: str, payload: Mapping[str, Any]) -> None:
        """Log one committed write."""
        payload = {**payload, **self._job}
        self._log.append(service=SERVICE, op=op, key=key, remote_id=remote_id, payload=payload)

    @contextmanager
    def in_job(self, job_id: str) -> Iterator[None]:
        """Write for a bulk job: the log names it, and new items keep their relations."""
        self._job = {"job_id": job_id}
        try:
            yield
        finally:
            self._job = {}

    def board(self, board_id: str) -> Board:
        """An active board.

        Raises:
            MondayError: There is none.
        """
        board = self.state.boards.get(board_id)
        if board is None or board.state != "active":
            raise bad_board(board_id)
        return board

    def group(self, board: Board, group_id: str) -> Group:
        """An active group of the board.

        Raises:
            MondayError: There is none.
        """
        group = board.groups.get(group_id)
        if group is None or not group.active:
            raise bad_group(group_id)
        return group

    def item(self, item_id: str | None, *, archived: bool = False) -> Item:
        """An active item, or an archived one too.

        Raises:
            MondayError: There is none.
        """
        if item_id is None:
            raise bad_item(item_id)
        item = self.state.items.get(item_id)
        if item is None or item.state == "deleted":
            raise not_found(item_id)
        if item.state == "archived" and not archived:
            raise bad_item(item_id)
        return item


class ItemWriter(Accounts):
    """Creates, changes, moves, archives and deletes items and subitems."""

    def create_item(
        self,
        board_id: str,
        item_name: str,
        group_id: str | None = None,
        column_values: Any = None,
        create_labels_if_missing: bool | None = None,
        position_relative_method: str | None = None,
        relative_to: str | None = None,
    ) -> Item:
        """`create_item`: by default the lowest item of the board's top group."""
        board = self.board(board_id)
        if board.parent_board_id is not None:
            raise bad_argument("Items of a subitem board are created with create_subitem")
        group = self._target_group(board, group_id)
        position = self._item_position(board, position_relative_method, relative_to)
        item = self._new(board, item_name, column_values, bool(create_labels_if_missing))
        item = replace(item, group_id=group.id, position=position or item.position)
        return self._commit_new("create_item", item, column_values)

    def create_subitem(
        self,
        parent_item_id: str,
        item_name: str,
        column_values: Any = None,
        create_labels_if_missing: bool | None = None,
    ) -> Item:
        """`create_subitem`: the first one on a board brings the subitem board with it."""
        parent = self.item(parent_item_id)
        if parent.parent_id is not None:
            raise bad_argument("A subitem cannot have subitems on this board")
        # Checked before the board is made, so that a refused first subitem leaves no board.
        checked_name(item_name)
        parent_board = self.board(parent.board_id)
        if parent_board.subitem_board_id is None:
            known = {column.id for column in boards.subitem_columns()}
            if missing := [c for c in checked_object(column_values) if c not in known]:
                raise bad_column(missing[0])
        board = boards.lazily_attached(self.state, parent_board)
        item = self._new(board, item_name, column_values, bool(create_labels_if_missing))
        group = board.active_groups()[0]
        item = replace(item, group_id=group.id, parent_id=parent.id)
        return self._commit_new("create_subitem", item, column_values)

    def _target_group(self, board: Board, group_id: str | None) -> Group:
        if group_id is not None:
            return self.group(board, group_id)
        groups = board.active_groups()
        if not groups:
            raise bad_group("")
        return groups[0]

    def _item_position(
        self, board: Board, method: str | None, relative_to: str | None
    ) -> float | None:
        if relative_to is None:
            return None
        neighbour = self.item(relative_to)
        if neighbour.board_id != board.id:
            raise bad_item(relative_to)
        # Positions step by 1, so a half lands between two neighbours.
        return neighbour.position + (-0.5 if method == "before_at" else 0.5)

    def _new(self, board: Board, name: str, column_values: Any, create_labels: bool) -> Item:
        checked_name(name)
        cells = CellWrite(self.state, board, create_labels=create_labels)
        values = cells.values(column_values, {}, creating=not self._job)
        if self.state.active_counts.get(board.id, 0) >= board.items_limit:
            msg = f"The board has reached its limit of {board.items_limit} items"
            raise MondayError(
                msg,
                BOARD_FULL,
                data={"board_id": board.id, "items_limit": board.items_limit},
            )
        self._keep_labels(board, cells.board)
        now = self.state.clock.real()
        position = self.state.next_position()
        return Item(self.state.new_item_id(), board.id, "", name, position, now, now, values)

    def _keep_labels(self, before: Board, after: Board) -> None:
        if after.columns != before.columns:
            self.state.put_board(after)

    def _commit_new(self, op: str, item: Item, column_values: Any) -> Item:
        self.state.put_item(item)
        payload = self._payload(item, changed=True)
        payload |= {"item_name": item.name, "column_values": checked_object(column_values)}
        self.committed(op, self._key(item), item.id, payload)
        return item

    def _payload(self, item: Item, *, changed: bool) -> dict[str, Any]:
        payload: dict[str, Any] = {"board_id": item.board_id, "group_id": item.group_id}
        if item.parent_id is not None:
            payload["parent_item_id"] = item.parent_id
        return payload | {"item_id": item.id, "changed": changed}

    def _key(self, item: Item) -> str:
        board = self.state.boards.get(item.board_id)
        assert board is not None
        return record_key(board, item)

    def change_values(
        self,
        op: str,
        board_id: str,
        item_id: str | None,
        column_values: Any,
        create_labels_if_missing: bool | None = None,
    ) -> Item:
        """`change_multiple_column_values`, and the base of its single-column sisters."""
        board = self.board(board_id)
        item = self.item(item_id)
        if item.board_id != board.id:
            raise bad_item(item_id)
        given = checked_object(column_values)
        name = item.name
        if "name" in given:
            name = checked_name(str(given["name"] or ""))
        cells = CellWrite(self.state, board, create_labels=bool(create_labels_if_missing))
        values = cells.values(given, item.values)
        changed = values != item.values or name != item.name
        if changed:
            self._keep_labels(board, cells.board)
            now = self.state.clock.real()
            item = replace(item, name=name, values=values, updated_at=now)
            self.state.put_item(item)
        payload = self._payload(item, changed=changed) | {"column_values": given}
        self.committed(op, self._key(item), item.id, payload)
        return item

    def change_simple(
        self,
        board_id: str,
        column_id: str,
        item_id: str | None = None,
        value: str | None = None,
        create_labels_if_missing: bool | None = None,
    ) -> Item:
        """`change_simple_column_value`: the value in the column type's plain text form."""
        column = self.board(board_id).columns.get(column_id)
        if column is None or (column.type not in CODECS and column_id != "name"):
            raise bad_column(column_id)
        given = {column_id: value or None}
        op = "change_simple_column_value"
        return self.change_values(op, board_id, item_id, given, create_labels_if_missing)

    def move_item_to_group(self, group_id: str, item_id: str | None = None) -> Item:
        """`move_item_to_group`: to the bottom; a move to its own group does nothing."""
        item = self.item(item_id)
        group = self.group(self.board(item.board_id), group_id)
        changed = group.id != item.group_id
        if changed:
            now, position = self.state.clock.real(), self.state.next_position()
            item = replace(item, group_id=group.id, position=position, updated_at=now)
            self.state.put_item(item)
        payload = self._payload(item, changed=changed)
        self.committed("move_item_to_group", self._key(item), item.id, payload)
        return item

    def archive_item(self, item_id: str | None = None) -> Item:
        """`archive_item`: with its subitems; harmless when archived already."""
        item = self.item(item_id, archived=True)
        return self._retire("archive_item", item, "archived")

    def delete_item(self, item_id: str | None = None) -> Item:
        """`delete_item`: with its subitems; a deleted item is not found again."""
        item = self.item(item_id, archived=True)
        return self._retire("delete_item", item, "deleted")

    def _retire(self, op: str, item: Item, state: str) -> Item:
        changed = item.state != state
        payload = self._payload(item, changed=changed)
        if changed:
            payload["subitem_ids"] = [child.id for child in self.retire(item, state)]
            retired = self.state.items.get(item.id)
            assert retired is not None
            item = retired
        self.committed(op, self._key(item), item.id, payload)
        return item

    def retire(self, item: Item, state: str) -> list[Item]:
        """Archive or delete an item without logging; returns the subitems that went with it."""
        now = self.state.clock.real()
        with_it: list[Item] = []
        for child_id in self.state.children.get(item.id, ()):
            child = self.state.items.get(child_id)
            # An archive leaves alone what is archived or deleted already.
            if child is not None and child.state not in (state, "deleted"):
                with_it.append(child)
        for one in (*with_it, item):
            self.state.put_item(replace(one, state=state, updated_at=now))
        return with_it
