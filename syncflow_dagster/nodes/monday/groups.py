"""The groups of a board, as the ledger knows them: adopted where they are, let go where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.keys import group_key, group_prefix
from syncflow_dagster.nodes.monday.plan import group_effect
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.ledger.ports import PlannedEffect
    from syncflow_dagster.nodes.monday.contract import Board
    from syncflow_dagster.workflows.models import MondayConnection, MondayPushNode


def adopt_groups(
    conn: psycopg.Connection[DictRow], board: Board, connection: MondayConnection
) -> None:
    """Bring what the ledger knows of a board's groups up to the board as it was read.

    A group that is no longer on the board is forgotten, so that the next item that needs it makes
    it again. One that is so young that the board may have been read before it was there is kept.

    Args:
        conn: A transaction.
        board: The board as read.
        connection: Says how long reads and requests take.
    """
    queries = sql.load("push")
    there: dict[str, str] = {}
    for title, group_id in board.groups.items():
        # Titles that look the same are one group to us: the first on the board.
        there.setdefault(group_key(board.board_id, title), group_id)
    for key, group_id in there.items():
        conn.execute(
            queries["adopt_group"],
            {"object_key": key, "remote_id": group_id},
        )
    conn.execute(
        queries["forget_groups"],
        {
            "prefix": group_prefix(board.board_id),
            "remote_ids": list(board.groups.values()),
            # The board and its subitems' board are two requests.
            "younger_s": connection.settle_s + 2 * connection.timeout_s,
        },
    )


def lost_groups(
    conn: psycopg.Connection[DictRow], workflow: str, node: MondayPushNode
) -> list[PlannedEffect]:
    """Return the making of groups that changes wait for and that went away from the board.

    Args:
        conn: A transaction in which the board's groups have been adopted.
        workflow: The workflow's name.
        node: Its push node.
    """
    prefix = group_prefix(node.board_id)
    place = {"workflow": workflow, "node": node.name, "prefix": prefix}
    return [
        group_effect(
            node,
            row["object_key"],
            row["object_key"].removeprefix(prefix),
            f"life:{row['generation'] + 1}",
            row["generation"] + 1,
        )
        for row in conn.execute(sql.load("push")["lost_groups"], place)
    ]
