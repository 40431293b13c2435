"""`syncflow bench linkedin`: how long it takes to find the leads that are due.

What a sensor and a turn ask is measured through their own code: which accounts have something to
do, which leads are to be looked at, who is first in each queue, and when the next one is due.
"""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from syncflow_dagster.core.outreach.tiers import BUCKET_OF_KIND
from syncflow_dagster.nodes.linkedin.accounts import due_accounts
from syncflow_dagster.nodes.linkedin.turn_due import DueLeads
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import databases

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.testing.bench.databases import Databases

#: Leads of the small database, which the large one is held against.
SMALL = 10_000
# Times each question is asked of each database; the median counts.
_ROUNDS = 10
_IN_A_ROW = 20
_WARM_UP = 10
_NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
#: As many as a turn takes at once.
_LOOKED_AT = 200
_WORKFLOW, _NODE, _ACCOUNT = "bench", "steps", "unipile:bench/account-1"


def run(rows: int, *, url: str | None = None) -> dict[str, Any]:
    """Measure among `rows` leads, and among few.

    Args:
        rows: Leads.
        url: A server in which databases may be created; None: one of its own.

    Returns:
        `due_ms` and `due_ms_small`: milliseconds of all questions together, the median; their
        `ratio`; milliseconds of each question; how many leads are due.
    """
    with databases(url) as made, ExitStack() as stack:
        few = _filled(made, stack, "small", SMALL)
        many = _filled(made, stack, "large", rows)
        made.settle()
        small, large = _measure(few, many)
        row = many.fetch_one(load("bench_linkedin")["count_due"], {"now": _NOW})
        assert row is not None
    due_ms, due_ms_small = sum(large.values()), sum(small.values())
    return {
        "name": "linkedin",
        "rows": rows,
        "due_ms": round(due_ms, 3),
        "due_ms_small": round(due_ms_small, 3),
        "rows_small": SMALL,
        "ratio": round(due_ms / due_ms_small, 2),
        "due": row["leads"],
        "parts_ms": large,
        "parts_ms_small": small,
    }


def _filled(made: Databases, stack: ExitStack, name: str, rows: int) -> Database:
    """Return a database with so many leads; it is dropped with the others."""
    url = made.create(name)
    database = stack.enter_context(Database(url))
    migrate(database)
    _fill(url, rows)
    return database


def _measure(few: Database, many: Database) -> list[dict[str, float]]:
    """Return the milliseconds of each question, of each database.

    In turns, so that whatever else the machine does meets both; several in a row, as two servers'
    processes that wake in turns are put on different processors, and one of the two then answers
    half as fast, whichever database it is of.
    """
    times: list[list[dict[str, float]]] = [[], []]
    for _ in range(_ROUNDS):
        for one, taken in zip((few, many), times, strict=True):
            asked = [_ask(one) for _ in range(_WARM_UP + _IN_A_ROW)]
            taken.extend(asked[_WARM_UP:])
    return [_medians(each) for each in times]


def _ask(database: Database) -> dict[str, float]:
    """Return the milliseconds of each question, asked once."""
    times = {}
    for question, ask in _questions(database).items():
        began = time.perf_counter()
        ask()
        times[question] = (time.perf_counter() - began) * 1000
    return times


def _medians(times: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {one: round(statistics.median(each[one] for each in times), 3) for one in times[0]}


def _questions(database: Database) -> dict[str, Any]:
    due = DueLeads(database, _ACCOUNT, _WORKFLOW, _NODE)
    queues = list(BUCKET_OF_KIND.values())
    return {
        "accounts": lambda: due_accounts(database, _NOW),
        "to look at": lambda: due.to_look_at(_NOW, _LOOKED_AT),
        "queues": lambda: [due.first(queue, _NOW) for queue in queues],
        "dates": due.dates,
    }


def _fill(url: str, rows: int) -> None:
    """Make leads of all states, a fifth of them due, with no trigger in the way."""
    statements = load("bench_linkedin")
    with psycopg.connect(url) as conn:
        conn.execute("set search_path = syncflow, public")
        conn.execute("set session_replication_role = replica")
        for name in ("accounts", "sequence", "persons", "leads"):
            conn.execute(statements[name].encode(), {"rows": rows, "now": _NOW})
        conn.commit()
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum analyze")
