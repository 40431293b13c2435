"""`syncflow bench delta`: building a delta, beside its floor and beside other ways.

Everything runs on one server in one run. What a ratio is made of takes turns, each turn in a fresh
process and from the same stored state, and the middle one of the turns counts: other work on the
machine then disturbs both sides alike.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from syncflow_dagster.nodes.delta import tables
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.store.sql import load
from syncflow_dagster.testing.bench import child, data, floor, reading
from syncflow_dagster.testing.bench.databases import Databases, databases
from syncflow_dagster.testing.bench.peers.measure import PEERS_PYTHON, check, measure_peers
from syncflow_dagster.testing.bench.report import Measured, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Above so many rows there is one turn of each measurement, and reading is measured with no more.
_MANY_ROWS = 1_000_000
#: The largest number of rows of which four times as many are measured too.
_MOST_FOR_4X = 2_500_000


def run(
    rows: int,
    url: str | None = None,
    *,
    turns: int = 3,
    peers_python: Path = PEERS_PYTHON,
    measure: Callable[..., dict[str, Any]] = child.measure,
) -> dict[str, Any]:
    """Measure a build of `rows` rows.

    Args:
        rows: How many rows the source gives.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
        turns: Turns of each measurement.
        peers_python: The interpreter of the peers' environment; it need not exist.
        measure: Runs a task of :mod:`syncflow_dagster.testing.bench.child`.

    Returns:
        See :func:`syncflow_dagster.testing.bench.report.as_json`.

    Raises:
        WrongChangesError: A build or a peer found other changes than were made.
        subprocess.CalledProcessError: A measurement failed; its own words are on stderr.
    """
    with (
        databases(url) as server,
        tempfile.TemporaryDirectory(prefix="syncflow-bench-") as folder,
    ):
        files = data.write(Path(folder), rows, clean=True)
        bench = _Bench(server, files, Path(folder), turns if rows <= _MANY_ROWS else 1, measure)
        bench.builds(bench.first_loads())
        bench.larger()
        bench.reads()
        bench.measured.peers = measure_peers(server, files, Path(folder), peers_python)
        return as_json(bench.measured)


class _Bench:
    """One run: its server, its rows, and what was measured so far."""

    def __init__(
        self,
        server: Databases,
        files: data.Files,
        folder: Path,
        turns: int,
        measure: Callable[..., dict[str, Any]],
    ) -> None:
        self.server = server
        self.files = files
        self.folder = folder
        self.turns = range(turns)
        self.measured = Measured(files.rows)
        self._measure = measure
        self._empty = server.create("empty")
        with Database(self._empty) as database:
            migrate(database)

    def first_loads(self) -> str:
        """Measure the first load, and plain copies of the rows read and of the rows written.

        Returns:
            The URL of a database with the state it left.
        """
        url, written = "", dict[str, Path]()
        for turn in self.turns:
            if url:
                self.server.drop(url)
            url = self.server.create(f"first_{turn}", self._empty)
            result = self._turn("first_load", "build", url=url, rows=self.files.raw["stored"])
            self.measured.first_loads.append(result)
            written = written or floor.save_tables(url, data.node(), self.folder)
            with self._scratch() as scratch:
                self._turn("copy_rows", "copy_rows", url=scratch, rows=self.files.clean["stored"])
            self._turn("copy_written", "copy_written", url=url, files=written)
        for file in written.values():
            file.unlink()
        _settle(url)
        return url

    def builds(self, state: str) -> None:
        """Measure the build over a stored state, and its floor."""
        rows, written = self.files.raw["read"], self.folder / "written.copy"
        for turn in self.turns:
            url = self.server.create(f"build_{turn}", state)
            result = self._turn("build", "build", url=url, rows=rows)
            _check(result, self.files.rows)
            self.measured.builds.append(result)
            floor.save_newest(url, data.node(), data.changes(self.files.rows).all, written)
            self.server.drop(url)
            self._turn("floor", "floor", url=state, rows=rows, written=written)
        self.server.drop(state)

    def larger(self) -> None:
        """Measure the memory of a build of four times as many rows."""
        if self.files.rows > _MOST_FOR_4X:
            return
        with (
            self._scratch(self._empty) as url,
            tempfile.TemporaryDirectory(dir=self.folder) as folder,
        ):
            files = data.write(Path(folder), 4 * self.files.rows, clean=False)
            self._measure("build", url=url, rows=files.raw["stored"])
            _settle(url)
            self.measured.larger = self._measure("build", url=url, rows=files.raw["read"])
            _check(self.measured.larger, files.rows)

    def reads(self) -> None:
        """Measure reading the rows from each kind of source."""
        files = self.files
        if files.rows > _MANY_ROWS:
            files = data.write(self.folder, _MANY_ROWS, clean=True)
        with self._scratch() as url:
            places = reading.prepare(url, files.clean["read"], self.folder)
            for kind in reading.KINDS:
                for _ in self.turns:
                    for how in ("ours", "plain"):
                        self._turn(f"{how} {kind}", how, kind=kind, place=places[kind])

    def _turn(self, name: str, task: str, **arguments: Any) -> dict[str, Any]:
        self.server.settle()
        result = self._measure(task, **arguments)
        self.measured.seconds.setdefault(name, []).append(result["seconds"])
        return result

    @contextmanager
    def _scratch(self, template: str | None = None) -> Iterator[str]:
        url = self.server.create("scratch", template)
        yield url
        self.server.drop(url)


def _check(result: dict[str, Any], rows: int) -> None:
    counts = result["counts"]
    found = data.Changes(counts["inserted"], counts["updated"], counts["deleted"])
    check("our build", found, data.changes(rows))


def _settle(url: str) -> None:
    """Let the stored rows be delivered, and do what autovacuum would do in a measurement."""
    deliver = sql.SQL(load("bench")["deliver"]).format(delta=tables.delta_id(data.node()))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(deliver)
        conn.execute("vacuum full analyze")
