"""Windows of a week: when work may go on, by the clock on the wall.

A window is open at every instant at which that clock shows a time of its span, on one of its days.
So it is an hour shorter or longer in a night in which the clocks change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.localtime import constant_offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: A stretch of open time, in UTC; the end is exclusive.
Stretch = tuple[datetime, datetime]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {
    "weekdays": frozenset(range(5)),
    "weekends": frozenset({5, 6}),
    "every day": frozenset(range(7)),
}
_DAY = timedelta(days=1)
#: No zone is further from UTC than this, so a local day lies within its date widened by it.
_FURTHEST = timedelta(hours=26)
#: How far windows are looked for: a year's days off, and the night after them.
_HORIZON = timedelta(days=370)
_SPAN = re.compile(
    r"(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})(?:\s+on\s+(?P<days>.+))?", re.IGNORECASE
)
_EXAMPLE = "write, for example, `19:00-07:00 on weekdays` or `08:00-20:00 on saturday and sunday`"


class SpanError(ValueError):
    """A window cannot be understood; the text says what would be."""


@dataclass(frozen=True, slots=True)
class Span:
    """One window of the week.

    Attributes:
        days: Days of the week on which it begins, Monday is 0.
        start: From when on, in minutes of the day.
        end: Until when, exclusive; not after `start`: on the day after.
    """

    days: frozenset[int]
    start: int
    end: int

    @property
    def overnight(self) -> bool:
        """Whether it ends on the day after the one it belongs to."""
        return self.end <= self.start


def parse_span(text: str) -> Span:
    """Read a window: `19:00-07:00 on weekdays`, `08:00-20:00 on saturday`; without days every day.

    Raises:
        SpanError: It cannot be understood.
    """
    # A dash between numbers is often a longer one, above all where it was copied from a text.
    found = _SPAN.fullmatch(text.strip().replace("\N{EN DASH}", "-"))
    if found is None:
        msg = f"{text!r} is no window: {_EXAMPLE}"
        raise SpanError(msg)
    start, end = _minutes(found["start"], text), _minutes(found["end"], text)
    if start == end:
        msg = f"{text!r} begins and ends at once: for whole days write `00:00-24:00`"
        raise SpanError(msg)
    if start == 24 * 60:
        msg = f"{text!r} begins when its day is over: write `00:00`"
        raise SpanError(msg)
    return Span(_days(found["days"] or "every day", text), start, end)


def _minutes(clock: str, text: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    if minutes > 59 or (hours, minutes) > (24, 0):
        msg = f"{text!r}: {clock} is no time of day; times go from 00:00 to 24:00"
        raise SpanError(msg)
    return hours * 60 + minutes


def _days(words: str, text: str) -> frozenset[int]:
    words = " ".join(words.casefold().split())
    if words in _GROUPS:
        return _GROUPS[words]
    days: set[int] = set()
    for word in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", words):
        first, dash, last = (part.strip() for part in word.partition("-"))
        if word in _GROUPS:
            days |= _GROUPS[word]
        elif first in _DAYS and not dash:
            days.add(_DAYS.index(first))
        elif first in _DAYS and last in _DAYS:
            begin = _DAYS.index(first)
            days |= {(begin + n) % 7 for n in range((_DAYS.index(last) - begin) % 7 + 1)}
        else:
            msg = f"{text!r}: {word!r} is no day of the week; {_EXAMPLE}"
            raise SpanError(msg)
    return frozenset(days)


@dataclass(frozen=True, slots=True)
class WeekWindows:
    """When a workflow may be at work.

    Attributes:
        zone: IANA name of the time zone the times are read in.
        spans: The windows; where they overlap or meet they are one.
        days_off: Tells on which days none begins.
    """

    zone: str
    spans: Sequence[Span]
    days_off: Callable[[date], bool] = lambda _day: False

    def is_open(self, now: datetime) -> bool:
        """Tell whether `now` is in a window."""
        local = now.astimezone(ZoneInfo(self.zone))
        at = local.hour * 60 + local.minute
        return any(begin <= at < end for begin, end in self._on_the_wall(local.date()))

    def next_open(self, now: datetime) -> datetime | None:
        """Return the first open instant from `now` on; None if there is none for a year."""
        return next((begin for begin, _ in self.stretches(now)), None)

    def closes_at(self, now: datetime) -> datetime | None:
        """Return when the window that `now` is in ends; None if not for a year.

        Raises:
            ValueError: No window is open then.
        """
        begin, end = next(self.stretches(now), (None, now))
        if begin is None or begin > now:
            msg = f"no window is open at {now.isoformat()}"
            raise ValueError(msg)
        return None if end - begin >= _HORIZON else end

    def stretches(self, at: datetime) -> Iterator[Stretch]:
        """Yield the open time from `at` on, in UTC, for a year; none meets the next one.

        What is open for longer comes to an end there.
        """
        at = at.astimezone(UTC)
        last = at + _HORIZON
        held: Stretch | None = None
        for begin, end in self._pieces(at):
            if held is not None and (begin > held[1] or begin >= last):
                yield held
                held = None
            if begin >= last:
                return
            held = (begin if held is None else held[0], end)

    def _pieces(self, at: datetime) -> Iterator[Stretch]:
        """Yield the open time from `at` on, day by day, until some days after the horizon."""
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        for number in range(_HORIZON.days + 3):
            day = today + number * _DAY
            for begin, end in self._of_day(day, zone):
                if end > at:
                    yield max(begin, at), end
        # What ends the last stretch.
        yield at + 2 * _HORIZON, at + 3 * _HORIZON

    def _of_day(self, day: date, zone: ZoneInfo) -> list[Stretch]:
        """Return the open time of a local day in order; on one that is left out there is none."""
        spans = self._on_the_wall(day)
        if not spans:
            return []
        midnight, noon = datetime.combine(day, time(), UTC), datetime.combine(day, time(12), UTC)
        return [
            (begin, end)
            for first, last, offset in constant_offsets(zone, noon - _FURTHEST, noon + _FURTHEST)
            for start, stop in spans
            if (begin := max(first, midnight + timedelta(minutes=start) - offset))
            < (end := min(last, midnight + timedelta(minutes=stop) - offset))
        ]

    def _on_the_wall(self, day: date) -> list[tuple[int, int]]:
        """Return the minutes of a day that are open, in order and apart from each other."""
        begins, ends_of = self._begin_on(day), self._begin_on(day - _DAY)
        found = [(one.start, 24 * 60 if one.overnight else one.end) for one in begins]
        found += [(0, one.end) for one in ends_of if one.overnight]
        joined: list[tuple[int, int]] = []
        for begin, end in sorted(found):
            if joined and begin <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            elif begin < end:
                joined.append((begin, end))
        return joined

    def _begin_on(self, day: date) -> list[Span]:
        spans = [one for one in self.spans if day.weekday() in one.days]
        return [] if spans and self.days_off(day) else spans
