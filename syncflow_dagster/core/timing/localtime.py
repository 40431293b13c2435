"""The clock on the wall: at which instants it shows a time of a day.

Clocks that are moved forward leave times out, a gap; clocks that are moved back show times twice,
an overlap. A zone may leave out a whole day (Pacific/Apia left out 30 December 2011): a long gap.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

#: A span of time in which a zone's offset from UTC is the same: begin, end (exclusive), offset.
Stretch = tuple[datetime, datetime, timedelta]

ONE_DAY = timedelta(days=1)
#: No local day is further from its date in UTC than this.
_FURTHEST = timedelta(hours=26)
#: In so short a time no zone moves its clocks twice.
_ONE_MOVE = timedelta(days=2)
_SECOND = timedelta(seconds=1)


def instants(
    day: date, at: time, zone: ZoneInfo, *, as_shown: bool = False
) -> tuple[datetime, ...]:
    """Return when a time of a day comes, in UTC.

    It comes once: at the first instant at which the clock on the wall shows it or a later time. So
    one that the clocks leave out comes at the end of the gap, together with the others in the gap.

    Args:
        day: The local date.
        at: The local time.
        zone: The time zone.
        as_shown: Whether it comes as often as the clock shows it instead: once, twice or never.
    """
    return tuple(sorted(instants_of_day(day, (at,), zone, as_shown=as_shown)))


def instants_of_day(
    day: date, times: Sequence[time], zone: ZoneInfo, *, as_shown: bool = False
) -> set[datetime]:
    """Return when any of some times of a day comes, as `instants` does for one of them."""
    parts = _around(day, zone)
    if len(parts) == 1:
        offset = parts[0][2]
        return {datetime.combine(day, at, UTC) - offset for at in times}
    found: set[datetime] = set()
    for at in times:
        shown = datetime.combine(day, at, UTC)
        if as_shown:
            found |= {shown - off for begin, end, off in parts if begin <= shown - off < end}
        else:
            later = (max(begin, shown - off) for begin, end, off in parts if shown - off < end)
            found.add(next(later))
    return found


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the clock shows a day or a later one; in UTC."""
    return instants(day, time(), zone)[0]


def constant_offsets(zone: ZoneInfo, first: datetime, last: datetime) -> list[Stretch]:
    """Split a span of time into stretches of constant offset from UTC.

    Args:
        zone: The time zone.
        first: Begin of the span, in UTC.
        last: Its end, exclusive.
    """
    found = [(first, last, _offset(zone, first))]
    here = first
    while here < last:
        there = min(here + _ONE_MOVE, last)
        offset = _offset(zone, there)
        if offset != found[-1][2]:
            moved = _moved_at(zone, here, there)
            found[-1] = (found[-1][0], moved, found[-1][2])
            found.append((moved, last, offset))
        here = there
    return found


def _moved_at(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return when the clocks are moved between two instants; to the second."""
    before = _offset(zone, low)
    while high - low > _SECOND:
        middle = (low + (high - low) // 2).replace(microsecond=0)
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=4096)
def _around(day: date, zone: ZoneInfo) -> list[Stretch]:
    noon = datetime.combine(day, time(12), UTC)
    return constant_offsets(zone, noon - _FURTHEST, noon + _FURTHEST)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
