"""Answers a checked query over records."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from syncflow_dagster.sandbox.salesforce.soql.aggregates import aggregate_rows
from syncflow_dagster.sandbox.salesforce.soql.plan import Path
from syncflow_dagster.sandbox.salesforce.soql.predicates import Setting, predicate
from syncflow_dagster.sandbox.salesforce.soql.sorting import in_order
from syncflow_dagster.sandbox.salesforce.soql.values import parent_reader, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from syncflow_dagster.sandbox.salesforce.soql.plan import Checked
    from syncflow_dagster.sandbox.salesforce.soql.predicates import NullMode, Record

Row = TypeVar("Row")


class ResultRow(dict[str, Any]):
    """A row of an answer: value by label (the dotted name, or an aggregate's alias).

    Attributes:
        record: The record it shows; empty for an aggregate.
        parents: By relationship path (`Account`, `Account.Owner`), the parents that the query
            names; None where there is no parent.
    """

    __slots__ = ("parents", "record")

    def __init__(
        self, values: dict[str, Any], record: Record, parents: dict[str, Record | None]
    ) -> None:
        super().__init__(values)
        self.record = record
        self.parents = parents


def run(
    checked: Checked,
    rows_of: Callable[[str], Iterable[Record]],
    get: Callable[[str, str], Record | None],
    *,
    now: datetime,
    null_ne: NullMode = "include",
    zone: tzinfo = UTC,
) -> Iterator[ResultRow]:
    """The rows of an answer, in the query's order or else in that of `rows_of`.

    Args:
        checked: The query; for `SELECT COUNT()` there are no rows, see `count`.
        rows_of: Gives the records of an object that can be seen.
        get: Gives one by object and Id.
        now: The moment of the query, aware; date formulas are ranges around it.
        null_ne: Whether `!=`, NOT IN, EXCLUDES and NOT include rows whose field is null.
        zone: The user's time zone, in which days begin.
    """
    if checked.counts:
        return iter(())
    setting = _setting(rows_of, get, now=now, null_ne=null_ne, zone=zone)
    found = _found(checked, rows_of, setting)
    if checked.aggregated:
        rows = aggregate_rows(checked, found, setting.get)
        return (ResultRow(values, {}, {}) for values in _bounded(checked, rows))
    records = in_order(found, checked.order_by, setting.get)
    return _shown(checked, _bounded(checked, records), setting)


def count(
    checked: Checked,
    rows_of: Callable[[str], Iterable[Record]],
    get: Callable[[str, str], Record | None],
    *,
    now: datetime,
    null_ne: NullMode = "include",
    zone: tzinfo = UTC,
) -> int:
    """How many records `SELECT COUNT()` counts; the arguments are those of `run`."""
    setting = _setting(rows_of, get, now=now, null_ne=null_ne, zone=zone)
    return sum(1 for _ in _bounded(checked, _found(checked, rows_of, setting)))


def _setting(
    rows_of: Callable[[str], Iterable[Record]],
    get: Callable[[str, str], Record | None],
    *,
    now: datetime,
    null_ne: NullMode,
    zone: tzinfo,
) -> Setting:
    def ids(inner: Checked) -> Iterator[Any]:
        read = reader(inner.columns[0].path, setting.get)
        values = (read(record) for record in _found(inner, rows_of, setting))
        return (value for value in values if value is not None)

    # Many records have the same parent, and one query sees one state of it.
    setting = Setting(cache(get), ids, now, zone, null_ne)
    return setting


def _found(
    checked: Checked, rows_of: Callable[[str], Iterable[Record]], setting: Setting
) -> Iterator[Record]:
    records = iter(rows_of(checked.object.name))
    if checked.where is None:
        return records
    return filter(predicate(checked.where, setting), records)


def _bounded(checked: Checked, rows: Iterable[Row]) -> Iterator[Row]:
    first = checked.offset or 0
    end = None if checked.limit is None else first + checked.limit
    return islice(rows, first, end)


def _shown(checked: Checked, records: Iterable[Record], setting: Setting) -> Iterator[ResultRow]:
    readers = [(one.label, reader(one.path, setting.get)) for one in checked.columns]
    parents = [(name, parent_reader(path, setting.get)) for name, path in _parents(checked).items()]
    for record in records:
        values = {label: read(record) for label, read in readers}
        yield ResultRow(values, record, {name: climb(record) for name, climb in parents})


def _parents(checked: Checked) -> Mapping[str, Path]:
    """By relationship path, the paths to all parents the query selects from."""
    found: dict[str, Path] = {}
    for column in checked.columns:
        steps = column.path.parents
        for depth in range(1, len(steps) + 1):
            name = ".".join(str(one.relationship_name) for one, _ in steps[:depth])
            found.setdefault(name, Path(steps[:depth], column.path.field))
    return found
