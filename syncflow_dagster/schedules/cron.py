"""Dagster schedules for each time trigger of a workflow."""

from collections.abc import Sequence

import dagster as dg

from syncflow_dagster.assets import names, partitions
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.sensors.in_flight import run_in_flight
from syncflow_dagster.workflows.models import CronTrigger, Workflow


def schedules(built: WorkflowDefinitions) -> list[dg.ScheduleDefinition]:
    """Return the schedules of a workflow, in the file's order.

    A schedule of Dagster's starts runs of one job, so where some delta nodes are split and others
    are not, a trigger has two.
    """
    workflow = built.loaded.workflow
    triggers = [one for one in workflow.triggers if isinstance(one, CronTrigger)]
    return [schedule for trigger in triggers for schedule in _schedules(built, workflow, trigger)]


def _schedules(
    built: WorkflowDefinitions, workflow: Workflow, trigger: CronTrigger
) -> list[dg.ScheduleDefinition]:
    found = []
    if built.job is not None and partitions.unpartitioned(workflow):
        name = names.schedule_name(workflow, trigger.name)
        words = f"Runs {workflow.workflow} as a whole: {workflow.description}"
        if built.parts_job is not None:
            words = f"Runs what is not split of {workflow.workflow}: {workflow.description}"
        found.append(_schedule(workflow, trigger, name, words, built.job, ()))
    if built.parts_job is not None:
        name = names.parts_schedule_name(workflow, trigger.name)
        words = f"Starts a run for each partition of {workflow.workflow}: {workflow.description}"
        keys = partitions.keys(partitions.partitioned(workflow)[0])
        found.append(_schedule(workflow, trigger, name, words, built.parts_job, keys))
    return found


def _schedule(
    workflow: Workflow, trigger: CronTrigger, name: str, words: str, job: Job, keys: Sequence[str]
) -> dg.ScheduleDefinition:
    running = dg.DefaultScheduleStatus.RUNNING
    tags = names.run_tags(workflow)

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=trigger.cron,
        execution_timezone=trigger.timezone,
        description=words,
        default_status=running if trigger.enabled else dg.DefaultScheduleStatus.STOPPED,
        tags=tags,
    )
    def tick(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time.isoformat()
        # Only this workflow's own run: others queue for themselves.
        at_work = run_in_flight(context.instance, {"workflow": workflow.workflow}, moment)
        if at_work is not None:
            return dg.SkipReason(f"Run {at_work[:8]} of {workflow.workflow} is still under way.")
        due = {**tags, names.TICK_TAG: moment}
        if not keys:
            return dg.RunRequest(tags=due)
        # Keys tell the runs of one tick apart; the next tick's may have them again.
        return [dg.RunRequest(run_key=key, partition_key=key, tags=due) for key in keys]

    return tick
