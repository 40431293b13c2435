"""Checked conditions evaluated over records, by the meaning their SOQL has.

A record gives a value, or None, under each path that is tested; a field of a parent that is not
there is None. Texts are compared without their case, as Salesforce does.
"""

from __future__ import annotations

import operator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.soql.date_literals import DateLiteral
from syncflow_dagster.core.soql.patterns import Pattern
from syncflow_dagster.core.soql.where import And, Comparison, Relation, folded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncflow_dagster.core.soql.date_literals import Calendar
    from syncflow_dagster.core.soql.schema import FieldInfo
    from syncflow_dagster.core.soql.where import Where

    Matcher = Callable[[Mapping[str, Any]], bool]
    Holds = Callable[[Any], bool]

_SIGNS = {
    Relation.EQUAL: operator.eq,
    Relation.LESS: operator.lt,
    Relation.LESS_OR_EQUAL: operator.le,
    Relation.GREATER: operator.gt,
    Relation.GREATER_OR_EQUAL: operator.ge,
}


def matches(where: Where, record: Mapping[str, Any], calendar: Calendar) -> bool:
    """Say whether a record meets conditions; for many records see `matcher`.

    Raises:
        KeyError: The record lacks a field that is tested.
    """
    return matcher(where, calendar)(record)


def matcher(where: Where, calendar: Calendar) -> Matcher:
    """Return a function that says whether a record meets conditions.

    Args:
        where: The conditions.
        calendar: What date literals mean now.

    Returns:
        The function; it raises `KeyError` for a record that lacks a field that is tested.
    """
    if isinstance(where, Comparison):
        return _matcher(where, calendar)
    parts = [matcher(part, calendar) for part in where.parts]
    if isinstance(where, And):
        return lambda record: all(part(record) for part in parts)
    return lambda record: any(part(record) for part in parts)


def _matcher(test: Comparison, calendar: Calendar) -> Matcher:
    path, negated, on_null = test.path.text, test.negated, test.on_null
    holds = _holds(test, calendar)

    def match(record: Mapping[str, Any]) -> bool:
        value = record[path]
        # Salesforce keeps an empty text as no value.
        return on_null if value is None or value == "" else holds(value) is not negated

    return match


def _holds(test: Comparison, calendar: Calendar) -> Holds:
    """Return the comparison itself, of a value that is there."""
    info = test.path.field
    if test.relation is Relation.NOTHING:
        return lambda _: False
    if test.relation is Relation.INCLUDES:
        wanted = [_chosen(value, info) for value in test.values]
        return lambda value: any(one <= _chosen(value, info) for one in wanted)
    if test.relation is Relation.IN:
        values = {_comparable(value, info) for value in test.values}
        return lambda value: _comparable(value, info) in values
    operand = test.values[0]
    if isinstance(operand, Pattern):
        return lambda value: operand.matches(str(value), case_sensitive=info.case_sensitive)
    if isinstance(operand, DateLiteral):
        return _in_range(test.relation, operand, info, calendar)
    sign, right = _SIGNS[test.relation], _comparable(operand, info)
    return lambda value: bool(sign(_comparable(value, info), right))


def _in_range(
    relation: Relation, literal: DateLiteral, info: FieldInfo, calendar: Calendar
) -> Holds:
    """Return a comparison with a range: equal is inside of it, less before it, greater behind."""
    span = calendar.instants(literal) if info.type == "datetime" else calendar.days(literal)
    first, behind = _comparable(span[0], info), _comparable(span[1], info)
    tests: Mapping[Relation, Holds] = {
        Relation.EQUAL: lambda value: first <= value < behind,
        Relation.LESS: lambda value: value < first,
        Relation.LESS_OR_EQUAL: lambda value: value < behind,
        Relation.GREATER: lambda value: value >= behind,
        Relation.GREATER_OR_EQUAL: lambda value: value >= first,
    }
    holds = tests[relation]
    return lambda value: holds(_comparable(value, info))


def _comparable(value: Any, info: FieldInfo) -> Any:
    """Return a value as it is compared: texts without case, numbers exact, times in UTC."""
    if info.type == "multipicklist":
        return _chosen(value, info)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, datetime):
        there = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return there.date() if info.type == "date" else there
    if isinstance(value, date) and info.type == "datetime":
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return folded(value, info)


def _chosen(value: Any, info: FieldInfo) -> frozenset[object]:
    """Return the values that are chosen in a multi-select picklist."""
    texts = value if isinstance(value, tuple) else str(value).split(";")
    return frozenset(folded(one, info) for one in texts)
