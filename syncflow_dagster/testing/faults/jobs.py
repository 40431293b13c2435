"""Running the faults of bulk jobs."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from syncflow_dagster.commands.find import find_workflow
from syncflow_dagster.demo.world import variables
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database
from syncflow_dagster.testing.faults.disturbance import Disturbance
from syncflow_dagster.testing.faults.invariants import Calm, Scene, dead, hold
from syncflow_dagster.testing.faults.jobs_cases import JobCase, jobs_cases
from syncflow_dagster.testing.faults.jobs_world import WORKFLOW, JobsWorld, jobs_world
from syncflow_dagster.testing.faults.results import FaultResult
from syncflow_dagster.testing.judge import picture

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator


def job_faults(wanted: Callable[[str], bool]) -> Iterator[FaultResult]:
    """Break what a bulk job meets, one fault at a time; the next run has to finish the work.

    Args:
        wanted: Tells by its name whether a case is to run.
    """
    chosen = [case for case in jobs_cases() if wanted(case.name)]
    if not chosen:
        return
    with jobs_world() as world:
        calm = _undisturbed(world)
        for case in chosen:
            yield _run(world, case, calm)


def _undisturbed(world: JobsWorld) -> Calm:
    world.begin({})
    started = time.monotonic()
    done = world.run()
    if done.returncode != 0:
        msg = f"the undisturbed run of a bulk job failed: {_end_of(done)}"
        raise RuntimeError(msg)
    seconds = time.monotonic() - started
    control = world.inner.control
    return Calm(picture(control.state()), control.stats()["monday"], seconds)


def _run(world: JobsWorld, case: JobCase, calm: Calm) -> FaultResult:
    world.begin(case.settings, invalid=bool(case.invalid))
    control = world.inner.control
    for fault in case.faults:
        control.faults(fault)
    result = FaultResult(case.name, case.number)
    restart = world.inner.server.restart_immediately
    disturbance = Disturbance(control, case.restart_after, restart)
    undisturbed_end = time.monotonic() + calm.seconds
    with disturbance:
        result.error = _first(world, case, disturbance)
        done = world.run()
    result.recovery_s = round(max(0.0, time.monotonic() - (disturbance.at or undisturbed_end)), 1)
    result.extra_calls = max(0, control.stats()["monday"]["requests"] - calm.requests)
    idle = [one["kind"] for one in control.list_faults() if not one["hits"]]
    if idle:
        result.error = result.error or f"this never happened: {', '.join(idle)}"
    if done.returncode != 0:
        result.error = result.error or f"the run failed: {_end_of(done)}"
    result.error = result.error or disturbance.missed()
    control.clear_faults()
    _judge(world, case, calm, result)
    return result


def _first(world: JobsWorld, case: JobCase, disturbance: Disturbance) -> str | None:
    """Run first what does not come to its end; return what is wrong with that, if anything."""
    if case.first is not None:
        return case.first(world.inner, disturbance)
    if case.crash_at is None:
        return None
    killed = world.run(case.crash_at)
    disturbance.happened()
    if killed.returncode != -signal.SIGKILL:
        return f"{case.crash_at} did not kill the run: {_end_of(killed)}"
    with Database(world.inner.store) as database:
        place = {"workflow": WORKFLOW}
        left = len(database.fetch_all(sql.load("summary")["unknown_effects"], place))
    if left != case.open:
        return f"{case.crash_at} left {left} outcomes UNKNOWN, not {case.open}: another passage?"
    return None


def _judge(world: JobsWorld, case: JobCase, calm: Calm, result: FaultResult) -> None:
    control = world.inner.control
    writes = len(control.log())
    again = world.run()
    result.second_run_writes = len(control.log()) - writes
    if again.returncode != 0:
        result.error = result.error or f"the run after it failed: {_end_of(again)}"
        return
    with variables(world.inner.variables), Database(world.inner.store) as database:
        scene = Scene(control, database, find_workflow(world.workflows, WORKFLOW).workflow)
        hold(result, scene, calm)
        if (refused := dead(scene)) != case.invalid:
            result.broken.append(f"I2: {refused} records are refused, not {case.invalid}")
    _judge_jobs(world, case, result)


def _judge_jobs(world: JobsWorld, case: JobCase, result: FaultResult) -> None:
    stats = world.inner.control.stats()["monday"]
    met = stats["throttled_by_limit"]
    if met == case.met:
        result.broken = [one for one in result.broken if not one.startswith("I5")]
    elif case.met:
        result.broken.append(f"I5: these limits were met: {met}; right would be {dict(case.met)}")
    made = [one["payload"] for one in world.inner.control.log() if one["op"] == "create_item"]
    by_jobs = sum("job_id" in payload for payload in made)
    if by_jobs != case.by_jobs:
        result.broken.append(f"{by_jobs} items were made by bulk jobs, not {case.by_jobs}")
    if files := stats["ingest"]["uploads_repeated"]:
        result.broken.append(f"{files} files were sent to a job that had one")


def _end_of(done: subprocess.CompletedProcess[str]) -> str:
    return f"exit {done.returncode}, {done.stdout[-400:]}{done.stderr[-400:]}"
