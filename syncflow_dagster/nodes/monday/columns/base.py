"""What all column types share: a cell, how it is wanted, what is refused, and plain texts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.columns.lengths import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What monday shows of a cell, brought to one form: a text, or a sorted list where order says
#: nothing. An empty cell is the empty text.
Shown = str | list[str]

#: Characters of a value that a reason shows.
_MOST_SHOWN = 80


class ValueRefused(ValueError):
    """A value cannot be written to a column of this type; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one column.

    Attributes:
        value: What is written, as JSON; None clears the column.
        shown: What `read` makes of the cell once monday shows it.
        cut: What was cut off, where the text was too long and may be cut.
    """

    value: Any
    shown: Shown
    cut: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in the cell."""
        return self.shown == ""


#: A cell that is cleared, of every type but text.
EMPTY = Cell(None, "")


@dataclass(frozen=True, slots=True)
class Options:
    """How a mapping and its account want values written.

    Attributes:
        separator: What stands between several values in one text; None: it is one value.
        country: Country of phone numbers without a calling code, as two letters.
        max_length: Longest text, in characters; None: as long as the type takes.
        cut: Cut a text that is too long, instead of refusing it.
        zone: The account's time zone.
        first_weekday: The account's first day of the week: 0 is Monday, 6 is Sunday.
    """

    separator: str | None = None
    country: str = ""
    max_length: int | None = None
    cut: bool = False
    zone: tzinfo = UTC
    first_weekday: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """A column type.

    Attributes:
        write: From a value that is there to the cell; raises `ValueRefused`.
        read: From what monday answers of a filled cell to its comparable form.
        cleared: What is written to clear it.
    """

    write: Callable[[object, Options], Cell]
    read: Callable[[Mapping[str, Any]], Shown]
    cleared: Any = None


def is_nothing(value: object) -> bool:
    """Whether a value, or every one of several, is none or an empty text."""
    if isinstance(value, tuple):
        return all(map(is_nothing, value))
    return value is None or value == ""


def text_of(given: Mapping[str, Any]) -> str:
    """Return the text monday shows for a cell."""
    return str(given.get("text") or "")


def json_of(given: Mapping[str, Any]) -> Any:
    """Return a cell's `value`, which is JSON inside a string; None where it is none."""
    value = given.get("value")
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def members_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's `value` where it is an object; an empty one where it is not."""
    value = json_of(given)
    return value if isinstance(value, dict) else {}


def several(value: object, options: Options) -> list[str]:
    """Return the values in one text, in their order, each once; empty ones are left out."""
    text = display(value)
    parts = [text] if options.separator is None else text.split(options.separator)
    return list(dict.fromkeys(part for one in parts if (part := one.strip())))


def display(value: object) -> str:
    """Return a value as a person would write it: no exponent, no trailing zeros, ISO dates."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return _in_utc(value).isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC, as the zone a driver gives it in is its session's.

    One without zone stays so, and one that UTC has in the year 0 or 10000 keeps its zone.
    """
    try:
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return moment


def quoted(value: object) -> str:
    """Return a value as a reason names it: in quotes, and not longer than a line."""
    return repr(shortened(display(value), _MOST_SHOWN))
