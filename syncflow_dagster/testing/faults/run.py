"""Running the matrix and writing its table."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.demo.summary import count_source, standing
from syncflow_dagster.demo.world import WORKFLOWS, variables
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.faults.cases import FaultCase, cases
from syncflow_dagster.testing.faults.world import FaultWorld, fault_world
from syncflow_dagster.testing.judge import group_titles, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SIGKILLED = -9
_MOST_RUNS = 6
_COLUMNS = ("duplicates", "lost", "unknown", "extra_calls", "recovery_s")


@dataclass(slots=True)
class FaultResult:
    """What one fault did.

    Attributes:
        fault: Its name.
        duplicates: Objects created more than once, by the sandbox's log.
        lost: Records neither at the board nor explained.
        unknown: Effects whose outcome is still not known.
        extra_calls: Requests beyond those of the undisturbed run.
        recovery_s: Seconds from the disturbance (or beyond the undisturbed run) to the end.
        second_run_writes: Writes of another run, in which nothing had changed.
        error: What kept the case from being judged.
    """

    fault: str
    duplicates: int = 0
    lost: int = 0
    unknown: int = 0
    extra_calls: int = 0
    recovery_s: float = 0.0
    second_run_writes: int = 0
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        kept = not (self.duplicates or self.lost or self.unknown or self.second_run_writes)
        return kept and self.error is None


@dataclass(slots=True)
class FaultOutcome:
    """The whole table."""

    results: list[FaultResult] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every fault was survived."""
        return all(one.passed for one in self.results)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the table as rows."""
        rows = [asdict(one) for one in self.results]
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    def lines(self) -> list[str]:
        """Return the table for a person."""
        width = max((len(one.fault) for one in self.results), default=5)
        head = f"{'fault':<{width}}  " + "  ".join(f"{name:>11}" for name in _COLUMNS)
        return [head, "-" * len(head), *(_line(one, width) for one in self.results)]


def run_faults(
    target: Path, *, only: Sequence[str] = (), say: Callable[[str], None]
) -> FaultOutcome:
    """Run the matrix, or the part of it whose names contain one of `only`.

    Args:
        target: File the table is written to, as JSON.
        only: Parts of names; none runs everything. The undisturbed runs are always made.
        say: Told each result.
    """
    outcome = FaultOutcome()
    with fault_world() as world:
        base = {whole: _baseline(world, whole=whole) for whole in (False, True)}
        for case in cases():
            if only and not any(part in case.name for part in only):
                continue
            result = _run_case(world, case, base[case.whole_book])
            outcome.results.append(result)
            say(_line(result, 56) + (f"  {result.error}" if result.error else ""))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
    return outcome


@dataclass(frozen=True, slots=True)
class _Baseline:
    requests: int
    seconds: float


def _baseline(world: FaultWorld, *, whole: bool) -> _Baseline:
    world.begin(whole_book=whole)
    started = time.monotonic()
    done = world.run()
    if done.returncode != 0:
        msg = f"the undisturbed run failed:\n{done.stderr[-2_000:]}{done.stdout[-2_000:]}"
        raise RuntimeError(msg)
    return _Baseline(_requests(world), time.monotonic() - started)


def _run_case(world: FaultWorld, case: FaultCase, base: _Baseline) -> FaultResult:
    world.begin(whole_book=case.whole_book)
    for fault in case.faults:
        world.control.faults(dict(fault))
    result = FaultResult(case.name)
    disturbance = _Disturbance(world, case)
    started = time.monotonic()
    with disturbance:
        result.error = _run_until_settled(world, case, disturbance)
    ended = time.monotonic()
    begun = disturbance.at
    undisturbed_end = started + base.seconds
    result.recovery_s = round(max(0.0, ended - (begun or undisturbed_end)), 1)
    result.extra_calls = max(0, _requests(world) - base.requests)
    world.control.clear_faults()
    _judge(world, result)
    return result


def _run_until_settled(world: FaultWorld, case: FaultCase, disturbance: _Disturbance) -> str | None:
    crash_at = case.crash_at
    for _ in range(_MOST_RUNS):
        done = world.run(crash_at)
        if crash_at is not None:
            disturbance.happened()
            if done.returncode != _SIGKILLED:
                return f"{crash_at} did not kill the run: {done.stdout[-400:]}{done.stderr[-400:]}"
            crash_at = None
            continue
        if done.returncode == 0 and not _unsettled(world):
            return disturbance.missed()
    return f"not settled after {_MOST_RUNS} runs: {done.stdout[-600:]}{done.stderr[-600:]}"


def _unsettled(world: FaultWorld) -> bool:
    with Database(world.variables["SYNCFLOW_DATABASE_URL"]) as database:
        row = database.fetch_one(sql.load("faults")["unsettled"])
    return row is None or bool(row["unsettled"])


def _judge(world: FaultWorld, result: FaultResult) -> None:
    writes = len(world.control.log())
    again = world.run()
    if again.returncode != 0:
        result.error = result.error or f"the run after it failed: {again.stdout[-400:]}"
    log = world.control.log()
    result.second_run_writes = len(log) - writes
    judged = judge(log, group_titles(world.control.state()))
    with (
        variables(world.variables),
        Database(world.variables["SYNCFLOW_DATABASE_URL"]) as database,
    ):
        loaded = find_workflow(WORKFLOWS, "order_list")
        found = standing(database, loaded.workflow, judged, count_source(loaded))
    result.duplicates = judged.duplicates
    result.lost = found.lost
    result.unknown = found.numbers["unknown"]


def _requests(world: FaultWorld) -> int:
    return int(world.control.stats()["monday"]["requests"])


class _Disturbance:
    """Acts once the sandbox has committed so many writes, in a thread of its own."""

    def __init__(self, world: FaultWorld, case: FaultCase) -> None:
        self._world = world
        self._case = case
        self._threshold = case.restart_postgres_after or case.down_after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        #: When it happened, on the monotonic clock.
        self.at: float | None = None

    def happened(self) -> None:
        """Note that the disturbance is now."""
        self.at = time.monotonic()

    def missed(self) -> str | None:
        """Say so if the work was over before the disturbance."""
        if self._threshold is not None and self.at is None:
            return "the work was over before the disturbance"
        return None

    def __enter__(self) -> None:
        if self._threshold is not None:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        assert self._threshold is not None
        while not self._over.wait(0.02):
            if len(self._world.control.log()) >= self._threshold:
                self.happened()
                if self._case.restart_postgres_after:
                    self._world.server.restart_immediately()
                else:
                    down = {"service": "monday", "kind": "down", "for_s": self._case.down_s}
                    self._world.control.faults(down)
                return


def _line(result: FaultResult, width: int) -> str:
    numbers = "  ".join(f"{getattr(result, name):>11}" for name in _COLUMNS)
    mark = "" if result.passed else "  FAILED"
    return f"{result.fault:<{width}}  {numbers}{mark}"
