"""The run that is asked for to serve a slot."""

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.nodes.triggers.slots import WHOLE, Slot
from syncflow_dagster.workflows.models import Workflow


def run_request(workflow: Workflow, slot: Slot, run_key: str | None = None) -> dg.RunRequest:
    """Return a request for a slot's run.

    Args:
        workflow: The workflow.
        slot: The slot.
        run_key: Under which Dagster makes no second run; of a sensor, none ever again.
    """
    is_part = slot.part != WHOLE
    job = names.parts_job_name(workflow) if is_part else workflow.workflow
    return dg.RunRequest(
        job_name=job,
        run_key=run_key,
        partition_key=slot.part if is_part else None,
        tags=names.slot_tags(workflow, slot),
    )
