"""Queries of computed records that need no record to be made: a range of stamps, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, overload

from syncflow_dagster.sandbox.salesforce.blocks import Block, BlockTable
from syncflow_dagster.sandbox.salesforce.soql import ResultRow
from syncflow_dagster.sandbox.salesforce.soql.plan import Combined, Ordered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.sandbox.salesforce.bulk_csv import Form
    from syncflow_dagster.sandbox.salesforce.bulk_results import Sheet
    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.soql import Checked
    from syncflow_dagster.sandbox.salesforce.soql.plan import Filter

_STAMP = "SystemModstamp"
# Computed records stand in these orders by themselves.
_OWN_ORDER = ((), ("Id",), (_STAMP,), (_STAMP, "Id"))


class _OtherError(Exception):
    """The filter is none of a range of stamps."""


def block_sheet(org: Org, checked: Checked, form: Form) -> Sheet | None:
    """The answer to a simple query of computed records; None where rows must be looked at.

    Args:
        org: The org.
        checked: A query without aggregates and offset.
        form: How the CSV is written.
    """
    block, numbers = _computed(org, checked)
    if block is None or any(one.path.parents for one in checked.columns):
        return None
    return block.sheet([one.path.field.name for one in checked.columns], form, numbers)


def block_rows(org: Org, checked: Checked) -> Sequence[ResultRow] | None:
    """The rows of such an answer, each made when it is looked at; None where all have to be."""
    block, numbers = _computed(org, checked)
    simple = not checked.aggregated and not any(one.path.parents for one in checked.columns)
    return _Rows(block, checked, numbers) if block is not None and simple else None


def block_count(org: Org, checked: Checked) -> int | None:
    """How many records such a query finds; None where they must be counted."""
    block, numbers = _computed(org, checked)
    return None if block is None else len(numbers)


class _Rows(Sequence["ResultRow"]):
    """Rows of computed records."""

    def __init__(self, block: Block, checked: Checked, numbers: range) -> None:
        self._names = [(one.label, one.path.field.name) for one in checked.columns]
        self._block = block
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> ResultRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[ResultRow]: ...

    def __getitem__(self, place: int | slice) -> ResultRow | list[ResultRow]:
        if isinstance(place, slice):
            return [self._row(number) for number in self._numbers[place]]
        return self._row(self._numbers[place])

    def _row(self, number: int) -> ResultRow:
        values = {label: self._block.value(name, number) for label, name in self._names}
        return ResultRow(values, {"Id": self._block.id(number)}, {})


def _computed(org: Org, checked: Checked) -> tuple[Block | None, range]:
    """The block and the numbers that a query finds; no block where records are looked at."""
    table = org.tables[checked.object.name]
    order = tuple(
        None if one.descending or one.column.path.parents else one.column.path.field.name
        for one in checked.order_by
    )
    if not isinstance(table, BlockTable) or not table.untouched or order not in _OWN_ORDER:
        return None, range(0)
    try:
        numbers = _range(table.block, checked.where)
    except _OtherError:
        return None, range(0)
    numbers = numbers[checked.offset or 0 :]
    return table.block, numbers if checked.limit is None else numbers[: checked.limit]


def _range(block: Block, where: Filter | None) -> range:
    """The numbers of the records that a filter of stamps lets through."""
    first, last = 0, block.count
    for one in _parts(where):
        if one.path.parents or one.path.field.name != _STAMP:
            raise _OtherError
        if not isinstance(one.value, datetime):
            raise _OtherError
        # Stamps are whole seconds, so that "later than" is "at the next second or later".
        at = block.first_at(one.value)
        behind = block.first_behind(one.value)
        if one.operator in (">", ">="):
            first = max(first, behind if one.operator == ">" else at)
        else:
            last = min(last, at if one.operator == "<" else behind)
    return range(first, max(first, last))


def _parts(where: Filter | None) -> Iterator[Ordered]:
    if where is None:
        return
    if isinstance(where, Ordered):
        yield where
    elif isinstance(where, Combined) and where.word == "AND":
        for part in where.parts:
            yield from _parts(part)
    else:
        raise _OtherError
