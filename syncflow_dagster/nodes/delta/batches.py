"""The batch row and the session of a build: one build of a key at a time, none forgotten."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg.types.json import Jsonb

from syncflow_dagster.nodes.delta.locks import claim
from syncflow_dagster.nodes.delta.report import COUNTS, Stages
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.delta.cursor import Strategy
    from syncflow_dagster.nodes.delta.parts import Part
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models.delta import DeltaNode


@contextmanager
def session(
    database: Database, workflow: str, node: DeltaNode, part: Part, wait_ms: int
) -> Iterator[psycopg.Connection[DictRow]]:
    """Open a connection that keeps others from building a range until it is closed, by any end.

    Args:
        database: Where.
        workflow: The workflow's name.
        node: The node; its tables are there.
        part: Range of keys that is built.
        wait_ms: See :func:`claim`.

    Raises:
        DeltaBusy: Another process builds some of its keys.
    """
    with database.connect() as conn:
        claim(conn, workflow, node, part, wait_ms)
        # Millions of rows are joined once: no time for compiling, some memory for hashing.
        conn.execute("set jit = off")
        conn.execute("set work_mem = '64MB'")
        # Values are told as of UTC; elsewhere, Python could not show the end of the year 9999.
        conn.execute("set timezone = 'UTC'")
        yield conn


@dataclass
class Batch:
    """One execution of a build, as its row in `syncflow.batch` tells it.

    Attributes:
        number: The row's id.
        workflow: The workflow's name.
        node: The node's name.
        part: Range of keys that is built.
        stages: Times and rows.
        counts: By the names in `COUNTS`.
    """

    number: int
    workflow: str
    node: str
    part: Part
    stages: Stages
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    def superseded(self, conn: psycopg.Connection[DictRow], earlier: int) -> bool:
        """Tell whether an earlier batch, or one after it that read such keys, came to its end."""
        names = {
            "workflow": self.workflow,
            "node": self.node,
            "earlier": earlier,
            "part": self.part.number,
            "parts": self.part.parts,
        }
        return conn.execute(load("delta")["find_later"], names).fetchone() is not None

    def resume(self, conn: psycopg.Connection[DictRow], earlier: int) -> None:
        """Note the batch whose chunks this one goes on with."""
        names = {"batch": self.number, "earlier": earlier}
        conn.execute(load("delta")["resume_batch"], names)

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
        self.counts["read"] = self.stages.rows("extract")
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


def last_read(
    conn: psycopg.Connection[DictRow], workflow: str, node: str, strategy: Strategy
) -> int | None:
    """Return how many rows the last read of a kind gave, None if there was none."""
    names = {"workflow": workflow, "node": node, "strategy": strategy}
    row = conn.execute(load("delta")["last_read"], names).fetchone()
    return None if row is None else row["rows"]


@contextmanager
def batch(
    conn: psycopg.Connection[DictRow],
    database: Database,
    clock: Clock,
    start: Batch,
    run_id: str | None,
    strategy: Strategy,
) -> Iterator[Batch]:
    """Begin a batch, and mark it FAILED if the work inside does not come to its end.

    Batches of these keys that still run are of dead processes, since the range is ours.
    """
    names = {
        "workflow": start.workflow,
        "node": start.node,
        "part": start.part.number,
        "parts": start.part.parts,
        "now": clock.now(),
        "run_id": run_id,
        "strategy": strategy,
    }
    conn.execute(load("delta")["fail_dead_batches"], names)
    row = conn.execute(load("delta")["start_batch"], names).fetchone()
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
