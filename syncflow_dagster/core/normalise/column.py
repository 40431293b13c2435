"""A normalised column, and what was wrong with some of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Fault:
    """A rule that some rows of a column break.

    Attributes:
        rule: The rule's short name, such as ``range``.
        reason: Plain English for the person who has to mend the source.
        rows: Boolean, true where the rule is broken.
    """

    rule: str
    reason: str
    rows: pl.Series


@dataclass(frozen=True)
class Column:
    """Values after a layer. Where a fault marks a row, its value is null.

    Attributes:
        values: As long as the source column.
        faults: In the order they were found.
    """

    values: pl.Series
    faults: tuple[Fault, ...] = ()

    def then(self, layer: Callable[[pl.Series], Column]) -> Column:
        """Apply the next layer and keep the faults of both."""
        after = layer(self.values)
        return Column(after.values, self.faults + after.faults)


def reject(values: pl.Series, rows: pl.Series, rule: str, reason: str) -> Column:
    """Take the values of some rows out and say why.

    Args:
        values: The column so far.
        rows: Boolean, true where the rule is broken; null counts as false.
        rule: See :class:`Fault`.
        reason: See :class:`Fault`.
    """
    rows = rows.fill_null(value=False)
    if not rows.any():
        return Column(values)
    return Column(blank(values, rows), (Fault(rule, reason, rows),))


def blank(values: pl.Series, rows: pl.Series) -> pl.Series:
    """Return the column with null where `rows` is true."""
    name = values.name
    return values.zip_with(~rows, pl.Series(name, [None], dtype=values.dtype)).alias(name)


def nulls(length: int, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """Return a column of nulls."""
    return pl.Series("", [None], dtype=dtype).new_from_index(0, length)
