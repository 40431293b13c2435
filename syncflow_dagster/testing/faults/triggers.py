"""Due times on their way to a run, killed between the steps: each is read for once, none left out.

This module is also the process that is killed. It does what ticks and runs do, by a clock of its
own, and reads intervals into a table, in the transaction that moves on how far they are read.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.delta.parts import Part
from syncflow_dagster.nodes.triggers import intervals, slots
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import a_database_each
from syncflow_dagster.testing.crash import TRIGGER_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.timing import rule_of, time_triggers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from psycopg.rows import DictRow

#: Hourly due times; at the third it is killed, and the next one begins with the last.
HOURS = 6
_PASSAGE = 3
_FIRST = datetime(2026, 11, 2, 8, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def trigger_cases() -> dict[str, str]:
    """Return the crash point of each case, by the case's name."""
    return {f"kill -9 at {point}": f"{point}:{_PASSAGE}" for point in TRIGGER_POINTS}


def killed_triggers(
    wanted: Callable[[str], bool], *, url: str | None = None
) -> Iterator[FaultResult]:
    """Kill what serves due times at each step, and judge what the next one makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = [case for case in trigger_cases().items() if wanted(case[0])]
    for (name, point), one in a_database_each(chosen, url):
        yield _run(name, point, one)


def _run(name: str, point: str, url: str) -> FaultResult:
    result = FaultResult(name, "F1")
    with Database(url) as database:
        migrate(database)
        database.execute(load("faults_triggers")["make_reads"])
    result.error = run_killed(point, __name__, url)
    if result.error:
        return result
    with Database(url) as database:
        started = time.monotonic()
        _serve_all(database, HOURS - 1)
        result.recovery_s = round(time.monotonic() - started, 1)
        _judge(database, result)
        result.second_run_writes = _serve_all(database, HOURS - 1)
    return result


def _judge(database: Database, result: FaultResult) -> None:
    reads = database.fetch_all(load("faults_triggers")["reads"])
    result.duplicates, gaps = overlaps_and_gaps(
        [(row["read_from"], row["read_to"]) for row in reads]
    )
    due = {_FIRST + hour * _HOUR for hour in range(HOURS)}
    result.lost = gaps + len(due - {row["read_to"] for row in reads})
    unserved = database.fetch_one(load("faults_triggers")["unserved"])
    assert unserved is not None
    result.unknown = unserved["slots"]


def overlaps_and_gaps(
    reads: Sequence[tuple[datetime | None, datetime]],
) -> tuple[int, int]:
    """Count how often a moment was read that had been read before, and how often one was left out.

    Args:
        reads: Start, exclusive, and end, inclusive, of each read, in the order of reading; without
            a start it begins with the first row.
    """
    starts = [start for start, _ in reads]
    overlaps = sum(start is None for start in starts[1:])
    gaps = int(bool(reads) and starts[0] is not None)
    for (_, end), (start, _) in pairwise(reads):
        if start is not None:
            overlaps += start < end
            gaps += start > end
    return overlaps, gaps


def _workflow() -> Workflow:
    trigger = {"type": "cron", "name": "hourly", "cron": "0 * * * *", "missed": "all"}
    pull = {
        "type": "pull",
        "name": "sales",
        "description": "Sales",
        "connection": "till",
        "query": "sales.sql.j2",
    }
    return Workflow.model_validate(
        {
            "workflow": "killed",
            "description": "Sales",
            "owner": "sales",
            "connections": {"till": {"type": "sql", "url": "sqlite://"}},
            "nodes": [pull],
            "triggers": [trigger],
        }
    )


def _serve_all(database: Database, hour: int) -> int:
    """Tick from an hour on, and run what comes of it; return how many intervals were read."""
    workflow = _workflow()
    (trigger,) = time_triggers(workflow)
    served = 0
    for row in database.fetch_all(load("faults_triggers")["crashed"]):
        # As Dagster repeats a run that crashed.
        served += _read(database, row["slot_id"], row["due_at"], "repeated", row["run_id"])
    for place in range(hour, HOURS):
        tick = _FIRST + place * _HOUR
        now = tick + 2 * slots.PATIENCE
        rule = rule_of(workflow, trigger)
        slots.note_due(database, workflow, trigger, rule, now, begin=tick)
        while found := slots.next_to_start(database, workflow, now, lambda due: due):
            for slot in found:
                if slots.request(database, slot.slot_id, now):
                    run_id = f"run for {slot.due_at:%H:%M}"
                    served += _read(database, slot.slot_id, slot.due_at, run_id, None)
    return served


def _read(database: Database, slot_id: int, due_at: datetime, run_id: str, root: str | None) -> int:
    if slots.take(database, slot_id, run_id, root, due_at) is not None:
        return 0
    given = ("killed", "sales", Part(), "sales")
    with database.transaction() as conn:
        interval = intervals.plan(conn, *given, due_at, everything=False)
        read: DictRow = {"read_from": interval.start, "read_to": interval.end, "slot_id": slot_id}
        conn.execute(load("faults_triggers")["note_read"], read)
        intervals.keep(conn, *given, interval, run_id, due_at)
    return 1


if __name__ == "__main__":
    with Database(sys.argv[1]) as _database:
        _serve_all(_database, 0)
