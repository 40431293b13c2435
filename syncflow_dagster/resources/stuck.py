"""What has been in one state for longer than its workflow allows. Imports no Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql as compose

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

_SCHEMA = "syncflow"
_SAMPLES = 50
#: Changes of one state of one node that are counted; one more says that there are more.
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Watched:
    """A node whose changes have limits.

    Attributes:
        workflow: The workflow's name.
        node: The node's name.
        limits: How long a change may stay in each state.
        table: Of a delta node its table; None: the effects of a push.
    """

    workflow: str
    node: str
    limits: Mapping[str, timedelta]
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """Changes of one node that have been in one state for too long.

    Attributes:
        workflow: The workflow's name.
        node: The node's name.
        state: The state.
        number: How many there are, :data:`MOST` at most.
        since: Since when the oldest of these is in it.
        more: Whether there are more, perhaps older ones.
    """

    workflow: str
    node: str
    state: str
    number: int
    since: datetime
    more: bool = False


def find_stuck(
    database: Database, watched: Sequence[Watched], now: datetime, *, timeout_s: float = 5.0
) -> list[Stuck]:
    """Return what is stuck in any of these nodes, with one query.

    Args:
        database: Delta tables and ledger.
        watched: The nodes; those whose tables are not there yet are left out.
        now: Database time.
        timeout_s: Seconds after which the database gives up.

    Raises:
        psycopg.errors.QueryCanceled: it took longer.
    """
    parts = [_statement("count_found", one, now) for one in _there(database, watched)]
    if not parts:
        return []
    with database.transaction() as conn:
        milliseconds = compose.Literal(int(timeout_s * 1000))
        conn.execute(compose.SQL("set local statement_timeout = {}").format(milliseconds))
        rows = conn.execute(compose.SQL(" union all ").join(parts)).fetchall()
    found = [
        Stuck(
            row["workflow"],
            row["place"],
            row["state"],
            min(row["number"], MOST),
            row["since"],
            more=row["number"] > MOST,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.workflow, one.node, one.since))


def samples(database: Database, watched: Watched, now: datetime) -> list[DictRow]:
    """Return changes of a node that are stuck, with state and reason, the longest first.

    They are the longest of all only where :func:`find_stuck` says that there are no more.
    """
    if not _there(database, [watched]):
        return []
    with database.transaction() as conn:
        return conn.execute(_statement("samples", watched, now), {"limit": _SAMPLES}).fetchall()


def _there(database: Database, watched: Sequence[Watched]) -> list[Watched]:
    tables = [one.table for one in watched if one.table]
    rows = database.fetch_all(sql.load("observe")["known_tables"], {"tables": tables})
    known = {row["table_name"] for row in rows}
    return [one for one in watched if one.table is None or one.table in known]


def _statement(name: str, watched: Watched, now: datetime) -> compose.Composed:
    limits = watched.limits.items()
    parts: dict[str, compose.Composable] = {
        "workflow": compose.Literal(watched.workflow),
        "place": compose.Literal(watched.node),
        "states": compose.Literal([str(state) for state, _ in limits]),
        "befores": compose.Literal([now - limit for _, limit in limits]),
    }
    queries = sql.load("stuck")
    parts["most"] = compose.Literal(MOST + 1)
    if watched.table is not None:
        parts["table"] = compose.Identifier(_SCHEMA, watched.table)
    found = queries["found_rows" if watched.table else "found_effects"]
    parts["found"] = compose.SQL(found).format(**parts)
    return compose.SQL(queries[name]).format(**parts)
