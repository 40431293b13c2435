"""Schedules of what keeps things small: each workflow's retention, and Dagster's storage."""

import dagster as dg

from syncflow_dagster.assets import housekeeping, names
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.sensors.in_flight import IN_FLIGHT


def retention_schedule(built: WorkflowDefinitions) -> dg.ScheduleDefinition:
    """Return the schedule; a tick starts nothing while the last one's run is under way."""
    workflow = built.loaded.workflow
    policy = workflow.retention
    name = names.retention_job_name(workflow)
    running, stopped = dg.DefaultScheduleStatus.RUNNING, dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name=name,
        job=built.retention_job,
        cron_schedule=policy.cron,
        execution_timezone=policy.timezone,
        description=f"Keeps {workflow.workflow} small: moves or deletes what is history.",
        default_status=running if policy.enabled else stopped,
        tags=names.retention_tags(workflow),
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        mine = dg.RunsFilter(job_name=name, statuses=list(IN_FLIGHT))
        if context.instance.get_runs(mine, limit=1):
            return dg.SkipReason("The last retention is still under way.")
        return dg.RunRequest(tags=names.retention_tags(workflow))

    return tick


def housekeeping_schedule(job: Job) -> dg.ScheduleDefinition:
    """Return the schedule that keeps Dagster's own storage small."""

    @dg.schedule(
        name=housekeeping.JOB,
        job=job,
        cron_schedule="47 4 * * *",
        execution_timezone="UTC",
        description="Keeps Dagster's own storage small.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick() -> dg.RunRequest:
        # Two at once do no harm: the second sees the first and ends.
        return dg.RunRequest()

    return tick
