"""The conformance suite on files: CSV as text, Parquet with its types.

A file has no server and takes no query: a harness's query is the pattern, and nothing binds.
"""

import itertools
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from syncflow_dagster.nodes.pull.columns import as_text
from syncflow_dagster.nodes.pull.files import FileRows
from syncflow_dagster.nodes.pull.ports import Query, QueryFailedError
from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.testing.source_conformance import (
    TYPES,
    VALUES,
    SourceConformance,
    SourceHarness,
)
from syncflow_dagster.workflows.models import FilesConnection

_PARQUET = {**TYPES, "integer": pa.int64()}


class FilesSource:
    """The files of a folder as the port has it: a pattern for a query."""

    def __init__(self, connection):
        self._connection = connection

    def read(self, query, batch_rows):
        rows = FileRows(self._connection, query.text, batch_rows)
        try:
            for piece in rows.read(Position()):
                yield piece.batch
        except QueryFailedError as error:
            # Files have no template; the suite asks for its name.
            msg = f"{query.path}: {error}"
            raise QueryFailedError(msg) from error


class FilesHarness(SourceHarness):
    def __init__(self, folder):
        self._folder = folder

    def source(self):
        return FilesSource(FilesConnection(type="files", folder=str(self._folder)))

    def unreachable(self):
        return FilesSource(FilesConnection(type="files", folder=str(self._folder / "none")))

    def only(self, query, column, value):
        return None

    def left_open(self):
        opened = Path("/proc/self/fd")
        if not opened.is_dir():
            pytest.skip("this system does not tell which files are open")
        links = (str(link.readlink()) for link in opened.iterdir() if link.is_symlink())
        return sum(str(self._folder) in link for link in links)


class CsvHarness(FilesHarness):
    types = dict.fromkeys(TYPES, pa.string())
    huge_rows = 60  # the parser holds a few blocks of 3 MB, in several forms

    def fill(self, columns, rows):
        path = self._folder / f"{uuid.uuid4().hex}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(",".join(columns) + "\n")
            for row in rows:
                file.write(",".join(map(_quoted, row)) + "\n")
        return Query(path.name)

    def broken(self, path):
        name = f"{uuid.uuid4().hex}.csv"
        (self._folder / name).write_text("a,b\n1\n")
        return Query(name, path=path)

    def read_as(self, kind, value):
        return as_text(value)


class ParquetHarness(FilesHarness):
    huge_rows = 60  # a row group, decoded and not; what other tests leave to the allocator differs

    def fill(self, columns, rows):
        path = self._folder / f"{uuid.uuid4().hex}.parquet"
        schema = pa.schema([(name, _PARQUET[kind]) for name, kind in columns.items()])
        with pq.ParquetWriter(path, schema) as writer:
            rows = iter(rows)
            while some := list(itertools.islice(rows, 5)):
                arrays = [
                    pa.array(values, kind)
                    for values, kind in zip(zip(*some, strict=True), schema.types, strict=True)
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        return Query(path.name)

    def broken(self, path):
        name = f"{uuid.uuid4().hex}.parquet"
        (self._folder / name).write_bytes(b"PAR1 and no more")
        return Query(name, path=path)


def _quoted(value):
    return "" if value is None else '"' + as_text(value).replace('"', '""') + '"'


class TestCsv(SourceConformance):
    @pytest.fixture
    def harness(self, tmp_path):
        return CsvHarness(tmp_path)


class TestParquet(SourceConformance):
    @pytest.fixture
    def harness(self, tmp_path):
        return ParquetHarness(tmp_path)


def test_the_suite_has_values_for_every_kind():
    assert set(VALUES) == set(TYPES)
