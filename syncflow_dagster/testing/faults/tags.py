"""A tag node disturbed: each tag is written once, and nobody who refuses is ever written to.

The judge is the fake org's own log. This module is also the process that is killed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.nodes.tag.run import TagOptions, TagRun
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store import sql
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.bench.databases import databases
from syncflow_dagster.testing.crash import JOB_POINTS, PUSH_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Contacts; of them every fifth refuses from the start.
PEOPLE = 300
_REFUSES = 5
#: Those who refuse only when the plan is made, or between two tries.
_LATER = 3
_SALESFORCE = "salesforce"


@dataclass(frozen=True, slots=True)
class TagCase:
    """A run of a tag node that is disturbed.

    Attributes:
        number: The kind of fault.
        crash_at: Where it is killed; None: it is not.
        faults: What the org does meanwhile.
        bulk: Whether it writes by Bulk API 2.0.
        withdraws: Whether some refuse once the plan is made.
        values: Whether values of rows are written by a mapping, instead of tags.
    """

    number: str
    crash_at: str | None = None
    faults: Sequence[Mapping[str, Any]] = field(default_factory=list)
    bulk: bool = False
    withdraws: bool = False
    values: bool = False


def tag_cases() -> dict[str, TagCase]:
    """Return the cases by their names."""
    killed = [one for one in PUSH_POINTS if not one.startswith("reconcile.")]
    writes = {"op": "collections", "nth": 2, "times": 2}
    return {
        **{
            f"tags: kill -9 at {point}": TagCase("F1", point, bulk=point in JOB_POINTS)
            for point in killed
        },
        "tags: reply lost": TagCase("F3", faults=[{"kind": "lost_reply", **writes}]),
        "tags: 500 after apply": TagCase("F4", faults=[{"kind": "error_after", **writes}]),
        "tags: 503 before apply": TagCase(
            "F5", faults=[{"kind": "error_before", "status": 503, **writes}]
        ),
        "tags: requests at a time used up": TagCase(
            "F8", faults=[{"kind": "throttle", "limit": "concurrency", **writes}]
        ),
        "tags: rows locked": TagCase(
            "F9", faults=[{"kind": "partial", "op": "collections", "times": 4}]
        ),
        "tags: lines of a bulk job refused": TagCase(
            "F10", faults=[{"kind": "partial", "op": "ingest_job", "times": 3}], bulk=True
        ),
        "tags: closing a bulk job not answered": TagCase(
            "F3",
            faults=[{"kind": "lost_reply", "op": "bulk_ingest", "nth": 3, "times": 1}],
            bulk=True,
        ),
        "tags: consent withdrawn after the plan": TagCase("F28", withdraws=True),
        "tags: consent withdrawn after the plan, bulk": TagCase("F28", bulk=True, withdraws=True),
        "tags: consent withdrawn, and replies lost": TagCase(
            "F28", faults=[{"kind": "lost_reply", **writes}], withdraws=True
        ),
        "tags: kill -9 at deliver.sent, values by a mapping": TagCase(
            "F1", "deliver.sent", values=True
        ),
        "tags: reply lost, values by a mapping": TagCase(
            "F3", faults=[{"kind": "lost_reply", **writes, "nth": 1}], values=True
        ),
    }  # fmt: skip


def disturbed_tags(
    wanted: Callable[[str], bool], *, people: int = PEOPLE, url: str | None = None
) -> Iterator[FaultResult]:
    """Disturb runs of a tag node, and judge what the next one makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        people: How many contacts the org has; ten at least.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    from syncflow_dagster.store.migrate import migrate

    chosen = {name: case for name, case in tag_cases().items() if wanted(name)}
    if not chosen:
        return
    with (
        databases(url) as server,
        tempfile.TemporaryDirectory(prefix="syncflow-fault-") as folder,
        SandboxServer() as sandbox,
        closing(ControlClient(sandbox.urls["control"])) as control,
    ):
        control.seed(_seed(people), service=_SALESFORCE)
        tokens = sandbox.urls["tokens"][_SALESFORCE]
        secrets = {
            "CRM_URL": sandbox.urls[_SALESFORCE],
            "CRM_ID": tokens["client_id"],
            "CRM_SECRET": tokens["client_secret"],
            "SYNCFLOW_PRIVACY_KEY": "a key that nobody needs to guess here",
        }
        for number, (name, case) in enumerate(chosen.items()):
            control.reset()
            store = server.create(f"tags{number}")
            with Database(store) as database:
                migrate(database)
                flow = _workflow(Path(folder), secrets, case)
                world = _World(database, control, flow, secrets)
                yield world.run(FaultResult(name, case.number), case)
            server.drop(store)


