"""Seed files: the boards that exist when the sandbox starts.

A seed is a JSON object: `{"boards": [{"id", "name", "key_column"?, "items_limit"?,
"columns": [{"id", "title", "type", "labels"?, "managed"?}], "groups": [{"id", "title"}],
"items"?: [{"name", "group"?, "column_values"?, "subitems"?}],
"subitems"?: {"board_id", "name"?, "key_column"?, "columns"}}]}`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from syncflow_dagster.sandbox.monday import boards
from syncflow_dagster.sandbox.monday.cells import CellWrite, checked_name
from syncflow_dagster.sandbox.monday.columns import COLUMN_TYPES, LABELLED
from syncflow_dagster.sandbox.monday.errors import MondayError
from syncflow_dagster.sandbox.monday.model import Board, Column, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncflow_dagster.sandbox.monday.state import MondayState


class SeedError(ValueError):
    """A seed that cannot be used; the text names the file, the board and the column."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SeedColumn(_Strict):
    """A column of a seeded board."""

    id: str = Field(min_length=1)
    title: str = Field(min_length=1)
    type: str
    labels: list[str] = []
    managed: bool = False

    @model_validator(mode="after")
    def _type_is_known(self) -> Self:
        if self.type not in COLUMN_TYPES:
            known = ", ".join(sorted(COLUMN_TYPES))
            msg = f"type {self.type!r} is not a column type (known: {known})"
            raise ValueError(msg)
        if self.labels and self.type not in LABELLED:
            msg = f"labels belong to status and dropdown columns, not to {self.type!r}"
            raise ValueError(msg)
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels has the same label twice")
        return self

    def column(self) -> Column:
        """The column as the board holds it."""
        column = Column(self.id, self.title, self.type, managed=self.managed)
        return boards.with_labels(column, self.labels)


class SeedGroup(_Strict):
    """A group of a seeded board."""

    id: str = Field(min_length=1)
    title: str = Field(min_length=1)


class SeedSubitem(_Strict):
    """A subitem of a seeded item."""

    name: str
    column_values: dict[str, Any] = {}


class SeedItem(SeedSubitem):
    """An item of a seeded board; `group` is the top one when absent."""

    group: str | None = None
    subitems: list[SeedSubitem] = []


def _check_columns(columns: Sequence[SeedColumn], key_column: str | None) -> None:
    ids = [column.id for column in columns]
    if twice := next((one for one in ids if ids.count(one) > 1 or one == "name"), None):
        msg = f"column {twice!r} is there twice"
        raise ValueError(msg)
    if key_column is not None and key_column not in ids:
        msg = f"key_column {key_column!r} is not among the columns"
        raise ValueError(msg)


class SeedSubitems(_Strict):
    """The subitem board of a seeded board."""

    board_id: str = Field(pattern=r"^\d+$")
    name: str | None = None
    key_column: str | None = None
    columns: list[SeedColumn] = []

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        _check_columns(self.columns, self.key_column)
        return self


class SeedBoard(_Strict):
    """A seeded board."""

    id: str = Field(pattern=r"^\d+$")
    name: str = Field(min_length=1)
    key_column: str | None = None
    items_limit: int = Field(default=boards.ITEMS_LIMIT, ge=1)
    columns: list[SeedColumn] = []
    groups: list[SeedGroup] = Field(min_length=1)
    items: list[SeedItem] = []
    subitems: SeedSubitems | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        _check_columns(self.columns, self.key_column)
        groups = [group.id for group in self.groups]
        if len(set(groups)) != len(groups):
            raise ValueError("two groups have the same id")
        for item in self.items:
            if item.group is not None and item.group not in groups:
                msg = f"item {item.name!r}: there is no group {item.group!r}"
                raise ValueError(msg)
            if item.subitems and self.subitems is None:
                msg = f"item {item.name!r} has subitems, but the board has no 'subitems'"
                raise ValueError(msg)
        return self

    def board_ids(self) -> list[str]:
        """The ids that the board takes."""
        return [self.id] + ([self.subitems.board_id] if self.subitems else [])


