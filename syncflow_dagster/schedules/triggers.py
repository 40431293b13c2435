"""Dagster schedules for each time trigger of a workflow."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from syncflow_dagster.assets import names, partitions
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.assets.workflow import Job, WorkflowDefinitions
from syncflow_dagster.core.timing.covering import covering
from syncflow_dagster.schedules.tick import Due, evaluate
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.models.triggers import AnyTimeTrigger
from syncflow_dagster.workflows.timing import rule_of, time_triggers, words_of


def schedules(built: WorkflowDefinitions) -> list[dg.ScheduleDefinition]:
    """Return the schedules of a workflow, in the file's order.

    A schedule of Dagster's starts runs of one job, so where some delta nodes are split and others
    are not, a trigger has two.
    """
    workflow = built.loaded.workflow
    return [
        _schedule(workflow, trigger, target)
        for trigger in time_triggers(workflow)
        for target in _targets(built, workflow, trigger)
    ]


@dataclass(frozen=True, slots=True)
class _Target:
    """What a schedule starts: a run of a job, or one for each partition."""

    name: str
    job: Job
    words: str
    is_of_parts: bool


def _targets(
    built: WorkflowDefinitions, workflow: Workflow, trigger: AnyTimeTrigger
) -> Iterator[_Target]:
    name = workflow.workflow
    if built.job is not None and partitions.unpartitioned(workflow):
        what = (
            f"what is not split of {name}" if built.parts_job is not None else f"{name} as a whole"
        )
        yield _Target(names.schedule_name(workflow, trigger.name), built.job, f"Runs {what}", False)
    if built.parts_job is not None:
        words = f"Starts a run for each partition of {name}"
        schedule = names.parts_schedule_name(workflow, trigger.name)
        yield _Target(schedule, built.parts_job, words, True)


def _schedule(
    workflow: Workflow, trigger: AnyTimeTrigger, target: _Target
) -> dg.ScheduleDefinition:
    rule = rule_of(workflow, trigger)
    # Ticks at every due time, and at others where no cron lines say the rule; those start nothing.
    ticks = covering(rule, trigger.timezone)
    due = Due(target.name, workflow, trigger, rule, target.is_of_parts)

    @dg.schedule(
        name=target.name,
        job=target.job,
        cron_schedule=list(ticks.crons) if len(ticks.crons) > 1 else ticks.crons[0],
        execution_timezone=ticks.zone,
        description=f"{target.words} {words_of(workflow, trigger)}. {workflow.description}",
        default_status=dg.DefaultScheduleStatus.RUNNING
        if trigger.enabled
        else dg.DefaultScheduleStatus.STOPPED,
        tags=names.run_tags(workflow),
        required_resource_keys={STORE},
    )
    def tick(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        return evaluate(due, context)

    return tick
