"""What may be done to one delta node at the same time: by builds of its ranges, and by a push.

Advisory locks of PostgreSQL: they go with the session that holds them, whatever ends it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.delta.errors import DeltaBusy
from syncflow_dagster.nodes.delta.parts import Part
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models.delta import DeltaNode

    Connection = psycopg.Connection[DictRow]

#: Between two looks whether a range has become free. Waiting in the queue of a lock instead would
#: hold up those behind whose own range is free.
_LOOK_AGAIN_S = 0.05


def claim(conn: Connection, workflow: str, node: DeltaNode, part: Part, wait_ms: int) -> None:
    """Keep all others from building any key of a range, for as long as the session lasts.

    Ranges that have no key in common are built beside each other, whether they are of one split
    or of two.

    Args:
        conn: A session of the caller's own, outside a transaction.
        workflow: The workflow's name.
        node: The node; its tables are there.
        part: The range.
        wait_ms: How long to wait for one who builds some of its keys. PostgreSQL takes a moment
            to see that a killed process is gone.

    Raises:
        DeltaBusy: Another process builds some of its keys.
    """
    until = time.monotonic() + wait_ms / 1000
    names = {**_names(conn, node), "part": part.number, "parts": part.parts}
    while (taken := _try_claim(conn, names)) is not None:
        if time.monotonic() >= until:
            raise DeltaBusy(_busy(f"{workflow}.{node.name}", taken))
        time.sleep(_LOOK_AGAIN_S)


def share_writing(conn: Connection, node: DeltaNode) -> None:
    """Wait for a push that writes rows of the node, and keep others off until the transaction ends.

    To be called before anything of the transaction is read: what a build writes must be newer
    than what such a push wrote.
    """
    conn.execute(load("delta")["share_writing"], _names(conn, node))


def hold_writing(conn: Connection, node: DeltaNode) -> None:
    """Wait for builds that write rows of the node, and keep others off until the transaction ends.

    Builds may read their source meanwhile, and wait when they come to write.
    """
    conn.execute(load("delta")["hold_writing"], _names(conn, node))


def _try_claim(conn: Connection, names: dict[str, object]) -> list[Part] | None:
    """Return None for a range that is ours now, else who has some of it."""
    queries = load("delta")
    with conn.transaction():
        conn.execute(queries["look_alone"], names)
        found = conn.execute(queries["find_claims"], names).fetchall()
        if not found:
            conn.execute(queries["claim"], names)
            return None
    return [Part(row["part"], row["parts"]) for row in found]


def _busy(node: str, taken: list[Part]) -> str:
    parts = ", ".join(part.name for part in taken if part.parts > 1)
    told = f" (part {parts} of it)" if parts else ""
    return f"another process builds the delta of {node} right now{told}; try again later"


def _names(conn: Connection, node: DeltaNode) -> dict[str, object]:
    return {"delta": delta_id(node).as_string(conn)}
