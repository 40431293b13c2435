"""A query a person wrote: taken apart as far as it has to be known, and checked like any other.

It may select fields of one object and its parents under conditions. What rows mean beside that
(aggregates, sub-queries of children, a limit) has no place in a table that is compared row by row;
the order and the window of time are added by the read itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncflow_dagster.core.soql import date_literals
from syncflow_dagster.core.soql.operators import ALLOWED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.core.soql.check import Checker
    from syncflow_dagster.core.soql.date_literals import DateLiteral
    from syncflow_dagster.core.soql.tree import Loc

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<comment>--|//|/\*)
    |(?P<datetime>\d{4}-\d\d-\d\d[tT]\d\d:\d\d:\d\d(?:\.\d+)?(?:[zZ]|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d(?![tT\d]))
    |(?P<time>\d\d:\d\d:\d\d(?:\.\d+)?[zZ])
    |(?P<number>[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?![A-Za-z_\d]))
    |(?P<name>[A-Za-z][A-Za-z0-9_.]*)
    |(?P<string>'(?:[^'\\\n]|\\[^\n])*')
    |(?P<sign>!=|<>|<=|>=|[=<>(),:])""",
    re.VERBOSE | re.ASCII,
)
#: Escapes in texts; the last two only behind LIKE.
_ESCAPES = re.compile(r"""(?:[^\\]|\\(?:[nrtb"'\\]|u[0-9a-f]{4}))*""", re.IGNORECASE)
_LIKE_ESCAPES = re.compile(r"""(?:[^\\]|\\(?:[nrtb"'\\%_]|u[0-9a-f]{4}))*""", re.IGNORECASE)
_OPERATORS = {
    "=": "equals",
    "!=": "not_equals",
    "<>": "not_equals",
    "<": "less",
    "<=": "less_or_equal",
    ">": "greater",
    ">=": "greater_or_equal",
    "LIKE": "like",
    "IN": "in",
    "NOT IN": "not_in",
    "INCLUDES": "includes",
    "EXCLUDES": "excludes",
}
_LISTS = frozenset({"IN", "NOT IN", "INCLUDES", "EXCLUDES"})
_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_TEXTS = frozenset(ALLOWED) - _NUMBERS - {"boolean", "date", "datetime", "time"}
#: Types of fields a value can be compared with, by what the value is written as.
_FITTING: Mapping[str, frozenset[str]] = {
    "string": _TEXTS,
    "number": _NUMBERS,
    "date": frozenset({"date"}),
    "datetime": frozenset({"datetime"}),
    "time": frozenset({"time"}),
    "boolean": frozenset({"boolean"}),
    "literal": frozenset({"date", "datetime"}),
    "null": frozenset(ALLOWED),
}
_ROW = "each row has to be one record"
_REFUSED = {
    "GROUP": f"remove it: {_ROW}",
    "HAVING": f"remove it: {_ROW}",
    "ORDER": "remove it: the read orders the records itself",
    "LIMIT": "remove it: records beyond it would count as deleted",
    "OFFSET": "remove it: records before it would count as deleted",
    "ALL": "remove it and set with_deleted: true",
    "FOR": "remove it: it belongs to Apex, or marks records as seen",
    "USING": "remove it and name its conditions",
    "WITH": "remove it",
    "UPDATE": "remove it",
}


class RawQueryError(ValueError):
    """A query that cannot be used.

    Attributes:
        hint: What would be right.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison in the query: a field, an operator of SOQL, and how its values are written."""

    name: str
    operator: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class RawQuery:
    """What a query says.

    Attributes:
        owner: The object.
        fields: The fields it selects.
        where: Its conditions as they are written; empty for none.
        compared: The comparisons among them, those of sub-queries and functions left out.
        moving: Date literals, those behind functions among them.
        joined: The fields that stand in a semi-join or an anti-join.
    """

    owner: str
    fields: tuple[str, ...]
    where: str
    compared: tuple[Compared, ...]
    moving: tuple[DateLiteral, ...] = ()
    joined: tuple[str, ...] = ()

    def check(self, checker: Checker, loc: Loc) -> None:
        """Report comparisons that do not fit the object, and what a read of changes misses."""
        for literal in self.moving:
            checker.moving_date(literal, loc)
        for name in self.joined:
            checker.joined(name, loc)
        for one in self.compared:
            path = checker.path(one.name, loc)
            if path is None or not checker.filterable(path, loc):
                continue
            if _OPERATORS[one.operator] not in ALLOWED[path.field.type]:
                message = f"{one.operator} cannot be used with {path.text}: {path.field.type}"
                checker.find(loc, "wrong_operator", message)
            for kind in sorted(one.kinds):
                if path.field.type not in _FITTING[kind]:
                    message = f"{path.text} is {path.field.type}, and is compared with a {kind}"
                    checker.find(loc, "wrong_value", message)


def parse(text: str) -> RawQuery:
    """Take a query apart.

    Raises:
        RawQueryError: It is no query of records of one object; the message says where.
    """
    return _Parser(text).query()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind in {"name", "sign"} else ""


