"""What a source gives, made into chunks of a size that is worth the work and fits in memory."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from syncflow_dagster.nodes.delta.errors import DeltaError, MissingColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: Rows handled at once; more gains nothing and costs memory.
CHUNK_ROWS = 50_000


def chunks(batches: Iterable[pa.RecordBatch], rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
    """Cut or join a source's batches into frames of about `rows` rows.

    Batches are joined only while their columns stay the same, as a source that infers types from
    the rows may change its mind.

    Raises:
        DeltaError: A batch has two columns of one name, or a type that cannot be read.
    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if held and not held[0].schema.equals(batch.schema):
            yield _frame(held)
            held = []
        for start in range(0, max(batch.num_rows, 1), rows):
            held.append(batch.slice(start, rows))
            if sum(each.num_rows for each in held) >= rows:
                yield _frame(held)
                held = []
    if held:
        yield _frame(held)


def resolve(available: Sequence[str], wanted: str, node: str, reader: str) -> str:
    """Find a source column: its exact name, else the one name that differs only in case.

    Databases fold the case of names, each in its own way.

    Args:
        available: Columns the source gave.
        wanted: The name in the workflow file.
        node: The node's name, for the error text.
        reader: What reads the column, such as ``field qty``, for the error text.

    Raises:
        MissingColumn: There is none, or several differ only in case.
    """
    if wanted in available:
        return wanted
    alike = [name for name in available if name.casefold() == wanted.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        hint = f"it gave {' and '.join(alike)}; write the one that is meant"
    else:
        folded = {name.casefold(): name for name in available}
        near = difflib.get_close_matches(wanted.casefold(), list(folded), n=3, cutoff=0.5)
        names = [folded[each] for each in near]
        hint = f"the nearest are: {', '.join(names)}" if names else "none is like it"
        hint += f" (all columns: {', '.join(available) or 'none'})"
    msg = (
        f"node {node}: {reader} reads the column {wanted!r}, which the source did not give; {hint}"
    )
    raise MissingColumn(msg)


def _frame(batches: list[pa.RecordBatch]) -> pl.DataFrame:
    table = pa.Table.from_batches(batches)
    names = table.column_names
    double = {name for name in names if names.count(name) > 1}
    if double:
        msg = f"the source gave two columns called {min(double)!r}: give one an alias in the query"
        raise DeltaError(msg)
    return pl.DataFrame([_series(name, table.column(name)) for name in names])


def _series(name: str, column: pa.ChunkedArray) -> pl.Series:
    """Bring an Arrow column to polars, which cannot take all types and checks no UTF-8."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([each.storage for each in column.chunks], type=kind.storage_type)
        kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_decimal256(kind) or (pa.types.is_decimal(kind) and kind.scale < 0):
        column = column.cast(pa.string())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _checked(column)
    elif pa.types.is_interval(kind):
        msg = f"the column {name!r} has the type {kind}, which no field can hold: leave it out"
        raise DeltaError(msg)
    return pl.Series(name, pl.from_arrow(column))


def _checked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        # As bytes, the type layer finds the rows that are not UTF-8 and rejects only them.
        large = pa.types.is_large_string(column.type)
        return column.cast(pa.large_binary() if large else pa.binary())
    return column
