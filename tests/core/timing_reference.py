"""Due times found the slow way: by looking at the clock on the wall, minute by minute.

Nothing of `core.timing` is used here.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

#: Zones and days on which something odd happens in them, or to the calendar.
PLACES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/New_York", date(2007, 3, 11)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Berlin", date(2028, 2, 29)),
    ("Asia/Tehran", date(2022, 3, 22)),
    ("Asia/Tehran", date(2022, 9, 21)),
    ("Asia/Tehran", date(2026, 12, 31)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Pacific/Apia", date(2012, 4, 1)),
    ("Pacific/Apia", date(2012, 9, 30)),
    ("UTC", date(2024, 2, 29)),
    ("UTC", date(2100, 2, 28)),
    ("UTC", date(2025, 12, 31)),
]


class Wall:
    """What a clock on the wall shows from one day to another, all in UTC.

    Looked at every minute, or in longer steps: then only on days at whose begin and end it is not
    equally far from UTC.
    """

    def __init__(self, zone: str, first: date, last: date, step: timedelta = MINUTE):
        self.zone, self.step = ZoneInfo(zone), step
        self.first_time: dict[datetime, datetime] = {}
        self.second_time: dict[datetime, datetime] = {}
        for day in days_between(first, last - DAY):
            begin = datetime.combine(day, time(), UTC)
            offsets = {self._shows(begin) - begin, self._shows(begin + DAY) - begin - DAY}
            offset = offsets.pop() if len(offsets) == 1 and step > MINUTE else None
            for number in range(DAY // step):
                here = begin + number * step
                shown = here + offset if offset is not None else self._shows(here)
                seen = self.second_time if shown in self.first_time else self.first_time
                seen[shown] = here
        self.last = max(self.first_time)

    def _shows(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=UTC, fold=0)

    def comes(self, day: date, at: time, as_shown: bool) -> list[datetime]:
        """Return when a time of a day comes: once, or as it is shown."""
        shown = datetime.combine(day, at, UTC)
        if as_shown:
            return [seen[shown] for seen in (self.first_time, self.second_time) if shown in seen]
        while shown not in self.first_time:
            assert shown < self.last, f"{shown} is not looked at"
            shown += self.step
        return [self.first_time[shown]]

    def due(self, days, times, as_shown: bool = False) -> list[datetime]:
        """Return when times of some days come."""
        return sorted(
            {one for day in days for at in times for one in self.comes(day, at, as_shown)}
        )


@cache
def wall_around(zone: str, day: date) -> Wall:
    """Return the clock of six days before and after a day."""
    return Wall(zone, day - 7 * DAY, day + 8 * DAY)


def days_between(first: date, last: date) -> list[date]:
    """Return the days from one to another, both among them."""
    return [first + number * DAY for number in range((last - first).days + 1)]


def last_of_month(day: date) -> int:
    """Return the number of the last day of a month."""
    return monthrange(day.year, day.month)[1]


def moved(day: date, permits, otherwise: str) -> date | None:
    """Return the day to which another one is moved, looking at one after the other."""
    step = {"skip": 0 * DAY, "next": DAY, "previous": -DAY}[otherwise]
    for _ in range(100):
        if permits(day):
            return day
        day += step
    return None
