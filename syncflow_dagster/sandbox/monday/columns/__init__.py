"""Column types: what each takes, stores and shows (section 3 of the facts)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns import choices, contacts, relations, temporal, texts
from syncflow_dagster.sandbox.monday.columns.base import (
    UNCHANGED,
    BadValueError,
    Codec,
    Writing,
)
from syncflow_dagster.sandbox.monday.complexity import JsonObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.sandbox.monday.model import CellValue, Column, Item

__all__ = [
    "CODECS",
    "COLUMN_TYPES",
    "LABELLED",
    "UNCHANGED",
    "BadValueError",
    "cell_text",
    "cell_value_json",
    "parse_cell",
    "settings_of",
    "settings_str_of",
]

CODECS: Mapping[str, Codec] = {
    "text": texts.TEXT,
    "long_text": texts.LONG_TEXT,
    "numbers": texts.NUMBERS,
    "status": choices.STATUS,
    "dropdown": choices.DROPDOWN,
    "tags": choices.TAGS,
    "checkbox": choices.CHECKBOX,
    "rating": choices.RATING,
    "date": temporal.DATE,
    "timeline": temporal.TIMELINE,
    "week": temporal.WEEK,
    "hour": temporal.HOUR,
    "world_clock": temporal.WORLD_CLOCK,
    "email": contacts.EMAIL,
    "phone": contacts.PHONE,
    "link": contacts.LINK,
    "country": contacts.COUNTRY,
    "location": contacts.LOCATION,
    "people": contacts.PEOPLE,
    "board_relation": relations.BOARD_RELATION,
    "dependency": relations.DEPENDENCY,
    "color_picker": relations.COLOR_PICKER,
    "file": relations.FILE,
    **relations.READ_ONLY,
}
# Types that a seed or create_column may use. `name` is every board's own, `subtasks` comes
# with the subitem board.
COLUMN_TYPES = frozenset(CODECS) - {"subtasks"}
LABELLED = frozenset({"status", "dropdown"})


def parse_cell(raw: Any, writing: Writing) -> CellValue | None:
    """The stored value for decoded JSON; None clears the cell, UNCHANGED leaves it.

    Raises:
        BadValueError: The column does not take the value.
    """
    cleared = raw is None or raw in ("", {})
    if cleared and writing.column.type not in relations.READ_ONLY:
        return None
    return CODECS[writing.column.type].parse(raw, writing)


def cell_text(item: Item, column: Column) -> str | None:
    """What a person reads in the cell."""
    codec = CODECS[column.type]
    if column.type == "item_id":
        return item.id
    value = item.values.get(column.id)
    return codec.empty_text if value is None else codec.text(value, column)


def cell_value_json(item: Item, column: Column) -> str | None:
    """The cell's `value`: JSON inside a string, or None."""
    value = item.values.get(column.id)
    if value is None:
        return None
    shown = CODECS[column.type].shown(value)
    return None if shown is None else json.dumps(shown)


def settings_of(column: Column) -> JsonObject:
    """The column's `settings`, as API 2025-10 and later show them."""
    if column.type in LABELLED:
        labels = [
            {"id": label.id, "label": label.text, "index": n, "is_deactivated": False}
            for n, label in enumerate(column.labels)
        ]
        return JsonObject({"labels": labels})
    if column.type == "subtasks":
        return JsonObject({"boardIds": [int(n) for n in column.linked_board_ids]})
    return JsonObject()


def settings_str_of(column: Column) -> str:
    """The column's settings in the older form, JSON inside a string."""
    if column.type == "status":
        return json.dumps({"labels": {str(label.id): label.text for label in column.labels}})
    if column.type == "dropdown":
        return json.dumps({"labels": [{"id": n.id, "name": n.text} for n in column.labels]})
    return json.dumps(settings_of(column))
