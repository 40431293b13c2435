"""Column values of one write: all fit, or nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns import (
    CODECS,
    UNCHANGED,
    BadValueError,
    cell_text,
    parse_cell,
)
from syncflow_dagster.sandbox.monday.columns.choices import next_label_id
from syncflow_dagster.sandbox.monday.errors import MondayError, bad_argument, bad_column
from syncflow_dagster.sandbox.monday.model import Board, CellValue, Column, Item, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.monday.state import MondayState

NAME_LIMIT = 255
# The service drops these from a create without a word; they need a second write.
_DROPPED_ON_CREATE = frozenset({"board_relation", "dependency"})


class CellWrite:
    """Checks values against a board's columns, collecting the labels they add.

    Args:
        state: Where linked items and tags are looked up.
        board: The item's board.
        create_labels: Add status and dropdown labels that are missing.
    """

    def __init__(self, state: MondayState, board: Board, *, create_labels: bool) -> None:
        self._state = state
        self._create_labels = create_labels
        self._columns = dict(board.columns)
        self.board = board
        self.column: Column

    def values(
        self, given: Any, before: Mapping[str, CellValue], *, creating: bool = False
    ) -> dict[str, CellValue]:
        """The item's values after the write; `name` is left to the caller.

        Raises:
            MondayError: A column does not exist or refuses its value.
        """
        after = dict(before)
        for column_id, raw in checked_object(given).items():
            if column_id == "name":
                continue
            value = self._cell(column_id, raw, creating=creating)
            if value is None:
                after.pop(column_id, None)
            elif value is not UNCHANGED:
                after[column_id] = value
        self.board = replace(self.board, columns=self._columns)
        return after

    def _cell(self, column_id: str, raw: Any, *, creating: bool) -> CellValue | None:
        column = self._columns.get(column_id)
        if column is None or column.archived or column.type not in CODECS:
            raise bad_column(column_id)
        if creating and column.type in _DROPPED_ON_CREATE:
            return UNCHANGED
        self.column = column
        try:
            return parse_cell(raw, self)
        except BadValueError as error:
            raise _refusal(column, raw, error) from error

    def may_add_labels(self) -> bool:
        """Whether the present column takes new labels in this write."""
        return self._create_labels and not self.column.managed

    def add_label(self, text: str) -> Label:
        """Add a label to the present column; kept only if the whole write succeeds."""
        label = Label(next_label_id(self.column), text)
        labels = (*self.column.labels, label)
        self.column = replace(self.column, labels=labels, revision=self.column.revision + 1)
        self._columns[self.column.id] = self.column
        return label

    def item_is_active(self, item_id: str) -> bool:
        """Whether an item exists and is active."""
        item = self._state.items.get(item_id)
        return item is not None and item.state == "active"

    def tag_exists(self, tag_id: int) -> bool:
        """Whether the account has the tag."""
        return tag_id in self._state.tags

    def first_weekday(self) -> int:
        """The account's first day of the week."""
        return self._state.first_weekday


def _refusal(column: Column, raw: Any, error: BadValueError) -> MondayError:
    data = {
        "column_id": column.id,
        "column_name": column.title,
        "column_type": CODECS[column.type].legacy_type or column.type,
        "column_value": raw,
        "column_validation_error_code": error.code,
    }
    return MondayError(str(error), "ColumnValueException", data=data)


def checked_object(given: Any) -> Mapping[str, Any]:
    """`column_values` as an object by column id; nothing given is an empty one.

    Raises:
        MondayError: It is some other JSON.
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise bad_argument("column_values must be a JSON object by column id")
    return given


def checked_name(name: str) -> str:
    """An item's name.

    Raises:
        MondayError: It is empty or longer than 255 characters.
    """
    if not name.strip():
        raise bad_argument("Item name cannot be empty")
    if len(name) > NAME_LIMIT:
        msg = f"Item name is too long, the maximum is {NAME_LIMIT} characters"
        raise MondayError(
            msg,
            "ItemNameTooLongException",
            data={"item_name_length": len(name)},
        )
    return name


def record_key(board: Board, item: Item) -> str:
    """The key under which the log speaks of an item."""
    column = board.columns.get(board.key_column) if board.key_column else None
    return (cell_text(item, column) if column is not None else None) or item.name
