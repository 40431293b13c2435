"""What no delta build can leave out, and plain copies of rows to hold a first load against.

The floor hashes the rows as they come, with nothing normalised, reads the hashes of the whole
state, and copies as many delta rows as changed, the very same bytes, into a table without indexes
or constraints. It does not normalise, stage, compare or keep a snapshot, so a build cannot cost
as little.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl
import polars_hash
import psycopg
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

from syncflow_dagster.nodes.delta import tables
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench import data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from syncflow_dagster.workflows.models.delta import DeltaNode

_WORKERS = 2
_BLOCK = 1 << 20


def floor(url: str, node: DeltaNode, rows: Path, written: Path) -> float:
    """Return the floor's seconds.

    Args:
        url: A database that holds the node's state.
        node: The benchmark's node.
        rows: File of the rows as the source gives them.
        written: File of the delta rows the build wrote; see :func:`save_newest`.
    """
    state = _statement("copy_known_hashes", snapshot=tables.snapshot_id(node))
    with psycopg.connect(url) as conn, _bare(conn, "bare_delta", tables.delta_id(node)) as bare:
        started = time.perf_counter()
        _hash(data.read(rows))
        with conn.cursor().copy(state) as copy:
            for _ in copy:
                pass
        _copy_file(conn, written, bare)
        conn.commit()
        return time.perf_counter() - started


def copy_rows(url: str, rows: Path) -> float:
    """Return the seconds of a binary COPY of normalised rows into a plain table."""
    table = sql.Identifier("copied_rows")
    batches = data.read(rows)
    with psycopg.connect(url) as conn:
        conn.execute(_statement("create_rows", table=table))
        conn.commit()
        started = time.perf_counter()
        with conn.cursor().copy(_statement("copy_in", table=table)) as copy:
            for block in _encoded(batches):
                copy.write(block)
        conn.commit()
        return time.perf_counter() - started


def copy_written(url: str, node: DeltaNode, files: dict[str, Path]) -> float:
    """Return the seconds of a COPY of saved delta and snapshot rows into bare tables.

    Args:
        url: A database that has the node's tables.
        node: The benchmark's node.
        files: See :func:`save_tables`.
    """
    with (
        psycopg.connect(url) as conn,
        _bare(conn, "bare_delta", tables.delta_id(node)) as delta,
        _bare(conn, "bare_snapshot", tables.snapshot_id(node)) as snapshot,
    ):
        started = time.perf_counter()
        _copy_file(conn, files["delta"], delta)
        _copy_file(conn, files["snapshot"], snapshot)
        conn.commit()
        return time.perf_counter() - started


def save_tables(url: str, node: DeltaNode, folder: Path) -> dict[str, Path]:
    """Save all delta and snapshot rows as COPY gives them."""
    files = {"delta": folder / "delta.copy", "snapshot": folder / "snapshot.copy"}
    ids = {"delta": tables.delta_id(node), "snapshot": tables.snapshot_id(node)}
    for name, file in files.items():
        _save(url, _statement("copy_out", table=ids[name]), file)
    return files


def save_newest(url: str, node: DeltaNode, count: int, file: Path) -> None:
    """Save the newest delta rows as COPY gives them."""
    delta, limit = tables.delta_id(node), sql.Literal(count)
    _save(url, _statement("copy_newest", delta=delta, limit=limit), file)


def load_rows(conn: psycopg.Connection, rows: Path, table: sql.Identifier) -> None:
    """Create a table of normalised rows and fill it."""
    conn.execute(_statement("create_rows", table=table))
    with conn.cursor().copy(_statement("copy_in", table=table)) as copy:
        for block in _encoded(data.read(rows)):
            copy.write(block)


def _hash(batches: Iterator[pa.RecordBatch]) -> None:
    """Hash all batches on two threads, with few batches in memory."""
    rows, key = (
        polars_hash.hash_rows(pl.all(), version=1),
        polars_hash.hash_rows(data.KEY, version=1),
    )
    hashes = (
        rows.chash.blake3().alias("data"),
        key.nchash.xxh3_128(return_binary=True, byte_order="big").alias("key"),
    )

    def work(batch: pa.RecordBatch) -> None:
        pl.DataFrame(pl.from_arrow(batch)).select(*hashes)

    with ThreadPoolExecutor(_WORKERS) as pool:
        running = deque(pool.submit(work, batch) for batch in islice(batches, _WORKERS))
        while running:
            running.popleft().result()
            running.extend(pool.submit(work, batch) for batch in islice(batches, 1))


def _encoded(batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    first = next(batches)
    encoder = ArrowToPostgresBinaryEncoder(first.schema)
    yield encoder.write_header()
    yield encoder.write_batch(first)
    for batch in batches:
        yield encoder.write_batch(batch)
    yield encoder.finish()


@contextmanager
def _bare(conn: psycopg.Connection, name: str, like: sql.Identifier) -> Iterator[sql.Identifier]:
    """Make a table of the same columns and nothing else, and drop it afterwards."""
    table = sql.Identifier(name)
    conn.execute(_statement("create_bare", table=table, like=like))
    conn.commit()
    yield table
    conn.execute(sql.SQL("drop table {}").format(table))
    conn.commit()


def _save(url: str, statement: sql.Composed, file: Path) -> None:
    with (
        psycopg.connect(url) as conn,
        file.open("wb") as out,
        conn.cursor().copy(statement) as copy,
    ):
        for block in copy:
            out.write(block)


def _copy_file(conn: psycopg.Connection, file: Path, table: sql.Identifier) -> None:
    with file.open("rb") as source, conn.cursor().copy(_statement("copy_in", table=table)) as copy:
        while block := source.read(_BLOCK):
            copy.write(block)


def _statement(name: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(load("bench")[name]).format(**parts)
