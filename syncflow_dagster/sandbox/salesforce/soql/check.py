"""Checks a query against an org's schema, as Salesforce does before it reads any row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.schema import COMPOUND_TYPES, NUMBER_TYPES
from syncflow_dagster.sandbox.salesforce.soql.check_where import where_filter
from syncflow_dagster.sandbox.salesforce.soql.errors import NotInSandboxError, SoqlError
from syncflow_dagster.sandbox.salesforce.soql.plan import Checked, Column, Path, Sorting
from syncflow_dagster.sandbox.salesforce.soql.scope import NO_CHILDREN, scope_of
from syncflow_dagster.sandbox.salesforce.soql.tree import Call, ChildQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syncflow_dagster.sandbox.salesforce.schema import Schema
    from syncflow_dagster.sandbox.salesforce.soql.scope import Scope
    from syncflow_dagster.sandbox.salesforce.soql.tree import Name, Query, Selected

_AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
# Documented under "FIELDS()", "OFFSET" and, for LIMIT, as the largest number of four bytes.
_MOST_FIELDS_ROWS = 200
_MOST_OFFSET = 2_000
_MOST_LIMIT = 2**31 - 1
_UNORDERED = COMPOUND_TYPES | {"boolean", "multipicklist", "base64"}


def check(query: Query, schema: Schema, hidden: Callable[[str, str], bool]) -> Checked:
    """Looks up all a query names.

    Args:
        query: The query as it is written.
        schema: The org's objects.
        hidden: Tells whether a field (object, field) is hidden from who asks; to them, it does
            not exist.

    Raises:
        SoqlError: The query does not fit the schema.
        NotInSandboxError: It uses a function that the sandbox does not work out.
    """
    scope = scope_of(query, schema, hidden)
    _check_bounds(query)
    columns = tuple(_columns(scope, query))
    aggregated = bool(query.group_by) or any(one.aggregate for one in columns)
    groups = tuple(scope.groupable(one) for one in query.group_by)
    order = tuple(_sortings(scope, query, columns if aggregated else ()))
    counts = not query.select
    if counts and query.group_by:
        raise SoqlError("MALFORMED_QUERY", "COUNT() cannot be used with GROUP BY")
    if aggregated or counts:
        _check_grouped(groups, columns, order)
    else:
        _check_distinct(scope, query.select, columns)
    where = None if query.where is None else where_filter(scope, query.where)
    return Checked(
        scope.object, columns, where, groups, order, query.limit, query.offset, aggregated, counts
    )


def _check_bounds(query: Query) -> None:
    for number in (query.limit, query.offset):
        if number is not None and not 0 <= number <= _MOST_LIMIT:
            # The service refuses these; its words are not documented.
            raise SoqlError("MALFORMED_QUERY", f"numeric value out of range: {number}")
    if (query.offset or 0) > _MOST_OFFSET:
        message = f"Maximum SOQL offset allowed is {_MOST_OFFSET}"
        raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", message)


def _columns(scope: Scope, query: Query) -> Iterator[Column]:
    unnamed = 0
    for item in query.select:
        if isinstance(item.what, ChildQuery):
            source = item.what.query.source
            raise scope.error(source.at, NO_CHILDREN.format(source.text), "INVALID_TYPE")
        if isinstance(item.what, Call) and item.what.function.upper() == "FIELDS":
            yield from _all_fields(scope, item.what, query.limit)
        elif isinstance(item.what, Call):
            label = item.alias.text if item.alias else f"expr{unnamed}"
            unnamed += item.alias is None
            yield _aggregate(scope, item.what, label)
        else:
            path = scope.path(item.what)
            grouped = path.field.name if query.group_by else path.name
            yield Column(item.alias.text if item.alias else grouped, path)


def _all_fields(scope: Scope, call: Call, limit: int | None) -> Iterator[Column]:
    argument = "" if isinstance(call.argument, Call) else call.argument.text.upper()
    if argument not in {"ALL", "CUSTOM", "STANDARD"}:
        detail = f"FIELDS takes ALL, CUSTOM or STANDARD, not {argument}"
        raise scope.error(call.at, detail, "MALFORMED_QUERY")
    if argument != "STANDARD" and (limit is None or limit > _MOST_FIELDS_ROWS):
        message = f"The SOQL FIELDS function must have a LIMIT of at most {_MOST_FIELDS_ROWS}"
        raise SoqlError("MALFORMED_QUERY", message)
    for field in scope.object.fields.values():
        wanted = argument == "ALL" or field.custom == (argument == "CUSTOM")
        if wanted and not scope.hidden(scope.object.name, field.name):
            yield Column(field.name, Path((), field))


def _aggregate(scope: Scope, call: Call, label: str) -> Column:
    function = call.function.upper()
    if function not in _AGGREGATES or isinstance(call.argument, Call):
        unknown = f"the function {call.function}"
        raise NotInSandboxError(unknown)
    path = scope.path(call.argument)
    fits = path.field.type in NUMBER_TYPES
    if function in {"COUNT", "COUNT_DISTINCT"}:
        fits = path.field.type not in COMPOUND_TYPES
    elif function in {"MIN", "MAX"}:
        fits = path.field.type not in _UNORDERED
    if not fits:
        detail = f"field {path.field.name} does not support aggregate operator {function}"
        raise scope.error(call.at, detail)
    return Column(label, path, function)


def _sortings(scope: Scope, query: Query, columns: Sequence[Column]) -> Iterator[Sorting]:
    aliases = {
        one.label.lower(): one
        for one in columns
        if one.aggregate or one.label != one.path.field.name
    }
    for item in query.order_by:
        column = _sorted_by(scope, item.what, aliases)
        yield Sorting(column, item.descending, item.nulls_last)


def _sorted_by(scope: Scope, what: Name | Call, aliases: dict[str, Column]) -> Column:
    if isinstance(what, Call):
        return _aggregate(scope, what, "")
    if what.text.lower() in aliases:
        return aliases[what.text.lower()]
    path = scope.sortable(what)
    return Column(path.name, path)


def _check_grouped(
    groups: Sequence[Path], columns: Sequence[Column], order: Sequence[Sorting]
) -> None:
    names = {one.name for one in groups}
    for column in columns:
        if column.aggregate is None and column.path.name not in names:
            message = f"Field must be grouped or aggregated: {column.path.name}"
            raise SoqlError("MALFORMED_QUERY", message)
    for sorting in order:
        if sorting.column.aggregate is None and sorting.column.path.name not in names:
            message = f"Ordered field must be grouped or aggregated: {sorting.column.path.name}"
            raise SoqlError("MALFORMED_QUERY", message)
    labels = [one.label.lower() for one in columns]
    for column in columns:
        if labels.count(column.label.lower()) > 1:
            raise SoqlError("MALFORMED_QUERY", f"duplicate alias: {column.label}")


def _check_distinct(scope: Scope, select: Sequence[Selected], columns: Sequence[Column]) -> None:
    for item in select:
        if item.alias is not None:
            detail = "only aggregate expressions use field aliasing"
            raise scope.error(item.alias.at, detail, "MALFORMED_QUERY")
    seen: set[str] = set()
    for column in columns:
        if column.label in seen:
            raise SoqlError("INVALID_FIELD", f"duplicate field selected: {column.label}")
        seen.add(column.label)
