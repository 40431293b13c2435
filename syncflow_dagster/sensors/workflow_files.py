"""Keeps the check of the workflow files up to date without a run."""

import hashlib
from pathlib import Path

import dagster as dg

from syncflow_dagster.assets.files import files_events
from syncflow_dagster.workflows.loader import Loaded, load_folder

NAME = "workflow_files"
_EVERY_S = 60


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
        loaded = load_folder(folder)
        digest = _digest(loaded)
        if digest == context.cursor:
            return dg.SensorResult(skip_reason=f"{_told(loaded)} Nothing changed.")
        return dg.SensorResult(
            asset_events=[*files_events(loaded)], cursor=digest, skip_reason=None
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


def _told(loaded: Loaded) -> str:
    return f"Workflow files: {len(loaded.workflows)} in use, {len(loaded.broken)} broken."
