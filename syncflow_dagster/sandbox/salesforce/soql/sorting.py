"""Sorts records and groups as ORDER BY says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from syncflow_dagster.sandbox.salesforce.soql.values import key_of, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from syncflow_dagster.sandbox.salesforce.schema import FieldDef
    from syncflow_dagster.sandbox.salesforce.soql.plan import Sorting
    from syncflow_dagster.sandbox.salesforce.soql.predicates import Record

Row = TypeVar("Row")


def in_order(
    records: Iterable[Record],
    order: Sequence[Sorting],
    get: Callable[[str, str], Record | None],
) -> Iterable[Record]:
    """The records in order; as they come, one by one, when there is none."""
    if not order:
        return records
    keys = [(one, reader(one.column.path, get)) for one in order]
    return ordered(list(records), keys)


def ordered(rows: list[Row], keys: Sequence[tuple[Sorting, Callable[[Row], Any]]]) -> list[Row]:
    """Rows sorted by keys, the first one counting most; equal rows keep their order.

    Nulls come first in both directions unless the query says otherwise, as documented under
    "ORDER BY".
    """
    for sorting, read in reversed(keys):
        key = sort_key(sorting.column.path.field, sorting.column.aggregate)
        nulls, others = [], []
        for row in rows:
            value = read(row)
            if value is None:
                nulls.append(row)
            else:
                others.append((key(value), row))
        others.sort(key=lambda pair: pair[0], reverse=sorting.descending)
        sorted_rows = [row for _, row in others]
        rows = [*sorted_rows, *nulls] if sorting.nulls_last else [*nulls, *sorted_rows]
    return rows


def sort_key(field: FieldDef, aggregate: str | None) -> Callable[[Any], Any]:
    """How values of a field sort: picklists as their values are listed, the rest as it compares."""
    if aggregate in {"COUNT", "COUNT_DISTINCT", "SUM", "AVG"}:
        return float
    if field.type != "picklist":
        return key_of(field)
    places: Mapping[str, int] = {one.lower(): place for place, one in enumerate(field.picklist)}
    return lambda value: (places.get(value.lower(), len(places)), value.lower())
