"""`syncflow bench linkedin`: how long it takes to find the leads that are due.

What a sensor and a turn ask is measured through their own code: which accounts have something to
do, which leads are to be looked at, who is first in each queue, and when the next one is due.
"""

from __future__ import annotations

import statistics
import time
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
    from syncflow_dagster.testing.bench.databases import Databases

#: Leads of the small database, which the large one is held against.
SMALL = 10_000
#: Times each question is asked; the median counts.
_REPEATS = 200
_WARM_UP = 20
_NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
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
    with databases(url) as made:
        small = _measure(made, "small", SMALL)
        large = _measure(made, "large", rows)
    return {
        "name": "linkedin",
        "rows": rows,
        "due_ms": large["due_ms"],
        "due_ms_small": small["due_ms"],
        "rows_small": SMALL,
        "ratio": round(large["due_ms"] / small["due_ms"], 2),
        "due": large["due"],
        "made_s": large["made_s"],
        "parts_ms": large["parts_ms"],
        "parts_ms_small": small["parts_ms"],
    }


def _measure(made: Databases, name: str, rows: int) -> dict[str, Any]:
    url = made.create(name)
    with Database(url) as database:
        migrate(database)
        began = time.perf_counter()
        _fill(url, rows)
        made_s = time.perf_counter() - began
        made.settle()
        parts = {question: _median_ms(ask) for question, ask in _questions(database).items()}
        row = database.fetch_one(load("bench_linkedin")["count_due"], {"now": _NOW})
        assert row is not None
    made.drop(url)
    return {
        "due_ms": round(sum(parts.values()), 3),
        "parts_ms": parts,
        "made_s": round(made_s, 1),
        "due": row["leads"],
    }


def _questions(database: Database) -> dict[str, Any]:
    due = DueLeads(database, _ACCOUNT, _WORKFLOW, _NODE)
    queues = list(BUCKET_OF_KIND.values())
    return {
        "accounts": lambda: due_accounts(database, _NOW),
        "to look at": lambda: due.to_look_at(_NOW, _LOOKED_AT),
        "queues": lambda: [due.first(queue, _NOW) for queue in queues],
        "dates": due.dates,
    }


def _median_ms(ask: Any) -> float:
    times = []
    for number in range(_WARM_UP + _REPEATS):
        began = time.perf_counter()
        ask()
        if number >= _WARM_UP:
            times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 3)


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
