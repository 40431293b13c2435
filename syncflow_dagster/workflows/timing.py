"""What a workflow file says about times, as rules of time and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.calendar import BusinessCalendar, weekdays
from syncflow_dagster.core.timing.cron import CronRule
from syncflow_dagster.core.timing.dates import DatesRule
from syncflow_dagster.core.timing.filtered import DayFilter, Excluding, filtered
from syncflow_dagster.core.timing.interval import interval_rule, parse_every
from syncflow_dagster.core.timing.phrases import parse_phrase, parse_time, read_phrase
from syncflow_dagster.core.timing.rule import Union
from syncflow_dagster.core.timing.windows import WeekWindows, parse_span
from syncflow_dagster.core.timing.words import cron_words, dates_words, every_words, listed_days
from syncflow_dagster.workflows.models import (
    AfterTrigger,
    CronTrigger,
    DatesTrigger,
    IntervalTrigger,
    PendingRowsTrigger,
    PhraseTrigger,
    TimeTrigger,
)

if TYPE_CHECKING:
    from datetime import time

    from syncflow_dagster.core.timing.rule import Rule
    from syncflow_dagster.workflows.models import Workflow
    from syncflow_dagster.workflows.models.triggers import AnyTimeTrigger

_ENDED = {"success": "succeeded", "failure": "failed", "any": "ended"}
_OTHERWISE = {
    "skip": "",
    "next": ", moved to the next such day",
    "previous": ", moved to the previous such day",
}


def time_triggers(workflow: Workflow) -> list[AnyTimeTrigger]:
    """Return the triggers of a workflow that go by the clock, in the file's order."""
    return [one for one in workflow.triggers if isinstance(one, TimeTrigger)]


def rule_of(workflow: Workflow, trigger: AnyTimeTrigger) -> Rule:
    """Return when a trigger is due, its calendar and its exclusions heeded.

    Args:
        workflow: The workflow, whose calendars the trigger may name.
        trigger: One of its triggers.

    Raises:
        ValueError: The trigger holds what the loader lets no file through with.
    """
    rule = _plain_rule(workflow, trigger)
    calendar = calendar_of(workflow, trigger.calendar)
    if trigger.only is not None and calendar is not None:
        business = trigger.only == "business_days"
        permits = calendar.is_business_day if business else calendar.is_day_off
        rule = filtered(rule, DayFilter(permits, trigger.otherwise))
    if trigger.excluding:
        rule = Excluding(rule, ZoneInfo(trigger.timezone), frozenset(trigger.excluding))
    return rule


def calendar_of(workflow: Workflow, name: str | None) -> BusinessCalendar | None:
    """Return a calendar of a workflow; None: no name is given.

    Raises:
        CalendarError: It names a day, a country or a part of it that there is not.
        KeyError: The workflow has no such calendar.
    """
    if name is None:
        return None
    said = workflow.calendars[name]
    return BusinessCalendar(
        weekdays(said.weekend),
        frozenset(said.days_off),
        frozenset(said.business_days),
        said.country,
        said.subdivision,
    )


def windows_of(workflow: Workflow) -> WeekWindows | None:
    """Return when a workflow may be at work; None: always.

    Raises:
        ValueError: A window cannot be read.
    """
    said = workflow.windows
    if said is None:
        return None
    spans = [parse_span(text) for text in said.open]
    calendar = calendar_of(workflow, said.calendar)
    if calendar is None:
        return WeekWindows(said.timezone, spans)
    return WeekWindows(said.timezone, spans, calendar.is_day_off)


def words_of(
    workflow: Workflow, trigger: AnyTimeTrigger | AfterTrigger | PendingRowsTrigger
) -> str:
    """Return a trigger in words, such as `weekdays at 07:00 and 19:00, Europe/Berlin`."""
    if isinstance(trigger, AfterTrigger):
        return f"after each run of {trigger.workflow} that {_ENDED[trigger.result]}"
    if isinstance(trigger, PendingRowsTrigger):
        return "as soon as delta rows wait for the push"
    words = f"{_plain_words(trigger)}, {trigger.timezone}"
    if trigger.only is not None:
        days = trigger.only.replace("_", " ")
        calendar = _calendar_words(workflow, trigger.calendar)
        words += f"; only on {days} of {calendar}{_OTHERWISE[trigger.otherwise]}"
    elif trigger.calendar is not None:
        words += f"; business days of {_calendar_words(workflow, trigger.calendar)}"
    if trigger.excluding:
        words += f"; not on {listed_days(trigger.excluding)}"
    return words


def _plain_rule(workflow: Workflow, trigger: AnyTimeTrigger) -> Rule:
    if isinstance(trigger, CronTrigger):
        rules = tuple(CronRule.parse(text, trigger.timezone) for text in crons_of(trigger))
        return rules[0] if len(rules) == 1 else Union(rules)
    if isinstance(trigger, IntervalTrigger):
        return interval_rule(parse_every(trigger.every), trigger.anchor, trigger.timezone)
    if isinstance(trigger, DatesTrigger):
        return DatesRule(frozenset(trigger.dates), _times(trigger), ZoneInfo(trigger.timezone))
    calendar = calendar_of(workflow, trigger.calendar) or BusinessCalendar()
    return parse_phrase(trigger.when, trigger.timezone, calendar.is_business_day)


def _plain_words(trigger: AnyTimeTrigger) -> str:
    if isinstance(trigger, CronTrigger):
        rules = [CronRule.parse(text, trigger.timezone) for text in crons_of(trigger)]
        return "; ".join(map(cron_words, rules))
    if isinstance(trigger, IntervalTrigger):
        return every_words(parse_every(trigger.every), trigger.anchor)
    if isinstance(trigger, PhraseTrigger):
        return read_phrase(trigger.when).words
    return dates_words(trigger.dates, _times(trigger))


def _calendar_words(workflow: Workflow, name: str | None) -> str:
    """Return a calendar's name, and whose public holidays it has."""
    said = workflow.calendars.get(name or "")
    if said is None or said.country is None:
        return f"calendar {name}"
    part = f"-{said.subdivision}" if said.subdivision else ""
    return f"calendar {name} ({said.country}{part})"


def crons_of(trigger: CronTrigger) -> tuple[str, ...]:
    """Return the expressions of a cron trigger."""
    return (trigger.cron,) if isinstance(trigger.cron, str) else trigger.cron


def _times(trigger: DatesTrigger) -> tuple[time, ...]:
    return tuple(sorted({parse_time(text) for text in trigger.at}))