@dataclass(frozen=True, slots=True)
class _World:
    """A tag node, its rows, and the org."""

    database: Database
    control: ControlClient
    loaded: LoadedWorkflow
    secrets: Mapping[str, str]

    def run(self, result: FaultResult, case: TagCase) -> FaultResult:
        """Disturb one run."""
        people = sorted(one["Id"] for one in self._records("Contact"))
        refusing = set(people[::_REFUSES])
        self._tell(people)
        self._edit([one for one in people if one in refusing])
        if case.withdraws:
            self._tag(deliver=False)
            later = people[1::_LATER]
            refusing |= set(later)
            self._edit(later)
        for one in case.faults:
            self.control.faults(service=_SALESFORCE, **one)
        if case.crash_at is not None and (error := self._kill(case.crash_at)):
            result.error = error
            return result
        started = time.monotonic()
        self._tag()
        self.control.clear_faults()
        self._tag()
        result.recovery_s = round(time.monotonic() - started, 1)
        written = ("Contact",) if case.values else ("Contact", "TopicAssignment")
        free = [one for one in people if one not in refusing]
        self._judge(result, {(name, one) for name in written for one in free}, refusing)
        return result

    def _judge(self, result: FaultResult, wanted: set[tuple[str, str]], refusing: set[str]) -> None:
        log = self.control.log(_SALESFORCE)
        written = Counter(
            (one["key"].split("/")[0], one["payload"].get("EntityId") or one["remote_id"])
            for one in log
        )
        result.duplicates = sum(times - 1 for times in written.values())
        result.lost = len(wanted - written.keys())
        if forbidden := {one for _, one in written} & refusing:
            result.broken.append(f"{len(forbidden)} contacts who refuse were written to")
        rows = self.database.fetch_all(sql.load("faults")["tag_states"])
        states = {row["state"]: row["effects"] for row in rows}
        result.unknown = sum(states.get(one, 0) for one in ("SENT", "UNKNOWN", "NEEDS_PERSON"))
        self._tag()
        result.second_run_writes = len(self.control.log(_SALESFORCE)) - len(log)

    def _tag(self, *, deliver: bool = True) -> None:
        tag(self.database, self.loaded, self.secrets, deliver=deliver)

    def _kill(self, point: str) -> str | None:
        store, file = self.database.url, self.loaded.path
        return run_killed(point, __name__, store, file, environ=self.secrets)

    def _tell(self, people: Sequence[str]) -> None:
        import pyarrow as pa

        from syncflow_dagster.nodes.delta.build import build_delta

        (source,) = self.loaded.workflow.deltas
        assert isinstance(source, DeltaNode)
        rows = pa.RecordBatch.from_pylist([{"Id": one, "Title": "Head"} for one in people])
        clock, name = DatabaseClock(self.database), self.loaded.workflow.workflow
        build_delta(self.database, name, source, GivenRows([rows]), parent=None, clock=clock)

    def _edit(self, people: Sequence[str]) -> None:
        edits = [
            {"op": "update", "object": "Contact", "id": one, "fields": {"DoNotCall": True}}
            for one in people
        ]
        self.control.settings(service=_SALESFORCE, edits=edits)

    def _records(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control.state(_SALESFORCE)["records"][name]
        return found


def tag(
    database: Database, loaded: LoadedWorkflow, secrets: Mapping[str, str], *, deliver: bool = True
) -> None:
    """Run the tag node once."""
    (node,) = loaded.workflow.tags
    options = TagOptions("faults", "run", delivery=DeliveryOptions(patience_s=30), environ=secrets)
    with closing(TagRun(database, DatabaseClock(database), loaded, node, options)) as run:
        run.prepare()
        run.plan()
        if deliver:
            run.deliver()


def _seed(people: int) -> dict[str, Any]:
    numbers = range(people)
    return {
        "records": {
            "Individual": [{"key": f"i{n}", "LastName": f"Person {n}"} for n in numbers],
            "Contact": [{"LastName": f"Person {n}", "IndividualId": f"@i{n}"} for n in numbers],
            "Topic": [{"Name": "Champions"}],
        }
    }


def _workflow(folder: Path, secrets: Mapping[str, str], case: TagCase) -> LoadedWorkflow:
    """Write the workflow and its policy, and load it."""
    rules = _VALUES if case.values else _TAGS
    for name in ("tagging.yaml", "policy.yaml", "rows.sql.j2"):
        text = _FILES[name].replace("BULK_FROM", "10" if case.bulk else "null")
        text = text.replace("RULES", rules.strip("\n"))
        (folder / name).write_text(text, "utf-8")
    loaded = load_file(folder / "tagging.yaml", secrets)
    assert isinstance(loaded, LoadedWorkflow), json.dumps([str(one) for one in loaded.problems])
    return loaded


_TAGS = """
      - name: moved
        record: contact_id
        purpose: tagging
        tag: {type: picklist, field: Champion_Status__c, value: Moved}
      - name: champion
        record: contact_id
        purpose: tagging
        tag: {type: topic, topic: Champions}
"""
_VALUES = """
      - name: mirrored
        record: contact_id
        purpose: tagging
        tag: {type: fields, mapping: contacts}
"""
_FILES = {
    "rows.sql.j2": "select 1 as Id",
    "policy.yaml": """
policy: tagging
version: 1
owner: operations
purposes:
  tagging: {description: Faults, lawful_basis: legitimate_interests, lia_ref: none}
subjects: {Contact: {}}
writes: {Contact: [Champion_Status__c, Title], TopicAssignment: [TopicId, EntityId]}
approval: {auto_up_to: 100000, max_changes: 100000, max_share: 1}
""",
    "tagging.yaml": """
workflow: tagging
description: Tags
owner: operations
connections:
  book: {type: sql, url: "sqlite://"}
  crm:
    type: salesforce
    url: ${CRM_URL}
    settle_s: 1
    timeout_s: 5
    auth: {type: client_credentials, client_id: "${CRM_ID}", client_secret: "${CRM_SECRET}"}
nodes:
  - {type: pull, name: rows, description: Rows, connection: book, query: rows.sql.j2}
  - type: delta
    name: contacts
    description: Contacts
    source: rows
    entity: contact
    table: tagging_contacts
    key: [contact_id]
    fields: [{name: contact_id, column: Id}, {name: title, column: Title}]
  - type: tag
    name: tag_contacts
    description: Tags
    connection: crm
    source: contacts
    object: Contact
    policy: policy.yaml
    bulk_from: BULK_FROM
    rules:
RULES
""",
}


if __name__ == "__main__":
    with Database(sys.argv[1]) as _database:
        _loaded = load_file(Path(sys.argv[2]))
        assert isinstance(_loaded, LoadedWorkflow)
        tag(_database, _loaded, os.environ)
