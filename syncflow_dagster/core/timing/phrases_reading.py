"""The grammar of phrases: words into days and times, or the place where they make no sense."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, TypeVar

from syncflow_dagster.core.timing.phrases_days import (
    ALL_MONTHS,
    LAST,
    MONTHS,
    ORDINALS,
    WEEKDAYS,
    BusinessDaysOfMonth,
    DaysOfMonth,
    EveryBusinessDay,
    OnWeekdays,
    WeekdaysOfMonth,
    clock,
    in_order,
    listing,
    numbered,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syncflow_dagster.core.timing.phrases_days import Days

_Item = TypeVar("_Item")

_TOKEN = re.compile(r"\d*:\d+|\d+(?:st|nd|rd|th)\b|\d+|[^\W\d_]+|\S", re.IGNORECASE)
_MERIDIEM = re.compile(r"\b([ap])\.\s?m\.?(?=\W|$)", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?")
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MOST_WEEKDAYS, _MOST_BUSINESS_DAYS, _MOST_DAYS = 4, 23, 31

_WEEKDAY = {name.lower(): number for number, name in enumerate(WEEKDAYS)}
_WEEKDAYS = {f"{name}s": number for name, number in _WEEKDAY.items()}
_MONTH = {name.lower(): number for number, name in enumerate(MONTHS, start=1)}
_ORDINAL = (
    {name: number for number, name in enumerate(ORDINALS, start=1)}
    | {numbered(number): number for number in ALL_MONTHS + tuple(range(13, _MOST_DAYS + 1))}
    | {"last": LAST}
)
_TIMES = {"midnight": time(0), "noon": time(12)}

#: Every word the grammar knows.
WORDS = (
    *(
        "every",
        "day",
        "days",
        "daily",
        "weekdays",
        "weekends",
        "business",
        "hour",
        "hourly",
        "on",
        "the",
    ),
    *("of", "month", "at", "and", ",", "am", "pm"),
    *(*_WEEKDAY, *_WEEKDAYS, *_MONTH, *_ORDINAL, *_TIMES),
)


class NotUnderstoodError(ValueError):
    """Words that fit nowhere in the grammar.

    Attributes:
        position: Which word, counted from 0; the number of words where something is missing.
        wanted: What would fit there.
    """

    def __init__(self, position: int, wanted: str) -> None:
        super().__init__(wanted)
        self.position = position
        self.wanted = wanted


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a phrase says.

    Attributes:
        days: The days; None: every hour, at `minutes`.
        times: Times of day, ascending; empty if every hour.
        minutes: Minutes of each hour, ascending; empty if not every hour.
    """

    days: Days | None
    times: tuple[time, ...] = ()
    minutes: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """The canonical words: read again they say the same."""
        if self.days is None:
            listed = listing(f":{minute:02}" for minute in self.minutes)
            return "every hour" if self.minutes == (0,) else f"every hour at {listed}"
        return f"{self.days.words} at {listing(map(clock, self.times))}"


def tokens(text: str) -> tuple[str, ...]:
    """Return the words of a phrase, whatever blanks stand between them."""
    return tuple(_TOKEN.findall(_MERIDIEM.sub(r"\1m", text)))


def read(words: Sequence[str]) -> Phrase:
    """Read the words of a phrase.

    Raises:
        NotUnderstoodError: They are none.
    """
    reader = _Reader([word.lower() for word in words])
    every_hour = reader.takes("every", "hour") or reader.takes("hourly")
    phrase = _hourly(reader) if every_hour else _at_times(reader)
    if not reader.ended:
        raise reader.error("nothing more")
    return phrase


def read_time(words: Sequence[str]) -> time:
    """Read the words of one time of day.

    Raises:
        NotUnderstoodError: They are none.
    """
    reader = _Reader([word.lower() for word in words])
    found = _time(reader)
    if not reader.ended:
        raise reader.error("nothing more")
    return found


