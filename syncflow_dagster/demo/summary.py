"""The demo's summary: what reached the board by the sandbox's log, and where the rest stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql as compose

from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.nodes.sources import open_source
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syncflow_dagster.store.database import Database
    from syncflow_dagster.testing.judge import Judgement
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import MondayPushNode, Workflow

_EXPLAINED = ("DEAD", "HELD", "WAITING", "FAILED", "PENDING", "PUSHING")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One record that did not reach the board, and why."""

    entity: str
    record: str
    customer: str | None
    state: str
    reason: str


@dataclass(slots=True)
class Standing:
    """Where all records of one workflow stand.

    Attributes:
        numbers: headers, lines, groups, items, subitems, synced, dead, held, waiting, unknown.
        trouble: Every record that is not synced, with its reason.
        lost: Records the source holds that are neither at the board nor explained.
    """

    numbers: dict[str, int]
    trouble: list[Trouble] = field(default_factory=list)
    lost: int = 0


def count_source(loaded: LoadedWorkflow, database: Database) -> dict[str, int]:
    """Count the rows each delta node's source gives now, by reading it once more.

    Args:
        loaded: The workflow.
        database: The store, which may be a source too.

    Returns:
        Rows by the delta node's name.
    """
    rows = {}
    for node in loaded.workflow.deltas:
        pieces = open_source(loaded, node, database).read(Position())
        rows[node.name] = sum(piece.batch.num_rows for piece in pieces)
    return rows


def standing(
    database: Database, workflow: Workflow, judged: Judgement, source_rows: Mapping[str, int]
) -> Standing:
    """Hold our tables against the source and the log.

    Args:
        database: The store.
        workflow: A workflow with one push node.
        judged: The log of the board it pushes to.
        source_rows: See :func:`count_source`; counted by somebody else than the delta.
    """
    push = workflow.pushes[0]
    headers, lines = _nodes(workflow, push)
    states: dict[str, int] = {}
    result = Standing({})
    counted = []
    for node in (headers, lines):
        if node is None:
            counted.append(0)
            continue
        rows = _states(database, node)
        counted.append(sum(rows.values()))
        for state, number in rows.items():
            states[state] = states.get(state, 0) + number
        result.trouble += _trouble(database, node)
        result.lost += _lost(database, node, rows, judged)
        counts = _last_counts(database, workflow, node)
        result.lost += _unaccounted(
            counts, source_rows[node.name], is_unpivoted=node.unpivot is not None
        )
    rejections = _rejections(database, workflow)
    result.trouble += rejections
    unknown = database.fetch_all(
        sql.load("summary")["unknown_effects"], {"workflow": workflow.workflow}
    )
    result.numbers = {
        "headers": counted[0],
        "lines": counted[1],
        **{kind: judged.counts[kind] for kind in ("groups", "items", "subitems")},
        "synced": states.get("SYNCED", 0),
        "dead": states.get("DEAD", 0) + len(rejections),
        "held": states.get("HELD", 0),
        "waiting": states.get("WAITING", 0),
        "unknown": len(unknown),
    }
    return result


def _nodes(workflow: Workflow, push: MondayPushNode) -> tuple[DeltaNode, DeltaNode | None]:
    headers = workflow.node(push.items.source)
    lines = workflow.node(push.subitems.source) if push.subitems else None
    assert isinstance(headers, DeltaNode)
    assert lines is None or isinstance(lines, DeltaNode)
    return headers, lines


def _statement(name: str, table: str) -> compose.Composed:
    text: Any = sql.load("summary")[name]
    return compose.SQL(text).format(table=compose.Identifier(table))


def _query(
    database: Database, statement: compose.Composed, params: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    with database.transaction() as conn:
        return conn.execute(statement, params).fetchall()


def _states(database: Database, node: DeltaNode) -> dict[str, int]:
    rows = _query(database, _statement("rows_by_state", node.table))
    return {row["state"]: row["rows"] for row in rows}


def _trouble(database: Database, node: DeltaNode) -> list[Trouble]:
    rows = _query(
        database,
        _statement("rows_in_state", node.table),
        {"states": list(_EXPLAINED), "limit": 1_000},
    )
    return [
        Trouble(
            node.entity, row["business_key"], row["customer"], row["state"], row["reason"] or ""
        )
        for row in rows
    ]


def _rejections(database: Database, workflow: Workflow) -> list[Trouble]:
    rows = database.fetch_all(
        sql.load("summary")["open_rejections"], {"workflow": workflow.workflow}
    )
    return [
        Trouble(
            _entity(workflow, row["node"]),
            row["business_key"] or f"row {row['row_number']}",
            row["customer"],
            "DEAD",
            f"{row['column_name']}: {row['reason']}",
        )
        for row in rows
    ]


def _entity(workflow: Workflow, name: str) -> str:
    node = workflow.node(name)
    return node.entity if isinstance(node, DeltaNode) else name


def _lost(database: Database, node: DeltaNode, states: dict[str, int], judged: Judgement) -> int:
    synced = _query(database, _statement("synced_records", node.table))
    not_there = sum(judged.live[str(row["record_uuid"])] < 1 for row in synced)
    return not_there + sum(states.get(state, 0) for state in ("PENDING", "PUSHING", "FAILED"))


def _last_counts(database: Database, workflow: Workflow, node: DeltaNode) -> dict[str, int]:
    batch = database.fetch_one(
        sql.load("summary")["last_batch"],
        {"workflow": workflow.workflow, "node": node.name},
    )
    counts: dict[str, int] = batch["counts"] if batch else {}
    return counts


def _unaccounted(counts: dict[str, int], source_rows: int, *, is_unpivoted: bool) -> int:
    """Return the rows of the source that the delta build neither kept nor explained.

    Args:
        counts: What the last build says.
        source_rows: Rows the source really gives.
        is_unpivoted: Whether a row makes several records: then no row may have gone unread, and
            no record unexplained.
    """
    kept = sum(
        counts.get(name, 0) for name in ("inserted", "updated", "same", "rejected", "duplicates")
    )
    unread = max(0, source_rows - counts.get("read", 0))
    records = counts.get("records", 0) if is_unpivoted else source_rows - unread
    return unread + max(0, records - kept)
