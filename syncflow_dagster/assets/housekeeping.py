"""Keeping Dagster's own storage small, as an asset with a job of its own.

`syncflow dev` does the same every hour; the job is for installations that run Dagster themselves.
"""

import time
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.resources.dagster_tables import UnknownTablesError
from syncflow_dagster.resources.retention import VARIABLE, Tidied, days_from_environment, tidy

KEY = dg.AssetKey(["syncflow", "housekeeping"])
JOB = "syncflow_housekeeping"
#: Well below `max_runtime_seconds` of dagster.yaml; the next run goes on.
_LONGEST_S = 1_800
_DESCRIPTION = (
    "Keeps Dagster's own storage small: deletes runs with their events and output, results of "
    "checks, events without a run, ticks, backfills and snapshots of definitions that are older "
    f"than `{VARIABLE}` (30 days unless set; 0 keeps everything). What is shown as the latest of "
    "an asset, a check, a schedule or a sensor stays, with its run."
)


def housekeeping_asset() -> dg.AssetsDefinition:
    """Return the asset, whose metadata tell what was deleted."""

    @dg.asset(
        key=KEY,
        description=_DESCRIPTION,
        group_name="syncflow",
        kinds={"postgres"},
        tags={"node": "housekeeping"},
    )
    def housekeeping(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        days = days_from_environment()
        if days is None:
            context.log.info("%s is 0: everything is kept", VARIABLE)
            return dg.MaterializeResult(metadata={"keeps_days": "for ever"})
        with readable_failures():
            tidied = _tidy(context.instance, days)
        context.log.info(tidied.in_words())
        return dg.MaterializeResult(metadata={"keeps_days": days, **tidied.rows})

    return housekeeping


def _tidy(instance: dg.DagsterInstance, days: int) -> Tidied:
    ends = time.monotonic() + _LONGEST_S
    try:
        return tidy(instance, days, datetime.now(UTC), should_stop=lambda: time.monotonic() > ends)
    except UnknownTablesError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def housekeeping_job() -> Any:
    """Return the job that makes the asset."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(KEY),
        description=_DESCRIPTION,
        executor_def=dg.in_process_executor,
    )
