"""A Dagster schedule for each time trigger of a workflow."""

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.workflow import WorkflowDefinitions
from syncflow_dagster.sensors.in_flight import run_in_flight
from syncflow_dagster.workflows.models import CronTrigger, Workflow


def schedules(built: WorkflowDefinitions) -> list[dg.ScheduleDefinition]:
    """Return the schedules of a workflow, in the file's order."""
    workflow = built.loaded.workflow
    return [
        _schedule(built, workflow, trigger)
        for trigger in workflow.triggers
        if isinstance(trigger, CronTrigger)
    ]


def _schedule(
    built: WorkflowDefinitions, workflow: Workflow, trigger: CronTrigger
) -> dg.ScheduleDefinition:
    running = dg.DefaultScheduleStatus.RUNNING
    tags = names.run_tags(workflow)

    @dg.schedule(
        name=names.schedule_name(workflow, trigger.name),
        job=built.job,
        cron_schedule=trigger.cron,
        execution_timezone=trigger.timezone,
        description=f"Runs {workflow.workflow} as a whole: {workflow.description}",
        default_status=running if trigger.enabled else dg.DefaultScheduleStatus.STOPPED,
        tags=tags,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # Only this workflow's own run: others queue for themselves.
        at_work = run_in_flight(context.instance, {"workflow": workflow.workflow})
        if at_work is not None:
            return dg.SkipReason(f"Run {at_work[:8]} of {workflow.workflow} is still under way.")
        return dg.RunRequest(tags=tags)

    return tick
