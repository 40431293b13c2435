"""Date literals of SOQL: names of ranges of days that move with the clock.

Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta, tzinfo
from typing import Literal

_UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
_COUNTED = ("DAY", *_UNITS)
#: Literals that stand alone.
PLAIN = (
    "YESTERDAY",
    "TODAY",
    "TOMORROW",
    *(f"{when}_{unit}" for when in ("LAST", "THIS", "NEXT") for unit in _UNITS),
    "LAST_90_DAYS",
    "NEXT_90_DAYS",
)
#: Literals that need a number behind a colon.
COUNTED = (
    *(f"{when}_N_{unit}S" for when in ("LAST", "NEXT") for unit in _COUNTED),
    *(f"N_{unit}S_AGO" for unit in _COUNTED),
)
_FORM = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)(?::(?P<count>.*))?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,4}")
_PARTS = re.compile(r"(?:(LAST|THIS|NEXT)_(?:N_|90_)?|N_)([A-Z_]+?)S?(_AGO)?")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """A date literal.

    Attributes:
        name: Its name, such as `LAST_N_DAYS`.
        count: Its number, where it has one.
    """

    name: str
    count: int | None = None

    @property
    def text(self) -> str:
        """The literal as SOQL has it."""
        return self.name if self.count is None else f"{self.name}:{self.count}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """What ranges of days hang on.

    Attributes:
        now: The time, with a zone.
        zone: Zone of the user whose days they are.
        week_starts: First day of the user's weeks.
        fiscal_month: Month the org's fiscal year begins with, 1 to 12.
    """

    now: datetime
    zone: tzinfo = UTC
    week_starts: Literal["sunday", "monday"] = "sunday"
    fiscal_month: int = 1

    @property
    def today(self) -> date:
        """The user's day."""
        return self.now.astimezone(self.zone).date()

    def days(self, literal: DateLiteral) -> tuple[date, date]:
        """Return the first day of a literal's range, and the one behind its last."""
        near = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}
        if literal.name in near:
            day = self.today + timedelta(near[literal.name])
            return day, day + timedelta(1)
        match = _PARTS.fullmatch(literal.name)
        if match is None:
            msg = f"{literal.name} is no date literal"
            raise ValueError(msg)
        when, unit, ago = match[1], match[2], bool(match[3])
        count = 90 if "_90_" in literal.name else 1 if literal.count is None else literal.count
        if unit == "DAY" and not ago:
            return self._near_days(when, count)
        if ago:
            return self._start(unit, -count), self._start(unit, 1 - count)
        if when == "LAST":
            return self._start(unit, -count), self._start(unit, 0)
        return (
            (self._start(unit, 0), self._start(unit, 1))
            if when == "THIS"
            else (self._start(unit, 1), self._start(unit, 1 + count))
        )

    def instants(self, literal: DateLiteral) -> tuple[datetime, datetime]:
        """Return where a literal's range begins and the first instant behind it."""
        first, behind = self.days(literal)
        return self._midnight(first), self._midnight(behind)

    def _near_days(self, when: str, count: int) -> tuple[date, date]:
        """Return days up to today, which is one of them, or days from tomorrow on."""
        tomorrow = self.today + timedelta(1)
        if when == "LAST":
            return self.today - timedelta(count), tomorrow
        return tomorrow, tomorrow + timedelta(count)

    def _start(self, unit: str, away: int) -> date:
        """Return the first day of the unit that is so many units from the present one."""
        if unit == "DAY":
            return self.today + timedelta(away)
        if unit == "WEEK":
            behind = self.today.weekday() + (self.week_starts == "sunday")
            return self.today - timedelta(behind % 7) + timedelta(weeks=away)
        size = _MONTHS[unit.removeprefix("FISCAL_")]
        shift = self.fiscal_month - 1 if unit.startswith("FISCAL_") else 0
        months = self.today.year * 12 + self.today.month - 1 - shift
        year, month = divmod((months // size + away) * size + shift, 12)
        # Thousands of years away the calendar ends, and nothing lies there anyway.
        return date(min(max(year, MINYEAR), MAXYEAR), month + 1, 1)

    def _midnight(self, day: date) -> datetime:
        there = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        try:
            return there.astimezone(UTC)
        except OverflowError:  # the calendar's first day, east of Greenwich
            return there.replace(tzinfo=UTC)


def looks_like(text: str) -> bool:
    """Say whether a text can only be meant as a date literal."""
    return _FORM.fullmatch(text.strip().upper()) is not None


def parse(text: str) -> DateLiteral:
    """Read a date literal, in any case.

    Raises:
        ValueError: There is no such literal, or its number is missing, wrong or too much.
    """
    match = _FORM.fullmatch(text.strip().upper())
    name, count = (match["name"], match["count"]) if match else (text, None)
    if name in PLAIN:
        if count is not None:
            msg = f"{name} takes no number"
            raise ValueError(msg)
        return DateLiteral(name)
    if name not in COUNTED:
        msg = f"there is no date literal {text!r}"
        raise ValueError(msg)
    if count is None or _NUMBER.fullmatch(count) is None or int(count) == 0:
        msg = f"{name} needs a whole number from 1 to 9999 behind a colon: {name}:30"
        raise ValueError(msg)
    return DateLiteral(name, int(count))
