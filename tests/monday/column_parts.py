"""What the cases of the column types are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from syncflow_dagster.nodes.monday.columns import Options

NEW_YORK = timezone(timedelta(hours=-5))
LIST = Options(separator=";")
#: UTC has it in the year 10000.
LAST_EVENING = datetime.max.replace(tzinfo=NEW_YORK)
LAST_EVENING_SHOWN = "9999-12-31 23:59-05:00"
EVENING = datetime(2026, 11, 22, 23, 30, 15, tzinfo=NEW_YORK)
#: Moments that a zone east or west of Greenwich has in no year a calendar knows.
FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
WITHOUT_ZONE = datetime(2026, 11, 22, 8, 0)  # noqa: DTZ001 - of a column without zone
FIRST, NINTH = date(2026, 10, 1), date(2026, 10, 9)
IN_TOKYO = Options(zone=ZoneInfo("Asia/Tokyo"))
IN_NEW_YORK = Options(zone=ZoneInfo("America/New_York"))
SUNDAYS = Options(first_weekday=6)
AMERICAN = Options(country="US")
SHORT = Options(max_length=5)
CUT = Options(max_length=5, cut=True)
USA = {"countryCode": "US", "countryName": "United States"}
SITE = "https://a.b/c?d=e"
LONG_NUMBER = "12345678901234567890.123456789"
SCRIPTS = 'نص 👩‍👩‍👧 «quoted " \\»\n2nd'


@dataclass(frozen=True)
class Case:
    """One column type.

    Attributes:
        taken: (value, options, JSON written, what `read` gives of it afterwards).
        refused: (value, options, part of the reason).
        cleared: What is written to clear it.
        empty: Values beside None and "" that clear it.
    """

    taken: list[tuple[Any, Options, Any, Any]]
    refused: list[tuple[Any, Options, str]] = field(default_factory=list)
    cleared: Any = None
    empty: list[tuple[Any, Options]] = field(default_factory=list)


PLAIN = Options()


def email(address):
    return {"email": address, "text": address}


def phone(number, country=""):
    return {"phone": number, "countryShortName": country}


def moment(on, at):
    return {"date": on, "time": at}, f"{on} {at[:5]}"


def timeline(first, last):
    return {"from": first, "to": last}, f"{first} - {last}"


def week(first, last):
    return {"week": {"startDate": first, "endDate": last}}, f"{first} - {last}"


def people(*chosen):
    return {"personsAndTeams": [{"id": number, "kind": kind} for kind, number in chosen]}


def links(first, second):
    """Cases of a column of item ids; the board's own items stand in for these."""
    return Case(
        [
            (first, PLAIN, {"item_ids": [first]}, [str(first)]),
            (str(second), PLAIN, {"item_ids": [second]}, [str(second)]),
            (
                f"{second}; {first};{second};",
                LIST,
                {"item_ids": [second, first]},
                sorted([str(first), str(second)]),
            ),
        ],
        [
            ("SO-1", PLAIN, "'SO-1' is not the id of a monday item: a whole number"),
            (f"{first};{second}", PLAIN, "is not the id of a monday item"),
            (-1, PLAIN, "'-1' is not the id"),
            ("9" * 20, PLAIN, "is not the id"),
        ],
        empty=[(" ; ", LIST)],
    )
