"""Reads that go from one due time to the next: each moment of the source is asked for once.

How far a pull has read moves in the transaction that writes what was found, so a build that is
killed leaves it where it was, and a run that is repeated reads what the first one did not keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.rows import Interval
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.delta.parts import Part

    Connection = psycopg.Connection[DictRow]


def plan(
    conn: Connection,
    workflow: str,
    pull: str,
    part: Part,
    definition: str,
    upto: datetime,
    *,
    everything: bool,
) -> Interval:
    """Say what a pull reads: from where its last read ended up to a due time.

    Args:
        conn: The session that keeps others from building these keys.
        workflow: The workflow's name.
        pull: The pull node's name.
        part: Range of keys that is built.
        definition: Names what is read and how it is compared; a change of it asks for all rows.
        upto: The due time; of a run that was started by hand, the present moment.
        everything: Whether all rows are wanted whatever was read before.

    Returns:
        The interval; it is empty where a later one has been read already.
    """
    given = {"workflow": workflow, "node": pull, "part": part.number, "parts": part.parts}
    row = conn.execute(load("triggers")["read_interval"], given).fetchone()
    if row is None:
        return Interval(None, upto)
    begins_anew = everything or row["definition"] != definition
    return Interval(None if begins_anew else row["read_to"], max(upto, row["read_to"]))


def keep(
    conn: Connection,
    workflow: str,
    pull: str,
    part: Part,
    definition: str,
    interval: Interval,
    run_id: str | None,
    now: datetime,
) -> None:
    """Remember that an interval was read, in the transaction that writes what it held."""
    given = {"workflow": workflow, "node": pull, "part": part.number, "parts": part.parts}
    read = {"definition": definition, "read_to": interval.end, "run_id": run_id, "now": now}
    conn.execute(load("triggers")["keep_interval"], {**given, **read})
