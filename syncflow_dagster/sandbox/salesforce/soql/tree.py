"""A query as it is written: what the parser makes, before anything is looked up in a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Word
from typing import TypeAlias

ValueKind: TypeAlias = Word[
    "string", "number", "date", "datetime", "time", "boolean", "null", "formula"
]


@dataclass(frozen=True, slots=True)
class Name:
    """A field, relationship path or object: `Account.Name`; `at` is its index in the query."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one field, such as `COUNT(Id)` or `FORMAT(convertCurrency(Amount))`."""

    function: str
    argument: Name | Call
    at: int


@dataclass(frozen=True, slots=True)
class ChildQuery:
    """A query of child records in SELECT: `(SELECT Id FROM Contacts)`."""

    query: Query
    at: int


@dataclass(frozen=True, slots=True)
class Value:
    """A value to compare with.

    Attributes:
        kind: What it is written as.
        text: A string without quotes and escapes (after LIKE: the pattern, see
            `lexer.pattern`), the upper-case name of a date formula, `TRUE` or `FALSE`, or the
            text as it stands.
        number: The number behind a date formula's colon; None when there is none.
        at: Its index in the query.
    """

    kind: ValueKind
    text: str
    at: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`; the operator is one of `= != < <= > >= LIKE`."""

    field: Name | Call
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Membership:
    """`field [NOT] IN (...)` with values, or with a query of one field."""

    field: Name | Call
    negated: bool
    values: tuple[Value, ...] | Query


@dataclass(frozen=True, slots=True)
class Inclusion:
    """`field INCLUDES (...)`, or EXCLUDES when negated."""

    field: Name | Call
    negated: bool
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by AND or OR; NOT has one part."""

    word: Word["AND", "OR", "NOT"]
    parts: tuple[Condition, ...]


Condition: TypeAlias = "Comparison | Membership | Inclusion | Group"


@dataclass(frozen=True, slots=True)
class Selected:
    """One item of SELECT."""

    what: Name | Call | ChildQuery
    alias: Name | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One item of ORDER BY; nulls come first unless the query says otherwise."""

    what: Name | Call
    descending: bool = False
    nulls_last: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query.

    Attributes:
        text: The text it stands in; all `at` count from its begin.
        select: What is selected; empty for `SELECT COUNT()`.
        source: The object after FROM.
        alias: The object's other name.
    """

    text: str
    select: tuple[Selected, ...]
    source: Name
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Name | Call, ...] = ()
    order_by: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
