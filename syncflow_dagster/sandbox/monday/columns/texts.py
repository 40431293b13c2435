"""Text, long text and numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns.base import BadValueError, Codec, Writing, members

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.model import Column

LONG_TEXT_LIMIT = 2_000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)


def _text(raw: Any, _writing: Writing) -> str:
    if not isinstance(raw, str):
        raise BadValueError("invalid value - text must be a string")
    return raw


def _long_text(raw: Any, _writing: Writing) -> str | None:
    if not isinstance(raw, str):
        raw = members(raw, {"text": str}, 'long text is {"text": "..."}').get("text") or ""
    if len(raw) > LONG_TEXT_LIMIT:
        msg = f"invalid value - long text is limited to {LONG_TEXT_LIMIT} characters"
        raise BadValueError(
            msg,
            "textTooLong",
        )
    return raw or None


def _number(raw: Any, _writing: Writing) -> str:
    # The service documents numbers as strings; a bare JSON number is refused so that a
    # client that relies on it is found here.
    if not isinstance(raw, str) or not _NUMBER.fullmatch(raw.strip()):
        raise BadValueError('invalid value - numbers are sent as a string such as "42.5"')
    return raw.strip()


def _number_fields(value: str | None, _column: Column) -> dict[str, Any]:
    return {"number": None if value is None else float(value)}


TEXT = Codec("TextValue", parse=_text)
LONG_TEXT = Codec(
    "LongTextValue",
    parse=_long_text,
    shown=lambda value: {"text": value},
    legacy_type="long-text",
)
NUMBERS = Codec(
    "NumbersValue",
    parse=_number,
    fields=_number_fields,
    terms=lambda value, _column: frozenset({value, float(value)}),
    order=float,
    legacy_type="numeric",
)
