"""Cells of an uploaded file: display text in, the JSON that mutations take out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.model import USERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.sandbox.monday.model import Column

CLEAR = "<NULL>"
LINKS_LIMIT = 50
# `true`, `yes` and `1` are documented; the opposites are the sandbox's choice.
_CHECKED = frozenset({"true", "yes", "1"})
_UNCHECKED = frozenset({"false", "no", "0"})
_MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<url>[^)]*)\)")
_NAMED_EMAIL = re.compile(r"(?P<text>[^<>]*)<(?P<email>[^<>]*)>")
_ASSIGNEE = re.compile(r"(?P<kind>user|team):(?P<id>\d+)", re.ASCII)


class CellError(Exception):
    """A cell that the column does not take; the text is the reason in the job's report."""


def refusal(column: Column, cell: str, reason: str = "") -> CellError:
    """The error of a cell, in the form of the observed one of a label."""
    what = "Label" if column.type in ("status", "dropdown") else "Value"
    text = f'{what} "{cell}" is invalid for column "{column.id}"'
    return CellError(f"{text}: {reason}" if reason else text)


def cell_json(column: Column, cell: str) -> Any:
    """What a mutation would be given for a cell that is not empty; None clears.

    Raises:
        CellError: The text has not the form of the column's type.
    """
    if cell == CLEAR:
        return None
    return _FORMS[column.type](column, cell)


def _status(column: Column, cell: str) -> Any:
    _check_label(column, cell)
    return {"label": cell}


def _dropdown(column: Column, cell: str) -> Any:
    labels = [label.strip() for label in cell.split(",")]
    for label in labels:
        _check_label(column, label)
    return {"labels": labels}


def _check_label(column: Column, text: str) -> None:
    # Exact, upper and lower case included, and never made by an import.
    if all(label.text != text for label in column.labels):
        raise refusal(column, text)


def _checkbox(column: Column, cell: str) -> Any:
    word = cell.strip().lower()
    if word not in _CHECKED | _UNCHECKED:
        raise refusal(column, cell)
    # Only null takes a tick away.
    return {"checked": "true"} if word in _CHECKED else None


def _timeline(column: Column, cell: str) -> Any:
    start, slash, end = cell.partition("/")
    if not slash:
        raise refusal(column, cell, "a timeline is YYYY-MM-DD/YYYY-MM-DD")
    return {"from": start.strip(), "to": end.strip()}


def _link(_column: Column, cell: str) -> Any:
    found = _MARKDOWN_LINK.fullmatch(cell.strip())
    return found.groupdict() if found else {"url": cell.strip(), "text": cell.strip()}


def _email(_column: Column, cell: str) -> Any:
    found = _NAMED_EMAIL.fullmatch(cell.strip())
    if found is None:
        return {"email": cell.strip(), "text": cell.strip()}
    return {name: text.strip() for name, text in found.groupdict().items()}


def _location(column: Column, cell: str) -> Any:
    parts = cell.split("|", 2)
    if len(parts) != 3:
        raise refusal(column, cell, "a location is lat|lng|address")
    return dict(zip(("lat", "lng", "address"), (part.strip() for part in parts), strict=True))


def _people(column: Column, cell: str) -> Any:
    listed = [_assignee(column, one.strip()) for one in cell.split(",")]
    return {"personsAndTeams": listed}


def _assignee(column: Column, text: str) -> dict[str, Any]:
    found = _ASSIGNEE.fullmatch(text)
    if found is not None:
        kind = "person" if found["kind"] == "user" else "team"
        return {"id": int(found["id"]), "kind": kind}
    user = next((user for user in USERS.values() if user.email == text.lower()), None)
    if user is None:
        raise refusal(column, text)
    return {"id": int(user.id), "kind": "person"}


def _relation(column: Column, cell: str) -> Any:
    ids = [one.strip() for one in cell.split(",")]
    if len(ids) > LINKS_LIMIT:
        raise refusal(column, cell, f"a cell links at most {LINKS_LIMIT} items")
    return {"item_ids": ids}


_FORMS: Mapping[str, Callable[[Column, str], Any]] = {
    "text": lambda _column, cell: cell,
    "long_text": lambda _column, cell: {"text": cell},
    "numbers": lambda _column, cell: cell.strip(),
    "date": lambda _column, cell: {"date": cell.strip()},
    "phone": lambda _column, cell: {"phone": cell.strip()},
    "status": _status,
    "dropdown": _dropdown,
    "checkbox": _checkbox,
    "timeline": _timeline,
    "link": _link,
    "email": _email,
    "location": _location,
    "people": _people,
    "board_relation": _relation,
}
