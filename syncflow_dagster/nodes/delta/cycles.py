"""Records whose parents lead back to themselves: no order of writing is right for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.nodes.delta.tables import snapshot_id
from syncflow_dagster.store.sql import load

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode

#: Records shown of one way from parent to parent.
STEPS = 10
_FIND = (
    "find_linked", "key_linked", "index_linked", "analyse_linked",
    "find_free", "key_free", "analyse_free", "loose_records",
)  # fmt: skip
#: Hash tables of 100,000 families stay out of temporary files.
MEMORY = "set local work_mem = '64MB'"


@dataclass(frozen=True)
class Cycles:
    """The cycles among the records of a node.

    Attributes:
        cycles: How many there are.
        records: How many records stand on one.
        samples: Keys along the longest ones, from parent to parent; a short one ends with the key
            it began with.
    """

    cycles: int = 0
    records: int = 0
    samples: tuple[tuple[str, ...], ...] = ()

    def in_words(self) -> str:
        """Return the numbers as a sentence; nothing where there is no cycle."""
        if not self.cycles:
            return ""
        return f"records that are their own ancestors: {self.records:,} (cycles: {self.cycles:,})"


def find_cycles(database: Database, node: DeltaNode, limit: int = 20) -> Cycles:
    """Find the cycles among all records a node knows, whatever their delta rows' state.

    A record may have been written before another change made it its own ancestor, so the waiting
    rows alone do not tell. The work grows with the node's records.

    Args:
        database: With the node's tables.
        node: Any delta node; only one that is its own parent can have cycles.
        limit: Samples at most.
    """
    if not node.is_own_parent:
        return Cycles()
    with database.transaction() as conn:
        conn.execute(MEMORY)
        for name in _FIND:
            _run(conn, name, node)
        if not find_rings(conn):
            return Cycles()
        rings = conn.execute(load("waiting")["rings"], {"limit": limit}).fetchall()
        given = {"rings": [row["ring"] for row in rings], "steps": STEPS}
        ways: dict[object, list[str]] = {row["ring"]: [] for row in rings}
        for row in _run(conn, "walk_rings", node, given).fetchall():
            ways[row["ring"]].append(row["key"])
    samples = tuple(_closed(ways[row["ring"]], row["size"]) for row in rings)
    return Cycles(rings[0]["rings"], rings[0]["records"], samples)


def find_rings(conn: psycopg.Connection[DictRow]) -> int:
    """Find those of the session's table `loose` that stand on a cycle, as its table `ring`.

    Each of its records has its parent in it, so whoever goes up long enough is on a cycle. All go
    at once, twice as far each time.

    Returns:
        How many there are.
    """
    statements = load("waiting")
    row = conn.execute(statements["count_loose"]).fetchone()
    assert row is not None
    records: int = row["records"]
    for _ in range(records.bit_length()):
        conn.execute(statements["leap"])
    return conn.execute(statements["find_rings"]).rowcount


def _closed(keys: list[str], size: int) -> tuple[str, ...]:
    return (*keys, keys[0] if len(keys) == size else "…")


def _run(
    conn: psycopg.Connection[DictRow],
    name: str,
    node: DeltaNode,
    given: dict[str, object] | None = None,
) -> psycopg.Cursor[DictRow]:
    statement = sql.SQL(load("waiting")[name]).format(parent_snapshot=snapshot_id(node))
    return conn.execute(statement, given)
