"""The adoption of a large board, killed between its batches: nothing is sent that is there."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.adopt import AdoptionOptions, adopt_workflow
from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.demo.world import CLOCK_SPEED, variables
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, SUBITEMS
from syncflow_dagster.nodes.monday.push import Push
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.testing.bench.databases import databases
from syncflow_dagster.testing.crash import ADOPT_POINTS
from syncflow_dagster.testing.faults.adoption_board import WORKFLOW, Planted, plant
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.killed import run_killed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: Orders of the source; the board has 2,061 items, and 4,000 subitems.
ORDERS = 2_000
#: The batch at which it is killed: in the middle of the items.
_PASSAGE = 2


def adoption_cases() -> dict[str, str | None]:
    """Return the crash point of each case, by the case's name."""
    killed = {f"kill -9 at {point}, 2,000 items": f"{point}:{_PASSAGE}" for point in ADOPT_POINTS}
    return {"adoption of 2,000 items": None, **killed}


def killed_adoptions(
    wanted: Callable[[str], bool], *, orders: int = ORDERS, url: str | None = None
) -> Iterator[FaultResult]:
    """Adopt a board, kill the adoption where the case says so, push, and judge by the log.

    Args:
        wanted: Tells by its name whether a case is to run.
        orders: How many orders the source has.
        url: A PostgreSQL server in which databases may be created; None: an embedded one.
    """
    chosen = {name: point for name, point in adoption_cases().items() if wanted(name)}
    if not chosen:
        return
    with databases(url) as server:
        for number, (name, point) in enumerate(chosen.items()):
            store = server.create(f"adoption{number}")
            with tempfile.TemporaryDirectory(prefix="syncflow-fault-") as folder:
                yield _run(name, point, store, Path(folder), orders)
            server.drop(store)


def _run(name: str, point: str | None, store: str, folder: Path, orders: int) -> FaultResult:
    result = FaultResult(name, "F29" if point is None else "F1")
    with Database(store) as database:
        migrate(database)
    planted = plant(folder, orders)
    with SandboxServer() as sandbox:
        control = ControlClient(sandbox.urls["control"])
        control.seed(planted.seed)
        control.clock(CLOCK_SPEED)
        office = Office(folder, store, sandbox.urls, control)
        if point is not None and (told := office.adopt_killed(point)) is not None:
            result.error = told
            return result
        started = time.monotonic()
        office.adopt()
        result.recovery_s = round(time.monotonic() - started, 1)
        if control.log():
            result.error = "the adoption wrote to the board"
        office.push()
        judge(result, control.log(), control.state(), planted)
        before = len(control.log())
        office.push()
        result.second_run_writes = len(control.log()) - before
    return result


@dataclass(frozen=True)
class Office:
    """A workflow's folder, its database, and the sandbox its board is in."""

    folder: Path
    store: str
    urls: Mapping[str, Any]
    control: ControlClient

    @property
    def variables(self) -> dict[str, str]:
        """The variables the workflow and the commands ask for."""
        return {
            "SYNCFLOW_DATABASE_URL": self.store,
            "SYNCFLOW_HOME": str(self.folder),
            "SYNCFLOW_WORKFLOWS": str(self.folder),
            "MONDAY_URL": self.urls["monday"],
            "MONDAY_TOKEN": self.urls["tokens"]["monday"]["personal"],
        }

    def adopt(self) -> None:
        """Adopt the board."""
        with variables(self.variables):
            loaded = find_workflow(self.folder, WORKFLOW)
            adopt_workflow(self.folder, loaded, AdoptionOptions())

    def adopt_killed(self, point: str) -> str | None:
        """Run the command and have it killed; return what went wrong."""
        return run_killed(point, "syncflow_dagster.cli", "adopt", WORKFLOW, environ=self.variables)

    def push(self) -> None:
        """Push what is pending."""
        with variables(self.variables), Database(self.store) as database:
            workflow = find_workflow(self.folder, WORKFLOW).workflow
            (node,) = workflow.pushes
            push = Push(database, DatabaseClock(database), workflow, node)
            try:
                push.prepare()
                push.plan()
                for number in (ITEMS, SUBITEMS, STATUSES):
                    push.deliver(number)
            finally:
                push.close()


def judge(
    result: FaultResult,
    log: Sequence[Mapping[str, Any]],
    state: Mapping[str, Any],
    planted: Planted,
) -> None:
    """Compare what was written with what was right.

    Duplicates are creates of what was there, or was made twice; lost is what was not made, and
    what still differs; a value that was sent though the board held it is an error.
    """
    made = Counter(one["key"] for one in log if one["op"].startswith("create_"))
    result.duplicates = sum((made - Counter(planted.creates)).values())
    keys = {item["id"]: item["key"] for board in state["boards"] for item in board["items"]}
    left = {key: set(columns) for key, columns in planted.differing.items()}
    resent = 0
    for one in log:
        key = keys.get(one["remote_id"])
        if one["op"].startswith("create_") or key in planted.creates:
            continue
        sent = set(one["payload"].get("column_values", {"(something else)": None}))
        resent += len(sent - {"record_uuid"} - planted.differing.get(str(key), set()))
        left.get(str(key), set()).difference_update(sent)
    result.lost = len(planted.creates - set(made)) + sum(map(len, left.values()))
    if resent:
        result.error = result.error or f"{resent} values were sent that the board held"
