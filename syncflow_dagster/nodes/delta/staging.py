"""Where a batch stands between reading and deciding: hashes in PostgreSQL, rows in a spill.

Neither grows the process: the hashes go into a temporary table of the build's own session, the
normalised rows into an Arrow file, from which only changed rows are read back.
"""

from __future__ import annotations

import bisect
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta.normalise import ROW, readable_key
from syncflow_dagster.nodes.delta.versions import compared_fields
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import numpy.typing as npt
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.normalise import Chunk
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Columns of the spill beside the fields.
KEY_TEXT = "#business_key"
PARENT_TEXT = "#parent"

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"


@dataclass(frozen=True)
class Identities:
    """Hashes of a chunk's rows; `parents` is None for a node without a parent."""

    keys: hashing.Hashes
    data: hashing.Hashes
    parents: hashing.Hashes | None


def identify(node: DeltaNode, chunk: Chunk) -> Identities:
    """Hash the keys, the compared fields and the parent's keys of a chunk."""
    parents = None if chunk.parent_key is None else hashing.key_hashes(chunk.parent_key)
    return Identities(
        hashing.key_hashes(chunk.fields.select(node.key)),
        hashing.data_hashes(chunk.fields.select(compared_fields(node))),
        parents,
    )


def create(conn: psycopg.Connection[DictRow]) -> None:
    """Create the session's staging tables."""
    statements = load("delta_detect")
    conn.execute(statements["create_stage"])
    conn.execute(statements["create_rejected"])


def stage(
    conn: psycopg.Connection[DictRow], chunk: Chunk, identities: Identities, first: int
) -> int:
    """Copy the hashes of a chunk's valid rows into the session's table.

    Args:
        conn: The session.
        chunk: Normalised rows.
        identities: Their hashes.
        first: Number of the chunk's first record.

    Returns:
        How many rows were staged.
    """
    rows = np.flatnonzero(chunk.valid)
    parts: list[tuple[str, str, npt.NDArray[np.generic]]] = [
        ("n", ">i4", first + rows),
        ("row_number", ">i4", chunk.raw[ROW].to_numpy()[rows]),
        ("bk", f"({hashing.KEY_BYTES},)u1", identities.keys[rows]),
        ("data_hash", f"({hashing.DATA_BYTES},)u1", identities.data[rows]),
    ]
    if identities.parents is not None:
        parts.append(("parent_bk", f"({hashing.KEY_BYTES},)u1", identities.parents[rows]))
    columns = ", ".join(name for name, _, _ in parts)
    with conn.cursor().copy(f"copy pg_temp.stage ({columns}) from stdin (format binary)") as copy:
        copy.write(_COPY_HEADER)
        copy.write(_wire(parts, len(rows)))
        copy.write(_COPY_TRAILER)
    return len(rows)


def _wire(parts: list[tuple[str, str, npt.NDArray[np.generic]]], rows: int) -> bytes:
    """Lay values out as COPY's binary tuples: the array's memory is what goes over the wire."""
    layout: list[tuple[str, str]] = [("count", ">i2")]
    for name, kind, _ in parts:
        layout += [(f"{name} length", ">i4"), (name, kind)]
    tuples = np.empty(rows, dtype=np.dtype(layout))
    tuples["count"] = len(parts)
    for name, kind, values in parts:
        tuples[f"{name} length"] = np.dtype(kind).itemsize
        tuples[name] = values
    return tuples.tobytes()


class Spill:
    """Normalised rows of a batch, kept in a file and found by their number.

    The file has no name, so that nothing of the records is left on the disk however the process
    ends.

    Args:
        node: The node.
    """

    def __init__(self, node: DeltaNode) -> None:
        self._node = node
        self._file = tempfile.TemporaryFile(prefix="syncflow-delta-")  # noqa: SIM115 - see close
        self._firsts: list[int] = []
        self._offsets: list[int] = [0]
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, chunk: Chunk) -> int:
        """Keep a chunk and return the number of its first record."""
        first = self.rows
        frame = chunk.fields.with_columns(
            readable_key(chunk.fields.select(self._node.key)).alias(KEY_TEXT)
        )
        if chunk.parent_key is not None:
            frame = frame.with_columns(readable_key(chunk.parent_key).alias(PARENT_TEXT))
        self._file.write(frame.write_ipc(None, compression="uncompressed").getbuffer())
        self._offsets.append(self._file.tell())
        self._firsts.append(first)
        self.rows += frame.height
        return first

    def ranges(self) -> list[tuple[int, int]]:
        """Return the first record and the end of every chunk."""
        return list(pairwise([*self._firsts, self.rows]))

    def take(self, numbers: list[int]) -> pl.DataFrame:
        """Read records of one chunk.

        Args:
            numbers: Ascending, all from one of :meth:`ranges`.
        """
        place = bisect.bisect_right(self._firsts, numbers[0]) - 1
        start, end = self._offsets[place : place + 2]
        self._file.seek(start)
        frame = pl.read_ipc(self._file.read(end - start))
        return frame[[number - self._firsts[place] for number in numbers]]
