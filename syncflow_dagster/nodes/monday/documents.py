"""GraphQL documents: many mutations in one request, each under an alias of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncflow_dagster.ledger.ports import Effect

#: One mutation: its name, and its arguments as (name, GraphQL type, value).
Mutation = tuple[str, list[tuple[str, str, Any]]]


def batch(effects: Sequence[Effect], subitem_board: str | None) -> tuple[str, dict[str, Any]]:
    """Return the document and the variables of one request.

    Args:
        effects: In the order they shall run in; effect n runs under the alias `e<n>`.
        subitem_board: Id of the board the subitems live on, where it is known.

    Every value goes as a variable: nothing of a record ever becomes part of the document.
    """
    declared: list[str] = []
    fields: list[str] = []
    variables: dict[str, Any] = {}
    for number, effect in enumerate(effects):
        name, arguments = _MUTATIONS[effect.kind](effect, subitem_board)
        passed = []
        for argument, graphql_type, value in arguments:
            variable = f"{argument}_{number}"
            declared.append(f"${variable}: {graphql_type}")
            variables[variable] = value
            passed.append(f"{argument}: ${variable}")
        fields.append(f"  e{number}: {name}({', '.join(passed)}) {{ id }}")
    body = "\n".join(fields)
    text = (
        f"mutation ({', '.join(declared)}) {{\n  complexity {{ query after reset_in_x_seconds }}\n"
        f"{body}\n}}"
    )
    return text, variables


def _create_group(effect: Effect, _: str | None) -> Mutation:
    return "create_group", [
        ("board_id", "ID!", effect.payload["board_id"]),
        ("group_name", "String!", effect.payload["title"]),
    ]


def _create_item(effect: Effect, _: str | None) -> Mutation:
    return "create_item", [
        ("board_id", "ID!", effect.payload["board_id"]),
        ("group_id", "String", effect.parent_id),
        ("item_name", "String!", effect.payload["name"]),
        ("column_values", "JSON", _json(effect.payload["columns"])),
    ]


def _create_subitem(effect: Effect, _: str | None) -> Mutation:
    return "create_subitem", [
        ("parent_item_id", "ID!", effect.parent_id),
        ("item_name", "String!", effect.payload["name"]),
        ("column_values", "JSON", _json(effect.payload["columns"])),
    ]


def _change(effect: Effect, subitem_board: str | None) -> Mutation:
    board = subitem_board if effect.payload["subitem"] else effect.payload["board_id"]
    return "change_multiple_column_values", [
        ("board_id", "ID!", board),
        ("item_id", "ID", effect.target_id),
        ("column_values", "JSON!", _json(effect.payload["columns"])),
    ]


def _move(effect: Effect, _: str | None) -> Mutation:
    return "move_item_to_group", [
        ("item_id", "ID", effect.target_id),
        ("group_id", "String!", effect.parent_id),
    ]


def _archive(effect: Effect, _: str | None) -> Mutation:
    return "archive_item", [("item_id", "ID", effect.target_id)]


def _json(values: dict[str, Any]) -> str:
    # monday's JSON scalar takes a string that holds JSON.
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


_MUTATIONS: dict[str, Callable[[Effect, str | None], Mutation]] = {
    "create_group": _create_group,
    "create_item": _create_item,
    "create_subitem": _create_subitem,
    "change_item": _change,
    "change_subitem": _change,
    "set_links": _change,
    "set_status": _change,
    "move_item": _move,
    "archive_item": _archive,
    "archive_subitem": _archive,
}
