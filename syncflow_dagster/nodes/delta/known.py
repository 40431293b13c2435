"""What is known: the hashes of all records in one pass, and all of those that change."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from psycopg import sql

from syncflow_dagster.core.detect.classify import DELETED, LIVE, STALE
from syncflow_dagster.core.detect.entries import entries
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.core.identity.rows import ROW_BYTES, TAG_BYTES, bound
from syncflow_dagster.nodes.delta import runs
from syncflow_dagster.nodes.delta.in_order import in_order
from syncflow_dagster.nodes.delta.seen import NO_ROW, sort_rows
from syncflow_dagster.nodes.delta.tables import SCHEMA, snapshot_id, snapshot_table
from syncflow_dagster.nodes.delta.workspace import checksum
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.nodes.delta.parts import Part
    from syncflow_dagster.nodes.delta.seen import SeenRows
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

#: What `read_known` says of a record.
_READ = np.dtype(
    [
        ("key", "u1", (hashing.KEY_BYTES,)),
        ("data", "u1", (hashing.DATA_BYTES,)),
        ("row", "u1", (ROW_BYTES,)),
        ("version", ">i4"),
    ]
)
#: Pages read by one statement, some 8 MB of table.
_PAGES = 1024


@dataclass(frozen=True)
class KnownRecords:
    """What the snapshot holds of some records, in the order they were asked for.

    Attributes:
        ids: Record ids, shape (records, 16).
        generations: How many lives each has had.
        versions: How its hashes were made.
        hashes: All field hashes one behind the other.
        starts: Where those of each record begin.
        lengths: How many bytes they are; a record known to be deleted has none.
    """

    ids: npt.NDArray[np.uint8]
    generations: npt.NDArray[np.int32]
    versions: npt.NDArray[np.int32]
    hashes: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]

    def field_hashes(self, places: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
        """Return the field hashes of records whose hashes were made alike, a row for each."""
        width = int(self.lengths[places[0]])
        rows: npt.NDArray[np.uint8] = self.hashes[self.starts[places, None] + np.arange(width)]
        return rows


@dataclass(frozen=True)
class Known:
    """All that is known of a range of keys. Its memory is the files' own.

    Attributes:
        entries: Of all records, in no order; `number` is the version of the hashes.
        seen: The rows that records were written from by today's version.
        digest: The same when the same records are in the same places.
    """

    entries: Entries
    seen: SeenRows
    digest: str

    def places(
        self, high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.intp]:
        """Return the places of keys, given by their halves; -1 for one that is not known."""
        if not len(self.entries):
            return np.full(len(high), -1, dtype=np.intp)
        sorted_high, order = self._by_high
        found = order[np.minimum(np.searchsorted(sorted_high, high), len(order) - 1)]
        there = self.entries[found]
        return np.where((there["high"] == high) & (there["low"] == low), found, -1)

    @cached_property
    def _by_high(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.intp]]:
        order = np.argsort(self.entries["high"])
        return self.entries["high"][order], order


@dataclass(frozen=True)
class _Found:
    """Some pages' records: their entries, and the row hash of each, shape (records, 16)."""

    entries: Entries
    rows: npt.NDArray[np.uint8]


def read_known(
    database: Database,
    node: DeltaNode,
    version: int,
    tag: bytes,
    part: Part,
    folder: Path,
    threads: int,
) -> Known:
    """Read the hashes of a node's known records.

    Args:
        database: The database; nobody else may write the range meanwhile.
        node: The node.
        version: How today's hashes are made: rows of records with others count as not seen.
        tag: End of row hashes as they are made today.
        part: The range of keys.
        folder: Where the files go.
        threads: How many work at once, each with a session where there is enough to read.
    """
    entries, rows = folder / "known.entries", folder / "known.rows"
    with (
        _Sessions.opened(database, node, threads) as pages,
        entries.open("wb") as entry_file,
        rows.open("wb") as row_file,
    ):
        read = partial(pages.read, version=version, tag=tag, part=part)
        for found in in_order(read, range(0, pages.count, _PAGES), len(pages.free)):
            found.entries.tofile(entry_file)
            found.rows.tofile(row_file)
    return Known(runs.mapped(entries), sort_rows(rows, folder, threads), checksum(entries))


