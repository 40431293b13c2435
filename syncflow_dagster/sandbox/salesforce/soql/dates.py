"""Date formulas such as LAST_N_DAYS:30: each is a range of whole days around today.

Ranges as documented under "Date Formats and Date Literals" in the SOQL reference. The fiscal year
of the sandbox's org is the calendar year; its weeks begin on Sunday, as in the locale `en_US`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_SUNDAY = 6
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_SPANS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")


@dataclass(frozen=True, slots=True)
class Formula:
    """A range counted in spans from the one today is in, n being the number behind the colon.

    Attributes:
        unit: DAY, WEEK, MONTH, QUARTER or YEAR.
        first: The range's first span is `first + first_n * n`.
        end: The first span behind the range is `end + end_n * n`.
    """

    unit: str
    first: int
    end: int
    first_n: int = 0
    end_n: int = 0

    @property
    def needs_number(self) -> bool:
        """Whether the formula is written with `:n`."""
        return bool(self.first_n or self.end_n)

    def days(self, today: date, number: int | None) -> tuple[date, date]:
        """The range's first day, and the first day behind it.

        Args:
            today: The day it is for the user.
            number: n, for a formula that needs one.
        """
        n = number or 0
        start = _start(self.unit, today)
        return (
            _shifted(self.unit, start, self.first + self.first_n * n),
            _shifted(self.unit, start, self.end + self.end_n * n),
        )


def _formulas() -> dict[str, Formula]:
    found = {
        "YESTERDAY": Formula("DAY", -1, 0),
        "TODAY": Formula("DAY", 0, 1),
        "TOMORROW": Formula("DAY", 1, 2),
        "LAST_90_DAYS": Formula("DAY", -90, 1),
        "NEXT_90_DAYS": Formula("DAY", 1, 91),
    }
    for name in _SPANS:
        unit = name.removeprefix("FISCAL_")
        found[f"LAST_{name}"] = Formula(unit, -1, 0)
        found[f"THIS_{name}"] = Formula(unit, 0, 1)
        found[f"NEXT_{name}"] = Formula(unit, 1, 2)
    for name in ("DAY", *_SPANS):
        unit = name.removeprefix("FISCAL_")
        # The last n days have today among them; the last n weeks do not have this week.
        found[f"LAST_N_{name}S"] = Formula(unit, 0, int(unit == "DAY"), first_n=-1)
        found[f"NEXT_N_{name}S"] = Formula(unit, 1, 1, end_n=1)
        found[f"N_{name}S_AGO"] = Formula(unit, 0, 1, first_n=-1, end_n=-1)
    return found


#: All 44 formulas by their upper-case name.
FORMULAS: Final = _formulas()


def _start(unit: str, day: date) -> date:
    """The first day of the span that a day is in."""
    if unit == "DAY":
        return day
    if unit == "WEEK":
        return day - timedelta(days=(day.weekday() - _SUNDAY) % 7)
    months = _MONTHS[unit]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _shifted(unit: str, start: date, spans: int) -> date:
    """The first day of the span that many spans later; the calendar's last day past its end."""
    try:
        if unit in {"DAY", "WEEK"}:
            return start + timedelta(days=spans * (7 if unit == "WEEK" else 1))
        months = start.year * 12 + start.month - 1 + spans * _MONTHS[unit]
        return date(months // 12, months % 12 + 1, 1)
    except (OverflowError, ValueError):
        return date.max if spans > 0 else date.min