class Seed(_Strict):
    """One seed file."""

    boards: list[SeedBoard]


def parse_seed(document: object, source: str) -> Seed:
    """Check a decoded seed.

    Raises:
        SeedError: It is not a seed; the text starts with `source`.
    """
    try:
        return Seed.model_validate(document)
    except ValidationError as error:
        lines = [f"{source}: {_place(document, e['loc'])}{_reason(e)}" for e in error.errors()]
        raise SeedError("\n".join(lines)) from error


def _reason(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


_SINGULAR = {"boards": "board", "columns": "column", "groups": "group", "items": "item"}


def _place(document: object, path: Sequence[int | str]) -> str:
    """The path in words: `board 'Orders': column 'status': title: `."""
    words: list[str] = []
    at: Any = document
    for number, step in enumerate(path):
        try:
            at = at[step]
        except (KeyError, IndexError, TypeError):
            at = None
        if isinstance(step, int):
            words.append(_element(str(path[number - 1]), step, at))
        elif not any(isinstance(later, int) for later in path[number + 1 : number + 2]):
            words.append(step)
    return "".join(f"{word}: " for word in words)


def _element(container: str, number: int, element: Any) -> str:
    kind = _SINGULAR.get(container, container)
    name = (element.get("name") or element.get("id")) if isinstance(element, dict) else None
    return f"{kind} {name!r}" if name else f"{kind} number {number + 1}"


def plant(seed: Seed, state: MondayState, source: str) -> None:
    """Put a seed's boards and items into the state.

    Raises:
        SeedError: An id is taken, or a seeded value does not fit its column.
    """
    ids = [board_id for board in seed.boards for board_id in board.board_ids()]
    for board_id in ids:
        if board_id in state.boards or ids.count(board_id) > 1:
            msg = f"{source}: board id {board_id} is taken already"
            raise SeedError(msg)
    for board in seed.boards:
        _plant_board(board, state, source)


def _plant_board(seed: SeedBoard, state: MondayState, source: str) -> None:
    board = replace(
        boards.new_board(
            state,
            seed.id,
            seed.name,
            [column.column() for column in seed.columns],
            [(group.id, group.title) for group in seed.groups],
        ),
        key_column=seed.key_column,
        items_limit=seed.items_limit,
    )
    state.put_board(board)
    if seed.subitems is not None:
        board, below = boards.attach_subitem_board(
            state,
            board,
            seed.subitems.board_id,
            seed.subitems.name or f"Subitems of {seed.name}",
            [column.column() for column in seed.subitems.columns],
        )
        state.put_board(replace(below, key_column=seed.subitems.key_column))
    state.put_board(board)
    try:
        for item in _items(seed, state, board):
            state.put_item(item)
    except MondayError as error:
        detail = f" ({error.data})" if error.data else ""
        msg = f"{source}: board {seed.name!r}: {error.message}{detail}"
        raise SeedError(msg) from error


def _items(seed: SeedBoard, state: MondayState, board: Board) -> Iterator[Item]:
    for one in seed.items:
        group_id = one.group or board.active_groups()[0].id
        item = _item(one, state, board, group_id)
        yield item
        for child in one.subitems:
            below = state.boards.get(board.subitem_board_id or "")
            assert below is not None
            child_item = _item(child, state, below, below.active_groups()[0].id)
            yield replace(child_item, parent_id=item.id)


def _item(seed: SeedSubitem, state: MondayState, board: Board, group_id: str) -> Item:
    cells = CellWrite(state, board, create_labels=False)
    values = cells.values(seed.column_values, {})
    now, position = state.clock.real(), state.next_position()
    name = checked_name(seed.name)
    return Item(state.new_item_id(), board.id, group_id, name, position, now, now, values)
