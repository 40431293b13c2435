"""Triggers: cron expressions, intervals, phrases, listed days, and the calendars they name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from syncflow_dagster.core.timing.cron import CronError, CronRule
from syncflow_dagster.core.timing.interval import IntervalError, parse_every
from syncflow_dagster.core.timing.localtime import instants
from syncflow_dagster.core.timing.phrases import PhraseError, parse_time, read_phrase
from syncflow_dagster.workflows.problems import Finding, suggestion
from syncflow_dagster.workflows.rules import calendars
from syncflow_dagster.workflows.rules.zones import bad_timezone, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

#: Types of triggers that go by the clock.
TIME_TRIGGERS = ("cron", "interval", "phrase", "dates")

_CRON_FIELDS = 5
_LARGEST_STEPS = (59, 23, 31, 12, 7)
# Where the search for the first time begins; every day that exists comes within its 50 years.
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_CRON_HINT = "five fields: minute hour day month weekday, for example '*/15 7-19 * * 1-5'"
_EVERY_HINT = "for example '90 minutes', '10 days' or '2 weeks'"
_ANCHOR_HINT = "write a time by the clock of 'timezone', for example 2026-01-05T09:00"
_YEARS = range(1970, 2201)
_DATE_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)
_DATE: TypeAdapter[date] = TypeAdapter(date)


def time_triggers(graph: Graph) -> list[View]:
    """Return the triggers that go by the clock."""
    return [one for one in graph.root["triggers"].items() if one["type"].text in TIME_TRIGGERS]


def zones(graph: Graph) -> Iterator[Finding]:
    """Report time zones of triggers and of retention that are none."""
    for view in (*time_triggers(graph), graph.root["retention"]):
        yield from bad_timezone(view["timezone"])


def crons(graph: Graph) -> Iterator[Finding]:
    """Report cron expressions that are none, or name a day that never comes."""
    for trigger in (*_of_type(graph, "cron"), graph.root["retention"]):
        cron = trigger["cron"]
        if trigger["type"].exists and cron.data == []:
            yield Finding(cron.loc, "there is no cron expression in the list", _CRON_HINT)
        for one in [cron] if cron.text is not None else cron.texts():
            yield from _bad_cron(one)


def _bad_cron(view: View) -> Iterator[Finding]:
    text = str(view.text)
    count = len(text.split())
    if count != _CRON_FIELDS:
        what = "field" if count == 1 else "fields"
        yield Finding(view.loc, f"the cron {text!r} has {count} {what}, not five", _CRON_HINT)
        return
    for field, limit in zip(text.split(), _LARGEST_STEPS, strict=True):
        step = field.rpartition("/")[2] if "/" in field else ""
        if step.isdecimal() and int(step) > limit:
            message = f"the cron {text!r} is wrong: '/{step}' steps over the whole field"
            yield Finding(view.loc, message, f"a step of at most {limit} does something here")
            return
    try:
        comes = next(CronRule.parse(text, "UTC").after(_ANY_DAY), None)
    except CronError as error:
        yield Finding(view.loc, str(error), _CRON_HINT)
        return
    if comes is None:
        yield Finding(view.loc, f"the cron {text!r} names a day that never comes", _CRON_HINT)


def intervals(graph: Graph) -> Iterator[Finding]:
    """Report intervals that are none, and anchors that are no local time there is."""
    for trigger in _of_type(graph, "interval"):
        every = trigger["every"]
        try:
            parse_every(every.text or "1 day")
        except IntervalError as error:
            yield Finding(every.loc, str(error), _EVERY_HINT)
        if trigger["anchor"].exists:
            yield from _bad_anchor(trigger["anchor"], trigger["timezone"])


def _bad_anchor(view: View, timezone: View) -> Iterator[Finding]:
    try:
        anchor = _DATE_TIME.validate_python(view.data)
    except ValidationError:
        return  # The model says so.
    if not isinstance(view.data, str | date) or anchor.year not in _YEARS:
        yield Finding(view.loc, f"{view.data!r} is no anchor", _ANCHOR_HINT)
    elif anchor.tzinfo is not None:
        message = f"the anchor has an offset from UTC, {anchor:%z}; its zone is that of 'timezone'"
        yield Finding(view.loc, message, f"leave it out: {anchor:%Y-%m-%dT%H:%M}")
    elif anchor.second or anchor.microsecond:
        hint = f"leave the seconds out: {anchor:%Y-%m-%dT%H:%M}"
        yield Finding(view.loc, "the anchor is not in whole minutes", hint)
    elif (zone := zone_of(timezone)) is not None:
        [due] = instants(anchor.date(), anchor.time(), zone)
        local = due.astimezone(zone)
        if local.replace(tzinfo=None) != anchor:
            message = f"the clocks of {zone} leave out {anchor:%Y-%m-%dT%H:%M}"
            hint = f"it would be due at {local:%Y-%m-%dT%H:%M}: write that, or anchor another day"
            yield Finding(view.loc, message, hint)


def phrases(graph: Graph) -> Iterator[Finding]:
    """Report phrases that are not understood."""
    for trigger in _of_type(graph, "phrase"):
        when = trigger["when"]
        if when.text is None:
            continue
        try:
            read_phrase(when.text)
        except PhraseError as error:
            yield Finding(when.loc, error.message, error.hint)


def dates(graph: Graph) -> Iterator[Finding]:
    """Report times of listed days that are none, and days out of reach."""
    for trigger in _of_type(graph, "dates"):
        for view in trigger["at"].texts():
            try:
                parse_time(str(view.text))
            except PhraseError as error:
                yield Finding(view.loc, error.message, error.hint)
        for view in trigger["dates"].items():
            yield from _bad_date(view)


def _bad_date(view: View) -> Iterator[Finding]:
    try:
        day = _DATE.validate_python(view.data)
    except ValidationError:
        return  # The model says so.
    if not isinstance(view.data, str | date) or day.year not in _YEARS:
        yield Finding(view.loc, f"{view.data} is no day", "for example 2026-12-24")


def calendars_of_triggers(graph: Graph) -> Iterator[Finding]:
    """Report calendars that are not there, or that nothing comes of."""
    for trigger in time_triggers(graph):
        calendar, only, otherwise = trigger["calendar"], trigger["only"], trigger["otherwise"]
        yield from calendars.unknown_calendar(graph, calendar)
        if only.exists and not calendar.exists:
            message = "'only' needs a 'calendar' that tells business days from days off"
            known = graph.root["calendars"].entries()
            yield Finding(only.loc, message, suggestion("", known, "those of the file"))
        if otherwise.text in {"next", "previous"} and not only.exists:
            message = f"'otherwise: {otherwise.text}' means nothing without 'only'"
            yield Finding(otherwise.loc, message, "add 'only: business_days', or leave it out")
        if calendar.exists and not only.exists and "business" not in str(trigger["when"].text):
            message = "the calendar changes nothing here"
            hint = "add 'only: business_days' or 'only: days_off', or leave it out"
            yield Finding(calendar.loc, message, hint, is_warning=True)


def after_itself(graph: Graph) -> Iterator[Finding]:
    """Report a trigger on the end of the workflow's own runs."""
    for trigger in _of_type(graph, "after"):
        other = trigger["workflow"]
        if other.text is not None and other.text == graph.root["workflow"].text:
            message = "a workflow cannot run after itself: it would never stop"
            hint = "name another one, or use 'type: interval' to run again and again"
            yield Finding(other.loc, message, hint)


def _of_type(graph: Graph, kind: str) -> list[View]:
    return [one for one in graph.root["triggers"].items() if one["type"].text == kind]


RULES = (
    zones,
    crons,
    intervals,
    phrases,
    dates,
    calendars_of_triggers,
    after_itself,
    *calendars.RULES,
)
