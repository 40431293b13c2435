"""Running the matrix and writing its table."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.demo.summary import count_source, standing
from syncflow_dagster.demo.world import WORKFLOWS, variables
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.faults.adoption import killed_adoptions
from syncflow_dagster.testing.faults.cases import FaultCase, cases
from syncflow_dagster.testing.faults.changes import paused_until_mended
from syncflow_dagster.testing.faults.deltas import killed_deltas
from syncflow_dagster.testing.faults.proofs import proofs
from syncflow_dagster.testing.faults.results import FaultOutcome, FaultResult
from syncflow_dagster.testing.faults.retention import killed_retention
from syncflow_dagster.testing.faults.world import FaultWorld, fault_world
from syncflow_dagster.testing.judge import group_titles, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_SIGKILLED = -9
_MOST_RUNS = 6
#: Characters of a name in the lines told while the matrix runs.
_NAME_WIDTH = 68


def run_faults(
    target: Path, *, only: Sequence[str] = (), say: Callable[[str], None]
) -> FaultOutcome:
    """Run the matrix, or the part of it whose names contain one of `only`.

    Args:
        target: File the table is written to, as JSON.
        only: Parts of names; none runs everything.
        say: Told each result.
    """
    outcome = FaultOutcome()

    def wanted(name: str) -> bool:
        return not only or any(part in name for part in only)

    for result in chain(
        _pushes(wanted),
        killed_deltas(wanted),
        killed_retention(wanted),
        killed_adoptions(wanted),
        proofs(wanted),
    ):
        outcome.results.append(result)
        say(result.line(_NAME_WIDTH) + (f"  {result.error}" if result.error else ""))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
    return outcome


def _pushes(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Run the faults of the whole workflow."""
    chosen = [case for case in cases() if wanted(case.name)]
    if not chosen:
        return
    with fault_world() as world:
        base = {whole: _baseline(world, whole=whole) for whole in (False, True)}
        for case in chosen:
            yield _run_case(world, case, base[case.whole_book])


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
        if case.change is not None:
            happened = disturbance.has_happened
            result.error = paused_until_mended(world, case.change, happened)
        result.error = result.error or _run_until_settled(world, case, disturbance)
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
        self._threshold = case.restart_postgres_after or case.down_after or case.change_after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        #: When it happened, on the monotonic clock.
        self.at: float | None = None

    def happened(self) -> None:
        """Note that the disturbance is now."""
        self.at = time.monotonic()

    def has_happened(self) -> bool:
        """Whether it has happened."""
        return self.at is not None

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
                elif self._case.change is not None:
                    self._case.change.make(self._world)
                else:
                    down = {"service": "monday", "kind": "down", "for_s": self._case.down_s}
                    self._world.control.faults(down)
                return
