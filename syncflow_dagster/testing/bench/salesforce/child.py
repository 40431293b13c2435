"""Measurements of the Salesforce benchmark in processes of their own.

Columns are known beforehand, and importing is no part of a measurement.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.salesforce.bulk_reading import read_bulk
from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.nodes.salesforce.reading import read_rest
from syncflow_dagster.testing.bench.memory import peak_of
from syncflow_dagster.testing.bench.salesforce import peer
from syncflow_dagster.testing.bench.salesforce.floor import floor
from syncflow_dagster.testing.bench.salesforce.org import COLUMNS, Org

if TYPE_CHECKING:
    from collections.abc import Callable


class _Watched(SalesforceClient):
    """A client that remembers when the pages of a job were first asked for."""

    pages_from: float | None = None

    def request(self, method: str, path: str, **given: Any) -> Any:
        if self.pages_from is None and path.endswith("/resultPages"):
            self.pages_from = time.perf_counter()
        return super().request(method, path, **given)


def bulk(org: Org, soql: str) -> dict[str, Any]:
    """Read a query by our Bulk 2.0 reading.

    Returns:
        `seconds` from the job to its end, `pages_s` of the lists, pages and batches alone, `rows`,
        and `peak_mb`, the anonymous memory of this process.
    """
    client = _Watched(org.connection)
    with peak_of([os.getpid()]) as peak:
        started = last = time.perf_counter()
        rows = 0
        for batch in read_bulk(client, soql, COLUMNS):
            rows += batch.num_rows
            last = time.perf_counter()
        seconds = time.perf_counter() - started
    client.close()
    assert client.pages_from is not None  # of API versions without lists of pages
    return {
        "seconds": seconds,
        "pages_s": last - client.pages_from,
        "rows": rows,
        "peak_mb": round(peak[0] / 2**20),
    }


def rest(org: Org, soql: str) -> dict[str, Any]:
    """Read a query by our REST reading; return its `seconds` and `rows`."""
    client = SalesforceClient(org.connection)
    started = time.perf_counter()
    rows = sum(batch.num_rows for batch in read_rest(client, soql, COLUMNS))
    seconds = time.perf_counter() - started
    client.close()
    return {"seconds": seconds, "rows": rows}


_TASKS: dict[str, Callable[[Org, str], dict[str, Any]]] = {
    each.__name__: each
    for each in (bulk, rest, floor, peer.bulk2, peer.bulk2_records, peer.query_all)
}


def perform(task: str, org: Org, soql: str) -> dict[str, Any]:
    """Run a task in this process; see :func:`measure`."""
    return _TASKS[task](org, soql)


def measure(task: str, org: Org, soql: str) -> dict[str, Any]:
    """Run a task in a fresh process.

    Args:
        task: Name of a function here, of `floor` or of `peer`.
        org: Where to read.
        soql: What to read.

    Returns:
        What it returned: `seconds` and `rows` at least.

    Raises:
        subprocess.CalledProcessError: The process failed; its own words are on stderr.
    """
    command = [sys.executable, "-m", __name__, task, json.dumps(asdict(org)), soql]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _main() -> None:
    task, org, soql = sys.argv[1:]
    sys.stdout.write(json.dumps(perform(task, Org(**json.loads(org)), soql)) + "\n")


if __name__ == "__main__":
    _main()
