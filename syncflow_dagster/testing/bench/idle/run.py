"""`syncflow bench idle`: a stack without workflows and one with many, both idle, side by side.

Both run at once on the same machine, each with its own PostgreSQL, code server, daemon and
webserver, so that what disturbs one disturbs the other. Then rows are inserted, and it is measured
how long their runs take to start.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.database import Database
from syncflow_dagster.supervisor.daemon import READ_EVERY_S
from syncflow_dagster.testing.bench.idle import folder, latency
from syncflow_dagster.testing.bench.idle.stack import Stack, running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds for which both idle, in which the daemon reads all definitions once; before, they load
SECONDS, WARM_UP_S = READ_EVERY_S, 60
INSERTS = 10


def run(
    workflows: int,
    *,
    seconds: int = SECONDS,
    warm_up_s: int = WARM_UP_S,
    inserts: int = INSERTS,
) -> dict[str, Any]:
    """Measure what workflows with nothing to do cost, and how soon one starts when it has.

    Args:
        workflows: How many.
        seconds: For how long both stacks are watched.
        warm_up_s: Seconds before that.
        inserts: Rows inserted, each into another workflow.

    Returns:
        See docs/reference/benchmark.md.

    Raises:
        syncflow_dagster.testing.bench.idle.stack.StackFailedError: A stack did not start, or did
            not start a run.
    """
    with ExitStack() as stack:
        top = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncflow-idle-")))
        top.chmod(0o711)  # started by root, the server runs under another account
        variables = _world(stack, top, workflows)
        empty = stack.enter_context(running(top / "empty", variables))
        full = stack.enter_context(running(top / "full", variables))
        database = stack.enter_context(Database(stack.enter_context(full.database_url())))
        latency.create_tables(database, top / "full" / "workflows", variables)
        time.sleep(warm_up_s)
        latency.check_ticks(full, database)
        shares = _watch({"empty": empty, "full": full}, seconds)
        numbers = [each for each in range(workflows) if folder.opens_at_once(each)]
        latencies = latency.measure(full, database, numbers[:inserts])
    return as_json(workflows, seconds, shares, latencies)


def _world(stack: ExitStack, top: Path, workflows: int) -> dict[str, str]:
    """Write both folders of workflows and start the service they would push to."""
    now = datetime.now(UTC)
    for name, number in (("empty", 0), ("full", workflows)):
        (top / name).mkdir()
        (top / name).chmod(0o711)
        folder.write(top / name / "workflows", number, now)
    boards = top / "boards.json"
    boards.write_text(json.dumps(folder.seed(workflows)), encoding="utf-8")
    sandbox = stack.enter_context(SandboxServer([boards]))
    token = sandbox.urls["tokens"]["monday"]["personal"]
    return {"MONDAY_URL": sandbox.urls["monday"], "MONDAY_TOKEN": token}


def _watch(stacks: Mapping[str, Stack], seconds: float) -> dict[str, dict[str, float]]:
    """Return the share of one core that each kind of process took, by stack."""
    began = time.monotonic()
    before = {name: stack.cpu_seconds() for name, stack in stacks.items()}
    time.sleep(seconds)
    after = {name: stack.cpu_seconds() for name, stack in stacks.items()}
    passed = time.monotonic() - began
    return {name: _shares(before[name], after[name], passed) for name in stacks}


def _shares(
    before: Mapping[str, float], after: Mapping[str, float], passed: float
) -> dict[str, float]:
    return {kind: (after[kind] - before.get(kind, 0.0)) / passed for kind in sorted(after)}


def as_json(
    workflows: int,
    seconds: float,
    shares: Mapping[str, Mapping[str, float]],
    latencies: Sequence[float],
) -> dict[str, Any]:
    """Return the answer.

    Args:
        workflows: How many there were.
        seconds: How long both were watched.
        shares: Shares of one core, by stack (`empty`, `full`) and kind of process.
        latencies: Seconds from row to run.
    """
    full, empty = (sum(shares[name].values()) for name in ("full", "empty"))
    milliseconds = [round(1_000 * one) for one in latencies]
    return {
        "name": "idle",
        "rows": workflows,
        "seconds": seconds,
        "core_share": round(full, 4),
        "core_share_empty": round(empty, 4),
        "core_share_added": round(full - empty, 4),
        "latency_ms_median": round(median(milliseconds)),
        "latency_ms_worst": max(milliseconds),
        "latencies_ms": milliseconds,
        "parts": {
            kind: {
                "core_share": round(share, 4),
                "core_share_empty": round(shares["empty"].get(kind, 0.0), 4),
            }
            for kind, share in shares["full"].items()
        },
    }
