"""Date, timeline, week, hour, world clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from syncflow_dagster.sandbox.monday.columns.base import (
    BadValueError,
    Codec,
    Writing,
    members,
    whole_number,
)

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.monday.model import Column

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(:\d{2})?", re.ASCII)


def _iso_date(raw: Any) -> str:
    try:
        if isinstance(raw, str) and _DATE.fullmatch(raw):
            return date.fromisoformat(raw).isoformat()
    except ValueError:
        pass
    msg = f"invalid value - {raw!r} is not a date YYYY-MM-DD"
    raise BadValueError(msg)


def _iso_time(raw: Any) -> str:
    try:
        if isinstance(raw, str) and _TIME.fullmatch(raw):
            return time.fromisoformat(raw).strftime("%H:%M:%S")
    except ValueError:
        pass
    msg = f"invalid value - {raw!r} is not a time HH:MM:SS"
    raise BadValueError(msg)


def _date(raw: Any, _writing: Writing) -> dict[str, Any] | None:
    if isinstance(raw, str):
        raw = _date_simple(raw)
    allowed = {"date": str, "time": str, "icon": str, "changed_at": str}
    raw = members(raw, allowed, 'date is {"date": "2026-10-01"}')
    if not raw.get("date"):
        if raw.get("time"):
            raise BadValueError("invalid value - a time needs a date")
        return None
    at = _iso_time(raw["time"]) if raw.get("time") else None
    return {"date": _iso_date(raw["date"]), "time": at}


def _date_simple(text: str) -> dict[str, str]:
    day, _, at = text.strip().partition(" ")
    return {"date": day, "time": at}


def _date_text(value: dict[str, Any], _column: Column) -> str:
    return f"{value['date']} {value['time'][:5]}" if value["time"] else str(value["date"])


def _date_fields(value: dict[str, Any] | None, _column: Column) -> dict[str, Any]:
    if value is None:
        return {"date": "", "time": ""}
    # Seconds are lost on read.
    return {"date": value["date"], "time": (value["time"] or "")[:5]}


def local_moment(value: dict[str, Any] | None, zone: ZoneInfo) -> dict[str, Any] | None:
    """A stored date in another time zone; one without a time is the same day everywhere."""
    if value is None or not value["time"]:
        return value
    written = datetime.fromisoformat(f"{value['date']}T{value['time']}").replace(tzinfo=UTC)
    read = written.astimezone(zone)
    return {"date": read.date().isoformat(), "time": read.strftime("%H:%M:%S")}


def _timeline(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        raw = _pair(raw)
    allowed = {"from": str, "to": str, "changed_at": str}
    raw = members(raw, allowed, 'timeline is {"from": "2026-10-01", "to": "2026-10-09"}')
    if not raw.get("from") and not raw.get("to"):
        return None
    start, end = _iso_date(raw.get("from")), _iso_date(raw.get("to"))
    if start > end:
        raise BadValueError("invalid value - a timeline ends before it starts")
    return {"from": start, "to": end}


def _pair(text: str) -> dict[str, str]:
    start, _, end = text.strip().partition(" ")
    return {"from": start, "to": end.strip()}


def _timestamp(day: str) -> str:
    return datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC).isoformat()


def _timeline_fields(value: dict[str, str] | None, _column: Column) -> dict[str, Any]:
    if value is None:
        return {"from": None, "to": None}
    return {"from": _timestamp(value["from"]), "to": _timestamp(value["to"])}


def _week(raw: Any, writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        pair = _pair(raw)
        raw = {"startDate": pair["from"], "endDate": pair["to"]}
    # Two forms are documented by different clients; both are taken.
    raw = members(raw, {"week": dict, "startDate": str, "endDate": str}, "week is an object")
    inner = raw.get("week") or raw
    start, end = _iso_date(inner.get("startDate")), _iso_date(inner.get("endDate"))
    first_day = date.fromisoformat(start)
    if date.fromisoformat(end) - first_day != timedelta(days=6):
        raise BadValueError("invalid value - a week is seven days long")
    if first_day.weekday() != writing.first_weekday():
        raise BadValueError("invalid value - a week begins on the account's first day of the week")
    return {"startDate": start, "endDate": end}


def _week_fields(value: dict[str, str] | None, _column: Column) -> dict[str, Any]:
    if value is None:
        return {"start_date": None, "end_date": None}
    return {"start_date": value["startDate"], "end_date": value["endDate"]}


def _hour(raw: Any, _writing: Writing) -> dict[str, int]:
    if isinstance(raw, str):
        hour_text, _, minute_text = raw.partition(":")
        raw = {"hour": hour_text, "minute": minute_text or "0"}
    allowed = {"hour": (int, str), "minute": (int, str)}
    raw = members(raw, allowed, 'hour is {"hour": 16, "minute": 42}')
    hour = whole_number(raw.get("hour"), "hour")
    minute = whole_number(raw.get("minute") or 0, "minute")
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        raise BadValueError("invalid value - an hour is from 0 to 23, a minute from 0 to 59")
    return {"hour": hour, "minute": minute}


def _hour_text(value: dict[str, int], _column: Column) -> str:
    return time(value["hour"], value["minute"]).strftime("%I:%M %p")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | {"UTC"}


def _world_clock(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        raw = {"timezone": raw}
    zone = members(raw, {"timezone": str}, 'world clock is {"timezone": "Europe/Paris"}')
    name = zone.get("timezone")
    if not name:
        return None
    if name not in _zones():
        msg = f"invalid value - {name!r} is not a time zone"
        raise BadValueError(msg)
    return {"timezone": name}


DATE = Codec(
    "DateValue",
    parse=_date,
    text=_date_text,
    shown=lambda value: {**value, "icon": None},
    fields=_date_fields,
    terms=lambda value, column: frozenset({value["date"], _date_text(value, column)}),
    order=lambda value: value["date"],
)
TIMELINE = Codec(
    "TimelineValue",
    parse=_timeline,
    text=lambda value, _column: f"{value['from']} - {value['to']}",
    fields=_timeline_fields,
    terms=lambda value, _column: frozenset({value["from"], value["to"]}),
    order=lambda value: value["from"],
    legacy_type="timerange",
)
WEEK = Codec(
    "WeekValue",
    parse=_week,
    text=lambda value, _column: f"{value['startDate']} - {value['endDate']}",
    fields=_week_fields,
    shown=lambda value: {"week": value},
    terms=lambda value, _column: frozenset({value["startDate"]}),
    order=lambda value: value["startDate"],
)
HOUR = Codec(
    "HourValue",
    parse=_hour,
    text=_hour_text,
    fields=lambda value, _column: value or {"hour": None, "minute": None},
    terms=lambda value, column: frozenset({_hour_text(value, column)}),
    order=lambda value: (value["hour"], value["minute"]),
)
WORLD_CLOCK = Codec(
    "WorldClockValue",
    parse=_world_clock,
    text=lambda value, _column: value["timezone"],
    fields=lambda value, _column: value or {"timezone": None},
    terms=lambda value, _column: frozenset({value["timezone"]}),
    legacy_type="timezone",
)
