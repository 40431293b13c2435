"""A store, a sandbox and a push of this process: a small world, in which a fault costs seconds.

Time is a clock that is moved by hand, the sandbox's and ours at once, so that a minute's wait takes
no time; where something outside happens in the middle, it is real time.
"""

from __future__ import annotations

import random
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql as compose

from syncflow_dagster.demo.world import CLOCK_SPEED
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.nodes.delta.build import build_delta, prepare
from syncflow_dagster.nodes.monday.contract import BoardUnavailable
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.nodes.rows import GivenRows
from syncflow_dagster.sandbox.clock import Clock, ManualClock
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store import sql
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.embedded import EmbeddedPostgres
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.testing.bench.databases import Databases
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.faults.board_book import Book, seed, workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime, timedelta

    from syncflow_dagster.workflows.models import Workflow

#: Simulated seconds between two runs on the clock that is moved by hand.
_BETWEEN_RUNS_S = 60.0
_MOST_RUNS = 6
#: Seconds for which a push keeps at it.
_PATIENCE_S = 300.0
#: What ends a run in a way that the next one mends.
_ENDS_A_RUN = (AccountPaused, BoardUnavailable, psycopg.OperationalError, psycopg.InternalError)


class OneTime(FakeClock):
    """Our clock, which moves the sandbox's along with it.

    Args:
        sandbox: The sandbox's.
    """

    def __init__(self, sandbox: ManualClock) -> None:
        super().__init__(sandbox.wall())
        self._sandbox = sandbox
        self._moving = threading.Lock()
        #: Called each time they have been moved.
        self.when_moved: Callable[[], None] | None = None

    def now(self) -> datetime:
        """Return the moment both clocks stand at."""
        return self._sandbox.wall()

    def sleep(self, seconds: float) -> None:
        """Move both clocks on, at once."""
        with self._moving:
            super().sleep(seconds)
            self._sandbox.advance(max(0.0, seconds))
        if self.when_moved is not None:
            self.when_moved()


class Shift:
    """A clock that is wrong by some time.

    Args:
        clock: The right one.
        by: How far ahead it is.
    """

    def __init__(self, clock: DatabaseClock | OneTime, by: timedelta) -> None:
        self._clock = clock
        self._by = by

    def now(self) -> datetime:
        """Return the wrong moment."""
        return self._clock.now() + self._by

    def sleep(self, seconds: float) -> None:
        """Wait for real seconds."""
        self._clock.sleep(seconds)


@dataclass
class Desk:
    """What one case works with.

    Attributes:
        database: The store.
        clock: Our time.
        control: The sandbox's control.
        monday: Where its monday answers.
        token: The token that pushes.
        settings: Further settings of the connection.
        batch_size: Mutations in a request.
        server: The PostgreSQL server the store is on.
        told: What ended runs before their time.
    """

    database: Database
    clock: DatabaseClock | OneTime
    control: ControlClient
    monday: str
    token: str
    settings: Mapping[str, Any]
    batch_size: int
    server: EmbeddedPostgres
    told: list[str] = field(default_factory=list)

    @property
    def workflow(self) -> Workflow:
        """The workflow."""
        return workflow(self.monday, self.token, self.settings, self.batch_size)

    def build(self, book: Book) -> None:
        """Find what a book has that is new, changed or gone."""
        deltas = {node.name: node for node in self.workflow.deltas}
        for name, batch in book.batches().items():
            node = deltas[name]
            parent = deltas[node.parent.node] if node.parent else None
            build_delta(
                self.database,
                self.workflow.workflow,
                node,
                GivenRows([batch]),
                parent=parent,
                clock=DatabaseClock(self.database),
            )

    def push(self, clock: DatabaseClock | OneTime | Shift | None = None) -> str | None:
        """Push what is pending; return what ended it before its time, if anything."""
        one = self.workflow
        (node,) = one.pushes
        options = PushOptions(delivery=DeliveryOptions(_PATIENCE_S, chance=random.Random(1)))  # noqa: S311 - repeatable
        push = Push(self.database, clock or self.clock, one, node, options)
        try:
            push.prepare()
            push.plan()
            for number in (ITEMS, SUBITEMS, STATUSES):
                report = push.deliver(number)
                if report.stopped is not None or report.paused is not None:
                    return report.stopped or str(report.paused)
        except _ENDS_A_RUN as error:
            return f"{type(error).__name__}: {error}"
        finally:
            push.close()
        return None

    def settle(self) -> str | None:
        """Push until nothing is left; return what is wrong if it is not to be reached."""
        for _ in range(_MOST_RUNS):
            told = self.push()
            if told is None and not self.unsettled():
                return None
            self.told.append(told or "it left something for the next run")
            self.clock.sleep(_BETWEEN_RUNS_S if isinstance(self.clock, OneTime) else 0.5)
        return f"not settled after {_MOST_RUNS} runs: {self.told[-1]}"

    def unsettled(self) -> bool:
        """Whether some effect can still go on."""
        row = self.database.fetch_one(sql.load("faults")["unsettled"])
        return row is None or bool(row["unsettled"])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the newest row of each record of a delta table."""
        text: Any = sql.load("faults")["newest_rows"]
        statement = compose.SQL(text).format(table=compose.Identifier(table))
        with self.database.transaction() as conn:
            return conn.execute(statement).fetchall()

    def requests(self) -> int:
        """Return the requests the sandbox got so far."""
        return int(self.stats()["requests"])

    def stats(self) -> dict[str, Any]:
        """Return the sandbox's counts."""
        counts: dict[str, Any] = self.control.stats()["monday"]
        return counts


