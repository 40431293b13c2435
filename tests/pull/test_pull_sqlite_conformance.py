"""The conformance suite on SQLite, which knows five types of values and none of columns."""

import sqlite3
import uuid
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from syncflow_dagster.nodes.pull.ports import Query
from syncflow_dagster.nodes.pull.source import SqlSource
from syncflow_dagster.testing.source_conformance import SourceConformance, SourceHarness

_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "bigint": pa.int64(),
    "float": pa.float64(),
    "binary": pa.binary(),
}


class SqliteHarness(SourceHarness):
    types = _TYPES
    types_are_declared = False

    def __init__(self, folder):
        self._folder = folder
        self._path = folder / "source.db"
        self._path.touch()

    def source(self):
        return SqlSource(f"sqlite:///{self._path}")

    def unreachable(self):
        return SqlSource(f"sqlite:///{self._folder / 'none.db'}")

    def fill(self, columns, rows):
        name = f"t_{uuid.uuid4().hex[:12]}"
        # The key spares the sorting, which SQLite would do in this process's memory.
        first, *others = columns
        names = ", ".join([f"{first} integer primary key", *others])
        with sqlite3.connect(self._path) as conn:
            conn.execute(f"create table {name} ({names})")
            marks = ", ".join("?" for _ in columns)
            conn.executemany(f"insert into {name} values ({marks})", rows)
        conn.close()
        return Query(f"select {', '.join(columns)} from {name} order by n")

    def broken(self, path):
        return Query("select nope from sqlite_master", path=path)

    def left_open(self):
        held = [Path(one.path) for one in psutil.Process().open_files()]
        return held.count(self._path)


class TestSqlite(SourceConformance):
    @pytest.fixture
    def harness(self, tmp_path):
        return SqliteHarness(tmp_path)
