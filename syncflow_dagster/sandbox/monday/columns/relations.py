"""Links between items, colours, files, and columns that only the service writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns.base import (
    BadValueError,
    Codec,
    Writing,
    members,
    whole_number,
)

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.model import Column

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")


def _linked(raw: Any, writing: Writing) -> tuple[str, ...] | None:
    if isinstance(raw, str):
        raw = {"item_ids": [part.strip() for part in raw.split(",") if part.strip()]}
    listed = members(raw, {"item_ids": list}, 'a relation is {"item_ids": [1, 2]}')
    linked = (str(whole_number(n, "item id")) for n in listed.get("item_ids") or ())
    ids = tuple(dict.fromkeys(linked))
    if missing := [item_id for item_id in ids if not writing.item_is_active(item_id)]:
        msg = f"invalid value - the linked item is not active: {missing[0]}"
        raise BadValueError(msg, "inactiveItems")
    return ids or None


def _linked_fields(value: tuple[str, ...] | None, _column: Column) -> dict[str, Any]:
    return {"linked_item_ids": list(value or ())}


def _color(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        raw = {"color": raw}
    color = members(raw, {"color": str}, 'a colour is {"color": "#FF5733"}').get("color")
    if not color:
        return None
    if not _COLOR.fullmatch(color):
        msg = f"invalid value - {color!r} is not a colour #RRGGBB"
        raise BadValueError(msg)
    return {"color": color}


def _file(raw: Any, _writing: Writing) -> None:
    cleared = members(raw, {"clear_all": bool}, 'files take only {"clear_all": true} here')
    if cleared.get("clear_all") is not True:
        raise BadValueError('invalid value - files take only {"clear_all": true} here')


def _read_only(_raw: Any, writing: Writing) -> None:
    msg = f"invalid value - columns of type {writing.column.type} cannot be changed"
    raise BadValueError(msg, "readOnly")


def _display_fields(_value: None, _column: Column) -> dict[str, Any]:
    return {"display_value": ""}


def _relation(graphql_type: str, legacy_type: str) -> Codec:
    # Text and value are null since 2025-04; only the typed fields show the links.
    return Codec(
        graphql_type,
        parse=_linked,
        text=lambda _value, _column: None,
        empty_text=None,
        shown=lambda _value: None,
        fields=_linked_fields,
        terms=lambda value, _column: frozenset(value) | {int(n) for n in value},
        legacy_type=legacy_type,
    )


def _fixed(graphql_type: str, empty_text: str | None = None) -> Codec:
    return Codec(graphql_type, parse=_read_only, empty_text=empty_text, fields=_display_fields)


BOARD_RELATION = _relation("BoardRelationValue", "board-relation")
DEPENDENCY = _relation("DependencyValue", "dependency")
COLOR_PICKER = Codec(
    "ColorPickerValue",
    parse=_color,
    text=lambda value, _column: value["color"],
    fields=lambda value, _column: value or {"color": None},
    terms=lambda value, _column: frozenset({value["color"]}),
)
FILE = Codec("UnsupportedValue", parse=_file)
READ_ONLY: dict[str, Codec] = {
    "formula": _fixed("FormulaValue"),
    "mirror": _fixed("MirrorValue"),
    "subtasks": _fixed("SubtasksValue"),
    "item_id": _fixed("ItemIdValue"),
} | {
    name: _fixed("UnsupportedValue", "")
    for name in (
        "auto_number",
        "button",
        "creation_log",
        "last_updated",
        "progress",
        "time_tracking",
        "vote",
    )
}
