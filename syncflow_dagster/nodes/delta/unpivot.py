"""Wide columns into rows: one record for each column of a row that holds a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from syncflow_dagster.core.normalise import types
from syncflow_dagster.core.normalise.numbers import is_zero
from syncflow_dagster.core.normalise.strings import strip
from syncflow_dagster.nodes.delta.errors import DeltaDefinitionError, DeltaError
from syncflow_dagster.nodes.delta.source import DATES, given_columns, resolve

if TYPE_CHECKING:
    from syncflow_dagster.workflows.models.delta import Unpivot

_POSITION = "#position"


def melt(frame: pl.DataFrame, unpivot: Unpivot, node: str, order: str) -> pl.DataFrame:
    """Turn each row's wide columns into rows, in the order of the rows and then the columns.

    Args:
        frame: Rows as the source gave them, with the number of each in the column `order`.
        unpivot: Which columns, and what to skip. NULL, NaN, empty and blank texts all count as
            null; a number, or a text that is one, counts as zero.
        node: The node's name, for error texts.
        order: Name of the column of row numbers.

    Raises:
        MissingColumn: A wide column is not there; the text names the columns there are.
        DeltaDefinitionError: A new column would have the name of one that is there.
        DeltaError: The wide columns are of types that cannot be one column.
    """
    given = given_columns(frame)
    wide = [resolve(given, name, node, f"unpivot of {name}") for name in unpivot.columns]
    kept = [name for name in frame.columns if name.removeprefix(DATES) not in wide]
    for name in (unpivot.name_to, unpivot.value_to):
        if name in kept:
            msg = (
                f"node {node}: unpivot writes the column {name!r}, but the source already gives "
                "one of that name; choose another for name_to or value_to"
            )
            raise DeltaDefinitionError(msg)
    parts = []
    columns, marks = _columns(frame, wide, unpivot.value_to, node)
    for position, values in enumerate(columns):
        column = unpivot.columns[position]
        part = frame.select(kept).with_columns(
            pl.lit(unpivot.labels.get(column, column)).alias(unpivot.name_to),
            values.alias(unpivot.value_to),
            pl.lit(position).alias(_POSITION),
            *marks,
        )
        parts.append(part.filter(~_skipped(values, unpivot)))
    return pl.concat(parts).sort(order, _POSITION).drop(_POSITION)


def _columns(
    frame: pl.DataFrame, wide: list[str], value_to: str, node: str
) -> tuple[list[pl.Series], list[pl.Expr]]:
    """Return wide columns of one type; texts of dates with the mark that says so, see `DATES`."""
    marked = {name: frame[DATES + name] for name in wide if DATES + name in frame.columns}
    # Whether they go together is a question of what they are in all chunks.
    alike = _alike([marked.get(name, frame[name]).alias(name) for name in wide], node)
    if not marked:
        return alike, []
    texts = [types.to_text(frame[name]).values for name in wide]
    return texts, [pl.lit(None, dtype=alike[0].dtype).alias(DATES + value_to)]


def _skipped(values: pl.Series, unpivot: Unpivot) -> pl.Series:
    skipped = pl.Series([False]).new_from_index(0, len(values))
    if "null" in unpivot.skip:
        skipped |= values.is_null()
        if values.dtype.is_float():
            skipped |= values.is_nan().fill_null(value=False)
        if values.dtype == pl.String:
            skipped |= (strip(values) == "").fill_null(value=False)
    if "zero" in unpivot.skip:
        skipped |= is_zero(values).fill_null(value=False)
    return skipped


def _alike(columns: list[pl.Series], node: str) -> list[pl.Series]:
    """Bring wide columns to one type; texts of numbers keep every digit."""
    kinds = {column.dtype for column in columns if column.dtype != pl.Null}
    if len(kinds) == 1:
        return [column.cast(next(iter(kinds))) for column in columns]
    for column in columns:
        kind = column.dtype
        plain = kind.is_numeric() or isinstance(kind, pl.String | pl.Boolean | pl.Null)
        if not plain:
            msg = (
                f"node {node}: the wide column {column.name!r} is of type {kind} and others are "
                "not: give all of them one type in the query"
            )
            raise DeltaError(msg)
    known = [each.fill_nan(None) if each.dtype.is_float() else each for each in columns]
    return [column.cast(pl.String) for column in known]
