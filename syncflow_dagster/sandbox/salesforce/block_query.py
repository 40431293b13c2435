"""Queries of computed records that need no record to be made: a range of stamps, or all of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.blocks import Block, BlockTable
from syncflow_dagster.sandbox.salesforce.soql.plan import Combined, Ordered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.sandbox.salesforce.bulk_csv import Form
    from syncflow_dagster.sandbox.salesforce.bulk_results import Sheet
    from syncflow_dagster.sandbox.salesforce.org import Org
    from syncflow_dagster.sandbox.salesforce.soql import Checked
    from syncflow_dagster.sandbox.salesforce.soql.plan import Filter

_STAMP = "SystemModstamp"


class _OtherError(Exception):
    """The filter is none of a range of stamps."""


def block_sheet(org: Org, checked: Checked, form: Form) -> Sheet | None:
    """The answer to a simple query of computed records; None where rows must be looked at.

    Args:
        org: The org.
        checked: A query without aggregates and offset.
        form: How the CSV is written.
    """
    table, numbers = org.tables[checked.object.name], block_numbers(org, checked)
    if not isinstance(table, BlockTable) or numbers is None:
        return None
    if checked.order_by or any(one.path.parents for one in checked.columns):
        return None
    return table.block.sheet([one.path.field.name for one in checked.columns], form, numbers)


def block_numbers(org: Org, checked: Checked) -> range | None:
    """The numbers of the computed records that a query finds; None where they are looked at."""
    table = org.tables[checked.object.name]
    if not isinstance(table, BlockTable) or not table.untouched or checked.offset is not None:
        return None
    try:
        numbers = _range(table.block, checked.where)
    except _OtherError:
        return None
    return numbers if checked.limit is None else numbers[: checked.limit]


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
