"""Making boards, groups and columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.monday.columns.choices import next_label_id
from syncflow_dagster.sandbox.monday.model import Board, Column, Group, Item, Label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.sandbox.monday.state import MondayState

ITEMS_LIMIT = 10_000
DEFAULT_COLOR = "#579bfc"
NAME_COLUMN = Column("name", "Name", "name")
SUBTASKS_COLUMN_ID = "subitems"


def with_labels(column: Column, texts: Sequence[str]) -> Column:
    """The column with these labels, numbered as the service numbers them."""
    for text in texts:
        label = Label(next_label_id(column), text)
        column = replace(column, labels=(*column.labels, label))
    return column


def new_group(board_id: str, group_id: str, title: str, position: float) -> Group:
    """A group of the default colour."""
    return Group(group_id, board_id, title, DEFAULT_COLOR, position)


def new_board(
    state: MondayState,
    board_id: str,
    name: str,
    columns: Sequence[Column],
    groups: Sequence[tuple[str, str]],
) -> Board:
    """A board value with the name column first; groups as (id, title) from the top."""
    named = {NAME_COLUMN.id: NAME_COLUMN} | {column.id: column for column in columns}
    return Board(
        id=board_id,
        name=name,
        created_at=state.clock.real(),
        columns=named,
        groups={
            group_id: new_group(board_id, group_id, title, (n + 1) * 65_536.0)
            for n, (group_id, title) in enumerate(groups)
        },
        items_limit=ITEMS_LIMIT,
    )


def with_column(board: Board, column: Column, after: str | None = None) -> Board:
    """The board with one more column, at the end or behind another."""
    columns: dict[str, Column] = {}
    for existing in board.columns.values():
        columns[existing.id] = existing
        if existing.id == after:
            columns[column.id] = column
    columns.setdefault(column.id, column)
    return replace(board, columns=columns)


def with_group(board: Board, group: Group) -> Board:
    """The board with this group added or replaced."""
    return replace(board, groups={**board.groups, group.id: group})


def position_beside(board: Board, group_id: str, method: str, *, moving: str = "") -> float | None:
    """The position right before or after a group; None when the group is not there."""
    groups = [group for group in board.active_groups() if group.id != moving]
    places = [group.position for group in groups]
    found = next((n for n, group in enumerate(groups) if group.id == group_id), None)
    if found is None:
        return None
    if method == "after_at":
        below = places[found + 1] if found + 1 < len(places) else places[found] + 131_072.0
        return (places[found] + below) / 2
    above = places[found - 1] if found else places[found] - 131_072.0
    return (above + places[found]) / 2


def top_position(board: Board) -> float:
    """A position above every group."""
    return min((g.position for g in board.groups.values()), default=131_072.0) - 65_536.0


def subitem_columns() -> list[Column]:
    """The columns of a subitem board that the service makes by itself."""
    status = with_labels(Column("status", "Status", "status"), ["Working on it", "Done", "Stuck"])
    return [Column("person", "Owner", "people"), status, Column("date0", "Date", "date")]


def attach_subitem_board(
    state: MondayState, parent: Board, board_id: str, name: str, columns: Sequence[Column]
) -> tuple[Board, Board]:
    """Give a board its subitem board: (the board with its `subtasks` column, the new board)."""
    board = replace(
        new_board(state, board_id, name, columns, [("topics", "Subitems")]),
        parent_board_id=parent.id,
    )
    taken = SUBTASKS_COLUMN_ID in parent.columns
    column_id = state.new_slug("subtasks") if taken else SUBTASKS_COLUMN_ID
    link = Column(column_id, "Subitems", "subtasks", linked_board_ids=(board_id,))
    return replace(with_column(parent, link), subitem_board_id=board_id), board


def lazily_attached(state: MondayState, parent: Board) -> Board:
    """The board's subitem board, made now if this is the first subitem."""
    if parent.subitem_board_id is not None:
        existing = state.boards.get(parent.subitem_board_id)
        assert existing is not None
        return existing
    name = f"Subitems of {parent.name}"
    linked, board = attach_subitem_board(
        state, parent, state.new_board_id(), name, subitem_columns()
    )
    state.put_board(board)
    state.put_board(linked)
    return board


def sample_items(state: MondayState, board: Board) -> list[Item]:
    """The three items that the service puts on a board not made empty."""
    group = board.active_groups()[0]
    now = state.clock.real()
    return [
        Item(state.new_item_id(), board.id, group.id, f"Item {n}", state.next_position(), now, now)
        for n in (1, 2, 3)
    ]
