"""Checks the WHERE clause against the schema: fields, operators, values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.schema import TEXT_TYPES
from syncflow_dagster.sandbox.salesforce.soql.operands import ID_TYPES, operand, text
from syncflow_dagster.sandbox.salesforce.soql.plan import (
    Checked,
    Column,
    Combined,
    Equals,
    Includes,
    Like,
    Ordered,
    Within,
)
from syncflow_dagster.sandbox.salesforce.soql.scope import scope_of
from syncflow_dagster.sandbox.salesforce.soql.tree import Comparison, Group, Inclusion, Query

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.salesforce.soql.plan import Filter, Path
    from syncflow_dagster.sandbox.salesforce.soql.scope import Scope
    from syncflow_dagster.sandbox.salesforce.soql.tree import Call, Condition, Membership, Name

_LIKE_TYPES = TEXT_TYPES | {"picklist"}
# By Salesforce's own query builder (forcedotcom/soql-tooling, operator validator), where its
# documentation is not narrower: a multipicklist has no other operator than these.
_SET_OPERATORS = frozenset({"=", "!="})
_NO_ORDER = frozenset({"boolean", "base64"})


def where_filter(scope: Scope, condition: Condition) -> Filter:
    """The filter that a condition means.

    Raises:
        SoqlError: A field is missing, hidden or cannot be filtered, an operator or a value does
            not fit its field, or a query stands where none may.
    """
    return _filter(scope, condition, joins="top")


def _filter(scope: Scope, condition: Condition, joins: str) -> Filter:
    """`joins`: where a query within IN would stand: `top`, `OR`, `nested`, `inner`."""
    if isinstance(condition, Group):
        inside = _inside(condition.word, joins)
        return Combined(
            condition.word, tuple(_filter(scope, part, inside) for part in condition.parts)
        )
    if isinstance(condition, Comparison):
        return _comparison(scope, condition)
    if isinstance(condition, Inclusion):
        return _inclusion(scope, condition)
    if isinstance(condition.values, Query):
        return _semi_join(scope, condition, condition.values, joins)
    path = scope.filterable(condition.field)
    _allow(scope, condition.field, path, "IN")
    values = tuple(operand(scope, condition.field, path.field, one) for one in condition.values)
    return Equals(path, values, condition.negated)


def _inside(word: str, joins: str) -> str:
    if joins == "top":
        return {"AND": "nested top", "OR": "OR", "NOT": "nested"}[word]
    return "nested" if joins == "nested top" else joins


def _comparison(scope: Scope, condition: Comparison) -> Filter:
    path = scope.filterable(condition.field)
    _allow(scope, condition.field, path, condition.operator)
    if condition.operator == "LIKE":
        return Like(path, text(scope, condition.field, path.field, condition.value))
    value = operand(scope, condition.field, path.field, condition.value)
    if condition.operator in _SET_OPERATORS:
        return Equals(path, (value,), negated=condition.operator == "!=")
    return Ordered(path, condition.operator, value)


def _allow(scope: Scope, named: Name | Call, path: Path, operator: str) -> None:
    kind = path.field.type
    if kind == "multipicklist":
        allowed = operator in _SET_OPERATORS
    elif operator == "LIKE":
        allowed = kind in _LIKE_TYPES
    else:
        allowed = operator in {"=", "!=", "IN"} or kind not in _NO_ORDER
    if not allowed:
        name = "id" if kind in ID_TYPES else kind
        raise scope.error(named.at, f"invalid operator on {name} field")


def _inclusion(scope: Scope, condition: Inclusion) -> Filter:
    path = scope.filterable(condition.field)
    if path.field.type != "multipicklist":
        detail = "includes or excludes operator only valid on multipicklist field"
        raise scope.error(condition.field.at, detail)
    texts = (text(scope, condition.field, path.field, one) for one in condition.values)
    sets = tuple(frozenset(one.lower().split(";")) for one in texts)
    return Includes(path, sets, condition.negated)


def _semi_join(scope: Scope, condition: Membership, query: Query, joins: str) -> Filter:
    path = scope.filterable(condition.field)
    inner = scope_of(query, scope.schema, scope.hidden)
    _allow_join(scope, query, joins, inner)
    found = inner.filterable(query.select[0].what)  # type: ignore[arg-type]
    if not _targets(scope, path) & _targets(inner, found):
        detail = (
            f"The selected field '{found.field.name}' in the subquery and the left operand field "
            f"in the where expression in the outer query '{path.field.name}' should point to the "
            "same object type"
        )
        raise scope.error(condition.field.at, detail, "MALFORMED_QUERY")
    where = None if query.where is None else _filter(inner, query.where, joins="inner")
    return Within(
        path, Checked(inner.object, (Column(found.name, found),), where), condition.negated
    )


def _allow_join(scope: Scope, query: Query, joins: str, inner: Scope) -> None:
    refusals = {
        "OR": "Semi join sub-selects are not allowed with the 'OR' operator",
        "nested": "Semi join sub-selects are only allowed at the top level WHERE expressions and "
        "not in nested WHERE expressions.",
        "inner": "Nesting of semi join sub-selects is not supported",
    }
    detail = refusals.get(joins)
    if detail is None and inner.object.name == scope.object.name:
        detail = "The inner and outer selects should not be on the same object type"
    if detail is not None:
        raise scope.error(query.source.at, detail, "MALFORMED_QUERY")


def _targets(scope: Scope, path: Path) -> set[str]:
    """The objects whose Ids a field holds."""
    if path.field.type == "id":
        owner = path.parents[-1][1] if path.parents else scope.object
        return {owner.name}
    return set(path.field.reference_to)
