"""Dagster schedules for each time trigger of a workflow."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from syncflow_dagster.assets import names, partitions
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.sensors.in_flight import InFlight
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
    split = partitions.partitioned(workflow)
    found = []
    if built.job is not None and partitions.unpartitioned(workflow):
        name = names.schedule_name(workflow, trigger.name)
        what = "what is not split of {}" if split else "{} as a whole"
        words = f"Runs {what.format(workflow.workflow)}"
        found.append(_Target(name, built.job, words))
    if built.parts_job is not None:
        name = names.parts_schedule_name(workflow, trigger.name)
        words = f"Starts a run for each partition of {workflow.workflow}"
        found.append(_Target(name, built.parts_job, words, partitions.keys(split[0])))
    return [_schedule(workflow, trigger, one, has_twin=len(found) > 1) for one in found]


@dataclass(frozen=True, slots=True)
class _Target:
    """What a schedule starts: a run of a job, or one for each partition."""

    name: str
    job: Job
    words: str
    partitions: Sequence[str] = ()


def _schedule(
    workflow: Workflow, trigger: CronTrigger, target: _Target, *, has_twin: bool
) -> dg.ScheduleDefinition:
    running = dg.DefaultScheduleStatus.RUNNING
    tags = names.run_tags(workflow)

    @dg.schedule(
        name=target.name,
        job=target.job,
        cron_schedule=trigger.cron,
        execution_timezone=trigger.timezone,
        description=f"{target.words}: {workflow.description}",
        default_status=running if trigger.enabled else dg.DefaultScheduleStatus.STOPPED,
        tags=tags,
    )
    def tick(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time.isoformat(timespec="minutes")
        # Only this workflow's own run: others queue for themselves.
        under_way = InFlight.of(context.instance).name(workflow, moment)
        if under_way is not None:
            return dg.SkipReason(f"{workflow.workflow}: {under_way} is still under way.")
        due = {**tags, names.SCHEDULED_FOR_TAG: moment} if has_twin else tags
        if not target.partitions:
            return dg.RunRequest(tags=due)
        # Keys tell the runs of one tick apart; the next tick's may have them again.
        return [
            dg.RunRequest(run_key=key, partition_key=key, tags=due) for key in target.partitions
        ]

    return tick
