"""Resolvers below the root: what a board, group, column, item and cell show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns import (
    CODECS,
    cell_text,
    cell_value_json,
    settings_of,
    settings_str_of,
)
from syncflow_dagster.sandbox.monday.columns.temporal import local_moment
from syncflow_dagster.sandbox.monday.formulas import formula_text
from syncflow_dagster.sandbox.monday.model import (
    USERS,
    Board,
    Column,
    Group,
    Item,
    Update,
)

if TYPE_CHECKING:
    from graphql import GraphQLObjectType, GraphQLResolveInfo

    from syncflow_dagster.sandbox.monday.context import Context
    from syncflow_dagster.sandbox.monday.reads import Page

Resolver = Callable[..., Any]
_TAG_COLOR = "#00c875"


@dataclass(frozen=True, slots=True)
class Cell:
    """One item's value in one column."""

    item: Item
    column: Column


def cell_type_name(cell: Cell, _info: Any, _type: Any) -> str:
    """The schema's type for the cell."""
    return CODECS[cell.column.type].graphql_type


_COMMON: Mapping[str, Resolver] = {
    "id": lambda cell, _info: cell.column.id,
    "column": lambda cell, _info: cell.column,
    "type": lambda cell, _info: cell.column.type,
    "text": lambda cell, _info: cell_text(cell.item, cell.column),
    "value": lambda cell, _info: cell_value_json(cell.item, cell.column),
    "is_leaf": lambda _cell, _info: True,
}


def _typed(cell: Cell, info: GraphQLResolveInfo) -> Any:
    value = cell.item.values.get(cell.column.id)
    return CODECS[cell.column.type].fields(value, cell.column).get(info.field_name)


def _linked_items(cell: Cell, info: GraphQLResolveInfo) -> list[Item]:
    linked = cell.item.values.get(cell.column.id) or ()
    items = (_context(info).reader.view.item(item_id) for item_id in linked)
    return [item for item in items if item is not None and item.state == "active"]


def _linked_names(cell: Cell, info: GraphQLResolveInfo) -> str:
    return ", ".join(item.name for item in _linked_items(cell, info))


def _below(cell: Cell, info: GraphQLResolveInfo) -> list[Item]:
    return _context(info).reader.view.children_of(cell.item.id)


def _tags(cell: Cell, info: GraphQLResolveInfo) -> list[Any]:
    tags = _context(info).writer.state.tags
    return [tags[n] for n in cell.item.values.get(cell.column.id) or ()]


def _tag_text(cell: Cell, info: GraphQLResolveInfo) -> str:
    return ", ".join(tag.name for tag in _tags(cell, info))


def _local_date(cell: Cell, info: GraphQLResolveInfo) -> str | None:
    """The date as read in the account's time zone, whose day can differ from UTC's."""
    value = local_moment(cell.item.values.get(cell.column.id), _context(info).zone)
    if info.field_name == "text":
        return "" if value is None else CODECS["date"].text(value, cell.column)
    shown: str | None = CODECS["date"].fields(value, cell.column)[info.field_name]
    return shown


_SPECIAL: Mapping[str, Mapping[str, Resolver]] = {
    "BoardRelationValue": {"linked_items": _linked_items, "display_value": _linked_names},
    "DependencyValue": {"linked_items": _linked_items, "display_value": _linked_names},
    "SubtasksValue": {
        "subitems": _below,
        "subitems_ids": lambda cell, info: [item.id for item in _below(cell, info)],
        "display_value": lambda cell, info: ", ".join(i.name for i in _below(cell, info)),
    },
    "TagsValue": {"tags": _tags, "text": _tag_text},
    "DateValue": {"text": _local_date, "date": _local_date, "time": _local_date},
    "FormulaValue": {
        "display_value": lambda cell, info: formula_text(_context(info), cell.column.id)
    },
    "ItemIdValue": {"item_id": lambda cell, _info: cell.item.id},
}


def cell_resolvers(cell_type: GraphQLObjectType) -> dict[str, Resolver]:
    """The resolvers of one type of cell."""
    special = _SPECIAL.get(cell_type.name, {})
    return {name: special.get(name) or _COMMON.get(name) or _typed for name in cell_type.fields}


def _context(info: GraphQLResolveInfo) -> Context:
    context: Context = info.context
    return context


