"""A normalised column, and what was wrong with some of its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


@dataclass(frozen=True)
class Fault:
    """A rule that some rows of a column break.

    Attributes:
        rule: The rule's short name, such as ``range``.
        reason: Plain English for the person who has to mend the source.
        rows: Boolean, true where the rule is broken.
        column: The source column it was found in, if only the layer knows which of several.
    """

    rule: str
    reason: str
    rows: pl.Series
    column: str | None = None


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
    if not rows.any():
        return Column(values)
    rows = rows.fill_null(value=False)
    return Column(blank(values, rows), (Fault(rule, reason, rows),))


def blank(values: pl.Series, rows: pl.Series) -> pl.Series:
    """Return the column with null where `rows` is true; null counts as false."""
    if not rows.any():
        return values
    name = values.name
    missing = pl.Series(name, [None], dtype=values.dtype)
    return values.zip_with(~rows.fill_null(value=False), missing).alias(name)


def mend(
    column: Column,
    rows: npt.NDArray[np.bool_],
    source: pl.Series,
    layer: Callable[[pl.Series], Column],
) -> Column:
    """Do some rows again, by the way that handles any value but costs more.

    Args:
        column: What the cheap way made of all rows.
        rows: True where its result is not to be used.
        source: The values before it.
        layer: The other way; it sees only those rows.
    """
    if not rows.any():
        return column
    places = np.flatnonzero(rows)
    again = layer(source[places])
    # scatter writes into the series it is called on; the caller's must stay as it was
    values = column.values.clone().scatter(places, again.values)
    return Column(values, (*column.faults, *(spread(each, rows) for each in again.faults)))


def spread(fault: Fault, rows: npt.NDArray[np.bool_]) -> Fault:
    """Return a fault of some rows' column as one of the whole column.

    Args:
        fault: Found in the column of those rows alone.
        rows: True for those rows.
    """
    broken = np.zeros_like(rows)
    broken[rows] = fault.rows.to_numpy()
    return replace(fault, rows=pl.Series(fault.rows.name, broken))


def nulls(length: int, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """Return a column of nulls."""
    return pl.Series("", [None], dtype=dtype).new_from_index(0, length)
