"""From a row that is inserted as PENDING to the start of the run that pushes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from psycopg import sql as compose

from syncflow_dagster.nodes.delta.tables import prepare
from syncflow_dagster.store import sql
from syncflow_dagster.testing.bench.idle import folder
from syncflow_dagster.testing.bench.idle.stack import Stack, StackFailedError
from syncflow_dagster.workflows.loader import load_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syncflow_dagster.store.database import Database

_STARTS_WITHIN_S = 180.0
_POLL_S = 0.2
#: Seconds between two inserts beside the run, different each time: ticks come in even steps.
_PHASE_S, _LONGEST_PHASE_S = 3.7, 10.0


def create_tables(database: Database, workflows: Path, variables: Mapping[str, str]) -> None:
    """Create the delta tables, as each workflow's first run does.

    Raises:
        StackFailedError: A workflow file is broken.
    """
    loaded = load_folder(workflows, variables)
    if loaded.broken:
        msg = f"a workflow of the benchmark is broken: {loaded.broken[0].problems[0]}"
        raise StackFailedError(msg)
    for one in loaded.workflows:
        prepare(database, one.workflow.workflow, one.workflow.deltas)


def check_ticks(stack: Stack, database: Database) -> None:
    """Make sure that a stack is idle because it has nothing to do, not because it is broken.

    Raises:
        StackFailedError: Its sensors do not tick.
    """
    row = database.fetch_one(sql.load("bench_idle")["count_ticks"])
    if row is None or not row["number"]:
        said = stack.log.read_text(errors="replace")[-3_000:]
        msg = f"no sensor of the stack has ticked; it said:\n{said}"
        raise StackFailedError(msg)


def measure(stack: Stack, database: Database, numbers: Sequence[int]) -> list[float]:
    """Insert a row into one workflow after the other, each when the run before has ended.

    Args:
        stack: The stack that is to notice.
        database: Its database.
        numbers: The workflows, by number.

    Returns:
        Seconds from each row's commit to its run's start, as Dagster has recorded it.

    Raises:
        StackFailedError: A row's run did not start, or did not end.
    """
    latencies = []
    for turn, number in enumerate(numbers):
        time.sleep(turn * _PHASE_S % _LONGEST_PHASE_S)
        _insert(database, number)
        committed = datetime.now(UTC)
        latencies.append(_started(stack, database, number, committed) - committed.timestamp())
    return latencies


def _insert(database: Database, number: int) -> None:
    queries = sql.load("bench_idle")
    table = compose.Identifier("syncflow", folder.table(number))
    insert = compose.SQL(queries["insert_pending"]).format(table=table)
    with database.transaction() as conn:
        workflow = {"workflow": folder.name(number)}
        batch = conn.execute(queries["open_batch"], workflow).fetchone()
        assert batch is not None
        conn.execute(insert, batch)


def _started(stack: Stack, database: Database, number: int, since: datetime) -> float:
    # Dagster keeps times without a zone, in UTC.
    values = {"workflow": folder.name(number), "since": since.replace(tzinfo=None)}
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline:
        run = database.fetch_one(sql.load("bench_idle")["first_run"], values)
        if run is not None and run["end_time"] is not None:
            return float(run["start_time"])
        time.sleep(_POLL_S)
    said = stack.log.read_text(errors="replace")[-3_000:]
    msg = f"no run of {folder.name(number)} within {_STARTS_WITHIN_S:g} s; the stack said:\n{said}"
    raise StackFailedError(msg)
