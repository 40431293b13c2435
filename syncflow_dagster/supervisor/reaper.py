"""Ending runs whose process is gone.

Dagster's default launcher notices a dead worker only while the code server that started it lives.
After a restart such a run stays STARTED, and holds its owner's place in the queue, until its
longest run time is over.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

    from dagster import DagsterInstance, DagsterRun

_LOG = logging.getLogger(__name__)

_PID = re.compile(r"\(pid: (\d+)\)")
# In the command line of a process that can be running a run: a code server's worker, or a command
# of ours that runs a job in its own process.
_RUNNER = re.compile(r"multiprocessing|syncflow (run|demo)\b")
# A process begun later than this many seconds after the event that names it is another one.
_TOLERANCE = 5.0


_HOST_TAG = "syncflow/host"
_PID_TAG = "syncflow/pid"


def process_tags() -> dict[str, str]:
    """Return the tags of a run that this process works on itself, so that it is known if we die."""
    return {_HOST_TAG: socket.gethostname(), _PID_TAG: str(os.getpid())}


def begun_here(run: DagsterRun) -> bool:
    """Say whether a run is worked on by a process of this machine that tagged it so."""
    return run.tags.get(_HOST_TAG) == socket.gethostname()


def reap(
    instance: DagsterInstance,
    is_ours: Callable[[DagsterRun], bool],
    submitted_within_s: float = 300.0,
) -> list[str]:
    """End the runs that no process is working on.

    A run without a process id yet is left to Dagster's start timeout.

    Args:
        instance: Dagster's instance.
        is_ours: Says whether a run's process would be on this machine: process ids of another
            machine say nothing here.
        submitted_within_s: Seconds within which a run that was made goes to the queue; the daemon
            does both in one go, unless it is killed in between.

    Returns:
        The ids of the runs that were ended: as failed, so that the retry policy starts them anew,
        or as canceled where a person had asked for that.
    """
    from dagster import DagsterRunStatus, RunsFilter

    moving = RunsFilter(
        statuses=[
            DagsterRunStatus.STARTING,
            DagsterRunStatus.STARTED,
            DagsterRunStatus.CANCELING,
        ]
    )
    reaped = []
    for run in instance.get_runs(moving):
        if not is_ours(run):
            continue
        named = _last_named_process(instance, run.run_id) or _tagged_process(instance, run)
        if named is None or _is_alive(*named):
            continue
        pid = named[0]
        _LOG.warning("the process %d of run %s is gone: the run is ended", pid, run.run_id)
        if run.status == DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, f"Its process {pid} is gone: canceled.")
        else:
            instance.report_run_failed(
                run,
                f"Its process {pid} is gone, killed or lost in a restart. Nothing was sent twice: "
                "the next run looks up what is not known.",
            )
        reaped.append(run.run_id)
    return reaped + _reap_unsubmitted(instance, submitted_within_s)


def _reap_unsubmitted(instance: DagsterInstance, within_s: float) -> list[str]:
    """End the runs that were made and never queued: else their workflow would wait for them."""
    from dagster import DagsterRunStatus, RunsFilter

    reaped = []
    made = RunsFilter(statuses=[DagsterRunStatus.NOT_STARTED])
    for record in instance.get_run_records(made):
        run = record.dagster_run
        if time.time() - record.create_timestamp.timestamp() < within_s:
            continue
        _LOG.warning("run %s was made and never queued: it is ended", run.run_id)
        instance.report_run_failed(
            run, "It was made and never queued, as what made it was killed. It did nothing."
        )
        reaped.append(run.run_id)
    return reaped


def on_this_machine(sockets: str, *, single_host: bool) -> Callable[[DagsterRun], bool]:
    """Make the rule that says which runs' processes are on this machine.

    Args:
        sockets: The folder of this machine's code servers' sockets.
        single_host: Whether all processes that use the instance are on this machine, as with the
            embedded server. Otherwise only runs that our own code servers were given are ours, and
            those that a command on this machine has begun.
    """

    def is_ours(run: DagsterRun) -> bool:
        if single_host or begun_here(run):
            return True
        # The tag DefaultRunLauncher leaves on a run, to find its code server again.
        where = json.loads(run.tags.get(".dagster/grpc_info", "{}"))
        return str(where.get("socket", "")).startswith(sockets)

    return is_ours


def _last_named_process(instance: DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """Find the last process id in a run's events, and when that was written, in epoch seconds."""
    from dagster import DagsterEventType

    named = None
    # Engine events name the run's own process, other events may name one of a single step.
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
        match = _PID.search(entry.message)
        if match is not None:
            named = int(match[1]), entry.timestamp
    return named


def _tagged_process(instance: DagsterInstance, run: DagsterRun) -> tuple[int, float] | None:
    """Find the process a run was tagged with, for one that died before it wrote an event."""
    record = instance.get_run_record_by_id(run.run_id)
    if record is None or _PID_TAG not in run.tags:
        return None
    return int(run.tags[_PID_TAG]), record.create_timestamp.timestamp()


def _is_alive(pid: int, named_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # Either sign is enough: the machine's clock may have been set since.
        begun_before = process.create_time() <= named_at + _TOLERANCE
        command = " ".join(process.cmdline())
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return begun_before or _RUNNER.search(command) is not None
