"""A pull from Salesforce disturbed in the middle: no record missing, none twice.

A fake org of many records is read over HTTP into a delta, by Bulk API 2.0 or by REST; what the
tables hold then is compared, row by row, with what an undisturbed build makes of the same org. This
module is also the process that is killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.delta import marks
from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta
from syncflow_dagster.nodes.pull.salesforce_marks import place_of
from syncflow_dagster.nodes.salesforce.client import SalesforceClient, resource
from syncflow_dagster.nodes.sources import open_source
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import Databases, databases
from syncflow_dagster.testing.crash import VARIABLE
from syncflow_dagster.testing.faults.deltas import hashes
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_module
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file
from syncflow_dagster.workflows.models import SalesforceConnection

if TYPE_CHECKING:
    import subprocess
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping

    from syncflow_dagster.workflows.models import DeltaNode

#: Three pages of Bulk API 2.0, each a chunk of the delta; seventy-five of REST.
ROWS = 150_000
_WORKFLOW, _OBJECT = "invoices", "Invoice__c"
_VERSION = "64.0"
_FILE = """
workflow: invoices
description: Invoices of an org
owner: operations
connections:
  crm:
    type: salesforce
    url: ${CRM_URL}
    api_version: "VERSION"
    auth: {type: client_credentials, client_id: "${CRM_ID}", client_secret: "${CRM_SECRET}"}
nodes:
  - type: salesforce_pull
    name: pull
    description: Invoices
    connection: crm
    object: Invoice__c
    fields: [Id, Name, SystemModstamp]
    api: API
  - type: delta
    name: rows
    description: Invoices
    source: pull
    entity: invoice
    table: invoices
    key: [id]
    duplicates: last
    detection: {strategy: rowversion, rowversion: changed_at}
    fields:
      - {name: id, column: Id}
      - {name: name, column: Name}
      - {name: changed_at, column: SystemModstamp, type: datetime}
"""


@dataclass(frozen=True, slots=True)
class PullCase:
    """A pull that is disturbed.

    Attributes:
        number: The kind of fault.
        api: How it reads.
        crash_at: Where it is killed; None: it is not.
        fault: What the org does meanwhile.
        forgets: Whether the org has dropped the bulk job before the next read goes on.
        chunks: Chunks of the build that broke off which the next one must not read again.
        version: API version of the org; below 58.0, pages of bulk results come one by one.
    """

    number: str
    api: str
    crash_at: str | None = None
    fault: Mapping[str, Any] = field(default_factory=dict)
    forgets: bool = False
    chunks: int = 0
    version: str = _VERSION


_DAILY = {"kind": "throttle", "limit": "daily"}
#: Pages come one after the other, so that it is the last one that is refused.
_IN_TURN = "57.0"
_THIRD = {**_DAILY, "op": "bulk_results", "nth": 3}


def pull_cases() -> dict[str, PullCase]:
    """Return the cases by their names."""
    cut_off = {"kind": "lost_reply", "op": "bulk_results", "nth": 3, "times": 1}
    return {
        "kill -9 at pull.job_made": PullCase("F1", "bulk", "pull.job_made"),
        "kill -9 at pull.page_read, bulk": PullCase("F1", "bulk", "pull.page_read:2"),
        "kill -9 at pull.page_read, REST": PullCase("F1", "rest", "pull.page_read:60"),
        "reply of a page cut off, pull by bulk": PullCase("F3", "bulk", fault=cut_off),
        "daily requests used up in mid-read, pull by REST": PullCase(
            "F8", "rest", fault={**_DAILY, "op": "query_more", "nth": 60}, chunks=1
        ),
        "daily requests used up in mid-read, pull by bulk": PullCase(
            "F8", "bulk", fault=_THIRD, chunks=1, version=_IN_TURN
        ),
        "bulk query's results gone when a pull goes on": PullCase(
            "F12", "bulk", fault=_THIRD, forgets=True, version=_IN_TURN
        ),
        "session ended in mid-job, pull by bulk": PullCase(
            "F23", "bulk", fault={"kind": "expired_session", "op": "bulk_results", "nth": 2}
        ),
    }


def disturbed_pulls(
    wanted: Callable[[str], bool], *, rows: int = ROWS, url: str | None = None
) -> Iterator[FaultResult]:
    """Disturb pulls, and judge what the next build makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        rows: How many records the org has; of less than `ROWS`, nothing is there to read on.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = {name: case for name, case in pull_cases().items() if wanted(name)}
    if not chosen:
        return
    with (
        databases(url) as server,
        tempfile.TemporaryDirectory(prefix="syncflow-fault-") as folder,
        SandboxServer() as sandbox,
        closing(ControlClient(sandbox.urls["control"])) as control,
    ):
        control.seed({"bulk_rows": {"object": _OBJECT, "rows": rows}}, service="salesforce")
        world = _World(server, Path(folder), control, _secrets(sandbox))
        world.begin()
        for number, (name, case) in enumerate(chosen.items()):
            yield world.run(FaultResult(name, case.number), case, f"case{number}", rows)


