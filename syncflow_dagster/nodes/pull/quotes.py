r"""Where quoted texts and comments of a SQL statement begin and end.

Each database has its own, and what is a text in one is code in another: ``'\'`` is whole in Oracle
and open in MySQL. What a server may read in two ways, by a setting or its version, is `unclear`
from there on; so is, for a database that is not known here, what only some databases have.

- PostgreSQL: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
- MySQL: https://dev.mysql.com/doc/refman/8.4/en/string-literals.html and …/comments.html
- MariaDB: https://mariadb.com/kb/en/comment-syntax/
- Oracle: https://docs.oracle.com/en/database/oracle/oracle-database/23/sqlrf/Literals.html
- SQL Server: https://learn.microsoft.com/sql/t-sql/language-elements/slash-star-comment-transact-sql
  and …/relational-databases/databases/database-identifiers
- SQLite: https://www.sqlite.org/lang_keywords.html and …/lang_comment.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = r"\w$\x80-\U0010ffff"
#: What is never closed reaches to the end. A doubled quote reads as the end of one text and the
#: start of the next, which for the question "is this inside?" is the same.
_TEXT = r"(?P<text>'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z))"
_BACKTICKS = r"(?P<backticks>`[^`]*(?:`|\Z))"
_LINE = r"(?P<line>--[^\n]*\n?)"
_BLOCK = r"(?P<block>/\*.*?(?:\*/|\Z))"
_NESTING = r"(?P<nesting>/\*)"
#: Texts that a line end parts are one, and the backslash keeps its meaning in all of it.
_PARTED = r"'[ \t\f\v]*(?:--[^\n]*)?\n(?:\s|--[^\n]*\n)*'"
_ESCAPED = rf"(?P<escaped>(?<![{_WORD}])[eE]'(?:[^'\\]|\\.|''|{_PARTED})*+(?:'|\\?\Z))"
_DOLLARS = rf"(?<![{_WORD}])\$(?P<tag>(?:[^\W\d]\w*)?)\$"
#: Oracle's texts with a delimiter of the author's: q'[it's]'.
_DELIMITED = (
    rf"(?P<delimited>(?<![{_WORD}#])[nN]?[qQ]'(?:\[.*?(?:\]'|\Z)|\{{.*?(?:\}}'|\Z)|\(.*?(?:\)'|\Z)"
    r"|<.*?(?:>'|\Z)|(?P<mark>[^\s\[{(<]).*?(?:(?P=mark)'|\Z)))"
)
_UNCLEAR: Mapping[str, tuple[str, str]] = {
    "backslash": (
        r"(?P<backslash>'(?:[^'\\]|\\[^'])*+\\'|\"(?:[^\"\\]|\\[^\"])*+\\\")",
        "a backslash before a quote; write the quote twice instead",
    ),
    "inner": (r"(?P<inner>/\*(?:(?!\*/).)*?/\*)", "a comment inside a comment; leave one out"),
    "run": (r"(?P<run>/\*M?!)", "a comment /*! … */, which some versions run; leave it out"),
    "dollars": (
        rf"(?P<dollars>{_DOLLARS})",
        "$…$, which is a quote in some versions; put a name that holds it in quotes",
    ),
    "hash": (r"(?P<hash>\#)", "a #, which begins a comment in some databases; leave it out"),
    "ticks": (r"(?P<ticks>`)", 'a backtick, which is a quote in some databases; write " instead'),
    "q": (
        rf"(?P<q>(?<![{_WORD}])[nN]?[qQ]')",
        "a text q'…', which not all databases have; write '…'",
    ),
}
_COMMENTS = frozenset({"line", "block", "nesting"})


def _any(*parts: str) -> re.Pattern[str]:
    return re.compile(
        "|".join(_UNCLEAR[part][0] if part in _UNCLEAR else part for part in parts), re.DOTALL
    )


_MYSQL = _any(
    "backslash", "run", "inner", "dollars", _TEXT, _BACKTICKS, _BLOCK,
    # `5--3` is a sum.
    r"(?P<line>(?:\#|--(?=[\s\x01-\x1f\x7f]|\Z))[^\n]*\n?)",
)  # fmt: skip
#: By SQLAlchemy's names of databases.
_OPENINGS: Mapping[str, re.Pattern[str]] = {
    "postgresql": _any(
        _ESCAPED, _TEXT, rf"(?P<dollar>{_DOLLARS}.*?(?:\$(?P=tag)\$|\Z))", _LINE, _NESTING
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "oracle": _any(_DELIMITED, _TEXT, _LINE, _BLOCK),
    "mssql": _any(_TEXT, r"(?P<brackets>\[(?:[^\]]|\]\])*+(?:\]|\Z))", _LINE, _NESTING),
    "sqlite": _any(_TEXT, _BACKTICKS, r"(?P<brackets>\[[^\]]*(?:\]|\Z))", _LINE, _BLOCK),
}
_UNKNOWN = _any("backslash", "inner", "dollars", "hash", "ticks", "q", _TEXT, _LINE, _BLOCK)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A quoted text or a comment.

    Attributes:
        start: Where it begins.
        end: The index after its last character.
        kind: `unclear`, which reaches to the end: it may be either, or neither.
        why: What is unclear, and what would be right.
    """

    start: int
    end: int
    kind: Literal["quotes", "comment", "unclear"]
    why: str = ""


def enclosures(sql: str, database: str) -> list[Enclosure]:
    """Find the quoted texts and comments of a statement, in order.

    Args:
        sql: The statement.
        database: The kind of database, as SQLAlchemy calls it.
    """
    openings = _OPENINGS.get(database, _UNKNOWN)
    found: list[Enclosure] = []
    at = 0
    while (opening := openings.search(sql, at)) is not None:
        name, at = opening.lastgroup or "", opening.end()
        if name in _UNCLEAR:
            found.append(Enclosure(opening.start(), len(sql), "unclear", _UNCLEAR[name][1]))
            break
        if name == "nesting":
            at = _end_of_nested(sql, at)
        kind: Literal["quotes", "comment"] = "comment" if name in _COMMENTS else "quotes"
        found.append(Enclosure(opening.start(), at, kind))
    return found


def without_end(sql: str, database: str) -> str:
    """Return a statement without what may stand behind it: semicolons, blanks, comments."""
    comments = [span for span in enclosures(sql, database) if span.kind == "comment"]
    end = len(sql)
    while True:
        end = len(sql[:end].rstrip(" \t\r\n\f\v;"))
        if not comments or comments[-1].end < end:
            return sql[:end]
        end = comments.pop().start


def _end_of_nested(sql: str, at: int) -> int:
    """Return the end of a comment that may hold comments; `at` is behind its `/*`."""
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(sql, at):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(sql)
