r"""Patterns of LIKE: `%` is any text, `_` one character, `\%` and `\_` stand for themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Wild(Enum):
    """What is no plain text in a pattern."""

    ANY = "%"
    ONE = "_"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, in texts and wildcards."""

    parts: tuple[str | Wild, ...]

    def regex(self, *, case_sensitive: bool = False) -> re.Pattern[str]:
        """Return it as an expression that has to match a text as a whole."""
        texts = {Wild.ANY: ".*", Wild.ONE: "."}
        source = "".join(
            texts[part] if isinstance(part, Wild) else re.escape(part) for part in self.parts
        )
        flags = re.DOTALL if case_sensitive else re.DOTALL | re.IGNORECASE
        return re.compile(source, flags)

    @property
    def length(self) -> int:
        """Characters it matches, each wildcard counted as one."""
        return sum(1 if isinstance(part, Wild) else len(part) for part in self.parts)


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
