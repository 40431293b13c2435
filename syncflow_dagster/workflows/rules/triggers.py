"""Triggers: cron expressions and time zones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, CroniterError, croniter  # type: ignore[import-untyped]

from syncflow_dagster.workflows.problems import Finding, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_CRON_FIELDS = 5
_LARGEST_STEPS = (59, 23, 31, 12, 7)
# Where the search for the first time begins; every day that exists comes within its 50 years.
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_CRON_HINT = "five fields: minute hour day month weekday, for example '*/15 7-19 * * 1-5'"


def crons(graph: Graph) -> Iterator[Finding]:
    """Report cron expressions and time zones that are none."""
    for trigger in (*graph.root["triggers"].items(), graph.root["retention"]):
        cron = trigger["cron"]
        if cron.text is not None:
            yield from _bad_cron(cron)
        yield from bad_timezone(trigger["timezone"])


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
        croniter(text, _ANY_DAY).get_next()
    except CroniterBadDateError:
        yield Finding(view.loc, f"the cron {text!r} names a day that never comes", _CRON_HINT)
    except (CroniterError, ValueError) as error:
        yield Finding(view.loc, f"the cron {text!r} is wrong: {error}", _CRON_HINT)


def bad_timezone(view: View) -> Iterator[Finding]:
    """Report a text that is no IANA time zone."""
    if view.text is None or _is_zone(view.text):
        return
    close = nearest(view.text, sorted(available_timezones()))
    hint = f"did you mean {close!r}?" if close else "for example 'America/New_York' or 'UTC'"
    yield Finding(view.loc, f"there is no time zone {view.text!r}", hint)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


RULES = (crons,)
