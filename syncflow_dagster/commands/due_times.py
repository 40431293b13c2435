"""The next times of a workflow's triggers, with what is odd about each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.filtered import MOST_MOVED
from syncflow_dagster.core.timing.interval import parse_every
from syncflow_dagster.core.timing.localtime import ONE_DAY, instants, start_of
from syncflow_dagster.core.timing.rule import between
from syncflow_dagster.workflows.models import IntervalTrigger, TimeTrigger
from syncflow_dagster.workflows.timing import rule_of, windows_of, words_of

if TYPE_CHECKING:
    from syncflow_dagster.core.timing.rule import Rule
    from syncflow_dagster.core.timing.windows import WeekWindows
    from syncflow_dagster.workflows.models import Workflow
    from syncflow_dagster.workflows.models.triggers import AnyTimeTrigger

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class DueTime:
    """One time at which a trigger is due.

    Attributes:
        local: By the clock of the trigger's time zone.
        utc: The same instant in UTC.
        notes: What is odd about it: clocks that change, a calendar that moved it.
        in_window: Whether a window of the workflow is open then; None: it has none.
        starts: When its run starts, by the clock of the windows, where none is open; None where
            none opens for a year.
    """

    local: datetime
    utc: datetime
    notes: tuple[str, ...]
    in_window: bool | None = None
    starts: datetime | None = None

    def line(self) -> str:
        """Return it for a person."""
        notes = list(self.notes)
        if self.in_window is False:
            starts = "not within a year" if self.starts is None else _local(self.starts)
            notes.append(f"outside the windows: starts {starts}")
        said = f"  {'; '.join(notes)}" if notes else ""
        return f"  {_local(self.local)}  {self.utc:%Y-%m-%d %H:%M} UTC{said}"


@dataclass(frozen=True, slots=True)
class TriggerTimes:
    """The next times of a trigger.

    Attributes:
        name: Its name; the type of one that has none.
        type: Its type.
        enabled: Whether the file switches it on.
        words: When it fires, in words.
        times: The times; None: it does not go by the clock.
    """

    name: str
    type: str
    enabled: bool
    words: str
    times: tuple[DueTime, ...] | None

    def lines(self) -> list[str]:
        """Return them for a person."""
        off = "" if self.enabled else " (switched off in the file)"
        head = f"{self.name}: {self.words}{off}"
        if self.times is None:
            return [head, "  it does not go by the clock, so there are no times to show"]
        return [head, *(one.line() for one in self.times or ())] + (
            [] if self.times else ["  it is not due any more"]
        )


@dataclass(frozen=True, slots=True)
class DueTimes:
    """The next times of all triggers of a workflow.

    Attributes:
        workflow: Its name.
        start: From when on.
        windows: When it may be at work, as the file says it; empty: always.
        triggers: Its triggers, in the file's order.
    """

    workflow: str
    start: datetime
    windows: tuple[str, ...]
    triggers: tuple[TriggerTimes, ...]

    def lines(self) -> list[str]:
        """Return them for a person."""
        lines = [f"{self.workflow}, from {self.start:%Y-%m-%d %H:%M} UTC on"]
        if self.windows:
            lines.append(f"at work only: {'; '.join(self.windows)}")
        if not self.triggers:
            lines.append(f"no trigger: it runs by hand alone (syncflow run {self.workflow})")
        return lines + [line for one in self.triggers for line in one.lines()]

    def as_json(self) -> dict[str, Any]:
        """Return them as plain data; times as ISO 8601 texts."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def due_times(workflow: Workflow, start: datetime, count: int) -> DueTimes:
    """Return the next times of a workflow's triggers.

    Args:
        workflow: The workflow.
        start: The first instant that counts.
        count: How many times of each trigger.
    """
    said, windows = workflow.windows, windows_of(workflow)
    words = () if said is None else tuple(f"{one}, {said.timezone}" for one in said.open)
    triggers = []
    for trigger in workflow.triggers:
        times = None
        if isinstance(trigger, TimeTrigger):
            times = _times(workflow, trigger, windows, start.astimezone(UTC), count)
        name = getattr(trigger, "name", trigger.type)
        triggers.append(
            TriggerTimes(name, trigger.type, trigger.enabled, words_of(workflow, trigger), times)
        )
    return DueTimes(workflow.workflow, start.astimezone(UTC), words, tuple(triggers))


