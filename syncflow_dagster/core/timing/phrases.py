"""Times said in words, such as `weekdays at 7 and 19` or `last Friday of the month at 09:30`.

The grammar is strict: what it does not know is refused, with the nearest phrase that it does know,
as a schedule that was guessed wrong runs at the wrong time for months.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncflow_dagster.core.timing.phrases_days import OnWeekdays
from syncflow_dagster.core.timing.phrases_nearest import nearest_phrase
from syncflow_dagster.core.timing.phrases_reading import (
    NotUnderstoodError,
    Phrase,
    read,
    read_time,
    tokens,
)
from syncflow_dagster.core.timing.rule import LAST_YEAR, SEARCHED_YEARS, due_on_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from syncflow_dagster.core.timing.phrases_days import Days

_WEEKDAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_COUNTED = re.compile(
    r"every (?P<number>[1-9][0-9]{0,4}|other|second|third|fourth|two|three|four|five|six) "
    rf"(?P<unit>minute|hour|day|week|month|quarter|year|{_WEEKDAY})s?\b"
)
_PERIOD = re.compile(r"every (?P<unit>minute|week|month|quarter|year)\b")
_NUMBERS = {
    "other": 2, "second": 2, "third": 3, "fourth": 4,
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
}  # fmt: skip
#: Periods that an interval says in another unit.
_IN_MONTHS = {"quarter": 3, "year": 12}


_EVERY_DAY = OnWeekdays(tuple(range(7)))


@dataclass(frozen=True, slots=True)
class PhraseRule:
    """Due at the times of a phrase.

    Attributes:
        zone: Time zone of the clock.
        on: The days.
        times: Times of the day, ascending.
        as_shown: Whether it is due as often as the clock shows a time; else once.
        is_business_day: Tells whether a day is one.
    """

    zone: ZoneInfo
    on: Days
    times: tuple[time, ...]
    as_shown: bool
    is_business_day: Callable[[date], bool]

    def days(self, first: date) -> Iterator[date]:
        """Yield the days from `first` on; it ends where none comes for 50 years."""
        year, month = first.year, first.month
        give_up = year + SEARCHED_YEARS
        while year <= min(give_up, LAST_YEAR):
            all_days = [date(year, month, day + 1) for day in range(monthrange(year, month)[1])]
            for day in self.on.of_month(all_days, self.is_business_day):
                if day >= first:
                    give_up = year + SEARCHED_YEARS
                    yield day
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def after(self, at: datetime) -> Iterator[datetime]:
        """Yield the due times later than `at`."""
        yield from due_on_days(self, at)


class PhraseError(ValueError):
    """A phrase that is not understood; its text says which part, and what would be right.

    Attributes:
        message: What is not understood, and what would fit there.
        hint: The nearest phrase that is understood, or what to use instead.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


def _monday_to_friday(day: date) -> bool:
    return day.weekday() < 5


def parse_phrase(
    text: str, zone: str, is_business_day: Callable[[date], bool] = _monday_to_friday
) -> PhraseRule:
    """Return the rule of a phrase.

    Args:
        text: The phrase.
        zone: IANA name of the time zone its times are read in.
        is_business_day: Tells whether a day is one.

    Raises:
        PhraseError: It is not understood.
    """
    phrase, where = read_phrase(text), ZoneInfo(zone)
    if phrase.days is not None:
        return PhraseRule(where, phrase.days, phrase.times, False, is_business_day)
    # Every hour goes by the clock on the wall, also in the hour that comes twice.
    times = tuple(time(hour, minute) for hour in range(24) for minute in phrase.minutes)
    return PhraseRule(where, _EVERY_DAY, times, True, is_business_day)


def read_phrase(text: str) -> Phrase:
    """Read a phrase.

    Raises:
        PhraseError: It is not understood.
    """
    words = tokens(text)
    try:
        return read(words)
    except NotUnderstoodError as error:
        hint = _interval(words) or f"the nearest that is understood is {nearest_phrase(words)!r}"
        raise PhraseError(_message(text, words, error), hint) from error


def parse_time(text: str) -> time:
    """Read one time of day: `7`, `07:30`, `7:30pm`, `noon` or `midnight`.

    Raises:
        PhraseError: It is none.
    """
    words = tokens(text)
    try:
        return read_time(words)
    except NotUnderstoodError as error:
        hint = "a time of day is written as 7, 07:30, 7:30pm, noon or midnight"
        msg = f"{text!r} is no time of day"
        raise PhraseError(msg, hint) from error


def _message(text: str, words: Sequence[str], error: NotUnderstoodError) -> str:
    phrase = " ".join(text.split())
    if error.position < len(words):
        part = words[error.position]
        return f"{part!r} is not understood in {phrase!r}: wanted {error.wanted}"
    return f"{phrase!r} lacks something at its end: wanted {error.wanted}"


def _interval(words: Sequence[str]) -> str | None:
    """Return what to write instead of a phrase that counts periods, if it does."""
    text = " ".join(words).lower()
    counted, period = _COUNTED.match(text), _PERIOD.match(text)
    match = counted or period
    if match is None:
        return None
    said = counted["number"] if counted is not None else "1"
    number, unit = _NUMBERS.get(said) or int(said), match["unit"]
    if unit in _IN_MONTHS:
        number, unit = number * _IN_MONTHS[unit], "month"
    anchor = "2026-01-05T09:00"
    if unit in _WEEKDAY.split("|"):
        anchor = f"that of a {unit.capitalize()}"
        unit = "week"
    every = f"{number} {unit}{'s' if number != 1 else ''}"
    return (
        "counting needs a beginning: use 'type: interval' with "
        f"'every: {every}' and an 'anchor' such as {anchor}"
    )
