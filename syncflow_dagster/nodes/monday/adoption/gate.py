"""An adoption that is begun keeps its node's push from planning until it is finished.

Between the build that finds all records new and the moment the last of their items is known, a
push would make every one of them again. So the beginning is written down before the build, and a
process that dies in between leaves the gate closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.monday.keys import item_prefix
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import MondayPushNode


class AdoptionUnfinished(RuntimeError):
    """A board is being adopted, so nothing may be pushed to it; the text says how to go on."""


def check_gate(conn: psycopg.Connection[DictRow], workflow: str, node: str) -> None:
    """Refuse to plan a push while an adoption of its node is unfinished.

    Raises:
        AdoptionUnfinished: It is.
    """
    row = conn.execute(_query("unfinished"), {"workflow": workflow, "node": node}).fetchone()
    if row is not None:
        msg = (
            f"the adoption of board {row['board_id']}, begun at {row['began_at']:%Y-%m-%d %H:%M}, "
            f"is not finished: run `syncflow adopt {workflow} --node {node}` to finish it, or with "
            "`--abandon` to give it up and let the push make what is missing"
        )
        raise AdoptionUnfinished(msg)


def close_gate(
    database: Database, workflow: str, node: MondayPushNode, now: datetime, *, dry_run: bool
) -> None:
    """Note that an adoption begins.

    A dry run leaves a board alone that is pushed to already: its gate is open, and stays so.
    """
    names = {"workflow": workflow, "node": node.name, "board_id": node.board_id, "now": now}
    statement = "begin_if_new" if dry_run else "begin"
    database.execute(_query(statement), {**names, "prefix": item_prefix(node.board_id)})


def open_gate(
    database: Database, workflow: str, node: str, now: datetime, counts: Mapping[str, Any]
) -> bool:
    """Note that an adoption is finished, or given up; tell whether there was one."""
    given = {"workflow": workflow, "node": node, "now": now, "counts": Jsonb(dict(counts))}
    return database.execute(_query("finish"), given) > 0


def is_closed(database: Database, workflow: str, node: str) -> bool:
    """Tell whether an adoption of the node is unfinished."""
    given = {"workflow": workflow, "node": node}
    return database.fetch_one(_query("unfinished"), given) is not None


def _query(name: str) -> str:
    return sql.load("adopt")[name]
