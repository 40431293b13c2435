"""Date, timeline, week, hour and world clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from syncflow_dagster.nodes.monday.columns.base import (
    Cell,
    Kind,
    Options,
    Shown,
    ValueRefused,
    display,
    is_nothing,
    members_of,
    quoted,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOUR = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?", re.ASCII)
#: A day, or its midnight, as monday also gives it.
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00\S*)?", re.ASCII)
_WEEK = timedelta(days=6)


def _date(value: object, _options: Options) -> Cell:
    if isinstance(value, datetime):
        # monday takes the time in UTC, and gives it back in UTC too in a cell's `value`; only
        # `text` is in the zone of whoever asks. Seconds do not come back.
        moment = _moment(value, UTC)
        on = moment.date().isoformat()
        return Cell({"date": on, "time": f"{moment:%H:%M:%S}"}, f"{on} {moment:%H:%M}")
    day = _day(value, _options).isoformat()
    return Cell({"date": day}, day)


def _read_date(given: Mapping[str, Any]) -> Shown:
    value = members_of(given)
    if not value.get("date"):
        return text_of(given)
    return f"{value['date']} {str(value.get('time') or '')[:5]}".rstrip()


def _day(value: object, options: Options) -> date:
    """Return the day of a value; that of a moment is the one the account's people see."""
    if isinstance(value, datetime):
        return _moment(value, options.zone).date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(display(value))
    except ValueError as error:
        msg = f"{quoted(value)} is not a date like 2026-11-22"
        raise ValueRefused(msg) from error


def _timeline(value: object, options: Options) -> Cell:
    first, last = value if isinstance(value, tuple) else (value, value)
    start = _day(last if is_nothing(first) else first, options)
    end = _day(first if is_nothing(last) else last, options)
    if end < start:
        msg = f"the timeline ends on {end}, before it starts on {start}"
        raise ValueRefused(msg)
    return _span(start, end, {"from": start.isoformat(), "to": end.isoformat()})


def _read_timeline(given: Mapping[str, Any]) -> Shown:
    value = members_of(given)
    return _read_span(value.get("from"), value.get("to")) or text_of(given)


def _week(value: object, options: Options) -> Cell:
    day = _day(value, options)
    try:
        start = day - timedelta(days=(day.weekday() - options.first_weekday) % 7)
        end = start + _WEEK
    except OverflowError as error:
        msg = f"{quoted(day)} lies in no whole week"
        raise ValueRefused(msg) from error
    week = {"startDate": start.isoformat(), "endDate": end.isoformat()}
    return _span(start, end, {"week": week})


def _read_week(given: Mapping[str, Any]) -> Shown:
    # Public clients tell of both forms.
    value = members_of(given)
    week = value.get("week") or value
    if not isinstance(week, dict):
        return text_of(given)
    return _read_span(week.get("startDate"), week.get("endDate")) or text_of(given)


def _read_span(first: object, last: object) -> str:
    """Return two days as they are compared; nothing where one is no day."""
    days = [_DAY.fullmatch(str(one)) for one in (first, last)]
    return " - ".join(one[1] for one in days if one) if all(days) else ""


def _span(start: date, end: date, value: dict[str, Any]) -> Cell:
    return Cell(value, f"{start.isoformat()} - {end.isoformat()}")


def _hour(value: object, options: Options) -> Cell:
    if isinstance(value, datetime):
        moment = _moment(value, options.zone)
        return _clock(moment.hour, moment.minute)
    found = _HOUR.fullmatch(display(value).strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        msg = f"{quoted(value)} is not a time of day like 16:42"
        raise ValueRefused(msg)
    return _clock(int(found[1]), int(found[2]))


def _clock(hour: int, minute: int) -> Cell:
    return Cell({"hour": hour, "minute": minute}, f"{hour:02}:{minute:02}")


def _read_hour(given: Mapping[str, Any]) -> Shown:
    value = members_of(given)
    try:
        return f"{int(value['hour']):02}:{int(value.get('minute') or 0):02}"
    except (KeyError, TypeError, ValueError):
        return text_of(given)


def _world_clock(value: object, _options: Options) -> Cell:
    zone = display(value).strip()
    if zone not in _zones():
        msg = f"{quoted(value)} is not a time zone; right would be 'Europe/Paris'"
        raise ValueRefused(msg)
    return Cell({"timezone": zone}, zone)


def _read_world_clock(given: Mapping[str, Any]) -> Shown:
    return str(members_of(given).get("timezone") or text_of(given))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _moment(value: datetime, zone: tzinfo) -> datetime:
    """Return a moment as a zone has it; one without zone is in UTC.

    Raises:
        ValueRefused: the zone has it before the year 1 or after 9999.
    """
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    try:
        return aware.astimezone(zone)
    except OverflowError as error:
        msg = f"{quoted(value)} is not in the years 1 to 9999 in the time zone {zone}"
        raise ValueRefused(msg) from error


DATE = Kind(_date, _read_date)
TIMELINE = Kind(_timeline, _read_timeline)
WEEK = Kind(_week, _read_week)
HOUR = Kind(_hour, _read_hour)
WORLD_CLOCK = Kind(_world_clock, _read_world_clock)
