"""A source whose server ends the session in the middle of a read: the next build goes on there."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.nodes.delta.build import DeltaOptions, DeltaResult, build_delta
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError
from syncflow_dagster.nodes.pull.read import open_rows
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database, plain_url
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench.databases import Databases, databases
from syncflow_dagster.testing.faults.deltas import hashes
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.workflows.models import PullNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.workflows.loader import LoadedWorkflow

ROWS = 200_000
_WORKFLOW = "cut_off"
_FOUND_WITHIN_S = 60.0
#: Chunks that have come whole when the session ends.
_RECEIVED = 2
#: What the statement of the read has in it, and no other.
_MARK = "%stalls%source_rows%"
_FILE = """
workflow: cut_off
description: Rows of a source that breaks off.
owner: operations
connections:
  book: {type: sql, url: "URL"}
nodes:
  - {type: pull, name: pull, description: Rows, connection: book, query: rows.sql.j2RESUME}
  - type: delta
    name: rows
    description: Rows
    source: pull
    entity: row
    table: cut_off_rows
    key: [id]
    fields:
      - {name: id, type: integer}
      - {name: title}
      - {name: amount, type: decimal, scale: 2}
"""
#: Stands still at a row until the session is ended, once.
_QUERY = """
select id, title, amount,
       case when id = HALT and (select on_going from stalls) then pg_sleep(60)::text end as halt
from source_rows
{% if resume_after is not none %}where id > {{ resume_after }}{% endif %}
order by id
"""


@dataclass(frozen=True, slots=True)
class SourceCase:
    """A source that breaks off.

    Attributes:
        resumes: Whether it can be read on behind a row.
        chunks: Chunks of the build that broke off that the next one must not read again. The last
            that was received whole is read again: it may have been the end.
    """

    resumes: bool
    chunks: int


#: The cases by their names; a build works on 50,000 rows at a time.
SOURCES = {
    "source session ended in mid-read, resume: id": SourceCase(resumes=True, chunks=1),
    "source session ended in mid-read": SourceCase(resumes=False, chunks=0),
}


def cut_sources(
    wanted: Callable[[str], bool], *, rows: int = ROWS, url: str | None = None
) -> Iterator[FaultResult]:
    """End a source's session in the middle of a read, and judge what the next build makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        rows: How many rows the source has.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = {name: case for name, case in SOURCES.items() if wanted(name)}
    if not chosen:
        return
    with databases(url) as server:
        source = server.create("source")
        with psycopg.connect(source) as conn:
            conn.execute(load("faults")["make_source"])
            conn.execute(load("faults")["fill_source"], {"rows": rows})
        for number, (name, case) in enumerate(chosen.items()):
            with tempfile.TemporaryDirectory(prefix="syncflow-fault-") as folder:
                yield _run(_Place(server, source, Path(folder), rows, number), name, case)


@dataclass(frozen=True, slots=True)
class _Place:
    server: Databases
    source: str
    folder: Path
    rows: int
    number: int

    def store(self, name: str) -> str:
        url = self.server.create(f"{name}{self.number}")
        with Database(url) as database:
            migrate(database)
        return url

    def workflow(self, case: SourceCase) -> LoadedWorkflow:
        text = _FILE.replace("URL", plain_url(self.source, "psycopg"))
        text = text.replace("RESUME", ", resume: id" if case.resumes else "")
        query = _QUERY.replace("HALT", str(self.rows * 3 // 4))
        if not case.resumes:
            query = "".join(one for one in query.splitlines(True) if "resume_after" not in one)
        self.folder.joinpath(f"{_WORKFLOW}.yaml").write_text(text, "utf-8")
        self.folder.joinpath("rows.sql.j2").write_text(query, "utf-8")
        return find_workflow(self.folder, _WORKFLOW)

    def stall(self, *, on: bool) -> None:
        with psycopg.connect(self.source) as conn:
            conn.execute(load("faults")["stall"], {"on": on})


def _run(place: _Place, name: str, case: SourceCase) -> FaultResult:
    result = FaultResult(name, "F17")
    loaded = place.workflow(case)
    (node,) = loaded.workflow.deltas
    calm, store, home = place.store("calm"), place.store("case"), place.folder / "home"
    _build(loaded, calm, home)
    place.stall(on=True)
    killer = threading.Thread(target=_end_reader, args=(place.source,))
    killer.start()
    try:
        _build(loaded, store, home)
        result.error = "the build did not notice that its source broke off"
    except SourceUnavailableError:
        pass
    finally:
        killer.join()
        place.stall(on=False)
    started = time.monotonic()
    built = _build(loaded, store, home)
    result.recovery_s = round(time.monotonic() - started, 1)
    result.extra_calls = _RECEIVED - built.resumed
    if built.resumed < case.chunks:
        result.broken.append(f"it went on behind {built.resumed} chunks, not {case.chunks}")
    found, right = hashes(store, node), hashes(calm, node)
    result.duplicates, result.lost = (found - right).total(), (right - found).total()
    with Database(store) as database:
        row = database.fetch_one(load("faults")["running_batches"])
    result.unknown = 0 if row is None else row["batches"]
    counts = _build(loaded, store, home).counts
    result.second_run_writes = sum(counts[each] for each in ("inserted", "updated", "deleted"))
    return result


def _build(loaded: LoadedWorkflow, url: str, home: Path) -> DeltaResult:
    (node,) = loaded.workflow.deltas
    pull = loaded.workflow.node(node.source)
    assert isinstance(pull, PullNode)
    with Database(url) as database:
        return build_delta(
            database,
            loaded.workflow.workflow,
            node,
            open_rows(loaded, pull),
            parent=None,
            clock=DatabaseClock(database),
            options=DeltaOptions(home=home),
        )


def _end_reader(url: str) -> None:
    """Wait until the read stands still, and end its session on the server."""
    place = {"database": url.rpartition("/")[2].partition("?")[0], "query": _MARK}
    until = time.monotonic() + _FOUND_WITHIN_S
    with psycopg.connect(url, autocommit=True) as conn:
        while time.monotonic() < until:
            row = conn.execute(load("faults")["end_reader"], place).fetchone()
            if row is not None and row[0]:
                return
            time.sleep(0.05)
