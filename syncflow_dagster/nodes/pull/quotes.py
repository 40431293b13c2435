"""Where quoted texts and comments of a SQL statement begin and end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

# Standard SQL quotes and comments, and PostgreSQL's dollar quotes:
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html
_OPENING = re.compile(r"'|\"|--|/\*|\$(?:[A-Za-z_]\w*)?\$")


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A quoted text or a comment; `end` is the index after its last character."""

    start: int
    end: int
    kind: Literal["quotes", "comment"]


def enclosures(sql: str) -> list[Enclosure]:
    """Find the quoted texts and comments of a statement, in order.

    A doubled quote reads as the end of one text and the start of the next, which for the question
    "is this inside?" is the same. One that is never closed reaches to the end.
    """
    found: list[Enclosure] = []
    at = 0
    while (opening := _OPENING.search(sql, at)) is not None:
        token = opening[0]
        closing = {"--": "\n", "/*": "*/"}.get(token, token)
        close = sql.find(closing, opening.end())
        at = len(sql) if close < 0 else close + len(closing)
        kind: Literal["quotes", "comment"] = "comment" if token in {"--", "/*"} else "quotes"
        found.append(Enclosure(opening.start(), at, kind))
    return found


def without_end(sql: str) -> str:
    """Return a statement without what may stand behind it: semicolons, blanks, comments."""
    comments = [span for span in enclosures(sql) if span.kind == "comment"]
    end = len(sql)
    while True:
        end = len(sql[:end].rstrip(" \t\r\n\f\v;"))
        if not comments or comments[-1].end < end:
            return sql[:end]
        end = comments.pop().start
