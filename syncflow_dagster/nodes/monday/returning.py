"""Children of items that come back: what went with the old item has to come with the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql as compose

from syncflow_dagster.nodes.delta import superseding
from syncflow_dagster.nodes.delta.locks import hold_writing
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models import DeltaNode


def bring_back_children(
    conn: psycopg.Connection[DictRow],
    children: DeltaNode,
    parents: Sequence[UUID],
    *,
    prefix: str,
    now: datetime,
) -> int:
    """Ask again for children that went with their items and are still in the source.

    monday archives subitems with their item. A child that did not change itself has no delta row
    that would bring it to the new item, so its newest one is written again.

    Args:
        conn: The transaction that plans the items.
        children: Their delta node.
        parents: Records whose items are made anew.
        prefix: What the keys of the board's items begin with.
        now: Database time.

    Returns:
        How many delta rows were written again.
    """
    queries = sql.load("push")
    # A build that wrote a newer state of them at the same time would be followed by an older one.
    hold_writing(conn, children)
    names = {
        "table": delta_id(children),
        "fields": compose.SQL(", ").join(compose.Identifier(rule.name) for rule in children.fields),
    }
    given = {"parents": list(parents), "prefix": prefix, "now": now}
    conn.execute(compose.SQL(queries["retire_children"]).format(**names), given)
    last = superseding.last_delta(conn, children)
    added = conn.execute(compose.SQL(queries["write_again"]).format(**names), given).rowcount
    conn.execute(queries["drop_older"])
    superseding.supersede(conn, children, None, last)
    conn.execute(queries["drop_older"])
    return added
