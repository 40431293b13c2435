"""Values of board columns: how monday wants them written, and how it shows them.

Source: developer.monday.com, reference pages of the column types ("column values v2").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.columns import choices, contacts, ids, moments, texts
from syncflow_dagster.nodes.monday.columns.base import (
    Cell,
    Kind,
    Options,
    Shown,
    ValueRefused,
    display,
    is_nothing,
    quoted,
    text_of,
)
from syncflow_dagster.nodes.monday.columns.lengths import MARK, beginning, length, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KINDS",
    "LONGEST_NAME",
    "MARK",
    "SELECTION",
    "Cell",
    "Options",
    "Shown",
    "ValueRefused",
    "beginning",
    "cell",
    "display",
    "length",
    "quoted",
    "read",
    "shortened",
]

#: Longest item name, in characters (developer.monday.com, error `ItemNameTooLongException`).
LONGEST_NAME = 255

#: The column types that can be written, by monday's names of them.
KINDS: Mapping[str, Kind] = {
    "text": texts.TEXT,
    "long_text": texts.LONG_TEXT,
    "numbers": texts.NUMBERS,
    "status": choices.STATUS,
    "dropdown": choices.DROPDOWN,
    "tags": choices.TAGS,
    "checkbox": choices.CHECKBOX,
    "rating": choices.RATING,
    "color_picker": choices.COLOR_PICKER,
    "date": moments.DATE,
    "timeline": moments.TIMELINE,
    "week": moments.WEEK,
    "hour": moments.HOUR,
    "world_clock": moments.WORLD_CLOCK,
    "email": contacts.EMAIL,
    "phone": contacts.PHONE,
    "link": contacts.LINK,
    "country": contacts.COUNTRY,
    "location": contacts.LOCATION,
    "people": ids.PEOPLE,
    "board_relation": ids.LINKED_ITEMS,
    "dependency": ids.LINKED_ITEMS,
}

#: What a query asks of a cell so that `read` can tell what is in it.
SELECTION = (
    "id type text value "
    "... on DropdownValue { values { label } } "
    "... on BoardRelationValue { linked_item_ids } "
    "... on DependencyValue { linked_item_ids }"
)

_DEFAULTS = Options()


def cell(column_type: str, value: object, options: Options = _DEFAULTS) -> Cell:
    """Return a field's value in the form a column of `column_type` takes.

    Args:
        column_type: monday's name of the type.
        value: Text, number, date, date-time, boolean; of a timeline also a pair of days. None and
            an empty text clear the column.
        options: How the mapping and the account want it.

    Raises:
        ValueRefused: the value does not fit the type.
    """
    kind = KINDS[column_type]
    if is_nothing(value):
        return Cell(kind.cleared, "")
    return kind.write(value, options)


def read(given: Mapping[str, Any]) -> Shown:
    """Return what monday shows of a cell in the form of `Cell.shown`.

    Args:
        given: The cell as a query with `SELECTION` gives it.
    """
    kind = KINDS.get(str(given.get("type")))
    return text_of(given) if kind is None else kind.read(given)
