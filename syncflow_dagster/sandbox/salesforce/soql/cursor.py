"""Walks over a query's tokens; reads the names and functions that all clauses have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.soql.errors import SoqlError, at_place
from syncflow_dagster.sandbox.salesforce.soql.lexer import tokens
from syncflow_dagster.sandbox.salesforce.soql.tree import Call, Name

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.soql.lexer import Token

# Words that cannot name a field, an object or an alias. The language has more words (ORDER, GROUP,
# COUNT …), which can: `SELECT Order FROM Group` is a query.
_RESERVED = frozenset(
    {
        "AND",
        "AS",
        "ASC",
        "BIND",
        "BY",
        "CUBE",
        "DESC",
        "ELSE",
        "EXCLUDES",
        "FALSE",
        "FIRST",
        "FOR",
        "FROM",
        "HAVING",
        "HIERARCHICAL",
        "IN",
        "INCLUDES",
        "LAST",
        "LIKE",
        "LIMIT",
        "LOOKUP",
        "NOT",
        "NULL",
        "NULLS",
        "OR",
        "ROLLUP",
        "SELECT",
        "TRUE",
        "UPDATE",
        "USING",
        "WHERE",
        "WITH",
    }
)

# Python itself refuses to read numbers of some thousand digits.
_MOST_DIGITS = 1_000


class Cursor:
    """The tokens of a query and how far they are read.

    Args:
        query: The query's text.

    Raises:
        SoqlError: The text cannot be cut into tokens.
    """

    def __init__(self, query: str) -> None:
        self.query = query
        self._tokens = tokens(query)
        self._next = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._next]

    def after(self, steps: int = 1) -> Token:
        """The token that many steps behind the next one."""
        return self._tokens[min(self._next + steps, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next token, stepping over it."""
        token = self.token
        self._next += 1
        return token

    def at(self, *spellings: str) -> bool:
        """Whether the next tokens are these words (in upper case) and signs."""
        return all(
            spelling in (token.word, token.text if token.kind == "sign" else "")
            for spelling, token in ((one, self.after(n)) for n, one in enumerate(spellings))
        )

    def took(self, *spellings: str) -> bool:
        """Steps over these words and signs if they are next; tells whether they were."""
        found = self.at(*spellings)
        if found:
            self._next += len(spellings)
        return found

    def expect(self, *spellings: str) -> None:
        """Steps over these words and signs.

        Raises:
            SoqlError: Something else is next.
        """
        for spelling in spellings:
            if not self.took(spelling):
                raise self.unexpected()

    def unexpected(self) -> SoqlError:
        """The error that the next token cannot stand where it does."""
        token = self.token
        if token.text == ":":
            detail = "Bind variables only allowed in Apex code"
        else:
            detail = f"unexpected token: '{token.text}'"
        return at_place("MALFORMED_QUERY", self.query, token.at, detail)

    def at_name(self) -> bool:
        """Whether a name is next."""
        return self.token.kind == "name" and self.token.word not in _RESERVED

    def name(self) -> Name:
        """Reads a name.

        Raises:
            SoqlError: None is next.
        """
        if not self.at_name():
            raise self.unexpected()
        token = self.take()
        return Name(token.text, token.at)

    def integer(self) -> int:
        """Reads a number of digits only.

        Raises:
            SoqlError: None is next, or it is longer than any number is.
        """
        token = self.token
        if token.kind != "integer":
            raise self.unexpected()
        if len(token.text) > _MOST_DIGITS:
            raise SoqlError("MALFORMED_QUERY", f"numeric value out of range: {token.text}")
        return int(self.take().text)

    def field(self) -> Name | Call:
        """Reads a field, or a function of one.

        Raises:
            SoqlError: None is next.
        """
        name = self.name()
        if not self.took("("):
            return name
        argument = self.field()
        self.expect(")")
        return Call(name.text, argument, name.at)
