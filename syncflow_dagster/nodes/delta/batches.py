"""The batch row and the session of a build: one build of a node at a time, none forgotten."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.delta.errors import DeltaBusy
from syncflow_dagster.nodes.delta.report import COUNTS, Stages
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.store.database import Database


@contextmanager
def session(
    database: Database, workflow: str, node: str, wait_ms: int
) -> Iterator[psycopg.Connection[DictRow]]:
    """Open a connection that holds the node's lock until it is closed, by whatever end.

    Args:
        database: Where.
        workflow: The workflow's name.
        node: The node's name.
        wait_ms: How long to wait for the lock. PostgreSQL takes a moment to see that a killed
            process is gone.

    Raises:
        DeltaBusy: Another process holds the lock.
    """
    with database.connect() as conn:
        conn.execute("select set_config('lock_timeout', %s, false)", [f"{wait_ms}ms"])
        try:
            conn.execute(load("delta")["lock_node"], {"workflow": workflow, "node": node})
        except psycopg.errors.LockNotAvailable:
            msg = (
                f"another process builds the delta of {workflow}.{node} right now; try again later"
            )
            raise DeltaBusy(msg) from None
        conn.execute("set lock_timeout = 0")
        # Millions of rows are joined once: no time for compiling, some memory for hashing.
        conn.execute("set jit = off")
        conn.execute("set work_mem = '64MB'")
        yield conn


@dataclass
class Batch:
    """One execution of a build, as its row in `syncflow.batch` tells it.

    Attributes:
        number: The row's id.
        workflow: The workflow's name.
        node: The node's name.
        stages: Times and rows.
        counts: By the names in `COUNTS`.
    """

    number: int
    workflow: str
    node: str
    stages: Stages
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def finish(self, conn: psycopg.Connection[DictRow], clock: Clock) -> None:
        """Write the end of a build that went well, within its transaction."""
        conn.execute(
            load("delta")["finish_batch"],
            {
                "batch": self.number,
                "now": clock.now(),
                "counts": Jsonb(self.counts),
                "stages": Jsonb(self.stages.as_json()),
            },
        )

    def fail(self, database: Database, clock: Clock, error: str) -> None:
        """Write the end of a build that did not."""
        database.execute(
            load("delta")["fail_batch"],
            {
                "batch": self.number,
                "now": clock.now(),
                "error": error,
                "counts": Jsonb(self.counts),
                "stages": Jsonb(self.stages.as_json()),
            },
        )


@contextmanager
def batch(
    conn: psycopg.Connection[DictRow],
    database: Database,
    clock: Clock,
    start: Batch,
    run_id: str | None,
) -> Iterator[Batch]:
    """Begin a batch, and mark it FAILED if the work inside does not come to its end.

    Batches of the node that still run are of dead processes, since the lock is ours.
    """
    names = {"workflow": start.workflow, "node": start.node, "now": clock.now()}
    conn.execute(load("delta")["fail_dead_batches"], names)
    row = conn.execute(load("delta")["start_batch"], {**names, "run_id": run_id}).fetchone()
    assert row is not None
    start.number = row["batch_id"]
    crash_point("delta.started")
    try:
        yield start
    except BaseException as error:
        # Where not even that can be written, the next build of the node does it.
        with suppress(psycopg.Error):
            start.fail(database, clock, f"{type(error).__name__}: {error}")
        raise
