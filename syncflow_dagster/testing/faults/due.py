"""The search for due records killed between its steps: each record goes once for its due time.

This module is also the process that is killed.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg import sql

from syncflow_dagster.nodes.delta.build import build_delta
from syncflow_dagster.nodes.delta.tables import delta_id
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.nodes.triggers.due_records import take_due
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import a_database_each
from syncflow_dagster.testing.crash import DUE_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Records, all of them due.
RECORDS = 5_000
#: The batch at which it is killed: in the middle of the work.
_PASSAGE = 3
_BATCH = 500
_WORKFLOW = "killed"
_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


class _Earlier:
    """A clock that stands still before any record is due."""

    def now(self) -> datetime:
        """Return its time."""
        return _BEFORE

    def sleep(self, seconds: float) -> None:
        """Wait in real time, for a database that is busy."""
        time.sleep(seconds)


def due_cases() -> dict[str, str]:
    """Return the crash point of each case, by the case's name."""
    return {f"kill -9 at {point}": f"{point}:{_PASSAGE}" for point in DUE_POINTS}


def killed_searches(
    wanted: Callable[[str], bool], *, records: int = RECORDS, url: str | None = None
) -> Iterator[FaultResult]:
    """Kill a search for due records at each step, and judge what the next one makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        records: How many records there are.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = [case for case in due_cases().items() if wanted(case[0])]
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
    with Database(url) as database:
        started = time.monotonic()
        _take(database)
        result.recovery_s = round(time.monotonic() - started, 1)
        judge(database, records, result)
        result.second_run_writes = _take(database)
    return result


def judge(database: Database, records: int, result: FaultResult) -> None:
    """Note in a result which records went twice or not at all, and which are due still."""
    statement = sql.SQL(load("faults")["judge_due"]).format(delta=delta_id(_node()))
    with database.transaction() as conn:
        found = conn.execute(statement).fetchone()
    assert found is not None
    result.duplicates = found["rows"] - found["records"]
    result.lost = records - found["records"]
    result.unknown = found["left"]


def _node() -> DeltaNode:
    return DeltaNode.model_validate(
        {
            "type": "delta",
            "name": "subscriptions",
            "description": "Subscriptions",
            "source": "pull",
            "entity": "subscription",
            "table": "subscriptions_delta",
            "key": ["number"],
            "fields": [{"name": "number"}, {"name": "renews_at", "type": "datetime"}],
            "due": {"at": "renews_at"},
        }
    )


def _fill(database: Database, records: int) -> None:
    """Make records known that were not due then, and are by now."""
    rows = [
        {"number": str(number), "renews_at": _BEFORE + timedelta(minutes=1 + number % 60)}
        for number in range(records)
    ]
    source = GivenRows(pa.Table.from_pylist(rows).to_batches())
    build_delta(database, _WORKFLOW, _node(), source, parent=None, clock=_Earlier())


def _take(database: Database) -> int:
    clock = DatabaseClock(database)
    return take_due(database, clock, _WORKFLOW, _node(), None, batch=_BATCH).due


if __name__ == "__main__":
    with Database(sys.argv[1]) as _database:
        _take(_database)
