"""Running the faults of whole runs: the example workflow, seen by Dagster like any other."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.demo.summary import count_source, standing
from syncflow_dagster.demo.world import WORKFLOWS, variables
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.faults.cases import FaultCase, cases
from syncflow_dagster.testing.faults.disturbance import Disturbance
from syncflow_dagster.testing.faults.invariants import Calm, Scene, hold
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.faults.world import FaultWorld, fault_world
from syncflow_dagster.testing.judge import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGKILLED = -9
_MOST_RUNS = 6


def whole_faults(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Break what a whole run meets, one fault at a time.

    Args:
        wanted: Tells by its name whether a case is to run.
    """
    chosen = [case for case in cases() if wanted(case.name)]
    if not chosen:
        return
    with fault_world() as world:
        calm: dict[bool, Calm] = {}
        for case in chosen:
            if case.whole_book not in calm:
                calm[case.whole_book] = _undisturbed(world, whole=case.whole_book)
            yield _run_case(world, case, calm[case.whole_book])


def _undisturbed(world: FaultWorld, *, whole: bool) -> Calm:
    world.begin(whole_book=whole)
    world.tell_limits_exactly()
    started = time.monotonic()
    done = world.run()
    if done.returncode != 0:
        msg = f"the undisturbed run failed:\n{done.stderr[-2_000:]}{done.stdout[-2_000:]}"
        raise RuntimeError(msg)
    seconds = time.monotonic() - started
    return Calm(picture(world.control.state()), world.control.stats()["monday"], seconds)


def _run_case(world: FaultWorld, case: FaultCase, calm: Calm) -> FaultResult:
    world.begin(whole_book=case.whole_book)
    world.tell_limits_exactly()
    for fault in case.faults:
        world.control.faults(dict(fault))
    result = FaultResult(case.name, case.number)
    disturb = case.disturb
    act = None if disturb is None else lambda: disturb(world)
    disturbance = Disturbance(world.control, case.after, act)
    started = time.monotonic()
    with disturbance:
        if case.first is not None:
            result.error = case.first(world, disturbance)
        result.error = result.error or _run_until_settled(world, case, disturbance)
    ended = time.monotonic()
    begun = disturbance.at
    undisturbed_end = started + calm.seconds
    result.recovery_s = round(max(0.0, ended - (begun or undisturbed_end)), 1)
    result.extra_calls = max(0, _requests(world) - calm.requests)
    world.control.clear_faults()
    _judge(world, case, calm, result)
    return result


def _run_until_settled(world: FaultWorld, case: FaultCase, disturbance: Disturbance) -> str | None:
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
    with Database(world.store) as database:
        row = database.fetch_one(sql.load("faults")["unsettled"])
    return row is None or bool(row["unsettled"])


def _judge(world: FaultWorld, case: FaultCase, calm: Calm, result: FaultResult) -> None:
    writes = len(world.control.log())
    again = world.run()
    result.second_run_writes = len(world.control.log()) - writes
    if again.returncode != 0:
        result.error = result.error or f"the run after it failed: {again.stdout[-400:]}"
        return
    with variables(world.variables), Database(world.store) as database:
        loaded = find_workflow(WORKFLOWS, "order_list")
        judged = hold(result, Scene(world.control, database, loaded.workflow, case.wiped), calm)
        found = standing(database, loaded.workflow, judged, count_source(loaded, database))
    result.lost = max(result.lost, found.lost)


def _requests(world: FaultWorld) -> int:
    return int(world.control.stats()["monday"]["requests"])
