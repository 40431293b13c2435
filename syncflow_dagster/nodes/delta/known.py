"""What is known: the hashes of all records in one pass, and all of those that change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from psycopg import sql

from syncflow_dagster.core.detect.classify import DELETED, LIVE
from syncflow_dagster.core.detect.entries import entries
from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta import runs
from syncflow_dagster.nodes.delta.tables import SCHEMA, snapshot_id, snapshot_table
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Pages read by one statement, some 16 MB of table.
_PAGES = 2048


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


def read_known(
    conn: psycopg.Connection[DictRow], node: DeltaNode, first: int, last: int, folder: Path
) -> runs.Runs:
    """Read the hashes of a node's known records into sorted runs.

    Args:
        conn: A session; nobody else may write the range meanwhile.
        node: The node.
        first: First upper half of BK_HASH that is wanted.
        last: The last one.
        folder: Where the runs' files go.

    Returns:
        Entries whose `number` is the version of the hashes and whose `flag` is 1 for a record
        known to be deleted.
    """
    found = runs.Runs()
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        table = {"snapshot": f"{SCHEMA}.{snapshot_table(node)}"}
        counted = conn.execute(load("delta_detect")["count_pages"], table).fetchone()
        assert counted is not None
        read = sql.SQL(load("delta_detect")["read_known"]).format(snapshot=snapshot_id(node))
        limits = {
            "low": UUID(int=first << 64),
            "high": UUID(int=(last << 64) + (1 << 64) - 1),
            "nothing": bytes(hashing.DATA_BYTES),
        }
        for number, page in enumerate(range(0, counted["pages"], _PAGES)):
            pages = {"first": f"({page},0)", "end": f"({page + _PAGES},0)"}
            row = conn.execute(read, {**limits, **pages}, binary=True).fetchone()
            assert row is not None
            if row["keys"] is not None:
                path = folder / f"known-{number:06}"
                runs.write(path, _entries(row))
                found.add(path)
    return found


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


def _entries(row: DictRow) -> Entries:
    keys = np.frombuffer(row["keys"], dtype=np.uint8).reshape(-1, hashing.KEY_BYTES)
    data = np.frombuffer(row["data"], dtype=np.uint8).reshape(-1, hashing.DATA_BYTES)
    versions = np.frombuffer(row["versions"], dtype=">i4").astype(np.int64)
    flag = np.where(versions < 0, DELETED, LIVE)
    return entries(keys, data, np.abs(versions), flag)
