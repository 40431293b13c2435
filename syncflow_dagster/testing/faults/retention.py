"""Retention killed between its steps: every row stays in exactly one place, and nothing is missed.

This module is also the process that is killed.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from psycopg import sql

from syncflow_dagster.nodes.delta.tables import archive_id, delta_id, prepare
from syncflow_dagster.nodes.retention import RetainOptions, retain
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import a_database_each
from syncflow_dagster.testing.crash import RETENTION_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed, run_module
from syncflow_dagster.workflows.models import Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Records; each has been changed once and is old enough, so that one of its two rows goes.
RECORDS = 5_000
#: The batch at which it is killed: in the middle of the work.
_PASSAGE = 4


def retention_cases() -> dict[str, str]:
    """Return the crash point of each case, by the case's name."""
    return {f"kill -9 at {point}": f"{point}:{_PASSAGE}" for point in RETENTION_POINTS}


def killed_retention(
    wanted: Callable[[str], bool], *, records: int = RECORDS, url: str | None = None
) -> Iterator[FaultResult]:
    """Kill retention at each step, and judge what the next call makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        records: How many records there are.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = [case for case in retention_cases().items() if wanted(case[0])]
    for (name, point), one in a_database_each(chosen, url):
        yield _run(name, point, one, records)


def _run(name: str, point: str, url: str, records: int) -> FaultResult:
    result = FaultResult(name, "F1")
    with Database(url) as database:
        migrate(database)
        _fill(database, records)
    result.error = run_killed(point, __name__, url)
    if result.error:
        return result
    started = time.monotonic()
    again = run_module(__name__, url)
    result.recovery_s = round(time.monotonic() - started, 1)
    if again.returncode != 0:
        result.error = f"the next call failed: {again.stderr[-400:]}"
        return result
    with Database(url) as database:
        found = _judge(database)
        result.second_run_writes = _retain(database)
    result.duplicates = found["twice"]
    result.lost = abs(2 * records - found["rows"]) + abs(records - found["effects"])
    result.unknown = abs(records - found["archived"])
    return result


def _workflow() -> Workflow:
    node = {
        "type": "delta",
        "name": "orders",
        "description": "Orders",
        "source": "pull",
        "entity": "order",
        "table": "orders_delta",
        "key": ["number"],
        "fields": [{"name": "number"}],
    }
    return Workflow.model_validate(
        {
            "workflow": "kept",
            "description": "Orders",
            "owner": "operations",
            "connections": {"book": {"type": "sql", "url": "sqlite://"}},
            "nodes": [node],
        }
    )


def _tables() -> dict[str, sql.Identifier]:
    (node,) = _workflow().deltas
    return {"delta": delta_id(node), "archive": archive_id(node)}


def _fill(database: Database, records: int) -> None:
    workflow = _workflow()
    prepare(database, workflow.workflow, workflow.deltas)
    with database.transaction() as conn:
        for name in ("fill_rows", "fill_effects"):
            statement = sql.SQL(load("faults")[name]).format(**_tables())
            conn.execute(statement, {"records": records})


def _judge(database: Database) -> dict[str, int]:
    statement = sql.SQL(load("faults")["judge_retention"]).format(**_tables())
    with database.transaction() as conn:
        found = conn.execute(statement).fetchone()
    assert found is not None
    return found


def _retain(database: Database) -> int:
    options = RetainOptions(batch=500)
    return retain(database, DatabaseClock(database), _workflow(), options).rows


if __name__ == "__main__":
    with Database(sys.argv[1]) as _database:
        _retain(_database)
