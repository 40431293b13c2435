"""Records with parents, put into the tables of their nodes as builds would leave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg import sql

from syncflow_dagster.nodes.delta.tables import delta_id, prepare, snapshot_id
from syncflow_dagster.workflows.models import Workflow

SINCE = datetime(2026, 5, 1, 12, tzinfo=UTC)

_PUT = """
with given as (
    select key, parent, state, known, deleted, since, n
    from unnest(%(keys)s::text[], %(parents)s::text[], %(states)s::text[], %(known)s::boolean[],
                %(deleted)s::boolean[], %(since)s::timestamptz[])
        with ordinality as given (key, parent, state, known, deleted, since, n)
), batch as (
    insert into batch (workflow, node, status, started_at, finished_at)
    values ('family', %(node)s, 'DONE', %(at)s, %(at)s)
    returning batch_id
), kept as (
    insert into {snapshot} (bk_hash, hash_version, record_uuid, parent_bk_hash, business_key,
                            deleted_at, number)
    select md5(key)::uuid, 1, md5(%(node)s || key)::uuid, md5(parent)::uuid, key,
           case when deleted then since end, key
    from given where known
    on conflict (bk_hash) do update
    set deleted_at = excluded.deleted_at, parent_bk_hash = excluded.parent_bk_hash
)
insert into {delta} (batch_id, record_uuid, generation, operation, state, reason, state_since,
                     bk_hash, parent_bk_hash, business_key, number, belongs_to)
select batch_id, md5(%(node)s || key)::uuid, 1, 'INSERT', state, 'told ' || key, since,
       md5(key)::uuid, md5(parent)::uuid, key, key, parent
from given cross join batch where state is not null order by n
"""


def family(*names, own=()):
    """A workflow of delta nodes, each the parent of the next; those of `own` name themselves."""
    nodes = []
    for place, name in enumerate(names):
        parent = name if name in own else names[place - 1] if place else None
        nodes.append(
            {
                "type": "delta",
                "name": name,
                "description": name,
                "source": f"pull_{name}",
                "entity": name,
                "table": f"{name}_delta",
                "key": ["number"],
                "fields": [{"name": "number"}, {"name": "belongs_to"}],
                **({"parent": {"node": parent, "key": ["belongs_to"]}} if parent else {}),
            }
        )
    return Workflow.model_validate(
        {
            "workflow": "family",
            "description": "made",
            "owner": "somebody",
            "connections": {"source": {"type": "sql", "url": "sqlite:///x.db"}},
            "nodes": nodes,
        }
    )


def prepared(database, workflow):
    prepare(database, workflow.workflow, workflow.deltas)
    return workflow


def record(key, parent=None, *, state="WAITING", known=True, deleted=False, minutes=0):
    return key, parent, state, known, deleted, SINCE + timedelta(minutes=minutes)


def put(database, node, records, *, minutes=0):
    """Put records into a node's tables, as one batch that ended some minutes after `SINCE`."""
    columns = ("keys", "parents", "states", "known", "deleted", "since")
    given = dict(zip(columns, map(list, zip(*records, strict=True)), strict=True))
    statement = sql.SQL(_PUT).format(delta=delta_id(node), snapshot=snapshot_id(node))
    at = SINCE + timedelta(minutes=minutes)
    with database.transaction() as conn:
        conn.execute(statement, {**given, "node": node.name, "at": at})


def states(database, node):
    rows = database.fetch_all(f"select business_key, state from {node.table} order by delta_id")
    return {row["business_key"]: row["state"] for row in rows}
