"""What a source gives, made into chunks of a size that is worth the work and fits in memory."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from syncflow_dagster.core.normalise.column import nulls
from syncflow_dagster.nodes.delta.errors import DeltaError, MissingColumn
from syncflow_dagster.nodes.rows import dates_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncflow_dagster.nodes.rows import Mark, Piece

#: Column of source row numbers; no field can have this name.
ROW = "#row"
#: A column of this prefix, all NULL, has the type that the column named behind it has in other
#: chunks: in this one that column holds texts, for some of its dates are none.
DATES = "#dates "
#: Rows handled at once; more gains nothing and costs memory.
CHUNK_ROWS = 50_000
#: Share of that from which a cut ends where a read could go on.
_FULL = 0.5
#: The types of dates as `dates_type` names them.
_DATE_TYPES: Mapping[str, pl.DataType] = {
    "date32[day]": pl.Date(),
    "timestamp[us]": pl.Datetime("us"),
    "timestamp[us, tz=UTC]": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True)
class Cut:
    """Some rows of a read, worth working on at once.

    Attributes:
        number: Its place in the read, from 0.
        rows: The rows, with their numbers from 1 in the column `ROW`; see `DATES` too.
        resume: Where a read goes on behind them; None: nowhere.
        covered: See `Piece.covered`; of the last of the pieces they came in.
        last: Whether no rows follow.
    """

    number: int
    rows: pl.DataFrame
    resume: Mark | None
    covered: Mark | None
    last: bool


@dataclass
class _Held:
    """Batches that become one cut, and what the last of their pieces says."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    resume: Mark | None = None
    covered: Mark | None = None


def cuts(pieces: Iterable[Piece], number: int, read: int, rows: int = CHUNK_ROWS) -> Iterator[Cut]:
    """Cut or join a source's batches into frames of about `rows` rows.

    Batches are joined only while their columns stay the same, as a source that infers types from
    the rows may change its mind.

    Args:
        pieces: What is read.
        number: Place of the first cut in the whole read.
        read: Rows that were read before.
        rows: About how many a cut has.

    Raises:
        DeltaError: A batch has two columns of one name, or a type that cannot be read.
    """
    ahead: _Held | None = None
    for held in chain(_held(pieces, rows), [_Held()]):
        if ahead is not None:
            frame = _frame(ahead.batches)
            numbers = pl.int_range(read + 1, read + frame.height + 1, dtype=pl.Int64, eager=True)
            numbered = frame.with_columns(numbers.alias(ROW))
            yield Cut(number, numbered, ahead.resume, ahead.covered, last=not held.batches)
            number, read = number + 1, read + frame.height
        ahead = held


def _held(pieces: Iterable[Piece], rows: int) -> Iterator[_Held]:
    """Gather batches; a read can go on only where a piece ends.

    A piece may come in many batches and be larger than a cut. So a cut ends with its piece, too,
    where it is half full, or where the one before gave a read no place to go on.
    """
    held, was_marked = _Held(), True
    for piece in pieces:
        if held.batches and not held.batches[0].schema.equals(piece.batch.schema):
            yield held
            held = _Held()
        for start in range(0, max(piece.batch.num_rows, 1), rows):
            held.batches.append(piece.batch.slice(start, rows))
            ends = start + rows >= piece.batch.num_rows
            held.resume, held.covered = piece.resume if ends else None, piece.covered
            fill = sum(each.num_rows for each in held.batches) / rows
            if fill >= 1 or (held.resume is not None and (fill >= _FULL or not was_marked)):
                yield held
                was_marked = held.resume is not None
                held = _Held()
    if held.batches:
        yield held


def given_columns(rows: pl.DataFrame) -> list[str]:
    """Return the names of the columns that are the source's own."""
    return [name for name in rows.columns if name != ROW and not name.startswith(DATES)]


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
    kinds = ((DATES + field.name, dates_type(field)) for field in table.schema)
    marks = [nulls(table.num_rows, _DATE_TYPES[kind]).alias(mark) for mark, kind in kinds if kind]
    return pl.DataFrame([*(_series(name, table.column(name)) for name in names), *marks])


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