def _secrets(sandbox: SandboxServer) -> dict[str, str]:
    tokens = sandbox.urls["tokens"]["salesforce"]
    return {
        "CRM_URL": sandbox.urls["salesforce"],
        "CRM_ID": tokens["client_id"],
        "CRM_SECRET": tokens["client_secret"],
    }


@dataclass
class _World:
    """An org, and what undisturbed builds make of it, and of how many requests."""

    server: Databases
    folder: Path
    control: ControlClient
    secrets: Mapping[str, str]
    calm: dict[str, Counter[int]] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Build undisturbed, by either API."""
        for api in ("bulk", "rest"):
            self._write(api)
            store = self._store(f"calm_{api}")
            before = self._sent()
            self._process(store, f"home_{api}", {}).check_returncode()
            self.requests[api] = self._sent() - before
            self.calm[api] = hashes(store, self._node())
            self.server.drop(store)

    def run(self, result: FaultResult, case: PullCase, name: str, rows: int) -> FaultResult:
        """Disturb one pull."""
        self._write(case.api, case.version)
        store, before = self._store(name), self._sent()
        if case.fault:
            self.control.faults(service="salesforce", **case.fault)
        first = self._process(store, name, {VARIABLE: case.crash_at or ""})
        started = time.monotonic()
        self.control.clear_faults()
        if case.crash_at and first.returncode != -signal.SIGKILL:
            result.error = f"{case.crash_at} did not kill it: {first.stderr[-400:]}"
            return result
        if case.forgets:
            self._forget(name)
        again = self._process(store, name, {}) if first.returncode else first
        result.recovery_s = round(time.monotonic() - started, 1)
        if again.returncode != 0:
            result.error = f"the build after it failed: {again.stderr[-400:]}"
            return result
        result.extra_calls = max(0, self._sent() - before - self.requests[case.api])
        resumed = int(again.stdout.split()[-1])
        if rows >= ROWS and resumed < case.chunks:
            result.broken.append(f"it went on behind {resumed} chunks, not {case.chunks}")
        self._judge(result, store, name)
        return result

    def _judge(self, result: FaultResult, store: str, name: str) -> None:
        found = hashes(store, self._node())
        # Whatever it reads by: both give the same.
        calm = self.calm["bulk"]
        result.duplicates = (found - calm).total()
        result.lost = (calm - found).total()
        with Database(store) as database:
            row = database.fetch_one(load("faults")["running_batches"])
        result.unknown = 0 if row is None else row["batches"]
        last = self._process(store, name, {})
        result.second_run_writes = int(last.stdout.split()[0])
        self.server.drop(store)

    def _write(self, api: str, version: str = _VERSION) -> None:
        text = _FILE.replace("api: API", f"api: {api}").replace("VERSION", version)
        self.folder.joinpath(f"{_WORKFLOW}.yaml").write_text(text, "utf-8")

    def _node(self) -> DeltaNode:
        (node,) = _loaded(self.folder, self.secrets).workflow.deltas
        return node

    def _store(self, name: str) -> str:
        url = self.server.create(name)
        with Database(url) as database:
            migrate(database)
        return url

    def _sent(self) -> int:
        sent: int = self.control.stats()["salesforce"]["requests"]
        return sent

    def _process(
        self, store: str, name: str, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        environ = {**self.secrets, **variables}
        return run_module(__name__, store, self.folder, self.folder / name, environ=environ)

    def _forget(self, name: str) -> None:
        """Let the org drop the bulk job that a build has begun to read."""
        loaded = _loaded(self.folder, self.secrets)
        connection = loaded.workflow.connections["crm"]
        assert isinstance(connection, SalesforceConnection)
        kept = self.folder.joinpath(name).rglob("*.manifest")
        places = [marks.from_text(json.loads(path.read_text())["resume"]) for path in kept]
        with closing(SalesforceClient(connection)) as client:
            for job in {job for one in places if one for job in place_of(one).jobs}:
                client.delete(resource("jobs", "query", job))


def _loaded(folder: Path, environ: Mapping[str, str]) -> LoadedWorkflow:
    found = load_file(folder / f"{_WORKFLOW}.yaml", environ)
    assert isinstance(found, LoadedWorkflow), found
    return found


def main(store: str, folder: str, home: str) -> None:
    """Build the delta; print how many changes it found, and how many chunks it went on behind."""
    loaded = _loaded(Path(folder), os.environ)
    (node,) = loaded.workflow.deltas
    with Database(store) as database:
        built = build_delta(
            database,
            _WORKFLOW,
            node,
            open_source(loaded, node, database),
            parent=None,
            clock=DatabaseClock(database),
            options=DeltaOptions(home=Path(home)),
        )
    print(
        sum(built.counts[each] for each in ("inserted", "updated", "deleted")),
        built.resumed,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