def _times(
    workflow: Workflow,
    trigger: AnyTimeTrigger,
    windows: WeekWindows | None,
    start: datetime,
    count: int,
) -> tuple[DueTime, ...]:
    zone = ZoneInfo(trigger.timezone)
    found = []
    for due in islice(rule_of(workflow, trigger).after(start - _TICK), count):
        notes = (*_clock_notes(workflow, trigger, due), *_calendar_notes(workflow, trigger, due))
        in_window = None if windows is None else windows.is_open(due)
        starts = None
        if windows is not None and not in_window:
            opens = windows.next_open(due)
            starts = None if opens is None else opens.astimezone(ZoneInfo(windows.zone))
        found.append(DueTime(due.astimezone(zone), due, notes, in_window, starts))
    return tuple(found)


def _clock_notes(workflow: Workflow, trigger: AnyTimeTrigger, due: datetime) -> list[str]:
    """Return what a change of the clocks on its day means for a due time."""
    zone = ZoneInfo(trigger.timezone)
    local = due.astimezone(zone)
    # What changes at midnight belongs to the day that begins so.
    before = (start_of(local.date(), zone) - _TICK).astimezone(zone).utcoffset()
    after = (start_of(local.date() + ONE_DAY, zone) - _TICK).astimezone(zone).utcoffset()
    assert before is not None
    assert after is not None
    if before == after:
        return []
    if after > before:
        left_out = _left_out(workflow, trigger, local, after - before)
        moved = f": moved, as they leave out {left_out}" if left_out else ""
        return [f"clocks go forward{moved}"]
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return ["clocks go back"]
    return [f"clocks go back: {'second' if local.fold else 'first'} of two"]


def _left_out(
    workflow: Workflow, trigger: AnyTimeTrigger, local: datetime, gap: timedelta
) -> str | None:
    """Return the time that a due time at the end of a gap stands for; None: it is no such."""
    if isinstance(trigger, IntervalTrigger) and parse_every(trigger.every).elapsed is not None:
        return None
    # Clocks that never change show what the trigger says.
    said = rule_of(workflow, trigger.model_copy(update={"timezone": "UTC"}))
    shown = local.replace(tzinfo=UTC)
    times = between(said, shown - gap - _TICK, shown)
    return f"{times[-1]:%H:%M}" if times and times[-1] != shown else None


def _calendar_notes(workflow: Workflow, trigger: AnyTimeTrigger, due: datetime) -> list[str]:
    """Return from which day the calendar has moved a due time."""
    if trigger.only is None or trigger.otherwise == "skip":
        return []
    zone = ZoneInfo(trigger.timezone)
    plain = rule_of(workflow, trigger.model_copy(update={"only": None, "excluding": ()}))
    if _is_due(plain, due):
        return []
    local = due.astimezone(zone)
    step = -ONE_DAY if trigger.otherwise == "next" else ONE_DAY
    days = (local.date() + number * step for number in range(1, MOST_MOVED + 1))
    for day in days:
        [same_time] = instants(day, local.time(), zone)
        if _is_due(plain, same_time):
            return [f"moved by calendar {trigger.calendar} from {day:%a %Y-%m-%d}"]
    return [f"moved by calendar {trigger.calendar}"]


def _is_due(rule: Rule, at: datetime) -> bool:
    return next(rule.after(at - _TICK), None) == at


def _local(at: datetime) -> str:
    return f"{at:%a %Y-%m-%d %H:%M %z}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime) else value
