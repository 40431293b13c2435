"""Groups records and works out COUNT, COUNT_DISTINCT, SUM, AVG, MIN and MAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.salesforce.soql.sorting import ordered, sort_key
from syncflow_dagster.sandbox.salesforce.soql.values import key_of, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from syncflow_dagster.sandbox.salesforce.soql.plan import Checked, Column
    from syncflow_dagster.sandbox.salesforce.soql.predicates import Record


def aggregate_rows(
    checked: Checked,
    records: Iterable[Record],
    get: Callable[[str, str], Record | None],
) -> Iterator[dict[str, Any]]:
    """One row a group, by label; without GROUP BY one row for all records, even for none."""

    def reading(column: Column) -> Callable[[Sequence[Record]], Any]:
        return lambda group: _value(column, group, get)

    groups = _groups(checked, records, get)
    keys = [(one, reading(one.column)) for one in checked.order_by]
    for group in ordered(groups, keys):
        yield {one.label: _value(one, group, get) for one in checked.columns}


def _groups(
    checked: Checked, records: Iterable[Record], get: Callable[[str, str], Record | None]
) -> list[list[Record]]:
    if not checked.group_by:
        return [list(records)]
    readers = [(key_of(one.field), reader(one, get)) for one in checked.group_by]
    found: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        values = ((key, read(record)) for key, read in readers)
        group = tuple(None if value is None else key(value) for key, value in values)
        found.setdefault(group, []).append(record)
    return list(found.values())


def _value(
    column: Column, group: Sequence[Record], get: Callable[[str, str], Record | None]
) -> Any:
    read = reader(column.path, get)
    if column.aggregate is None:
        return read(group[0])
    values = [value for value in map(read, group) if value is not None]
    field = column.path.field
    if column.aggregate == "COUNT":
        return len(values)
    if column.aggregate == "COUNT_DISTINCT":
        return len(set(map(key_of(field), values)))
    if not values:
        return None
    if column.aggregate in {"MIN", "MAX"}:
        best = min if column.aggregate == "MIN" else max
        return best(values, key=sort_key(field, None))
    total = sum(map(float, values))
    return total / len(values) if column.aggregate == "AVG" else total
