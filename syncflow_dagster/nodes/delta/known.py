"""The known state's hashes, read out of the snapshot in one pass."""

from __future__ import annotations

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

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.detect.entries import Entries
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Pages read by one statement, some 16 MB of table.
_PAGES = 2048


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


def _entries(row: DictRow) -> Entries:
    keys = np.frombuffer(row["keys"], dtype=np.uint8).reshape(-1, hashing.KEY_BYTES)
    data = np.frombuffer(row["data"], dtype=np.uint8).reshape(-1, hashing.DATA_BYTES)
    versions = np.frombuffer(row["versions"], dtype=">i4").astype(np.int64)
    flag = np.where(versions < 0, DELETED, LIVE)
    return entries(keys, data, np.abs(versions), flag)
