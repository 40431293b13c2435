"""Mutations on boards, groups, columns and tags."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday import boards
from syncflow_dagster.sandbox.monday.columns import COLUMN_TYPES, LABELLED
from syncflow_dagster.sandbox.monday.columns.choices import (
    STATUS_LABEL_LENGTH,
    STATUS_LABELS_LIMIT,
)
from syncflow_dagster.sandbox.monday.errors import (
    MondayError,
    bad_argument,
    bad_column,
    bad_group,
)
from syncflow_dagster.sandbox.monday.model import Board, Column, Group, Label, Tag
from syncflow_dagster.sandbox.monday.update_writes import UpdateWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEX_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_COLUMN_ID = re.compile(r"[a-z0-9_]{1,20}")
# update_group wants a name of the palette where create_group wants hex (observed).
PALETTE = {
    "blue": "#579bfc",
    "dark-blue": "#0086c0",
    "green": "#00c875",
    "dark-green": "#037f4c",
    "grey": "#c4c4c4",
    "orange": "#fdab3d",
    "pink": "#ff5ac4",
    "purple": "#a25ddc",
    "red": "#e2445c",
    "yellow": "#ffcb00",
}


class BoardWriter(UpdateWriter):
    """Adds the operations on boards, groups, columns and tags to those on items and comments."""

    def create_group(
        self,
        board_id: str,
        group_name: str,
        group_color: str | None = None,
        position: str | None = None,
        position_relative_method: str | None = None,
        relative_to: str | None = None,
    ) -> Group:
        """`create_group`: on top, unless a place is given."""
        board = self.board(board_id)
        if not group_name.strip():
            raise bad_argument("Group name cannot be empty")
        if group_color is not None and not _HEX_COLOR.fullmatch(group_color):
            msg = f"group_color must be hexadecimal like #ff642e, not {group_color!r}"
            raise bad_argument(msg)
        place = boards.top_position(board)
        if relative_to is not None:
            method = position_relative_method or "after_at"
            place = self._beside(board, relative_to, method)
        elif position is not None:
            place = _position_number(position)
        group = Group(
            self.state.new_slug("group"),
            board.id,
            group_name,
            group_color or boards.DEFAULT_COLOR,
            place,
        )
        self.state.put_board(boards.with_group(board, group))
        self._log_group("create_group", group, changed=True)
        return group

    def _beside(self, board: Board, group_id: str, method: str, moving: str = "") -> float:
        place = boards.position_beside(board, group_id, method, moving=moving)
        if place is None:
            raise bad_group(group_id)
        return place

    def _log_group(self, op: str, group: Group, *, changed: bool, **more: Any) -> None:
        payload = {
            "board_id": group.board_id,
            "group_id": group.id,
            "group_name": group.title,
            "changed": changed,
        }
        self.committed(op, group.title, group.id, payload | more)

    def update_group(
        self, board_id: str, group_attribute: str, group_id: str, new_value: str
    ) -> Group:
        """`update_group`: title, colour (by palette name) or place."""
        board = self.board(board_id)
        before = self.group(board, group_id)
        if group_attribute == "title":
            if not new_value.strip():
                raise bad_argument("Group name cannot be empty")
            after = replace(before, title=new_value)
        elif group_attribute == "color":
            if new_value not in PALETTE:
                known = ", ".join(PALETTE)
                msg = f"Unknown group color {new_value!r}, known are: {known}"
                raise bad_argument(msg)
            after = replace(before, color=PALETTE[new_value])
        elif group_attribute == "position":
            after = replace(before, position=_position_number(new_value))
        else:
            method = "after_at" if group_attribute.endswith("after") else "before_at"
            after = replace(
                before, position=self._beside(board, new_value, method, moving=before.id)
            )
        if after != before:
            self.state.put_board(boards.with_group(board, after))
        changes = {"group_attribute": group_attribute, "new_value": new_value}
        self._log_group("update_group", after, changed=after != before, **changes)
        return after

    def archive_group(self, board_id: str, group_id: str) -> Group:
        """`archive_group`: with its items."""
        return self._retire_group("archive_group", board_id, group_id, "archived")

    def delete_group(self, board_id: str, group_id: str) -> Group:
        """`delete_group`: with its items; the last group stays."""
        return self._retire_group("delete_group", board_id, group_id, "deleted")

    def _retire_group(self, op: str, board_id: str, group_id: str, state: str) -> Group:
        board = self.board(board_id)
        group = self.group(board, group_id)
        if state == "deleted" and len(board.active_groups()) == 1:
            raise MondayError(
                "Unable to delete the last group of a board", "DeleteLastGroupException", status=409
            )
        item_ids: list[str] = []
        for item_id in list(self.state.board_items[board.id]):
            item = self.state.items.get(item_id)
            if item and item.group_id == group.id and item.state not in (state, "deleted"):
                self.retire(item, state)
                item_ids.append(item.id)
        retired = replace(group, archived=state == "archived", deleted=state == "deleted")
        self.state.put_board(boards.with_group(board, retired))
        self._log_group(op, retired, changed=True, item_ids=item_ids)
        return retired

    def create_board(
        self,
        board_name: str,
        board_kind: str,
        empty: bool | None = False,
        description: str | None = None,
    ) -> Board:
        """`create_board`: with sample columns and items unless `empty`."""
        if not board_name.strip():
            raise bad_argument("Board name cannot be empty")
        groups = [("topics", "Group Title")]
        columns = [] if empty else boards.subitem_columns()
        if not empty:
            groups.append(("group_title", "Group Title"))
        board = boards.new_board(self.state, self.state.new_board_id(), board_name, columns, groups)
        board = replace(board, kind=board_kind, description=description)
        self.state.put_board(board)
        for item in () if empty else boards.sample_items(self.state, board):
            self.state.put_item(item)
        payload = {"board_id": board.id, "board_name": board_name, "changed": True}
        self.committed("create_board", board_name, board.id, payload)
        return board

    def create_column(
        self,
        board_id: str,
        title: str,
        column_type: str,
        id: str | None = None,  # noqa: A002 - the service's name for the argument
        description: str | None = None,
        after_column_id: str | None = None,
        defaults: Any = None,
    ) -> Column:
        """`create_column`; labels of a status or dropdown column come in `defaults`."""
        board = self.board(board_id)
        if column_type not in COLUMN_TYPES:
            msg = f"Columns of type {column_type} cannot be created"
            raise bad_argument(msg)
        if id is not None and (not _COLUMN_ID.fullmatch(id) or id in board.columns):
            msg = f"Column id {id!r} is taken or is not 1-20 lowercase letters, digits, underscores"
            raise bad_argument(msg)
        if after_column_id is not None and after_column_id not in board.columns:
            raise bad_column(after_column_id)
        column = Column(
            id or self.state.new_slug(column_type), title, column_type, description=description
        )
        column = _with_defaults(column, defaults)
        self.state.put_board(boards.with_column(board, column, after_column_id))
        payload = {"board_id": board.id, "title": title, "type": column_type, "changed": True}
        self.committed("create_column", title, column.id, payload)
        return column

    def delete_column(self, board_id: str, column_id: str) -> Column:
        """`delete_column`: what items hold in it comes back with a column of the same id."""
        board = self.board(board_id)
        column = board.columns.get(column_id)
        if column is None or column.type in {"name", "subtasks"}:
            raise bad_column(column_id)
        columns = {name: one for name, one in board.columns.items() if name != column_id}
        self.state.put_board(replace(board, columns=columns))
        payload = {"board_id": board.id, "title": column.title, "changed": True}
        self.committed("delete_column", column.title, column.id, payload)
        return column

    def create_or_get_tag(self, tag_name: str | None = None, board_id: str | None = None) -> Tag:
        """`create_or_get_tag`: the one tag of this name."""
        if board_id is not None:
            self.board(board_id)
        if not (tag_name or "").strip():
            raise bad_argument("Tag name cannot be empty")
        before = len(self.state.tags)
        tag = self.state.tag_named(str(tag_name))
        payload = {"tag_name": tag.name, "changed": len(self.state.tags) > before}
        self.committed("create_or_get_tag", tag.name, str(tag.id), payload)
        return tag


def _position_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"position must be a number, not {text!r}"
        raise bad_argument(msg) from None


def _with_defaults(column: Column, defaults: Any) -> Column:
    if defaults is None:
        return column
    labels = defaults.get("labels") if isinstance(defaults, dict) else None
    if column.type not in LABELLED or labels is None:
        msg = f"defaults do not fit a column of type {column.type}"
        raise bad_argument(msg)
    if isinstance(labels, dict):
        numbered = {int(n): str(text) for n, text in labels.items() if n.isdigit()}
        column = replace(column, labels=tuple(Label(*one) for one in numbered.items()))
    else:
        column = boards.with_labels(column, _label_texts(labels))
    return _with_few_labels(column)


def _with_few_labels(column: Column) -> Column:
    if column.type == "status":
        if len(column.labels) > STATUS_LABELS_LIMIT:
            msg = f"A status column has at most {STATUS_LABELS_LIMIT} labels"
            raise bad_argument(msg)
        if long := [one.text for one in column.labels if len(one.text) > STATUS_LABEL_LENGTH]:
            msg = f"A status label has at most {STATUS_LABEL_LENGTH} characters: {long[0]!r}"
            raise bad_argument(msg)
    return column


def _label_texts(labels: Any) -> Sequence[str]:
    texts: list[Any] = [
        (one.get("label") or one.get("name")) if isinstance(one, dict) else one
        for one in (labels if isinstance(labels, list) else [None])
    ]
    if not all(isinstance(text, str) and text for text in texts):
        raise bad_argument("labels must be texts, or objects with a label")
    return texts
