"""`syncflow bench monday`: first pushes against the sandbox, whose log and counts are the judge.

The sandbox's clock runs faster than ours, and so do its windows, its answers' latency and the
waits it asks for: what takes minutes at monday takes seconds here, at the same share of what is
allowed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncflow_dagster.demo.world import recreate
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.embedded import EmbeddedPostgres
from syncflow_dagster.testing.bench.memory import peak_of
from syncflow_dagster.testing.bench.monday.books import Book, seed, write
from syncflow_dagster.testing.bench.monday.figures import Figures, figures
from syncflow_dagster.testing.bench.monday.peer import one_by_one
from syncflow_dagster.testing.bench.peers.measure import PEERS_PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TOKEN = "sandbox-personal"  # noqa: S105 - the sandbox's own
#: How many times faster than ours the sandbox's clock runs. Its answers tell whole seconds of ours
#: until a window ends, so the faster it runs, the more of a window is lost to rounding.
SPEED = 2.0
#: Seconds of the sandbox's clock that a document takes there.
LATENCY_S = 0.5
_RUN_WITHIN_S = 3_600


class PushFailedError(RuntimeError):
    """A push did not end well, or not everything is on its board; the text says what it said."""


def run(
    rows: int,
    *,
    complexity: int | None = None,
    peers_python: Path = PEERS_PYTHON,
    server: EmbeddedPostgres | None = None,
) -> dict[str, Any]:
    """Push `rows` orders with three lines each: by one process, and by two that share them.

    Args:
        rows: Orders.
        complexity: Points a minute of the account; None: those of a personal token.
        peers_python: The interpreter of the peers' environment; it need not exist.
        server: A server in which databases may be created; None: one of its own.

    Returns:
        See docs/reference/benchmark.md.

    Raises:
        PushFailedError: See there.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncflow-bench-")))
        folder.chmod(0o711)  # started by root, the server runs under another account
        server = server or stack.enter_context(EmbeddedPostgres(folder / "home"))
        alone, halves = Book(1, rows), [Book(2, rows - rows // 2), Book(3, rows // 2)]
        boards = folder / "boards.json"
        boards.write_text(json.dumps(seed([alone, *halves])), encoding="utf-8")
        sandbox = stack.enter_context(SandboxServer([boards]))
        bench = _Bench(folder, server, sandbox, complexity)
        one = bench.push([alone])
        two = bench.push(halves)
        peer = bench.peer(alone, peers_python)
    return _as_json(rows, one, two, peer)


class _Bench:
    """One run's world."""

    def __init__(
        self,
        folder: Path,
        server: EmbeddedPostgres,
        sandbox: SandboxServer,
        complexity: int | None,
    ) -> None:
        self._folder = folder
        self._server = server
        self._urls = sandbox.urls
        self._control = ControlClient(sandbox.urls["control"])
        self._complexity = complexity

    def push(self, books: Sequence[Book]) -> Figures:
        """Push each book by a process of its own, all at once, into an empty world."""
        store = recreate(self._server.url("postgres"), "syncflow_bench_monday")
        self._fresh()
        for book in books:
            write(book, self._folder / "workflows")
        variables = {
            "SYNCFLOW_HOME": str(self._folder / "home"),
            "SYNCFLOW_DATABASE_URL": store,
            "SYNCFLOW_WORKFLOWS": str(self._folder / "workflows"),
            "MONDAY_URL": self._urls["monday"],
            "MONDAY_TOKEN": TOKEN,
        }
        with _running([book.name for book in books], variables, self._folder) as processes:
            with peak_of(process.pid for process in processes) as peak:
                for process in processes:
                    process.wait(timeout=_RUN_WITHIN_S)
            _check_ended(books, processes, self._folder)
        records = sum(book.records for book in books)
        return figures(
            self._control, TOKEN, records=records, speed=SPEED, peak_mb=round(peak[0] / 2**20)
        )

    def peer(self, book: Book, python: Path) -> Figures | str:
        """Create the first records of a book as a client does that sends them one by one."""
        self._fresh()
        created = one_by_one(python, self._urls["monday"], TOKEN, book)
        if isinstance(created, str):
            return created
        return figures(self._control, TOKEN, records=created, speed=SPEED, peak_mb=0)

    def _fresh(self) -> None:
        self._control.reset()
        self._control.clock(SPEED)
        settings: dict[str, Any] = {"latency_s": LATENCY_S / SPEED}
        if self._complexity is not None:
            settings["complexity"] = {"personal": self._complexity}
        self._control.settings(**settings)


@contextmanager
def _running(
    workflows: Sequence[str], variables: Mapping[str, str], folder: Path
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run workflows at once, each in its own process; what is left of them ends with the block."""
    with ExitStack() as stack:
        processes = []
        for name in workflows:
            # To files: a pipe that nobody empties would hold a process up.
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            command = [sys.executable, "-m", "syncflow_dagster.cli", "run", name, "--json"]
            environment = {**os.environ, **variables}
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes.append(process)
        yield processes


def _check_ended(
    books: Sequence[Book], processes: Sequence[subprocess.Popen[bytes]], folder: Path
) -> None:
    for book, process in zip(books, processes, strict=True):
        if process.returncode:
            said = (folder / f"{book.name}.log").read_text(errors="replace")[-3_000:]
            msg = f"the run of {book.name} ended with {process.returncode}:\n{said}"
            raise PushFailedError(msg)


def _as_json(rows: int, one: Figures, two: Figures, peer: Figures | str) -> dict[str, Any]:
    for what, found in (("one process", one), ("two processes", two)):
        if found.applied != found.records or found.doubled:
            msg = (
                f"{what}: {found.applied} of {found.records} records are on the boards, "
                f"{found.doubled} of them more than once"
            )
            raise PushFailedError(msg)
    return {
        "name": "monday",
        "rows": rows,
        "seconds": round(one.seconds, 3),
        "rows_per_s": round(rows / one.seconds),
        "peak_mb": one.peak_mb,
        "floor_ratio": one.time_ratio,
        "peers": {
            "monday": peer
            if isinstance(peer, str)
            else round(peer.seconds_per_record / one.seconds_per_record, 2)
        },
        **one.as_json(),
        "two_processes": {"floor_ratio": two.time_ratio, **two.as_json()},
        "one_by_one": peer if isinstance(peer, str) else peer.as_json(),
    }
