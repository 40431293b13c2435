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
        number: How many there are.
        since: Since when the oldest is in it.
    """

    workflow: str
    node: str
    state: str
    number: int
    since: datetime


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
    parts = [
        _statement("stuck_rows" if one.table else "stuck_effects", one, now)
        for one in _there(database, watched)
    ]
    if not parts:
        return []
    with database.transaction() as conn:
        milliseconds = compose.Literal(int(timeout_s * 1000))
        conn.execute(compose.SQL("set local statement_timeout = {}").format(milliseconds))
        rows = conn.execute(compose.SQL(" union all ").join(parts)).fetchall()
    found = [
        Stuck(row["workflow"], row["place"], row["state"], row["number"], row["since"])
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.workflow, one.node, one.since))


def samples(database: Database, watched: Watched, now: datetime) -> list[DictRow]:
    """Return the changes of a node that have been stuck longest, with state and reason."""
    if not _there(database, [watched]):
        return []
    name = "sample_rows" if watched.table else "sample_effects"
    with database.transaction() as conn:
        return conn.execute(_statement(name, watched, now), {"limit": _SAMPLES}).fetchall()


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
    if watched.table is not None:
        parts["table"] = compose.Identifier(_SCHEMA, watched.table)
    return compose.SQL(sql.load("stuck")[name]).format(**parts)
