"""First runs of the matrix that are not left to themselves: ended from outside, or not alone."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.testing.faults.disturbance import Disturbance
    from syncflow_dagster.testing.faults.world import FaultWorld

#: Seconds in which a run that is asked to stop has to.
STOPS_WITHIN_S = 30.0
#: Seconds after which one that does not is killed here; a service manager waits longer.
_PATIENCE_S = 3.0
#: Committed writes after which a push is in the middle of its second pass.
_WRITES = 100
_STARTS_WITHIN_S = 120.0
#: What a run says that finds another at work: on the push, or on a delta.
_BUSY = ("is already being done by another process", "another process builds the delta")


def asked_to_stop(world: FaultWorld, disturbance: Disturbance) -> str | None:
    """Send SIGTERM in the middle of a push: it stops soon, and leaves no request unrecorded."""
    process = _started(world, lambda: len(world.control.log()) >= _WRITES)
    disturbance.happened()
    process.terminate()
    done = world.end(process)
    took_s = time.monotonic() - (disturbance.at or 0.0)
    if done.returncode == 0:
        return "it went on to its end"
    if took_s > STOPS_WITHIN_S:
        return f"it took {took_s:.1f} s to stop"
    with Database(world.store) as database:
        row = database.fetch_one(sql.load("faults")["unrecorded"])
    left = 0 if row is None else row["effects"]
    return f"{left} effects were sent and their outcome not recorded" if left else None


def killed_after_asking(world: FaultWorld, disturbance: Disturbance) -> str | None:
    """Send SIGTERM while an answer hangs, and SIGKILL once patience is over."""
    process = _started(world, lambda: any(fault["hits"] for fault in world.control.list_faults()))
    disturbance.happened()
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        world.end(process)
        return None
    return f"it ended before its answer came: {world.end(process).stdout[-400:]}"


def two_runs(world: FaultWorld, disturbance: Disturbance) -> str | None:
    """Start two runs at once: one works, the other works too or says that somebody does."""
    disturbance.happened()
    both = [world.start() for _ in range(2)]
    ended = [world.end(process) for process in both]
    failed = [one for one in ended if one.returncode != 0]
    if len(failed) == len(ended):
        return f"both failed: {failed[0].stdout[-400:]}"
    for one in failed:
        if not any(word in one.stdout for word in _BUSY):
            return f"one failed, and not for being too late: {one.stdout[-600:]}"
    return None


def _started(world: FaultWorld, is_there: Callable[[], bool]) -> subprocess.Popen[str]:
    """Start a run, and wait until it is where it is to be disturbed, or over."""
    process = world.start()
    until = time.monotonic() + _STARTS_WITHIN_S
    while not is_there() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    return process
