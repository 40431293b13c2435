r"""Patterns of LIKE: `%` is any text, `_` one character, `\%` and `\_` stand for themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Wild(Enum):
    """What is no plain text in a pattern."""

    ANY = "%"
    ONE = "_"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, in texts and wildcards."""

    parts: tuple[str | Wild, ...]

    def matches(self, text: str, *, case_sensitive: bool = False) -> bool:
        """Say whether a text as a whole is of the pattern."""
        given = text if case_sensitive else text.lower()
        return _regex(self, case_sensitive).fullmatch(given) is not None


@lru_cache(maxsize=256)
def _regex(pattern: Pattern, case_sensitive: bool) -> re.Pattern[str]:
    texts = {Wild.ANY: ".*", Wild.ONE: "."}
    source = (
        texts[part]
        if isinstance(part, Wild)
        else re.escape(part if case_sensitive else part.lower())
        for part in pattern.parts
    )
    return re.compile("".join(source), re.DOTALL)


def parse(text: str) -> Pattern:
    """Read a pattern as a person writes it; a backslash before anything else means itself."""
    parts: list[str | Wild] = []
    for token in re.finditer(r"\\[%_\\]|[%_]|\\|[^%_\\]+", text):
        found = token[0]
        if found in {"%", "_"}:
            parts.append(Wild(found))
        else:
            parts.append(found[1:] if len(found) > 1 and found[0] == "\\" else found)
    return Pattern(tuple(parts))


def starting(text: str) -> Pattern:
    """Return what matches texts that begin with one."""
    return Pattern((text, Wild.ANY))


def ending(text: str) -> Pattern:
    """Return what matches texts that end with one."""
    return Pattern((Wild.ANY, text))


def holding(text: str) -> Pattern:
    """Return what matches texts with one in them."""
    return Pattern((Wild.ANY, text, Wild.ANY))