@dataclass(frozen=True)
class _Sessions:
    """Sessions that see the snapshot as it was at one moment.

    Attributes:
        free: Those that are not used now.
        count: Pages of the snapshot.
        snapshot: Its name.
    """

    free: deque[Connection]
    count: int
    snapshot: sql.Identifier

    @classmethod
    @contextmanager
    def opened(cls, database: Database, node: DeltaNode, sessions: int) -> Iterator[_Sessions]:
        """Open one session, and the others where there are pages for them."""
        statements = load("delta_detect")
        with ExitStack() as stack:
            first = _read_only(stack, database)
            table = {"snapshot": f"{SCHEMA}.{snapshot_table(node)}"}
            counted = first.execute(statements["count_pages"], table).fetchone()
            assert counted is not None
            free, pages = deque([first]), counted["pages"]
            more = min(sessions, -(-pages // _PAGES)) - 1
            if more > 0:
                shared = first.execute(statements["share_view"]).fetchone()
                assert shared is not None
                see = sql.SQL(statements["see"]).format(view=sql.Literal(shared["view"]))
                for _ in range(more):
                    free.append(_read_only(stack, database))
                    free[-1].execute(see)
            yield cls(free, pages, snapshot_id(node))

    def read(self, page: int, *, version: int, tag: bytes, part: Part) -> _Found:
        """Read the records of `_PAGES` pages, of a part only."""
        first, last = part.span
        names = {
            "first": f"({page},0)",
            "end": f"({page + _PAGES},0)",
            "low": UUID(int=first << 64),
            "high": UUID(int=(last << 64) + (1 << 64) - 1),
            "nothing": bytes(hashing.DATA_BYTES),
            "no_row": NO_ROW,
        }
        read = sql.SQL(load("delta_detect")["read_known"]).format(snapshot=self.snapshot)
        conn = self.free.pop()
        try:
            row = conn.execute(read, names, binary=True).fetchone()
        finally:
            self.free.append(conn)
        assert row is not None  # an aggregate always gives a row
        return _found(row, version, tag)


def _read_only(stack: ExitStack, database: Database) -> Connection:
    conn = stack.enter_context(database.connect())
    stack.enter_context(conn.transaction())
    conn.execute("set transaction isolation level repeatable read, read only")
    return conn


def read_records(
    conn: psycopg.Connection[DictRow], node: DeltaNode, keys: npt.NDArray[np.uint8]
) -> KnownRecords:
    """Read what the snapshot holds of known records.

    Args:
        conn: The build's session.
        node: The node.
        keys: BK_HASH of each record, shape (records, 16); all of them are known.
    """
    if not len(keys):
        nothing = np.empty(0, dtype=np.int64)
        ids = np.empty((0, hashing.KEY_BYTES), dtype=np.uint8)
        none = nothing.astype(np.int32)
        return KnownRecords(ids, none, none, ids.reshape(-1), nothing, nothing)
    read = sql.SQL(load("delta_detect")["read_changes"]).format(snapshot=snapshot_id(node))
    given = {"count": len(keys), "keys": keys.tobytes()}
    row = conn.execute(read, given, binary=True).fetchone()
    assert row is not None  # an aggregate always gives a row
    order = np.argsort(np.frombuffer(row["places"], dtype=">i4"))
    if len(order) != len(keys):
        msg = f"{len(keys) - len(order)} known records of {node.name} are gone from its snapshot"
        raise RuntimeError(msg)
    lengths = np.frombuffer(row["lengths"], dtype=">i4").astype(np.int64)
    return KnownRecords(
        np.frombuffer(row["ids"], dtype=np.uint8).reshape(-1, hashing.KEY_BYTES)[order],
        np.frombuffer(row["generations"], dtype=">i4").astype(np.int32)[order],
        np.frombuffer(row["versions"], dtype=">i4").astype(np.int32)[order],
        np.frombuffer(row["hashes"], dtype=np.uint8),
        (np.cumsum(lengths) - lengths)[order],
        lengths[order],
    )


def _found(row: DictRow, version: int, tag: bytes) -> _Found:
    read = np.frombuffer(row["records"] or b"", dtype=_READ)
    versions = read["version"].astype(np.int64)
    usable = (versions == version) & read["row"].any(axis=1)
    rows = np.where(usable[:, None], bound(read["row"], read["data"]), np.uint8(0))
    stale = (read["row"][:, -TAG_BYTES:] != np.frombuffer(tag, dtype=np.uint8)).any(axis=1)
    flag = np.select([versions < 0, stale], [DELETED, STALE], LIVE)
    return _Found(entries(read["key"], read["data"], np.abs(versions), flag), rows)
