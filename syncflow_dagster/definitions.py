"""The whole code location on one page: workflow files in, Dagster definitions out.

Loading needs the files and their environment variables, neither network nor database.
"""

from pathlib import Path

import dagster as dg

from syncflow_dagster.assets.files import files_asset, files_check, workflows_folder
from syncflow_dagster.assets.housekeeping import housekeeping_asset, housekeeping_job
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.resources.run_options import RESOURCE, RunOptionsResource
from syncflow_dagster.resources.store import store_resource
from syncflow_dagster.schedules.triggers import schedules
from syncflow_dagster.schedules.upkeep import housekeeping_schedule, retention_schedule
from syncflow_dagster.sensors.dispatcher import dispatcher_sensor
from syncflow_dagster.sensors.stuck_rows import stuck_rows_sensor
from syncflow_dagster.sensors.workflow_files import workflow_files_sensor
from syncflow_dagster.workflows.loader import load_folder


def build(folder: Path) -> dg.Definitions:
    """Build the definitions of all workflow files of a folder; a broken one stops no other."""
    loaded = load_folder(folder)
    built = [workflow_definitions(one) for one in loaded.workflows]
    upkeep = housekeeping_job()
    return dg.Definitions(
        assets=[
            files_asset(loaded),
            housekeeping_asset(),
            *(asset for one in built for asset in one.assets),
        ],
        asset_checks=[files_check(folder), *(check for one in built for check in one.checks)],
        jobs=[upkeep, *(job for one in built for job in one.jobs)],
        schedules=[
            housekeeping_schedule(upkeep),
            *(each for one in built for each in (*schedules(one), retention_schedule(one))),
        ],
        sensors=[
            dispatcher_sensor(built),
            stuck_rows_sensor([one.loaded.workflow for one in built]),
            workflow_files_sensor(folder),
        ],
        resources={
            STORE: store_resource(),
            RESOURCE: RunOptionsResource(),
            **{key: resource for one in built for key, resource in one.resources.items()},
        },
        # For what is materialised from the asset graph, outside any job of ours.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the code location's definitions."""
    return build(workflows_folder())
