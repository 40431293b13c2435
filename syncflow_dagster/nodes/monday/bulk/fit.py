"""Which creates can go by a bulk job's file, and which have to go by mutations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.bulk.cells import NotInFile, csv_cell, kept, labels_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncflow_dagster.nodes.monday.contract import Contract
    from syncflow_dagster.workflows.models import MondayPushNode


@dataclass(frozen=True, slots=True)
class FileColumns:
    """What of a board decides whether an item can be made from a file.

    Attributes:
        types: Types of the mapped columns that are on the board as they are mapped, by id.
        labels: Labels a cell can choose, by id of the column.
    """

    types: Mapping[str, str]
    labels: Mapping[str, Collection[str]]


def file_columns(node: MondayPushNode, contract: Contract) -> FileColumns:
    """Return what of a node's board decides whether its items can be made from a file.

    Args:
        node: The push node; only its items count, as a file does not change subitems.
        contract: Its board as it was read.
    """
    mapped = {node.items.key_column: "text"}
    mapped |= {one.column: one.type for one in node.items.columns}
    mapped |= {one.column: "status" for one in node.items.statuses}
    board = contract.board.columns
    types = {
        column: kind
        for column, kind in mapped.items()
        if column in board and board[column].type == kind
    }
    chosen = {column: board[column].labels for column in types}
    labels = {column: frozenset(some) for column, some in chosen.items() if some is not None}
    return FileColumns(types, labels)


def misfit(
    payload: Mapping[str, Any],
    types: Mapping[str, str],
    labels: Mapping[str, Collection[str]],
) -> str | None:
    """Return why a create cannot go by a file; None if it can.

    A file makes no labels, and finds an item it has made before by its key alone: an empty key is
    a new item each time.

    Args:
        payload: The effect's payload.
        types: Type of each mapped column, by id.
        labels: Labels a cell can choose, by id of the column; letters of any case differ.
    """
    key = payload["key_column"]
    if payload["subitem"]:
        return "a file does not find a subitem it has made before"
    if types.get(key) != "text" or not payload["columns"].get(key):
        return f"column {key}: items are found again by a text column that carries their record"
    try:
        if not kept(payload["name"]):
            return "name: it is empty"
    except NotInFile as error:
        return f"name: {error}"
    faults = (
        _fault(column, value, types, labels.get(column, ()))
        for column, value in payload["columns"].items()
    )
    return next(filter(None, faults), None)


def _fault(
    column: str, value: object, types: Mapping[str, str], labels: Collection[str]
) -> str | None:
    kind = types.get(column)
    if kind is None:
        return f"column {column}: the board does not have it as it is mapped"
    try:
        if not csv_cell(kind, value):
            return None
    except NotInFile as error:
        return f"column {column}: {error}"
    missing = [one for one in labels_of(kind, value) if one not in labels]
    return f"column {column}: the board has no label {missing[0]!r}" if missing else None
