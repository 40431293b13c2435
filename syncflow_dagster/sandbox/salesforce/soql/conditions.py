"""Reads the WHERE clause.

The rules are those of Salesforce's own parser: AND and OR mix only with parentheses, NOT stands
first within its own parentheses (or is the whole clause), lists are never empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from syncflow_dagster.sandbox.salesforce.soql.dates import FORMULAS
from syncflow_dagster.sandbox.salesforce.soql.errors import NotInSandboxError, SoqlError
from syncflow_dagster.sandbox.salesforce.soql.lexer import pattern, unquoted
from syncflow_dagster.sandbox.salesforce.soql.tree import (
    Comparison,
    Group,
    Inclusion,
    Membership,
    Query,
    Value,
)

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.soql.cursor import Cursor
    from syncflow_dagster.sandbox.salesforce.soql.tree import Call, Condition, Name

_COMPARISONS = ("=", "!=", "<>", "<", ">")
_LITERALS = {"date", "datetime", "time"}
# Parentheses within each other that are read: far more than a person writes.
_MOST_DEPTH = 100
_CURRENCY = re.compile(r"[A-Z]{3}\d+(\.\d*)?")


def where(cursor: Cursor) -> Condition:
    """Reads the conditions behind WHERE.

    Raises:
        SoqlError: They break the grammar.
    """
    return _conditions(cursor, 0)


def _conditions(cursor: Cursor, depth: int) -> Condition:
    if depth > _MOST_DEPTH:
        raise SoqlError("QUERY_TOO_COMPLICATED", "The query has too many nested conditions")
    if cursor.took("NOT"):
        return Group("NOT", (_condition(cursor, depth),))
    first = _condition(cursor, depth)
    words: tuple[Literal["AND", "OR"], ...] = ("AND", "OR")
    for word in words:
        if cursor.at(word):
            parts = [first]
            while cursor.took(word):
                parts.append(_condition(cursor, depth))
            return Group(word, tuple(parts))
    return first


def _condition(cursor: Cursor, depth: int) -> Condition:
    if cursor.took("("):
        inner = _conditions(cursor, depth + 1)
        cursor.expect(")")
        return inner
    if cursor.at("DISTANCE", "("):
        raise NotInSandboxError("DISTANCE")
    field = cursor.field()
    if cursor.at("+") or cursor.at("-"):
        raise NotInSandboxError("sums of fields")
    return _behind(cursor, field)


def _behind(cursor: Cursor, field: Name | Call) -> Condition:
    """The condition on a field that is read already."""
    if cursor.took("LIKE"):
        return Comparison(field, "LIKE", _value(cursor, in_like=True))
    if cursor.took("NOT", "IN"):
        return Membership(field, True, _members(cursor))
    if cursor.took("IN"):
        return Membership(field, False, _members(cursor))
    for word in ("INCLUDES", "EXCLUDES"):
        if cursor.took(word):
            return Inclusion(field, word == "EXCLUDES", _values(cursor))
    return Comparison(field, _operator(cursor), _value(cursor))


def _operator(cursor: Cursor) -> str:
    for sign in _COMPARISONS:
        if cursor.took(sign):
            if sign in {"<", ">"} and cursor.took("="):
                return f"{sign}="
            return "!=" if sign == "<>" else sign
    raise cursor.unexpected()


def _members(cursor: Cursor) -> tuple[Value, ...] | Query:
    if not cursor.at("(", "SELECT"):
        return _values(cursor)
    # Imported here: a query has conditions, and these have queries.
    from syncflow_dagster.sandbox.salesforce.soql.parser import semi_join

    cursor.expect("(")
    query = semi_join(cursor)
    cursor.expect(")")
    return query


def _values(cursor: Cursor) -> tuple[Value, ...]:
    cursor.expect("(")
    values = [_value(cursor)]
    while cursor.took(","):
        values.append(_value(cursor))
    cursor.expect(")")
    return tuple(values)


def _value(cursor: Cursor, *, in_like: bool = False) -> Value:
    token = cursor.token
    if token.kind == "string":
        cursor.take()
        read = pattern if in_like else unquoted
        return Value("string", read(token, cursor.query), token.at)
    if token.kind in _LITERALS:
        cursor.take()
        return Value(token.kind, token.text.upper(), token.at)  # type: ignore[arg-type]
    if token.kind == "name":
        return _word(cursor)
    return _number(cursor)


def _number(cursor: Cursor) -> Value:
    at = cursor.token.at
    sign = "-" if cursor.at("-") else ""
    if sign or cursor.at("+"):
        cursor.take()
    if cursor.token.kind not in {"integer", "decimal"}:
        raise cursor.unexpected()
    return Value("number", sign + cursor.take().text, at)


def _word(cursor: Cursor) -> Value:
    token = cursor.token
    if token.word in {"TRUE", "FALSE"}:
        kind: Literal["boolean", "null"] = "boolean"
    elif token.word == "NULL":
        kind = "null"
    elif token.word in FORMULAS:
        return _formula(cursor)
    elif _CURRENCY.fullmatch(token.word):
        raise NotInSandboxError("amounts with a currency")
    else:
        raise cursor.unexpected()
    cursor.take()
    return Value(kind, token.word, token.at)


def _formula(cursor: Cursor) -> Value:
    token = cursor.take()
    number = cursor.integer() if cursor.took(":") else None
    return Value("formula", token.word, token.at, number)
