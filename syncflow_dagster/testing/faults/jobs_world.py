"""A world in which many new items of one group go to the board by a bulk job.

It is the example's workflow with an order book of its own, run as people run it.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from syncflow_dagster.demo.order_book import ORDER_LIST, load_order_book
from syncflow_dagster.demo.world import WORKFLOWS, recreate
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import plain_url
from syncflow_dagster.testing.faults.jobs_cases import CROWD, INVALID
from syncflow_dagster.testing.faults.load_books import Order, write
from syncflow_dagster.testing.faults.world import FaultWorld, fault_world

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

WORKFLOW = "order_list"
#: The group of many new items. It is on the board already, so that its job is the first thing that
#: a run sends.
_CROWDED = "KESTREL GOLF"
#: The other groups, with few items each.
_FEW = {"ALPINE CO": 8, "BÄRENSTARK": 12, "شرکت نمونه": 6}
#: Of so many orders, one has lines.
_EVERY = 40
#: What is added behind which lines of the workflow. monday takes a job's file for ten minutes,
#: which are ten seconds of the sandbox's clock.
_ADDED = {
    "    settle_s: ${MONDAY_SETTLE_S:-65}\n": "    upload_valid_s: 10\n",
    "    board_id: ${MONDAY_BOARD_ID:-9000000001}\n": "    bulk_from: 100\n",
}
#: Settings of the sandbox that cases change.
_SETTINGS: Mapping[str, Any] = {"ingest_rows_per_s": 100, "ingest": {}}


def book() -> list[Order]:
    """Return new orders, most of them of one customer; few have lines."""
    customers = [_CROWDED] * CROWD + [name for name, few in _FEW.items() for _ in range(few)]
    return [
        Order(f"SO-{n:05}", customer, lines=0 if n % _EVERY else 2)
        for n, customer in enumerate(customers)
    ]


@dataclass(frozen=True, slots=True)
class JobsWorld:
    """What every case happens in.

    Attributes:
        inner: Server, sandbox, and the processes that run the workflow.
        workflows: Folder of the workflow.
        orders: SQLAlchemy URL of the order book, by whether monday refuses some of it.
    """

    inner: FaultWorld
    workflows: Path
    orders: Mapping[bool, str]

    def begin(self, settings: Mapping[str, Any], *, invalid: bool = False) -> None:
        """Make the store empty and the board fresh.

        Args:
            settings: Settings of the sandbox.
            invalid: Whether monday is to refuse some of the book.
        """
        self.inner.begin(whole_book=False)
        self.inner.control.settings(**{**_SETTINGS, **settings})
        self.inner.variables["ORDERS_DATABASE_URL"] = self.orders[invalid]
        self.inner.variables["SYNCFLOW_WORKFLOWS"] = str(self.workflows)

    def run(self, crash_at: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the workflow in a process of its own."""
        return self.inner.run(crash_at)


@contextmanager
def jobs_world() -> Iterator[JobsWorld]:
    """Give a world of its own."""
    with fault_world() as inner:
        workflows = inner.home / "workflows"
        write_workflow(workflows)
        orders = {invalid: _orders(inner, workflows, invalid=invalid) for invalid in (False, True)}
        yield JobsWorld(inner, workflows, orders)


def write_workflow(workflows: Path) -> None:
    """Write the example's workflow, in which many new items go by a job, and its book.

    Args:
        workflows: The folder; it need not be there.

    Raises:
        RuntimeError: The example has changed, and a line of it is not found.
    """
    text = (WORKFLOWS / f"{WORKFLOW}.yaml").read_text(encoding="utf-8")
    for line, added in _ADDED.items():
        if text.count(line) != 1:
            msg = f"{WORKFLOW}.yaml has not one line {line.strip()!r}, to add {added.strip()!r}"
            raise RuntimeError(msg)
        text = text.replace(line, line + added)
    folder = workflows / ORDER_LIST.name
    shutil.copytree(ORDER_LIST, folder, ignore=shutil.ignore_patterns("data"))
    (workflows / f"{WORKFLOW}.yaml").write_text(text, encoding="utf-8")
    write(folder / "data", book())


def _orders(inner: FaultWorld, workflows: Path, *, invalid: bool) -> str:
    url = recreate(inner.server.url("postgres"), f"orders_jobs_{'invalid' if invalid else 'valid'}")
    target = plain_url(url, "psycopg")
    load_order_book(target, reset=True, folder=workflows / ORDER_LIST.name)
    queries = sql.load("faults")
    with psycopg.connect(url) as conn:
        conn.execute(queries["fill_statuses"])
        if invalid:
            conn.execute(queries["spoil_emails"], {"orders": INVALID})
    return target
