"""A delta of many rows killed at each step, without a push: the next build goes on where it was.

What the tables hold then is compared, row by row, with what an undisturbed build makes of the
same rows. This module is also the process that is killed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from psycopg import sql

from syncflow_dagster.nodes.delta.build import DeltaOptions, DeltaResult, build_delta
from syncflow_dagster.nodes.delta.tables import delta_id, snapshot_id
from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench import data
from syncflow_dagster.testing.bench.databases import Databases, databases
from syncflow_dagster.testing.crash import DELTA_POINTS
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed, run_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from syncflow_dagster.nodes.rows import Position
    from syncflow_dagster.workflows.models import DeltaNode

ROWS = 200_000
_WORKFLOW = "killed"
#: Passage at which a point that is passed once a chunk kills: in the middle of the read.
_MIDDLE = {"delta.extract": 3, "delta.normalise": 2, "delta.identify": 3, "delta.chunk_kept": 2}


def delta_cases() -> dict[str, str]:
    """Return the crash point of each case, by the case's name."""
    return {
        f"kill -9 at {point}, {ROWS:,} rows alone": f"{point}:{_MIDDLE.get(point, 1)}"
        for point in DELTA_POINTS
    }


def killed_deltas(
    wanted: Callable[[str], bool], *, rows: int = ROWS, url: str | None = None
) -> Iterator[FaultResult]:
    """Kill a build at each step, and judge what the next one makes of it.

    Args:
        wanted: Tells by its name whether a case is to run.
        rows: How many rows the source has.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = {name: point for name, point in delta_cases().items() if wanted(name)}
    if not chosen:
        return
    with (
        databases(url) as server,
        tempfile.TemporaryDirectory(prefix="syncflow-fault-") as folder,
    ):
        world = _World.begin(server, Path(folder), rows)
        for number, (name, point) in enumerate(chosen.items()):
            yield world.run(name, point, number)


@dataclass(frozen=True)
class _CountedRows:
    """A file's rows, to be read on behind any of its batches; each one given is written down."""

    file: Path
    log: Path

    @property
    def fingerprint(self) -> str:
        return str(self.file)

    @property
    def selects_changes(self) -> bool:
        return False

    def read(self, position: Position) -> Iterator[Piece]:
        for number, batch in enumerate(data.read(self.file)):
            if position.after is None or number > int(str(position.after)):
                with self.log.open("a") as log:
                    log.write(f"{number}\n")
                yield Piece(batch, number)


def _build(url: str, file: Path, log: Path, home: Path) -> DeltaResult:
    with Database(url) as database:
        return build_delta(
            database,
            _WORKFLOW,
            data.node(),
            _CountedRows(file, log),
            parent=None,
            clock=DatabaseClock(database),
            options=DeltaOptions(home=home),
        )


@dataclass(frozen=True)
class _World:
    """A database in which everything is known, and what an undisturbed build makes of the rows."""

    server: Databases
    folder: Path
    files: data.Files
    known: str
    calm: Counter[int]
    batches: int

    @classmethod
    def begin(cls, server: Databases, folder: Path, rows: int) -> _World:
        files = data.write(folder, rows, clean=False)
        known, log, home = server.create("known"), folder / "log", folder / "home"
        with Database(known) as database:
            migrate(database)
        _build(known, files.raw["stored"], folder / "stored", home)
        calm = server.create("calm", known)
        _build(calm, files.raw["read"], log, home)
        return cls(server, folder, files, known, hashes(calm, data.node()), _lines(log))

    def run(self, name: str, point: str, number: int) -> FaultResult:
        """Kill a build, let the next one go on, and look at what there is."""
        result = FaultResult(name, "F1")
        url = self.server.create(f"case{number}", self.known)
        log, home = self.folder / f"log{number}", self.folder / f"home{number}"
        build = (__name__, url, self.files.raw["read"], log, home)
        result.error = run_killed(point, *build)
        if result.error:
            return result
        started = time.monotonic()
        again = run_module(*build)
        result.recovery_s = round(time.monotonic() - started, 1)
        if again.returncode != 0:
            result.error = f"the build after it failed: {again.stderr[-400:]}"
        else:
            self._judge(result, url, log, home)
        self.server.drop(url)
        return result

    def _judge(self, result: FaultResult, url: str, log: Path, home: Path) -> None:
        result.extra_calls = max(0, _lines(log) - self.batches)
        found = hashes(url, data.node())
        result.duplicates = (found - self.calm).total()
        result.lost = (self.calm - found).total()
        with Database(url) as database:
            row = database.fetch_one(load("faults")["running_batches"])
        result.unknown = 0 if row is None else row["batches"]
        if any(home.iterdir()):
            result.error = f"the build left files behind in {home.name}"
        counts = _build(url, self.files.raw["read"], log, home).counts
        result.second_run_writes = sum(counts[each] for each in ("inserted", "updated", "deleted"))


def hashes(url: str, node: DeltaNode) -> Counter[int]:
    """Return a number for each row of a delta's table and snapshot, told by its content."""
    fields = sql.SQL(", ").join(sql.Identifier(rule.name) for rule in node.fields)
    found: Counter[int] = Counter()
    with Database(url) as database, database.transaction() as conn:
        for name, table in (("hash_delta", delta_id(node)), ("hash_snapshot", snapshot_id(node))):
            statement = sql.SQL(load("faults")[name]).format(table=table, fields=fields)
            row = conn.execute(statement, binary=True).fetchone()
            assert row is not None
            found.update(np.frombuffer(row["hashes"], dtype=">i8").tolist())
    return found


def _lines(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


if __name__ == "__main__":
    _build(sys.argv[1], *map(Path, sys.argv[2:]))
