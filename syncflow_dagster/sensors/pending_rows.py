"""One dispatcher for all workflows: rows wait, nobody is at work on them, so a push starts.

State decides, not keys: a run key would keep the rows of a failed run waiting for ever. What a
run takes up is decided in the run, by row locks, so an extra run does no harm.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
import psycopg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.resources.observe import Observer, Pending
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sensors.in_flight import InFlight, held_up
from syncflow_dagster.store.migrate import MigrationError
from syncflow_dagster.workflows.models import Workflow

NAME = "pending_rows"
_EVERY_S = 10
_DESCRIPTION = (
    "Starts a workflow's push as soon as delta rows or unfinished changes wait for it, unless a "
    "run of that workflow is under way. After a run that failed, or whose push brought nothing to "
    "an end, it waits: half a minute first, doubled with each such run in a row, a quarter of an "
    "hour at most."
)


def pending_rows_sensor(built: Sequence[WorkflowDefinitions]) -> dg.SensorDefinition:
    """Return the sensor of all workflows that have a `pending_rows` trigger."""
    served = [one.loaded.workflow for one in built if one.push_job and serves(one.loaded.workflow)]
    jobs: list[Job] = [
        one.push_job for one in built if one.push_job and serves(one.loaded.workflow)
    ]

    @dg.sensor(
        name=NAME,
        description=_DESCRIPTION,
        jobs=jobs or None,
        minimum_interval_seconds=_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={STORE},
    )
    def pending_rows(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        store: StoreResource = getattr(context.resources, STORE)
        return evaluate(context.instance, served, store, datetime.now(UTC))

    return pending_rows


def serves(workflow: Workflow) -> bool:
    """Whether a workflow asks to be started by waiting rows."""
    return any(one.type == "pending_rows" and one.enabled for one in workflow.triggers)


def evaluate(
    instance: dg.DagsterInstance,
    workflows: Sequence[Workflow],
    store: StoreResource,
    now: datetime,
) -> dg.SensorResult | dg.SkipReason:
    """Decide which workflows' pushes start now.

    Args:
        instance: Runs that are under way or have ended.
        workflows: The workflows to look at.
        store: Delta rows and ledger.
        now: This machine's time, as Dagster's run records have it.
    """
    if not workflows:
        return dg.SkipReason("No workflow has a pending_rows trigger.")
    reasons: list[str] = []
    free = list(_free(instance, workflows, now, reasons))
    if not free:
        return dg.SkipReason(" ".join(reasons))
    try:
        waiting = _waiting(store, free)
    except (psycopg.Error, MigrationError) as error:
        return dg.SkipReason(f"SyncFlow's database cannot be asked: {str(error).strip()}")
    requests = []
    for workflow in free:
        pending = waiting[workflow.workflow]
        if pending:
            requests.append(_request(workflow, pending))
        else:
            reasons.append(f"{workflow.workflow}: nothing waits.")
    if not requests:
        return dg.SkipReason(" ".join(reasons))
    return dg.SensorResult(run_requests=requests)


def _free(
    instance: dg.DagsterInstance,
    workflows: Sequence[Workflow],
    now: datetime,
    reasons: list[str],
) -> Iterator[Workflow]:
    under_way = InFlight.of(instance)
    for workflow in workflows:
        reason = held_up(instance, under_way, workflow, names.push_job_name(workflow), now)
        if reason is None:
            yield workflow
        else:
            reasons.append(f"{workflow.workflow}: {reason}.")


def _waiting(store: StoreResource, workflows: Sequence[Workflow]) -> dict[str, Pending]:
    work = {one.workflow: names.push_work(one) for one in workflows}
    with store.open() as opened:
        return Observer(opened.database).pending(work, opened.clock.now())


def _request(workflow: Workflow, pending: Pending) -> dg.RunRequest:
    return dg.RunRequest(
        job_name=names.push_job_name(workflow),
        tags={**names.run_tags(workflow), "started_by": pending.in_words()},
    )
