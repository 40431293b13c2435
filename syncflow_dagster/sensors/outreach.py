"""Starts LinkedIn steps when something is due: a lead's step, an event, or a question to ask.

One query for all workflows tells which accounts have something to do now. A run takes the due
accounts only, and ends soon: two actions of an account are minutes apart.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import dagster as dg
import psycopg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.nodes.linkedin.inbox import source_of
from syncflow_dagster.resources.outreach import OutreachWork, outreach_work
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sensors.in_flight import InFlight, held_up
from syncflow_dagster.store.migrate import MigrationError
from syncflow_dagster.workflows.models import LinkedInStepNode, Workflow

NAME = "outreach_steps"
_EVERY_S = 30
_DESCRIPTION = (
    "Starts the LinkedIn steps of a workflow for the accounts that have something to do now: steps "
    "of leads that are due, events that came in, questions to ask. Not while a run of the workflow "
    "is under way; after a run that failed it waits longer each time, a quarter of an hour at most."
)


def outreach_sensor(built: Sequence[WorkflowDefinitions]) -> dg.SensorDefinition:
    """Return the sensor of all workflows that have a LinkedIn step."""
    served = [one for one in built if one.outreach_job is not None]
    workflows = [one.loaded.workflow for one in served]
    jobs: list[Job] = [one.outreach_job for one in served]

    @dg.sensor(
        name=NAME,
        description=_DESCRIPTION,
        jobs=jobs or None,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={STORE},
    )
    def outreach_steps(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        store: StoreResource = getattr(context.resources, STORE)
        return evaluate(context.instance, workflows, store, datetime.now(UTC))

    return outreach_steps


def evaluate(
    instance: dg.DagsterInstance,
    workflows: Sequence[Workflow],
    store: StoreResource,
    now: datetime,
) -> dg.SensorResult | dg.SkipReason:
    """Decide which LinkedIn steps start now.

    Args:
        instance: Where runs are recorded.
        workflows: Those with a LinkedIn step.
        store: SyncFlow's database.
        now: The present moment, against which ended runs are held.
    """
    if not workflows:
        return dg.SkipReason("No workflow has a LinkedIn step.")
    try:
        with store.open() as opened:
            due = outreach_work(opened.database, opened.clock.now())
    except (psycopg.Error, MigrationError) as error:
        return dg.SkipReason(f"SyncFlow's database cannot be asked: {str(error).strip()}")
    under_way = InFlight.of(instance)
    requests, reasons = [], []
    for workflow in workflows:
        keys = list(_due_keys(workflow, due))
        job = names.outreach_job_name(workflow)
        held = held_up(instance, under_way, workflow, job, now) if keys else "nothing is due"
        if held is None:
            requests.append(_request(workflow, keys))
        else:
            reasons.append(f"{workflow.workflow}: {held}.")
    if not requests:
        return dg.SkipReason(" ".join(reasons))
    return dg.SensorResult(run_requests=requests)


def _due_keys(workflow: Workflow, due: OutreachWork) -> Iterable[dg.AssetKey]:
    """Return the assets in which something is due."""
    for node in workflow.linkedin_steps:
        yield from _due_of(workflow, node, due)


def _due_of(workflow: Workflow, node: LinkedInStepNode, due: OutreachWork) -> Iterable[dg.AssetKey]:
    parts = []
    for account in node.accounts:
        name = names.linkedin_account(workflow, node, account)
        acts = (workflow.workflow, node.name, name) in due.acting
        # Whoever is about to write looks first whether somebody has answered.
        parts += [names.detection_part(account)] if acts or name in due.asking else []
        parts += [names.steps_part(account)] if acts else []
    if parts or source_of(names.unipile_connection(workflow, node).account) in due.events:
        for part in ("inbox", *parts, "statistics"):
            yield names.outreach_key(workflow, node, part)


def _request(workflow: Workflow, keys: Sequence[dg.AssetKey]) -> dg.RunRequest:
    steps = [key.path[-1] for key in keys]
    return dg.RunRequest(
        job_name=names.outreach_job_name(workflow),
        asset_selection=list(keys),
        tags={**names.run_tags(workflow), "started_by": f"due: {', '.join(steps)}"[:200]},
    )