class _Reader:
    """Words that are read one after the other."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at == len(self._words)

    @property
    def word(self) -> str:
        return "" if self.ended else self._words[self._at]

    def step(self) -> None:
        self._at += 1

    def takes(self, *words: str) -> bool:
        """Read these words if they come next, and tell whether they did."""
        if tuple(self._words[self._at : self._at + len(words)]) != words:
            return False
        self._at += len(words)
        return True

    def takes_one_of(self, known: dict[str, _Item]) -> _Item | None:
        """Read the next word if it is known, and return what it stands for."""
        found = known.get(self.word)
        self._at += found is not None
        return found

    def list_of(self, item: Callable[[_Reader], _Item]) -> list[_Item]:
        """Read `a`, `a and b` or `a, b and c`."""
        items = [item(self)]
        while self.takes(",", "and") or self.takes(",") or self.takes("and"):
            items.append(item(self))
        return items

    def error(self, wanted: str, *, back: int = 0) -> NotUnderstoodError:
        return NotUnderstoodError(self._at - back, wanted)


def _hourly(reader: _Reader) -> Phrase:
    minutes = reader.list_of(_minute) if reader.takes("at") else [0]
    return Phrase(None, minutes=tuple(sorted(set(minutes))))


def _minute(reader: _Reader) -> int:
    word = reader.word
    if not re.fullmatch(r":[0-5]\d", word):
        raise reader.error("minutes such as :15")
    reader.step()
    return int(word[1:])


def _at_times(reader: _Reader) -> Phrase:
    days = _days(reader)
    if not reader.takes("at"):
        raise reader.error("'at' and a time such as 09:30")
    return Phrase(days, tuple(sorted(set(reader.list_of(_time)))))


def _time(reader: _Reader) -> time:
    named = reader.takes_one_of(_TIMES)
    if named is not None:
        return named
    match = _CLOCK.fullmatch(reader.word)
    if match is None:
        raise reader.error("a time such as 7, 07:30, 7:30pm, noon or midnight")
    hour, minute = int(match[1]), int(match[2] or 0)
    reader.step()
    half = reader.takes_one_of({"am": 0, "pm": 12})
    if half is not None:
        if not 1 <= hour <= 12:
            raise reader.error("an hour from 1 to 12 before am and pm", back=2)
        hour = hour % 12 + half
    if hour > 23 or minute > 59:
        raise reader.error("a time from 00:00 to 23:59", back=1)
    return time(hour, minute)


def _days(reader: _Reader) -> Days:
    if reader.takes("daily"):
        return OnWeekdays(tuple(range(7)))
    if reader.takes("every"):
        return _every(reader)
    reader.takes("on")
    if reader.takes("weekdays"):
        return OnWeekdays((0, 1, 2, 3, 4))
    if reader.takes("weekends"):
        return OnWeekdays((5, 6))
    if reader.takes("business", "days"):
        return EveryBusinessDay()
    if reader.word in _WEEKDAYS:
        return OnWeekdays(in_order(reader.list_of(_one_of(_WEEKDAYS, "a day such as Mondays"))))
    reader.takes("the")
    return _of_month(reader)


def _every(reader: _Reader) -> Days:
    if reader.takes("day"):
        return OnWeekdays(tuple(range(7)))
    if reader.takes("weekday"):
        return OnWeekdays((0, 1, 2, 3, 4))
    if reader.takes("business", "day"):
        return EveryBusinessDay()
    wanted = "a day such as Monday, 'day', 'business day' or 'hour'"
    return OnWeekdays(in_order(reader.list_of(_one_of(_WEEKDAY, wanted))))


def _of_month(reader: _Reader) -> Days:
    which = reader.list_of(_ordinal)
    numbers = in_order(number for number, _ in which)
    if reader.takes("business", "day"):
        _at_most(which, _MOST_BUSINESS_DAYS, "no month has so many business days")
        return BusinessDaysOfMonth(numbers, _months(reader))
    weekday = reader.takes_one_of(_WEEKDAY)
    if weekday is not None:
        wanted = "first to fourth, or last: not every month has a fifth one"
        _at_most(which, _MOST_WEEKDAYS, wanted)
        return WeekdaysOfMonth(numbers, weekday, _months(reader))
    if not reader.takes("day") and which[-1][0] == LAST:
        raise reader.error("'day', 'business day' or a day such as Friday")
    months = _months(reader)
    longest = max(_LONGEST_MONTH[one - 1] for one in months)
    _at_most(which, longest, f"a day up to the {numbered(longest)}: others never come")
    return DaysOfMonth(numbers, months)


def _ordinal(reader: _Reader) -> tuple[int, int]:
    """Return a number and its position."""
    position = reader.error("").position
    reader.takes("the")
    number = reader.takes_one_of(_ORDINAL)
    if number is None:
        raise reader.error("days such as 'every Monday', 'weekdays', 'last Friday' or '15th'")
    return number, position


def _at_most(which: list[tuple[int, int]], most: int, wanted: str) -> None:
    for number, position in which:
        if number > most:
            raise NotUnderstoodError(position, wanted)


def _months(reader: _Reader) -> tuple[int, ...]:
    if not reader.takes("of"):
        raise reader.error("'of the month', or 'of' and months such as January and July")
    if reader.takes("the", "month") or reader.takes("every", "month"):
        return ALL_MONTHS
    return in_order(reader.list_of(_one_of(_MONTH, "'the month', or a month such as January")))


def _one_of(known: dict[str, int], wanted: str) -> Callable[[_Reader], int]:
    def item(reader: _Reader) -> int:
        found = reader.takes_one_of(known)
        if found is None:
            raise reader.error(wanted)
        return found

    return item
