"""A value as the cell of a bulk job's CSV file.

Source: developer.monday.com, page "importing items in bulk": which column types a file may fill and
what their cells look like. What is not told there is not relied on: such a value goes by a
mutation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What a cell says to clear the column.
CLEARS = "<NULL>"
#: monday does not tell whether it keeps blanks around a cell; JavaScript trims this mark too.
_BYTE_ORDER_MARK = "\ufeff"
#: UTF-8 has no surrogates; of the control characters, RFC 4180 has only the breaks of a line.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class NotInFile(ValueError):
    """A value that a file cannot say exactly; the text says why."""


def csv_cell(column_type: str, value: object) -> str:
    """Return the cell of a value that a new item gets.

    Args:
        column_type: monday's name of the column's type.
        value: The value as a mutation takes it: `Cell.value`. None and an empty text are an empty
            cell, as there is nothing to clear on a new item.

    Raises:
        NotInFile: a file does not fill such columns, or cannot say this value exactly.
    """
    say = _SAID.get(column_type)
    if say is None:
        msg = f"monday's files do not fill columns of type {column_type}"
        raise NotInFile(msg)
    return "" if value in (None, "") else kept(say(value))


def kept(text: str) -> str:
    """Return a text that a cell holds as it is.

    Raises:
        NotInFile: it would, or may, come out differently.
    """
    if unwritable := _UNWRITABLE.search(text):
        msg = f"a file cannot hold the character U+{ord(unwritable[0]):04X}"
        raise NotInFile(msg)
    if text.strip().upper() == CLEARS:
        msg = f"in a file {CLEARS} clears the column"
        raise NotInFile(msg)
    if text and any(one.isspace() or one == _BYTE_ORDER_MARK for one in (text[0], text[-1])):
        raise NotInFile("a file may lose the blanks around it")
    return text


def labels_of(column_type: str, value: object) -> list[str]:
    """Return the labels that a value with a cell chooses, of a status or a dropdown."""
    if column_type == "status":
        return list(_members(value, "label"))
    return _labels(value) if column_type == "dropdown" else []


def _members(value: object, *names: str) -> tuple[str, ...]:
    """Return the texts of an object that has just these members."""
    if isinstance(value, dict) and value.keys() == set(names):
        texts = tuple(value[name] for name in names)
        if all(isinstance(one, str) for one in texts):
            return texts
    raise _of_another_form(names)


def _of_another_form(names: tuple[str, ...]) -> NotInFile:
    return NotInFile(f"its value has another form than {', '.join(names)}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotInFile("its value is not a text")
    return value


def _member(name: str) -> Callable[[object], str]:
    return lambda value: _members(value, name)[0]


def _dropdown(value: object) -> str:
    labels = [kept(one) for one in _labels(value)]
    if any("," in one for one in labels):
        raise NotInFile("a comma inside a label would part it")
    if not all(labels):
        raise NotInFile("an empty label cannot be told from none")
    return ", ".join(labels)


def _labels(value: object) -> list[str]:
    labels = value.get("labels") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise _of_another_form(("labels",))
    return labels


def _date(value: object) -> str:
    if isinstance(value, dict) and value.get("time"):
        raise NotInFile("a file's dates have no time of day")
    return _members(value, "date")[0]


def _timeline(value: object) -> str:
    return "/".join(_members(value, "from", "to"))


def _address(value: object) -> str:
    address, text = _members(value, "email", "text")
    if text != address or re.search(r"[<>]", address):
        raise NotInFile("the address is shown as another text, or has the marks of one")
    return address


def _link(value: object) -> str:
    url, text = _members(value, "url", "text")
    if text != url or url.startswith("["):
        raise NotInFile("the link is shown as another text")
    return url


def _phone(value: object) -> str:
    # A cell is the text of the column, and a phone's text is its number without the country.
    number, country = _members(value, "phone", "countryShortName")
    if country or not number.startswith("+"):
        raise NotInFile("a file cannot tell a phone number's country")
    return number


def _place(value: object) -> str:
    parts = _members(value, "lat", "lng", "address")
    if not all(parts) or any("|" in one for one in parts):
        raise NotInFile("a place needs an address without '|'")
    return "|".join(map(kept, parts))


def _people(value: object) -> str:
    match value:
        case {"personsAndTeams": [{"id": int(number), "kind": ("person" | "team") as kind}]}:
            return f"{'user' if kind == 'person' else kind}:{number}"
        case {"personsAndTeams": [_, _, *_]}:
            # What parts several is not documented.
            raise NotInFile("a file names one person or team only")
    raise _of_another_form(("personsAndTeams",))


def _checkbox(value: object) -> str:
    if _members(value, "checked") != ("true",):
        raise NotInFile("a box of a new item is checked or left alone")
    return "true"


_SAID: Mapping[str, Callable[[object], str]] = {
    "text": _text,
    "long_text": _member("text"),
    "numbers": _text,
    "status": _member("label"),
    "dropdown": _dropdown,
    "checkbox": _checkbox,
    "date": _date,
    "timeline": _timeline,
    "email": _address,
    "phone": _phone,
    "link": _link,
    "location": _place,
    "people": _people,
}
