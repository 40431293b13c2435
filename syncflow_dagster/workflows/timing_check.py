"""What comes of a workflow's triggers and windows together: is anything ever due, and when."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.workflows.models import TimeTrigger
from syncflow_dagster.workflows.problems import Finding
from syncflow_dagster.workflows.timing import rule_of, windows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.core.timing.rule import Rule
    from syncflow_dagster.core.timing.windows import WeekWindows
    from syncflow_dagster.workflows.models import Workflow
    from syncflow_dagster.workflows.problems import Loc

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
#: Due times that are looked at for one in a window, of a trigger that comes seldom.
_LOOKED_AT = 50


def findings(workflow: Workflow, now: datetime) -> Iterator[Finding]:
    """Report windows that never open and triggers that are never due, and warn of odd ones.

    Args:
        workflow: A workflow without other mistakes.
        now: The present time. What depends on it is a warning: no file gets broken by waiting.
    """
    windows = windows_of(workflow)
    if windows is not None and windows.next_open(now) is None:
        message = "no window opens for a year: the workflow would never be at work"
        hint = "look at the days off of the calendar that 'windows' names"
        yield Finding(("windows", "open"), message, hint)
        windows = None
    for number, trigger in enumerate(workflow.triggers):
        if isinstance(trigger, TimeTrigger):
            rule, loc = rule_of(workflow, trigger), ("triggers", number)
            yield from _never_due(rule, loc, ZoneInfo(trigger.timezone), now)
            if windows is not None:
                yield from _outside(rule, loc, windows, now)


def _never_due(rule: Rule, loc: Loc, zone: ZoneInfo, now: datetime) -> Iterator[Finding]:
    if next(rule.after(now), None) is not None:
        return
    ever = deque(rule.after(_BEGINNING), maxlen=1)
    if not ever:
        message = "the trigger is never due: its calendar and 'excluding' leave it no day"
        yield Finding(loc, message, "leave one of them out, or choose another day")
        return
    when = f"{ever[0].astimezone(zone):%Y-%m-%d %H:%M}"
    message = f"the trigger is not due any more: its last time was {when}"
    yield Finding(loc, message, "give it days to come, or remove it", is_warning=True)


def _outside(rule: Rule, loc: Loc, windows: WeekWindows, now: datetime) -> Iterator[Finding]:
    dues = list(islice(rule.after(now), _LOOKED_AT))
    if not dues or any(map(windows.is_open, dues)) or _is_due_in(rule, windows, now):
        return
    opens = windows.next_open(dues[0])
    zone = ZoneInfo(windows.zone)
    due = f"{dues[0].astimezone(zone):%a %Y-%m-%d %H:%M}"
    start = "not within a year" if opens is None else f"{opens.astimezone(zone):%a %Y-%m-%d %H:%M}"
    message = f"the trigger is due outside the workflow's windows: next on {due}"
    hint = f"its run starts when the window opens: {start}, {windows.zone}"
    yield Finding(loc, message, hint, is_warning=True)


def _is_due_in(rule: Rule, windows: WeekWindows, now: datetime) -> bool:
    """Tell whether a trigger is due in a window of the year to come."""
    for begin, end in windows.stretches(now):
        due = next(rule.after(begin - _TICK), None)
        if due is None or due < end:
            return due is not None
    return False