@dataclass(slots=True)
class _Parser:
    text: str
    tokens: list[_Token] = field(default_factory=list)
    at: int = 0
    compared: list[Compared] = field(default_factory=list)
    moving: list[DateLiteral] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        place = 0
        while place < len(self.text):
            match = _TOKEN.match(self.text, place)
            kind = str(match.lastgroup) if match is not None else ""
            if match is None or kind == "comment":
                hint = "texts stand in single quotes, with \\' for a quote, and end on their line"
                shown = self.text[place : place + 20]
                msg = f"cannot be read from {shown!r} on (character {place + 1})"
                raise RawQueryError(msg, hint)
            if kind != "space":
                self.tokens.append(_Token(kind, match[0], place))
            place = match.end()
        self.tokens.append(_Token("end", "", len(self.text)))

    @property
    def here(self) -> _Token:
        return self.tokens[self.at]

    def query(self) -> RawQuery:
        self.expect("SELECT")
        fields = [self.selected()]
        while self.took(","):
            fields.append(self.selected())
        self.expect("FROM")
        owner = self.name("an object")
        if self.here.kind == "name" and self.here.word not in {"WHERE", *_REFUSED}:
            msg = f"{owner} has an alias, {self.here.text!r}"
            raise RawQueryError(msg, "name fields without one")
        start = self.here.at + len("WHERE")
        if self.took("WHERE"):
            self.conditions()
        else:
            start = len(self.text)
        if self.here.kind != "end":
            raise self.unexpected("the end of the query")
        where = self.text[start:].strip()
        found = (tuple(self.compared), tuple(self.moving), tuple(self.joined))
        return RawQuery(owner, tuple(fields), where, *found)

    def selected(self) -> str:
        if self.here.text == "(" or self.here.word == "TYPEOF":
            msg = "selects more than fields: a sub-query of children, or TYPEOF"
            raise RawQueryError(msg, f"remove it: {_ROW}")
        name = self.name("a field")
        if self.here.text == "(":
            hint = "list the fields by name" if name.upper() == "FIELDS" else f"remove it: {_ROW}"
            msg = f"selects {name}(…), which is no field"
            raise RawQueryError(msg, hint)
        if self.here.kind == "name" and self.here.word != "FROM":
            msg = f"{name} has an alias, {self.here.text!r}"
            raise RawQueryError(msg, "a column is named as its field is")
        return name

    def conditions(self) -> None:
        """Read conditions between parentheses, or the whole: all with AND, or all with OR."""
        if self.took("NOT"):
            self.condition()
        else:
            self.condition()
            word = self.here.word
            while word in {"AND", "OR"} and self.took(word):
                self.condition()
        if self.here.word in {"AND", "OR"}:
            msg = f"mixes AND, OR and NOT without parentheses (character {self.here.at + 1})"
            raise RawQueryError(msg, "put each group into parentheses")

    def condition(self) -> None:
        if self.took("("):
            self.conditions()
            self.expect(")")
            return
        if self.here.word == "NOT":
            msg = f"NOT stands beside other conditions (character {self.here.at + 1})"
            raise RawQueryError(msg, "put it into parentheses of its own: (NOT Name LIKE 'x%')")
        name = self.name("a field")
        checked = self.here.text != "("
        if not checked:
            self.skip()  # a function of fields, such as CALENDAR_YEAR(CreatedDate)
        operator = self.operator()
        kinds = self.listed(operator, name) if operator in _LISTS else {self.value(operator)}
        if checked:
            self.compared.append(Compared(name, operator, frozenset(kinds)))

    def operator(self) -> str:
        word = self.here.word
        if word == "NOT":
            self.at += 1
            word = f"NOT {self.here.word}"
        if word not in _OPERATORS:
            raise self.unexpected("an operator")
        self.at += 1
        return word

    def listed(self, operator: str, name: str) -> set[str]:
        self.expect("(")
        if self.here.word == "SELECT" and operator.endswith("IN"):
            self.at -= 1
            self.skip()  # a semi-join is left to Salesforce
            self.joined.append(name)
            return set()
        kinds = {self.value()}
        while self.took(","):
            kinds.add(self.value())
        self.expect(")")
        return kinds

    def value(self, operator: str = "=") -> str:
        token = self.here
        escapes = _LIKE_ESCAPES if operator == "LIKE" else _ESCAPES
        if token.kind == "string" and escapes.fullmatch(token.text) is None:
            msg = (
                f"has an escape in {token.text} that SOQL does not know (character {token.at + 1})"
            )
            raise RawQueryError(msg, "write a backslash as two; \\% and \\_ only behind LIKE")
        if token.text == ":":
            msg = f"binds a variable, as Apex does (character {token.at + 1})"
            raise RawQueryError(msg, "write the value, or ${NAME} for one of the environment")
        self.at += 1
        if token.kind != "name":
            if token.kind not in _FITTING:
                self.at -= 1
                raise self.unexpected("a value")
            return token.kind
        if token.word in {"TRUE", "FALSE"}:
            return "boolean"
        if token.word == "NULL":
            return "null"
        count = f":{self.tokens[self.at + 1].text}" if self.here.text == ":" else ""
        self.at += 2 if count else 0
        try:
            self.moving.append(date_literals.parse(token.text + count))
        except ValueError as error:
            msg = f"{error} (character {token.at + 1})"
            raise RawQueryError(msg, "texts stand in single quotes") from error
        return "literal"

    def skip(self) -> None:
        """Pass over what stands in parentheses."""
        depth = 0
        while self.here.kind != "end":
            depth += {"(": 1, ")": -1}.get(self.here.text, 0)
            self.at += 1
            if depth == 0:
                return
        raise self.unexpected("')'")

    def name(self, what: str) -> str:
        if self.here.kind != "name" or self.here.word in {"FROM", "WHERE"}:
            raise self.unexpected(what)
        self.at += 1
        return self.tokens[self.at - 1].text

    def took(self, word: str) -> bool:
        found = self.here.word == word
        self.at += found
        return found

    def expect(self, word: str) -> None:
        if not self.took(word):
            raise self.unexpected(word)

    def unexpected(self, wanted: str) -> RawQueryError:
        if self.here.kind == "end":
            return RawQueryError(f"ends where {wanted} should be")
        message = (
            f"{self.here.text!r} stands where {wanted} should be (character {self.here.at + 1})"
        )
        return RawQueryError(message, _REFUSED.get(self.here.word, ""))
