"""Cuts a query into tokens, as Salesforce's own lexer does (npm `@salesforce/soql-common` 0.2.2).

What that lexer takes and refuses is held by `tests/sandbox/test_sandbox_soql_parser.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncflow_dagster.sandbox.salesforce.soql.errors import in_token, no_alternative

_TIME = r"\d\d:\d\d:\d\d(?:\.\d+)?(?:[zZ]|[+-]\d\d:?\d\d)"
# The longest wins, so a date-time comes before its date. A name holds its dots (`A. B` is none)
# and, behind its first letter, whatever is not ASCII.
_TOKEN = re.compile(
    rf"""(?P<space>[ \t\r\n]+)
    |(?P<datetime>\d{{4}}-\d\d-\d\d[tT]{_TIME})
    |(?P<date>\d{{4}}-\d\d-\d\d)
    |(?P<time>{_TIME})
    |(?P<decimal>\d*\.\d+)
    |(?P<integer>\d+)
    |(?P<name>[A-Za-z][A-Za-z0-9_.\x80-\U0010ffff]*)
    |(?P<string>'(?:[^'\\\n]|\\[^\n])*')
    |(?P<sign>!=|<>|[-+*/~_().,:=<>\\])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: `name`, `string`, `integer`, `decimal`, `date`, `datetime`, `time`, `sign` or `end`.
        text: As written, a string with its quotes; `<EOF>` for the end.
        at: Index of its first character in the query.
    """

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """A name in upper case, to be compared with the words of the language; else empty."""
        return self.text.upper() if self.kind == "name" else ""


def tokens(query: str) -> list[Token]:
    """The query's tokens, the last one of kind `end`.

    Raises:
        SoqlError: A character begins no token, or a string does not end on its line.
    """
    found: list[Token] = []
    place = 0
    while place < len(query):
        match = _TOKEN.match(query, place)
        if match is None:
            raise _not_a_token(query, place)
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), place))
        place = match.end()
    found.append(Token("end", "<EOF>", len(query)))
    return found


def _not_a_token(query: str, place: int) -> Exception:
    if query[place] != "'":
        return no_alternative(query, place)
    return in_token(
        query, place, f"Invalid string literal {query[place:]}. The string is not closed"
    )


# `\f` is documented too, but Salesforce's own parser refuses it; letters may be of either case.
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:[uU]([0-9a-fA-F]{4})|(.))", re.DOTALL)


def unquoted(token: Token, query: str) -> str:
    """The value of a string.

    Raises:
        SoqlError: It has an escape that the language does not know.
    """
    return _unescaped(token, query, keep="")


def pattern(token: Token, query: str) -> str:
    r"""The pattern of a string after LIKE: `\%`, `\_` and `\\` stay as they are written.

    Raises:
        SoqlError: It has an escape that the language does not know.
    """
    return _unescaped(token, query, keep="%_\\")


def _unescaped(token: Token, query: str, keep: str) -> str:
    def value(match: re.Match[str]) -> str:
        code, letter = match.groups()
        if code is not None:
            return chr(int(code, 16))
        if letter in keep:
            return match.group()
        if letter.lower() not in _ESCAPES:
            raise _illegal(token, query, match.group())
        return _ESCAPES[letter.lower()]

    text = _ESCAPE.sub(value, token.text[1:-1])
    # Two escapes may write one character as a pair of surrogates.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _illegal(token: Token, query: str, sequence: str) -> Exception:
    what = "unicode sequence." if sequence in {"\\u", "\\U"} else "character sequence"
    detail = f"Invalid string literal {token.text}. Illegal {what} '{sequence}' in string literal."
    return in_token(query, token.at, detail)
