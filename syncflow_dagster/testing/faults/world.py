"""One world for the whole matrix: a server, a sandbox, and the order book, whole and in part."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from syncflow_dagster.demo.order_book import load_order_book
from syncflow_dagster.demo.world import CLOCK_SPEED, Databases, environment, recreate, seed_files
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import plain_url
from syncflow_dagster.store.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKFLOW = "order_list"
#: Orders left out of the partial book; the dirty ones come after them.
_LEFT_OUT = {"first": "SO-410061", "last": "SO-410364"}
_RUN_WITHIN_S = 300
#: How many times faster than ours the clock of limits runs where it matters which are met. Windows
#: are told in whole seconds of ours: much faster, and what is left of one cannot be told from the
#: whole of the next.
_EXACT_SPEED = 6.0
#: Points of such a window: about as many in a second of ours as with an account of 10,000,000 and
#: a clock that runs sixty times faster.
_EXACT_POINTS = 100_000_000


@dataclass(slots=True)
class FaultWorld:
    """What every case of the matrix happens in.

    Attributes:
        home: SyncFlow's home folder.
        server: The PostgreSQL server.
        control: The sandbox's control.
        monday: Where the sandbox's monday answers.
        token: The token that pushes.
    """

    home: Path
    server: EmbeddedPostgres
    control: ControlClient
    monday: str
    token: str
    _books: dict[bool, str]
    _variables: dict[str, str]

    def begin(self, *, whole_book: bool) -> None:
        """Make the store empty and the board fresh."""
        store = recreate(self.server.url("postgres"), "syncflow_fault")
        databases = Databases(store, self._books[whole_book], self.server, self.home)
        urls = {"monday": self.monday, "tokens": {"monday": {"personal": self.token}}}
        self._variables = environment(databases, urls)
        self._variables["SYNCFLOW_HOME"] = str(self.home)
        self.control.reset()
        self.control.clock(CLOCK_SPEED)

    def tell_limits_exactly(self) -> None:
        """Let windows be long enough for a client to know them; counts start anew."""
        self.control.clock(_EXACT_SPEED)
        self.control.settings(complexity={"personal": _EXACT_POINTS})

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the case at hand."""
        return self._variables

    @property
    def store(self) -> str:
        """URL of the store of the case at hand."""
        return self._variables["SYNCFLOW_DATABASE_URL"]

    def start(self, crash_at: str | None = None) -> subprocess.Popen[str]:
        """Begin to run the workflow in a process of its own."""
        extra = {"SYNCFLOW_CRASH_AT": crash_at} if crash_at else {}
        return subprocess.Popen(
            [sys.executable, "-m", "syncflow_dagster.cli", "run", _WORKFLOW, "--json"],
            env={**os.environ, **self._variables, **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, crash_at: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the workflow in a process of its own."""
        return self.end(self.start(crash_at))

    def end(self, process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        """Wait for a run's end.

        Raises:
            subprocess.TimeoutExpired: It does not end; it is killed.
        """
        try:
            out, errors = process.communicate(timeout=_RUN_WITHIN_S)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


@contextmanager
def fault_world() -> Iterator[FaultWorld]:
    """Give a world of its own, gone when the matrix is through."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="syncflow-fault-"))
        Path(folder).chmod(0o711)
        server = stack.enter_context(EmbeddedPostgres(Path(folder)))
        sandbox = stack.enter_context(SandboxServer(seed_files()))
        urls = sandbox.urls
        yield FaultWorld(
            Path(folder),
            server,
            ControlClient(urls["control"]),
            urls["monday"],
            urls["tokens"]["monday"]["personal"],
            {whole: _book(server, whole=whole) for whole in (True, False)},
            {},
        )


def _book(server: EmbeddedPostgres, *, whole: bool) -> str:
    url = recreate(server.url("postgres"), f"orders_{'whole' if whole else 'part'}")
    load_order_book(plain_url(url, "psycopg"), reset=True)
    if not whole:
        with psycopg.connect(url) as conn:
            for name in ("thin_orders", "thin_sizes"):
                conn.execute(sql.load("faults")[name], _LEFT_OUT)
    return plain_url(url, "psycopg")
