"""Keeps the check of the workflow files up to date without a run."""

import hashlib
import os
import time
from pathlib import Path

import dagster as dg

from syncflow_dagster.assets.files import files_events
from syncflow_dagster.workflows.loader import Loaded, load_folder

NAME = "workflow_files"
_EVERY_S = 60
#: Even where no file of the folder has changed: one elsewhere may have.
_READ_ANYWAY_S = 900


def workflow_files_sensor(folder: Path) -> dg.SensorDefinition:
    """Return the sensor that reads the workflow files again and reports what is wrong."""

    @dg.sensor(
        name=NAME,
        description="Reads the workflow files every minute and turns the check red while one is "
        "broken. Reload the code location to use a changed file.",
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def workflow_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        looks = _looks(folder, time.time())
        known, _, reported = (context.cursor or "").partition(" ")
        if looks == known:
            return dg.SensorResult(skip_reason="No workflow file was touched.")
        loaded = load_folder(folder)
        digest = _digest(loaded)
        cursor = f"{looks} {digest}"
        if digest == reported:
            skip_reason = f"{_told(loaded)} Nothing changed."
            return dg.SensorResult(cursor=cursor, skip_reason=skip_reason)
        return dg.SensorResult(
            asset_events=[*files_events(loaded)], cursor=cursor, skip_reason=None
        )

    return workflow_files


def report_workflow_files(instance: dg.DagsterInstance, loaded: Loaded) -> None:
    """Report the state of the files to an instance, for a supervisor that has just started.

    Args:
        instance: Where the check shows.
        loaded: The files, just read.
    """
    for event in files_events(loaded):
        instance.report_runless_asset_event(event)


def _digest(loaded: Loaded) -> str:
    told = [one.workflow.workflow for one in loaded.workflows]
    told += [str(problem) for one in loaded.broken for problem in one.problems]
    return hashlib.blake2b("\n".join(told).encode(), digest_size=16).hexdigest()


def _looks(folder: Path, now: float) -> str:
    """Return what tells whether a file was touched, without reading any; a quarter-hour too."""
    entries = [f"{now // _READ_ANYWAY_S}"]
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place, name)
            if path.exists():  # a link may lead nowhere, and a file be gone by now
                entry = path.stat()
                entries.append(f"{path} {entry.st_mtime_ns} {entry.st_size}")
    return hashlib.blake2b("\n".join(sorted(entries)).encode(), digest_size=16).hexdigest()


def _told(loaded: Loaded) -> str:
    return f"Workflow files: {len(loaded.workflows)} in use, {len(loaded.broken)} broken."
