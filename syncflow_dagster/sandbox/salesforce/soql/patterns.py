"""The patterns of LIKE: `%` is any text, `_` one character; a backslash makes them plain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = re.compile(r"\\(.)|(%)|(_)|([^\\%_]+)", re.DOTALL)


def matcher(pattern: str) -> Callable[[str], bool]:
    """The test of a text against a pattern, upper and lower case being the same.

    Args:
        pattern: With escapes, as `lexer.pattern` leaves it.
    """
    pieces = [_piece(match) for match in _PIECE.finditer(pattern.lower())]
    inner = "".join(text for text, _ in pieces)
    ends = [pieces[0][1] == "%", pieces[-1][1] == "%"] if pieces else [False, False]
    if not any(kind for _, kind in pieces[int(ends[0]) : len(pieces) - int(ends[1])]):
        return _simple(inner, starts_open=ends[0], ends_open=ends[1])
    parts = ({"%": ".*", "_": "."}.get(kind, re.escape(text)) for text, kind in pieces)
    found = re.compile("".join(parts), re.DOTALL).fullmatch
    return lambda value: found(value.lower()) is not None


def _piece(match: re.Match[str]) -> tuple[str, str]:
    """A piece's text, and which wildcard it is (empty: none)."""
    escaped, many, one, text = match.groups()
    return escaped or text or "", many or one or ""


def _simple(text: str, *, starts_open: bool, ends_open: bool) -> Callable[[str], bool]:
    """The usual patterns, `x`, `x%`, `%x` and `%x%`, without a regular expression."""
    if starts_open and ends_open:
        return lambda value: text in value.lower()
    if starts_open:
        return lambda value: value.lower().endswith(text)
    if ends_open:
        return lambda value: value.lower().startswith(text)
    return lambda value: value.lower() == text
