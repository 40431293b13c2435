"""Calendars of business days, and the windows of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.core.timing.calendar import DAYS_OF_WEEK, countries
from syncflow_dagster.core.timing.windows import SpanError, parse_span
from syncflow_dagster.workflows.problems import Finding, nearest, suggestion
from syncflow_dagster.workflows.rules.zones import bad_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.core.timing.windows import Span
    from syncflow_dagster.workflows.rules.graph import Graph
    from syncflow_dagster.workflows.view import View

_DAY, _WEEK = 24 * 60, 7 * 24 * 60


def weekends(graph: Graph) -> Iterator[Finding]:
    """Report names of days of the week that are none."""
    for calendar in graph.root["calendars"].entries().values():
        for view in calendar["weekend"].texts():
            name = str(view.text)
            if name.lower() not in DAYS_OF_WEEK:
                message = f"there is no day of the week {name!r}"
                yield Finding(view.loc, message, suggestion(name, DAYS_OF_WEEK, "one of"))


def holidays(graph: Graph) -> Iterator[Finding]:
    """Report countries and parts of them whose public holidays are not known."""
    for calendar in graph.root["calendars"].entries().values():
        country, part = calendar["country"], calendar["subdivision"]
        if country.text is None:
            if part.exists and not country.exists:
                message = f"the subdivision {part.data!r} needs a 'country'"
                yield Finding(part.loc, message, "for example 'country: DE'")
            continue
        known = countries()
        if country.text not in known:
            close = nearest(country.text, [name for name in known if len(name) == 2])
            hint = f"did you mean {close!r}? " if close else ""
            message = f"the public holidays of {country.text!r} are not known"
            yield Finding(country.loc, message, f"{hint}two letters as in ISO 3166, such as 'DE'")
        elif part.text is not None and part.text not in known[country.text]:
            message = f"{country.text} has no subdivision {part.text!r}"
            hint = suggestion(part.text, known[country.text], "known are")
            yield Finding(part.loc, message, hint)


def windows(graph: Graph) -> Iterator[Finding]:
    """Report windows that cannot be read or lie over each other, their zone and calendar."""
    view = graph.root["windows"]
    yield from bad_timezone(view["timezone"])
    yield from unknown_calendar(graph, view["calendar"])
    earlier: list[tuple[str, Span]] = []
    for one in view["open"].texts():
        text = str(one.text)
        try:
            span = parse_span(text)
        except SpanError as error:
            yield Finding(one.loc, str(error))
            continue
        over = next((other for other, before in earlier if _overlap(span, before)), None)
        if over is not None:
            message = f"the window lies partly over {over!r}; together they are one"
            hint = "write them so that a reader sees when it is open"
            yield Finding(one.loc, message, hint, is_warning=True)
        earlier.append((text, span))


def unknown_calendar(graph: Graph, view: View) -> Iterator[Finding]:
    """Report the name of a calendar that the file does not have."""
    known = graph.root["calendars"].entries()
    if view.text is not None and view.text not in known:
        hint = suggestion(view.text, known, "those of the file")
        yield Finding(view.loc, f"there is no calendar {view.text!r} under 'calendars'", hint)


def _overlap(one: Span, other: Span) -> bool:
    return any(
        begin < stop and start < end
        for begin, end in _minutes_of_week(one)
        for start, stop in _minutes_of_week(other)
    )


def _minutes_of_week(span: Span) -> list[tuple[int, int]]:
    """Return when a window is open, in minutes of the week; what goes over its end comes again."""
    length = (span.end - span.start) % _DAY or _DAY
    begins = [day * _DAY + span.start for day in span.days]
    return [(begin - shift, begin + length - shift) for begin in begins for shift in (0, _WEEK)]


RULES = (weekends, holidays, windows)
