"""What a tick of a time trigger's schedule does: note what is due, and ask for the next run.

Dagster evaluates a tick again that was broken off, and of several missed ones only the newest.
Neither matters: what is due is noted by the clock, whoever evaluates, and a run that this tick has
made already is asked for under the same key, so that Dagster goes on with that one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.scheduler.instigation import (
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._core.storage.tags import (
    PARTITION_NAME_TAG,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
    SCHEDULED_EXECUTION_TIME_TAG,
)

from syncflow_dagster.assets import names
from syncflow_dagster.assets.steps import STORE
from syncflow_dagster.core.timing.rule import Rule
from syncflow_dagster.nodes.triggers import slots
from syncflow_dagster.nodes.triggers.slots import WHOLE, Slot
from syncflow_dagster.nodes.triggers.windows import opens_at
from syncflow_dagster.resources.store import Store, StoreResource
from syncflow_dagster.schedules.requests import run_request
from syncflow_dagster.sensors.in_flight import InFlight
from syncflow_dagster.sensors.turns import may_start
from syncflow_dagster.workflows.models import Workflow
from syncflow_dagster.workflows.models.triggers import TimeTrigger

#: How far the database's clock may be behind the one that Dagster ticks by. A tick further ahead is
#: one that a person tries in the UI, for a moment that has not come.
_MOST_BEHIND = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Due:
    """What a schedule serves.

    Attributes:
        schedule: The schedule's name.
        workflow: The workflow.
        trigger: The trigger.
        rule: Its due times.
        is_of_parts: Whether it starts a run for each partition, or the one of all the rest.
    """

    schedule: str
    workflow: Workflow
    trigger: TimeTrigger
    rule: Rule
    is_of_parts: bool


def evaluate(
    due: Due, context: dg.ScheduleEvaluationContext
) -> list[dg.RunRequest] | dg.SkipReason:
    """Return the runs to start, or why none is started and what happens next.

    Raises:
        dagster.DagsterInvariantViolationError: The tick is ahead of time. What would be noted for
            it would start too early, and not when it is due.
    """
    tick = context.scheduled_execution_time
    if again := list(_made_already(due, context.instance, tick)):
        return again
    store: StoreResource = getattr(context.resources, STORE)
    with store.open() as opened:
        known = opened.clock.now()
        if tick - known > _MOST_BEHIND:
            message = f"nothing is due yet at {_local(due, tick)}: it is {_local(due, known)}"
            raise dg.DagsterInvariantViolationError(message)
        now = max(known, tick)
        slots.note_due(
            opened.database,
            due.workflow,
            due.trigger,
            due.rule,
            now,
            begin=tick,
            heeded_since=_switched_on(due, context.instance),
        )
        reason = _hindrance(due, opened, context.instance, tick, now)
        if reason is None:
            asked = _ask(due, opened, now)
            if asked:
                return asked
            reason = "nothing is left to start"
    return dg.SkipReason(f"{due.workflow.workflow}: {reason}; {_next(due, now)}.")


def _made_already(
    due: Due, instance: dg.DagsterInstance, tick: datetime
) -> Iterator[dg.RunRequest]:
    """Ask for the runs again that this very tick has made before it was broken off."""
    tags = {SCHEDULE_NAME_TAG: due.schedule, SCHEDULED_EXECUTION_TIME_TAG: names.moment(tick)}
    for run in instance.get_runs(dg.RunsFilter(tags=tags)):
        yield dg.RunRequest(
            run_key=run.tags.get(RUN_KEY_TAG),
            partition_key=run.tags.get(PARTITION_NAME_TAG),
            tags={name: run.tags[name] for name in (names.SLOT_TAG,) if name in run.tags},
        )


def _switched_on(due: Due, instance: dg.DagsterInstance) -> datetime | None:
    """Return when a person has switched the schedule on; None: it always was."""
    states = instance.all_instigator_state(
        instigator_type=InstigatorType.SCHEDULE, instigator_statuses={InstigatorStatus.RUNNING}
    )
    for state in states:
        data = state.instigator_data
        is_ours = state.instigator_name == due.schedule
        if is_ours and isinstance(data, ScheduleInstigatorData) and data.start_timestamp:
            return datetime.fromtimestamp(data.start_timestamp, tz=ZoneInfo("UTC"))
    return None


def _hindrance(
    due: Due, opened: Store, instance: dg.DagsterInstance, tick: datetime, now: datetime
) -> str | None:
    """Return why nothing may start now; what is due waits then."""
    # Only this workflow's own runs: others queue for themselves. Those of the other schedule of
    # this trigger, which is due at the same time, are none of those that it waits for.
    under_way = InFlight.of(instance)
    ours = under_way.name(due.workflow, names.moment(tick))
    if ours is not None:
        return f"{ours} is still under way, and what is due comes after it"
    opens = opens_at(opened.database, due.workflow, now)
    if opens is not None:
        return f"outside its windows; what is due waits until {_local(due, opens)}"
    if due.is_of_parts:
        # Those come after all others in the queue, and take what places are left.
        return None
    return may_start(instance, under_way, opened, due.workflow)


def _ask(due: Due, opened: Store, now: datetime) -> list[dg.RunRequest]:
    first = slots.next_to_start(opened.database, due.workflow, now, slots.opens_from(due.workflow))
    mine: Sequence[Slot] = [slot for slot in first if (slot.part != WHOLE) == due.is_of_parts]
    return [
        run_request(due.workflow, slot, run_key=f"slot {slot.slot_id}")
        for slot in mine
        if slots.request(opened.database, slot.slot_id, now)
    ]


def _next(due: Due, now: datetime) -> str:
    coming = next(iter(due.rule.after(now)), None)
    return "it is never due again" if coming is None else f"next due {_local(due, coming)}"


def _local(due: Due, at: datetime) -> str:
    zone = due.trigger.timezone
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"
