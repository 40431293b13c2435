"""Pages of Bulk API 2.0, CSV packed as it came, as Arrow."""

from __future__ import annotations

import csv
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as arrow_csv

from syncflow_dagster.nodes.pull.columns import TEXT
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce.columns import from_texts, schema_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncflow_dagster.nodes.salesforce.columns import Column

#: Bytes parsed at once: what stays in the processor's cache is parsed twice as fast.
_BLOCK_BYTES = 1 << 20
#: The same for pages whose records do not fit: of long text areas one may have 1.6 million
#: characters.
_LARGE_BLOCK_BYTES = 32 << 20
_HEADER_BYTES = 1 << 20
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def read_page(content: bytes, encoding: str, columns: Sequence[Column]) -> pa.Table:
    """Return the rows of one page.

    Args:
        content: CSV with a header, in UTF-8.
        encoding: How it is packed: `gzip`, or empty where it is not.
        columns: What was asked for.

    Raises:
        SourceUnavailableError: It was cut off.
        QueryFailedError: It is something else.
    """
    header = _header(content, encoding)
    if not header:
        return schema_of(columns).empty_table()
    known = {name.lower(): name for name in header}
    missing = [column.name for column in columns if column.name.lower() not in known]
    if missing:
        msg = f"Salesforce answers without the column {', '.join(missing)}"
        raise QueryFailedError(msg)
    names = [known[column.name.lower()] for column in columns]
    try:
        types = {name: one.arrow for name, one in zip(names, columns, strict=True)}
        table = _parsed(content, encoding, types, _BLOCK_BYTES)
    except OSError:
        raise SourceUnavailableError("a page of results was cut off") from None
    except pa.ArrowInvalid:
        table = _parsed_slowly(content, encoding, names, columns)
    return table.rename_columns([column.name for column in columns])


def _parsed_slowly(
    content: bytes, encoding: str, names: Sequence[str], columns: Sequence[Column]
) -> pa.Table:
    """Read records that are very long, or values the parser does not take for their type."""
    try:
        texts = _parsed(content, encoding, dict.fromkeys(names, TEXT), _LARGE_BLOCK_BYTES)
    except pa.ArrowInvalid:  # its text would show a row
        raise QueryFailedError("a page of results is no CSV in UTF-8, or is cut off") from None
    arrays = [
        from_texts(texts.column(name), column) for name, column in zip(names, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=list(names))


def _parsed(
    content: bytes, encoding: str, types: dict[str, pa.DataType], block_bytes: int
) -> pa.Table:
    source = pa.BufferReader(content)
    stream = pa.CompressedInputStream(source, "gzip") if encoding == "gzip" else source
    return arrow_csv.read_csv(
        stream,
        # Other pages are parsed at the same time, in threads of their own.
        arrow_csv.ReadOptions(use_threads=False, block_size=block_bytes),
        # An empty line is a record whose only value is null.
        arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _header(content: bytes, encoding: str) -> list[str]:
    try:
        begin = _beginning(content, encoding)
    except zlib.error:
        raise QueryFailedError("a page of results cannot be unpacked") from None
    line = begin.partition(b"\n")[0].decode("utf-8", "replace").removeprefix("\ufeff").strip("\r")
    return next(csv.reader([line]), [])


def _beginning(content: bytes, encoding: str) -> bytes:
    if encoding != "gzip":
        return content[:_HEADER_BYTES]
    return zlib.decompressobj(_GZIP_OR_ZLIB).decompress(content, _HEADER_BYTES)
