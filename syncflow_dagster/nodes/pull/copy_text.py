r"""PostgreSQL's COPY text as Arrow: one parser for all columns, exact for every type.

In this format a tab ends a field and a line end ends a row, wherever they stand; inside a value
both are written with a backslash, and NULL is a lone ``\N``:
https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from syncflow_dagster.nodes.pull import columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMERIC = 1700
#: Arrow types by PostgreSQL's type oids (`select oid, typname from pg_type`); others are text.
_TYPES: Mapping[int, pa.DataType] = {
    16: columns.BOOLEAN,
    17: columns.BINARY,
    20: columns.INTEGER,
    21: columns.INTEGER,
    23: columns.INTEGER,
    26: columns.INTEGER,
    700: columns.FLOAT,
    701: columns.FLOAT,
    1082: columns.DATE,
    1114: columns.LOCAL_TIME,
    1184: columns.INSTANT,
}
_BACKSLASH = ord("\\")
#: What stands for a sign in a value, https://www.postgresql.org/docs/current/sql-copy.html; the
#: backslash itself goes by NUL, which no PostgreSQL text holds.
_ESCAPES = (
    (b"\\\\", b"\0"), (b"\\b", b"\b"), (b"\\f", b"\f"), (b"\\n", b"\n"), (b"\\r", b"\r"),
    (b"\\t", b"\t"), (b"\\v", b"\v"), (b"\0", b"\\"),
)  # fmt: skip
_BYTES_PREFIX = len("\\\\x")  # the escaped backslash of '\x00ff'
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DATES = frozenset({columns.DATE, columns.LOCAL_TIME, columns.INSTANT})


@dataclass(frozen=True, slots=True)
class CopyText:
    """How the rows of one result are brought to Arrow.

    Attributes:
        schema: Its columns, where all dates are dates.
    """

    schema: pa.Schema

    @classmethod
    def of(cls, described: Sequence[Any]) -> CopyText:
        """Take the types PostgreSQL sends with a result.

        Args:
            described: psycopg's description of each column.

        Raises:
            ColumnError: There are no columns, or they cannot be told apart.
        """
        if not described:
            msg = "it returns no columns at all; it must be a select"
            raise columns.ColumnError(msg)
        columns.check_names([column.name for column in described])
        return cls(pa.schema([(column.name, _type(column)) for column in described]))

    def batch(self, rows: bytes | bytearray) -> pa.RecordBatch:
        """Return rows as one batch.

        Args:
            rows: Whole rows, each with its line end; may be empty.

        Returns:
            Columns of `schema`; but marked text in place of dates where a row holds infinity, or
            a date beyond the years 1 to 9999.

        Raises:
            ColumnError: A value does not fit its column.
        """
        if not rows:
            return pa.RecordBatch.from_pylist([], self.schema)
        try:
            arrays = self._read(rows, self.schema)
        except pa.ArrowInvalid:
            arrays = self._read_odd(rows, list(self.schema))
        plain = [_plain(each, kind) for each, kind in zip(arrays, self.schema.types, strict=True)]
        return columns.as_batch(plain, self.schema)

    def _read_odd(self, rows: bytes | bytearray, wanted: Sequence[pa.Field]) -> list[pa.Array]:
        """Read columns whose dates and numbers may hold what Arrow has not."""
        try:
            texts = self._read(rows, [_as_text(field) for field in wanted])
            return [_typed(text, field.type) for text, field in zip(texts, wanted, strict=True)]
        except pa.ArrowInvalid:
            if len(wanted) == 1:
                raise columns.ColumnError(_wrong(wanted[0])) from None
        # Column by column: the error's own text would show a value, and no column.
        return [self._read_odd(rows, [field])[0] for field in wanted]

    def _read(self, rows: bytes | bytearray, wanted: Sequence[pa.Field]) -> list[pa.Array]:
        if rows.startswith(_BYTE_ORDER_MARK):
            rows = _BYTE_ORDER_MARK + rows  # the reader drops one, though it belongs to a value
        table = csv.read_csv(
            pa.BufferReader(rows),
            # Larger than the rows: they are one block, and one batch.
            csv.ReadOptions(
                use_threads=False, block_size=len(rows) + 1, column_names=self.schema.names
            ),
            csv.ParseOptions(
                delimiter="\t", quote_char=False, escape_char=False, ignore_empty_lines=False
            ),
            csv.ConvertOptions(
                column_types={field.name: _wire(field.type) for field in wanted},
                include_columns=[field.name for field in wanted],
                null_values=["\\N"],
                strings_can_be_null=True,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        return [column.chunk(0) for column in table.columns]


def _type(column: Any) -> pa.DataType:
    if column.type_code == _NUMERIC:
        return columns.decimals(column.precision, column.scale)
    return _TYPES.get(column.type_code, columns.TEXT)


def _wire(kind: pa.DataType) -> pa.DataType:
    """Return the type a column is parsed as."""
    return columns.TEXT if kind == columns.BINARY else kind


def _as_text(field: pa.Field) -> pa.Field:
    odd = field.type in _DATES or pa.types.is_decimal(field.type)
    return field.with_type(columns.TEXT) if odd else field


def _typed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Take back what `_as_text` did, as far as the values allow it."""
    if pa.types.is_decimal(kind):
        # A number that is none is the absence of one.
        return pc.if_else(pc.equal(array, "NaN"), None, array).cast(kind)
    if kind not in _DATES:
        return array
    try:
        return array.cast(kind)
    except pa.ArrowInvalid:
        from syncflow_dagster.nodes.pull import dates

        return dates.as_text(array, kind)


def _plain(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Take a column's spelling on the wire back."""
    if kind == columns.BINARY:
        return _unhexed(array)
    if kind == columns.TEXT and _escaped(array):
        plain = array.cast(columns.BINARY)
        for written, meant in _ESCAPES:
            plain = pc.replace_substring(plain, written, meant)
        return plain.cast(columns.TEXT)
    return array


def _escaped(texts: pa.Array) -> bool:
    data = texts.buffers()[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == _BACKSLASH).any())


def _unhexed(texts: pa.Array) -> pa.Array:
    import polars as pl

    digits = pl.Series(texts).str.slice(_BYTES_PREFIX)
    return digits.str.decode("hex").to_arrow().cast(columns.BINARY)


def _wrong(field: pa.Field) -> str:
    name, kind = field.name, field.type
    if kind == columns.TEXT:
        return f"column {name!r} holds a text that is not UTF-8; convert it in the query"
    return f"column {name!r} holds a value that is no {kind}; cast it to text in the query"
