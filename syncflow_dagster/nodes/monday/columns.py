"""Values of board columns: how monday wants them written, and how it shows them.

Source: developer.monday.com, reference pages of the column types ("column values v2").
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

#: Longest item name, in characters (developer.monday.com, error `ItemNameTooLongException`).
LONGEST_NAME = 255
#: Longest long text, in characters (monday changelog of 2022).
LONGEST_LONG_TEXT = 2_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: International numbers have at most 15 digits (ITU-T E.164).
_PHONE = re.compile(r"\+?\d{4,15}", re.ASCII)
_BETWEEN_DIGITS = re.compile(r"[\s()./-]")
#: The trunk zero that is dialled only without the country's code.
_TRUNK_ZERO = "(0)"


class ValueRefused(ValueError):
    """A value cannot be written to a column of this type; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of one column.

    Attributes:
        value: What is written, as JSON; None clears the column.
        shown: The text monday shows for it, by which a look-up recognises it.
    """

    value: Any
    shown: str


def cell(column_type: str, value: object) -> Cell:
    """Return a field's value in the form a column of `column_type` takes.

    Args:
        column_type: monday's name of the type.
        value: Text, number, date, date-time, boolean; None and an empty text clear the column.

    Raises:
        ValueRefused: the value does not fit the type.
    """
    if value is None or value == "":
        return Cell(_CLEARED.get(column_type), "")
    return _FORMATS[column_type](value)


def _text(value: object) -> Cell:
    text = display(value)
    return Cell(text, text)


def _long_text(value: object) -> Cell:
    text = display(value)
    if len(text) > LONGEST_LONG_TEXT:
        msg = f"{len(text)} characters; a long text holds at most {LONGEST_LONG_TEXT}"
        raise ValueRefused(msg)
    return Cell({"text": text}, text)


def _numbers(value: object) -> Cell:
    text = display(value)
    try:
        number = Decimal(text)
    except ArithmeticError as error:
        msg = f"{text!r} is not a number"
        raise ValueRefused(msg) from error
    if not number.is_finite():
        msg = f"{text!r} is not a finite number"
        raise ValueRefused(msg)
    plain = display(number) if number else "0"
    return Cell(plain, plain)


def _status(value: object) -> Cell:
    label = display(value)
    return Cell({"label": label}, label)


def _dropdown(value: object) -> Cell:
    label = display(value)
    return Cell({"labels": [label]}, label)


def _date(value: object) -> Cell:
    if isinstance(value, datetime):
        # monday takes the time in UTC and shows it in the account's zone. Where that is another,
        # the change is not recognised as done and is written again: harmless, unlike the reverse.
        moment = _in_utc(value)
        on = moment.date().isoformat()
        return Cell({"date": on, "time": f"{moment:%H:%M:%S}"}, f"{on} {moment:%H:%M}")
    if isinstance(value, date):
        return Cell({"date": value.isoformat()}, value.isoformat())
    try:
        day = date.fromisoformat(display(value))
    except ValueError as error:
        msg = f"{display(value)!r} is not a date like 2026-11-22"
        raise ValueRefused(msg) from error
    return Cell({"date": day.isoformat()}, day.isoformat())


def _checkbox(value: object) -> Cell:
    if not isinstance(value, bool):
        msg = f"{display(value)!r} is neither true nor false"
        raise ValueRefused(msg)
    # {"checked": "false"} does not uncheck; only clearing does.
    return Cell({"checked": "true"}, "v") if value else Cell(None, "")


def _email(value: object) -> Cell:
    address = display(value).strip()
    if not _EMAIL.fullmatch(address):
        msg = f"{address!r} is not an e-mail address"
        raise ValueRefused(msg)
    return Cell({"email": address, "text": address}, address)


def _phone(value: object) -> Cell:
    written = display(value).strip()
    if written.startswith("+"):
        written = written.replace(_TRUNK_ZERO, "", 1)
    number = _BETWEEN_DIGITS.sub("", _ascii_digits(written))
    if not _PHONE.fullmatch(number):
        msg = f"{display(value)!r} is not a phone number; right would be '+1 202 555 0169'"
        raise ValueRefused(msg)
    return Cell({"phone": number, "countryShortName": ""}, number)


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def _link(value: object) -> Cell:
    url = display(value).strip()
    if not _is_web_address(url):
        msg = f"{url!r} is not a web address; it must start with http:// or https://"
        raise ValueRefused(msg)
    # monday shows a link as its text, a dash and its address.
    return Cell({"url": url, "text": url}, f"{url} - {url}")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not re.search(r"\s", url)


def _country(value: object) -> Cell:
    code, _, name = display(value).partition(" ")
    if len(code) != 2 or not code.isalpha() or not name:
        msg = (
            f"{display(value)!r} is not a country; right would be code and name: 'US United States'"
        )
        raise ValueRefused(msg)
    return Cell({"countryCode": code.upper(), "countryName": name}, name)


def display(value: object) -> str:
    """Return a value as a person would write it: no exponent, no trailing zeros, ISO dates."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        # The zone a driver gives a moment in is its session's, which says nothing.
        shown = value if value.tzinfo is None else value.astimezone(UTC)
        return shown.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_FORMATS: dict[str, Callable[[object], Cell]] = {
    "text": _text,
    "long_text": _long_text,
    "numbers": _numbers,
    "status": _status,
    "dropdown": _dropdown,
    "date": _date,
    "checkbox": _checkbox,
    "email": _email,
    "phone": _phone,
    "link": _link,
    "country": _country,
}
#: Texts are cleared by an empty text; every other type by null.
_CLEARED: dict[str, str] = {"text": "", "long_text": ""}
