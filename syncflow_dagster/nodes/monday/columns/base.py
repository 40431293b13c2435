"""What all column types share: a cell, how it is wanted, what is refused, and plain texts."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What monday shows of a cell, brought to one form: a text, or a sorted list where order says
#: nothing. An empty cell is the empty text.
Shown = str | list[str]

#: Ends a text that was cut.
MARK = "…"
#: Characters of a value that a reason shows.
_MOST_SHOWN = 80
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


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


#: A cell that is cleared, of every type but texts.
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
        # The zone a driver gives a moment in is its session's, which says nothing.
        shown = value if value.tzinfo is None else value.astimezone(UTC)
        return shown.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def quoted(value: object) -> str:
    """Return a value as a reason names it: in quotes, and not longer than a line."""
    text = display(value)
    return repr(text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + MARK)


def shortened(text: str, longest: int) -> str:
    """Return a text of at most `longest` characters that ends in a mark where it was cut.

    What belongs together on the screen, such as a letter and its accent, is not torn apart.
    """
    if len(text) <= longest:
        return text
    end = longest - len(MARK)
    while end > 0 and (_joins(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + MARK


def _joins(character: str) -> bool:
    """Whether a character belongs to the one before it."""
    return bool(unicodedata.combining(character)) or character in _JOINERS
