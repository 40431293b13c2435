"""E-mail, phone, link, country and location."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from syncflow_dagster.nodes.monday.columns.base import (
    Cell,
    Kind,
    Options,
    Shown,
    ValueRefused,
    display,
    members_of,
    quoted,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: International numbers have at most 15 digits (ITU-T E.164).
_PHONE = re.compile(r"\+?\d{4,15}", re.ASCII)
_BETWEEN_DIGITS = re.compile(r"[\s()./-]")
#: The trunk zero that is dialled only without the country's code.
_TRUNK_ZERO = "(0)"
#: How monday takes a number and its country as one text (developer.monday.com, "phone").
_WITH_COUNTRY = re.compile(r"(.*\d)\s+([A-Z]{2})", re.DOTALL)
#: A number with a decimal comma, or two numbers without a blank: nobody knows.
_COMMA_INSIDE = re.compile(r"[+-]?\d+,\d")
_LOCATION = re.compile(r"([^\s,;]+)[\s,;]+([^\s,;]+)(?:[\s,;]+(.*))?", re.DOTALL)


def _email(value: object, _options: Options) -> Cell:
    address = display(value).strip()
    if not _EMAIL.fullmatch(address):
        msg = f"{quoted(value)} is not an e-mail address"
        raise ValueRefused(msg)
    return Cell({"email": address, "text": address}, address)


def _read_email(given: Mapping[str, Any]) -> Shown:
    return str(members_of(given).get("email") or text_of(given))


def _phone(value: object, options: Options) -> Cell:
    written = display(value).strip()
    named = _WITH_COUNTRY.fullmatch(written)
    country = ""
    if named is not None:
        written, country = named[1], named[2]
    elif not written.startswith("+"):
        # A number with a calling code may be of any country; monday refuses the wrong one.
        country = options.country
    if written.startswith("+"):
        written = written.replace(_TRUNK_ZERO, "", 1)
    number = _BETWEEN_DIGITS.sub("", _ascii_digits(written))
    if not _PHONE.fullmatch(number):
        msg = f"{quoted(value)} is not a phone number; right would be '+1 202 555 0169'"
        raise ValueRefused(msg)
    return Cell({"phone": number, "countryShortName": country}, _called(number, country))


def _called(number: str, country: str) -> str:
    return f"{number.removeprefix('+')} {country}".rstrip()


def _read_phone(given: Mapping[str, Any]) -> Shown:
    value = members_of(given)
    number = str(value.get("phone") or text_of(given))
    return _called(number, str(value.get("countryShortName") or "")) if number else ""


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(one)) if one.isdecimal() else one for one in text)


def _link(value: object, _options: Options) -> Cell:
    url = display(value).strip()
    if not _is_web_address(url):
        msg = f"{quoted(value)} is not a web address; it must start with http:// or https://"
        raise ValueRefused(msg)
    return Cell({"url": url, "text": url}, url)


def _read_link(given: Mapping[str, Any]) -> Shown:
    return str(members_of(given).get("url") or text_of(given))


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not re.search(r"\s", url)


def _country(value: object, _options: Options) -> Cell:
    code, _, name = display(value).strip().partition(" ")
    code, name = code.upper(), name.strip()
    if not re.fullmatch(r"[A-Z]{2}", code) or not name:
        msg = f"{quoted(value)} is not a country; right would be code and name: 'US United States'"
        raise ValueRefused(msg)
    return Cell({"countryCode": code, "countryName": name}, code)


def _read_country(given: Mapping[str, Any]) -> Shown:
    return str(members_of(given).get("countryCode") or text_of(given))


def _location(value: object, _options: Options) -> Cell:
    text = display(value).strip()
    found = _LOCATION.fullmatch(text)
    if found and any(_COMMA_INSIDE.match(text, found.start(number)) for number in (1, 2)):
        msg = (
            f"{quoted(value)} has a comma inside of a number; right would be '52.52 13.405 Berlin'"
        )
        raise ValueRefused(msg)
    latitude = _degrees(found[1], 90) if found else None
    longitude = _degrees(found[2], 180) if found else None
    # The poles themselves are outside what monday takes (developer.monday.com, "location").
    if found is None or latitude is None or longitude is None or abs(Decimal(latitude)) == 90:
        msg = f"{quoted(value)} is not a place; right would be '52.52 13.405 Berlin'"
        raise ValueRefused(msg)
    address = (found[3] or "").strip()
    place = {"lat": latitude, "lng": longitude, "address": address}
    return Cell(place, _placed(latitude, longitude, address))


def _degrees(text: str, most: int) -> str | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    if not number.is_finite() or abs(number) > most:
        return None
    return display(number) if number else "0"


def _placed(latitude: str, longitude: str, address: str) -> str:
    return f"{latitude} {longitude} {address}".rstrip()


def _read_location(given: Mapping[str, Any]) -> Shown:
    value = members_of(given)
    latitude = _degrees(str(value.get("lat")), 90)
    longitude = _degrees(str(value.get("lng")), 180)
    if latitude is None or longitude is None:
        return text_of(given)
    return _placed(latitude, longitude, str(value.get("address") or ""))


EMAIL = Kind(_email, _read_email)
PHONE = Kind(_phone, _read_phone)
LINK = Kind(_link, _read_link)
COUNTRY = Kind(_country, _read_country)
LOCATION = Kind(_location, _read_location)
