"""CSV files as Arrow: each value as text, typing is the delta's."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as arrow_csv

from syncflow_dagster.nodes.pull.columns import TEXT
from syncflow_dagster.nodes.pull.csv_bytes import CsvBytes, NoText
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.pull.regroup import regrouped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncflow_dagster.workflows.models import FilesConnection

#: Bytes of a file that are parsed at once; a row must fit.
_BLOCK_BYTES = 3 << 20
_NAME_IT = "; name the file's encoding in the connection"
_NO_TEXT = re.compile(r"In CSV column #(\d+): Row #(\d+): .*invalid UTF8")


class CsvFile:
    """A CSV file; a value is NULL only where its text stands without quotes.

    Args:
        path: Where it lies.
        name: What messages call it; its end may say that tabs part the values.
        connection: How it is written.
    """

    def __init__(self, path: Path, name: str, connection: FilesConnection) -> None:
        self._path = path
        self._name = name
        self._connection = connection
        self._delimiter = connection.delimiter or ("\t" if ".tsv" in name else ",")

    @property
    def schema(self) -> pa.Schema:
        """See `RowFile`."""
        with self._opened([]) as (reader, _):
            names = self._names(reader.schema)
        empty = next((n for n, name in enumerate(names, start=1) if not name), None)
        if empty is not None:
            msg = f"{self._name}: column {empty} has no name in the first row"
            raise QueryFailedError(msg)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            msg = f"{self._name}: the first row names {', '.join(map(repr, twice))} more than once"
            raise QueryFailedError(msg)
        return pa.schema([(name, TEXT) for name in names])

    def batches(self, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """See `RowFile`."""
        schema = self.schema
        last = None
        with self._opened(schema.names) as (reader, sent):
            for batch in regrouped(sent.paced(reader), batch_rows):
                last = batch
                yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
            if last is not None and _is_cut(last, sent):
                msg = (
                    f"{self._name}: quotes are opened and never closed; a value lacks its second "
                    "quote, or the file is cut off"
                )
                raise QueryFailedError(msg)

    def _names(self, schema: pa.Schema) -> list[str]:
        if self._connection.header:
            return list(schema.names)
        return [f"column_{number}" for number, _ in enumerate(schema.names, start=1)]

    @contextmanager
    def _opened(self, names: list[str]) -> Iterator[tuple[arrow_csv.CSVStreamingReader, CsvBytes]]:
        """Open the file; without names of columns its rows are not to be read."""
        uneven: list[arrow_csv.InvalidRow] = []
        try:
            with (
                pa.input_stream(str(self._path), compression="detect") as stream,
                CsvBytes(stream, self._connection.encoding, _BLOCK_BYTES) as sent,
            ):
                yield self._reader(sent, names, uneven), sent
        except pa.ArrowInvalid as error:
            raise QueryFailedError(self._trouble(str(error), names, uneven)) from None
        except NoText as error:
            msg = f"{self._name}: line {error.line} holds bytes that are no {error.encoding} text"
            raise QueryFailedError(msg + _NAME_IT) from None

    def _reader(
        self, sent: CsvBytes, names: list[str], uneven: list[arrow_csv.InvalidRow]
    ) -> arrow_csv.CSVStreamingReader:
        def refuse(row: arrow_csv.InvalidRow) -> str:
            uneven.append(row)
            return "error"

        header = self._connection.header
        return arrow_csv.open_csv(
            sent,
            read_options=arrow_csv.ReadOptions(
                block_size=_BLOCK_BYTES,
                use_threads=False,  # with threads, rows have no numbers
                autogenerate_column_names=not header and not names,
                column_names=None if header or not names else names,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=True, invalid_row_handler=refuse
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, TEXT),
                null_values=[self._connection.null_text],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _trouble(self, words: str, names: list[str], uneven: list[arrow_csv.InvalidRow]) -> str:
        """Say what is wrong, by row and without values; Arrow's words show the row."""
        if uneven:
            row = uneven[0]
            return (
                f"{self._name}: row {row.number} has {row.actual_columns} values instead of "
                f"{row.expected_columns}; check its delimiters and quotes"
            )
        found = _NO_TEXT.search(words)
        if found:
            column = names[int(found[1])] if names else int(found[1]) + 1
            return f"{self._name}: row {found[2]}, column {column!r} is no utf-8 text{_NAME_IT}"
        if "straddles" in words:
            return f"{self._name} has a row of more than {_BLOCK_BYTES >> 20} MB, or open quotes"
        if "Empty CSV" in words:
            return f"{self._name} is empty, or its first row does not end with a line break"
        return f"{self._name} cannot be read as CSV"


def _is_cut(last: pa.RecordBatch, sent: CsvBytes) -> bool:
    """Say whether the last value swallowed the end of the file, as open quotes make it."""
    if sent.quotes % 2 == 0:
        return False
    value = last.column(last.num_columns - 1)[-1].as_py() or ""
    return value.endswith(("\n", "\r")) or sent.tail not in {b"\n", b"\r"}