@dataclass
class BoardWorld:
    """The server of the stores, and a sandbox for each kind of time."""

    server: EmbeddedPostgres
    stores: Databases
    template: str
    sandboxes: Mapping[bool, SandboxServer]
    _begun: int = 0

    @contextmanager
    def desk(
        self,
        settings: Mapping[str, Any],
        *,
        sandbox: Mapping[str, Any] | None = None,
        real_time: bool = False,
        batch_size: int = 10,
    ) -> Iterator[Desk]:
        """Give an empty store and a fresh board.

        Args:
            settings: Further settings of the connection.
            sandbox: Settings of the sandbox.
            real_time: Whether time passes by itself.
            batch_size: Mutations in a request.
        """
        self._begun += 1
        service = self.sandboxes[real_time]
        control = ControlClient(service.urls["control"])
        control.settings(**{"reroute_deprecated": True, **(sandbox or {})})
        control.reset()
        control.clock(CLOCK_SPEED if real_time else 1.0)
        store = self.stores.create(f"desk{self._begun}", self.template)
        token = service.urls["tokens"]["monday"]["personal"]
        with ExitStack() as stack:
            stack.callback(self.stores.drop, store)
            stack.callback(control.close)
            stack.callback(control.clear_faults)
            database = stack.enter_context(Database(store))
            clock = (
                OneTime(service.clock)
                if isinstance(service.clock, ManualClock)
                else DatabaseClock(database)
            )
            url = service.urls["monday"]
            yield Desk(database, clock, control, url, token, settings, batch_size, self.server)


@contextmanager
def board_world(server: EmbeddedPostgres | None) -> Iterator[BoardWorld]:
    """Give a world.

    Args:
        server: The PostgreSQL server of its stores; None: one of its own, removed afterwards.
    """
    with ExitStack() as stack:
        if server is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="syncflow-fault-"))
            # Started by root, the server runs under another account, which must get to the folder.
            Path(folder).chmod(0o711)
            server = stack.enter_context(EmbeddedPostgres(Path(folder)))
        stores = Databases(server.url("postgres"))
        template = stores.create("board")
        with Database(template) as database:
            migrate(database)
            one = workflow("http://127.0.0.1", "none", {}, 1)
            prepare(database, one.workflow, one.deltas)
        stack.callback(stores.close)
        sandboxes = {
            is_real: stack.enter_context(SandboxServer(clock=Clock() if is_real else ManualClock()))
            for is_real in (False, True)
        }
        for sandbox in sandboxes.values():
            ControlClient(sandbox.urls["control"]).seed(seed())
        yield BoardWorld(server, stores, template, sandboxes)