def _board_groups(
    board: Board, _info: GraphQLResolveInfo, ids: Sequence[str] | None = None
) -> list[Group]:
    return [g for g in board.active_groups() if ids is None or g.id in ids]


def _board_columns(
    board: Board,
    _info: GraphQLResolveInfo,
    ids: Sequence[str] | None = None,
    types: Sequence[str] | None = None,
) -> list[Column]:
    return [
        column
        for column in board.columns.values()
        if (ids is None or column.id in ids) and (types is None or column.type in types)
    ]


def _board_page(
    board: Board,
    info: GraphQLResolveInfo,
    limit: int,
    cursor: str | None = None,
    query_params: Mapping[str, Any] | None = None,
) -> Page:
    return _context(info).reader.items_page(board, None, limit, cursor, query_params)


def _group_page(
    group: Group,
    info: GraphQLResolveInfo,
    limit: int,
    cursor: str | None = None,
    query_params: Mapping[str, Any] | None = None,
) -> Page:
    reader = _context(info).reader
    board = reader.view.board(group.board_id)
    assert board is not None
    return reader.items_page(board, group.id, limit, cursor, query_params)


def _item_board(item: Item, info: GraphQLResolveInfo) -> Board | None:
    return _context(info).reader.view.board(item.board_id)


def _item_group(item: Item, info: GraphQLResolveInfo) -> Group | None:
    board = _item_board(item, info)
    return None if board is None else board.groups.get(item.group_id)


def _item_cells(
    item: Item,
    info: GraphQLResolveInfo,
    ids: Sequence[str] | None = None,
    types: Sequence[str] | None = None,
) -> list[Cell]:
    board = _item_board(item, info)
    assert board is not None
    columns = _board_columns(board, info, ids, types)
    return [Cell(item, column) for column in columns if column.type in CODECS]


def _item_parent(item: Item, info: GraphQLResolveInfo) -> Item | None:
    return None if item.parent_id is None else _context(info).reader.view.item(item.parent_id)


def _item_subitems(item: Item, info: GraphQLResolveInfo) -> list[Item] | None:
    context = _context(info)
    failure = context.failing_fields.get("subitems")
    if failure is not None:
        raise failure()
    return context.reader.view.children_of(item.id)


def _item_updates(
    item: Item, info: GraphQLResolveInfo, limit: int | None = 25, page: int | None = 1
) -> list[Update]:
    newest_first = _context(info).writer.state.updates.get(item.id, [])[::-1]
    size, number = limit or 25, page or 1
    return newest_first[(number - 1) * size : number * size]


def _moment(attribute: str) -> Resolver:
    return lambda source, info: _context(info).timestamp(getattr(source, attribute))


def _board_updated_at(board: Board, info: GraphQLResolveInfo) -> str:
    items = _context(info).reader.view.items_of(board.id)
    latest = max((item.updated_at for item in items), default=board.created_at)
    return _context(info).timestamp(max(latest, board.created_at))


RESOLVERS: Mapping[str, Mapping[str, Resolver]] = {
    "Board": {
        "board_kind": lambda board, _info: board.kind,
        "access_level": lambda _board, info: _context(info).access,
        "hierarchy_type": lambda _board, _info: "classic",
        "items_count": lambda board, info: _context(info).reader.view.count(board.id),
        "groups": _board_groups,
        "top_group": lambda board, _info: next(iter(board.active_groups()), None),
        "columns": _board_columns,
        "items_page": _board_page,
        "created_at": _moment("created_at"),
        "updated_at": _board_updated_at,
    },
    "Group": {
        "position": lambda group, _info: f"{group.position:.5f}",
        "items_page": _group_page,
    },
    "Column": {
        "settings": lambda column, _info: settings_of(column),
        "settings_str": lambda column, _info: settings_str_of(column),
        "revision": lambda column, _info: str(column.revision),
    },
    "Item": {
        "board": _item_board,
        "group": _item_group,
        "column_values": _item_cells,
        "parent_item": _item_parent,
        "subitems": _item_subitems,
        "updates": _item_updates,
        "created_at": _moment("created_at"),
        "updated_at": _moment("updated_at"),
        "creator_id": lambda _item, _info: next(iter(USERS)),
    },
    "Update": {
        "text_body": lambda update, _info: update.body,
        "creator_id": lambda _update, _info: next(iter(USERS)),
        "created_at": _moment("created_at"),
    },
    "Tag": {"color": lambda _tag, _info: _TAG_COLOR},
}
