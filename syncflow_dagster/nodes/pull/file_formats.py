"""Files of rows by the end of their names. A block is held, never a whole file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from syncflow_dagster.nodes.pull.csv_files import CsvFile
from syncflow_dagster.nodes.pull.ports import QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncflow_dagster.workflows.models import FilesConnection

_CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES = (*_CSV_SUFFIXES, ".parquet")


class RowFile(Protocol):
    """A file of rows."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns.

        Raises:
            OSError: It cannot be opened.
            QueryFailedError: It is none of its format.
        """

    def batches(self, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Read its rows, in batches of at most `batch_rows`; raises as `schema` does."""


def open_file(path: Path, name: str, connection: FilesConnection) -> RowFile:
    """Return a file of one of the `SUFFIXES`, by its name.

    Args:
        path: Where it lies.
        name: What messages call it.
        connection: How CSV files are written.
    """
    if name.endswith(_CSV_SUFFIXES):
        return CsvFile(path, name, connection)
    return ParquetFile(path, name)


class ParquetFile:
    """A Parquet file; its types are kept."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    @property
    def schema(self) -> pa.Schema:
        """See `RowFile`."""
        with self._opened() as file:
            return file.schema_arrow.remove_metadata()

    def batches(self, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """See `RowFile`."""
        with self._opened() as file:
            yield from file.iter_batches(batch_rows)

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        try:
            # Without the buffer a group of rows is not fetched as a whole.
            with pq.ParquetFile(self._path, pre_buffer=False) as file:
                yield file
        except pa.ArrowInvalid as error:
            msg = f"{self._name} is no Parquet file, or it is cut off"
            raise QueryFailedError(msg) from error
