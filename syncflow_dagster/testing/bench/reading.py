"""Reading a source into Arrow, beside reading the same rows with nothing made of them.

For PostgreSQL that is a COPY, in the binary format and in text, which is what our read asks for;
for SQLite the driver's own tuples, for files what pyarrow makes of them.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from psycopg import sql

from syncflow_dagster.nodes.pull.ports import Query
from syncflow_dagster.nodes.pull.registry import open_files, open_source
from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench import data, floor
from syncflow_dagster.workflows.models import FilesConnection, SqlConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BATCH = 50_000
_TABLE = "rows"


def prepare(url: str, rows: Path, folder: Path) -> dict[str, str]:
    """Put normalised rows where sources can read them.

    Args:
        url: An empty PostgreSQL database.
        rows: Arrow IPC file of the rows.
        folder: Where files go.

    Returns:
        By kind of source: its URL or file.
    """
    with psycopg.connect(url) as conn:
        floor.load_rows(conn, rows, sql.Identifier(_TABLE))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze")
    places = {kind: str(folder / f"rows.{kind}") for kind in ("csv", "parquet", "sqlite")}
    _write_sqlite(places["sqlite"], rows)
    schema = next(data.read(rows)).schema
    with (
        pa.csv.CSVWriter(places["csv"], schema) as csv,
        pa.parquet.ParquetWriter(places["parquet"], schema) as parquet,
    ):
        for batch in data.read(rows):
            csv.write_batch(batch)
            parquet.write_batch(batch)
    return {"postgresql": url, "postgresql_text": url, **places}


def ours(kind: str, place: str) -> dict[str, Any]:
    """Return the seconds and rows of our read."""
    return _timed(_OURS[kind](place))


def plain(kind: str, place: str) -> dict[str, Any]:
    """Return the seconds and rows of the plain read."""
    return _timed(_PLAIN[kind](place))


def _timed(counts: Iterator[int]) -> dict[str, Any]:
    started = time.perf_counter()
    rows = sum(counts)
    return {"seconds": time.perf_counter() - started, "rows": rows}


def _sql(url: str) -> Iterator[int]:
    source = open_source(SqlConnection.model_validate({"type": "sql", "url": url}))
    for batch in source.read(Query(f"select * from {_TABLE}"), _BATCH):  # noqa: S608 - a constant
        yield batch.num_rows


def _files(file: str) -> Iterator[int]:
    path = Path(file)
    folder = FilesConnection.model_validate({"type": "files", "folder": str(path.parent)})
    for piece in open_files(folder, path.name, _BATCH).read(Position()):
        yield piece.batch.num_rows


def _copy(url: str, how: str = "copy_out") -> Iterator[int]:
    statement = sql.SQL(load("bench")[how]).format(table=sql.Identifier(_TABLE))
    with psycopg.connect(url) as conn, conn.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for _ in copy:
                pass
        yield cursor.rowcount


def _tuples(file: str) -> Iterator[int]:
    conn = sqlite3.connect(file)
    cursor = conn.execute(f"select * from {_TABLE}")  # noqa: S608 - a constant
    while rows := cursor.fetchmany(_BATCH):
        yield len(rows)
    conn.close()


def _csv(file: str) -> Iterator[int]:
    for batch in pa.csv.open_csv(file):
        yield batch.num_rows


def _parquet(file: str) -> Iterator[int]:
    for batch in pa.parquet.ParquetFile(file).iter_batches(_BATCH):
        yield batch.num_rows


_OURS: dict[str, Callable[[str], Iterator[int]]] = {
    "postgresql": _sql,
    "postgresql_text": _sql,
    "csv": _files,
    "parquet": _files,
    "sqlite": lambda file: _sql(f"sqlite:///{file}"),
}
_PLAIN: dict[str, Callable[[str], Iterator[int]]] = {
    "postgresql": _copy,
    "postgresql_text": partial(_copy, how="copy_out_text"),
    "csv": _csv,
    "parquet": _parquet,
    "sqlite": _tuples,
}
#: The kinds of sources there are.
KINDS = tuple(_OURS)


def _write_sqlite(file: str, rows: Path) -> None:
    names = next(data.read(rows)).schema.names
    marks = ", ".join("?" for _ in names)
    conn = sqlite3.connect(file)
    conn.execute(f"create table {_TABLE} ({', '.join(names)})")
    for batch in data.read(rows):
        values = zip(*(map(_stored, column.to_pylist()) for column in batch.columns), strict=True)
        conn.executemany(f"insert into {_TABLE} values ({marks})", values)  # noqa: S608 - constants
    conn.commit()
    conn.close()


def _stored(value: Any) -> Any:
    """Bring a value to a type SQLite has."""
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, (date, datetime)) else value
