"""E-mail, phone, link, country, location, people."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from syncflow_dagster.sandbox.monday.columns.base import (
    BadValueError,
    Codec,
    Writing,
    members,
    whole_number,
)
from syncflow_dagster.sandbox.monday.model import TEAMS, USERS, Column

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+?\d{4,20}", re.ASCII)


@cache
def countries() -> dict[str, str]:
    """ISO 3166 names by alpha-2 code (public domain, from the tz database)."""
    lines = files(__package__).joinpath("countries.tsv").read_text("utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def _email(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        address, _, label = raw.strip().partition(" ")
        raw = {"email": address, "text": label or address}
    allowed = {"email": str, "text": str, "changed_at": str}
    raw = members(raw, allowed, 'email is {"email": "a@b.c", "text": "A"}')
    address = raw.get("email") or ""
    if not address:
        return None
    if not _EMAIL.fullmatch(address):
        msg = f"invalid value - {address!r} is not an e-mail address"
        raise BadValueError(msg)
    return {"email": address, "text": raw.get("text") or address}


def _phone(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        number, _, country = raw.strip().partition(" ")
        raw = {"phone": number, "countryShortName": country.strip()}
    allowed = {"phone": str, "countryShortName": str, "changed_at": str}
    raw = members(raw, allowed, 'phone is {"phone": "+12025550169", "countryShortName": "US"}')
    number, country = raw.get("phone") or "", raw.get("countryShortName") or ""
    if not number:
        return None
    if not _PHONE.fullmatch(re.sub(r"[ ().-]", "", number)):
        msg = f"invalid value - {number!r} is not a phone number"
        raise BadValueError(msg)
    if country and country not in countries():
        msg = f"invalid value - {country!r} is not a country code"
        raise BadValueError(msg)
    return {"phone": number, "countryShortName": country}


def _phone_fields(value: dict[str, str] | None, _column: Column) -> dict[str, Any]:
    if value is None:
        return {"phone": None, "country_short_name": None}
    return {"phone": value["phone"], "country_short_name": value["countryShortName"] or None}


def _link(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        url, _, label = raw.strip().partition(" ")
        raw = {"url": url, "text": label}
    raw = members(
        raw, {"url": str, "text": str, "changed_at": str}, 'link is {"url": "https://.."}'
    )
    url = raw.get("url") or ""
    if not url:
        return None
    if not _is_url(url):
        msg = f"invalid value - {url!r} is not a URL"
        raise BadValueError(msg)
    return {"url": url, "text": raw.get("text") or url}


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path))


def _country(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        code, _, name = raw.strip().partition(" ")
        raw = {"countryCode": code, "countryName": name or countries().get(code, "")}
    allowed = {"countryCode": str, "countryName": str, "changed_at": str}
    raw = members(raw, allowed, 'country is {"countryCode": "US", "countryName": "United States"}')
    code, name = raw.get("countryCode") or "", raw.get("countryName") or ""
    if not code and not name:
        return None
    if code not in countries() or not name:
        msg = f"invalid value - {code!r} {name!r} is not a country"
        raise BadValueError(msg)
    return {"countryCode": code, "countryName": name}


def _country_fields(value: dict[str, str] | None, _column: Column) -> dict[str, Any]:
    if value is None:
        return {"country": None}
    return {"country": {"code": value["countryCode"], "name": value["countryName"]}}


def _location(raw: Any, _writing: Writing) -> dict[str, str] | None:
    if isinstance(raw, str):
        lat, _, rest = raw.strip().partition(" ")
        lng, _, address = rest.strip().partition(" ")
        raw = {"lat": lat, "lng": lng, "address": address}
    number = (str, int, float)
    allowed: dict[str, Any] = {"lat": number, "lng": number, "address": str}
    allowed["changed_at"] = str
    raw = members(raw, allowed, 'location is {"lat": "1.0", "lng": "2.0", "address": ".."}')
    lat = _degrees(raw.get("lat"), 90.0, "lat")
    if abs(float(lat)) == 90.0:
        raise BadValueError("invalid value - lat must lie between the poles")
    lng = _degrees(raw.get("lng"), 180.0, "lng")
    return {"lat": lat, "lng": lng, "address": raw.get("address") or ""}


def _degrees(raw: Any, limit: float, name: str) -> str:
    try:
        degrees = float(raw)
    except (TypeError, ValueError):
        msg = f"invalid value - {name} must be a number of degrees"
        raise BadValueError(msg) from None
    if not -limit <= degrees <= limit:
        msg = f"invalid value - {name} must be from -{limit:g} to {limit:g}"
        raise BadValueError(msg)
    return str(raw)


def _location_fields(value: dict[str, str] | None, _column: Column) -> dict[str, Any]:
    if value is None:
        return {"address": None, "lat": None, "lng": None}
    return {**value, "lat": float(value["lat"]), "lng": float(value["lng"])}


def _people(raw: Any, _writing: Writing) -> tuple[tuple[str, str], ...] | None:
    if isinstance(raw, str):
        ids = [part.strip() for part in raw.split(",") if part.strip()]
        raw = {"personsAndTeams": [{"id": one, "kind": "person"} for one in ids]}
    allowed = {"personsAndTeams": list, "changed_at": str}
    what = 'people are {"personsAndTeams": [{"id": 1, "kind": "person"}]}'
    listed = members(raw, allowed, what).get("personsAndTeams") or ()
    return tuple(dict.fromkeys(_assignee(one, what) for one in listed)) or None


def _assignee(raw: Any, what: str) -> tuple[str, str]:
    one = members(raw, {"id": (int, str), "kind": str}, what)
    assignee = str(whole_number(one.get("id"), "person id"))
    kind = one.get("kind") or ""
    known = {"person": USERS, "team": TEAMS}.get(kind)
    if known is None:
        msg = f"invalid value - kind must be person or team, not {kind!r}"
        raise BadValueError(msg)
    if assignee not in known:
        msg = f"invalid value - unable to assign {kind} with id: {assignee}"
        raise BadValueError(
            msg,
            "invalidPersonAssignment",
        )
    return kind, assignee


def _people_text(value: tuple[tuple[str, str], ...], _column: Column) -> str:
    return ", ".join(USERS[n].name if kind == "person" else TEAMS[n] for kind, n in value)


def _people_shown(value: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"personsAndTeams": [{"id": int(n), "kind": kind} for kind, n in value]}


def _people_fields(value: tuple[tuple[str, str], ...] | None, _column: Column) -> dict[str, Any]:
    return {"persons_and_teams": [{"id": n, "kind": kind} for kind, n in value or ()]}


EMAIL = Codec(
    "EmailValue",
    parse=_email,
    text=lambda value, _column: value["text"],
    fields=lambda value, _column: (
        {"email": value["email"], "label": value["text"]}
        if value
        else {"email": None, "label": None}
    ),
    terms=lambda value, _column: frozenset({value["email"], value["text"]}),
)
PHONE = Codec(
    "PhoneValue",
    parse=_phone,
    text=lambda value, _column: value["phone"],
    fields=_phone_fields,
    terms=lambda value, _column: frozenset({value["phone"]}),
)
LINK = Codec(
    "LinkValue",
    parse=_link,
    text=lambda value, _column: f"{value['text']} - {value['url']}",
    fields=lambda value, _column: (
        {"url": value["url"], "url_text": value["text"]} if value else {"url": None}
    ),
    terms=lambda value, _column: frozenset({value["url"], value["text"]}),
)
COUNTRY = Codec(
    "CountryValue",
    parse=_country,
    text=lambda value, _column: value["countryName"],
    fields=_country_fields,
    terms=lambda value, _column: frozenset({value["countryCode"], value["countryName"]}),
)
LOCATION = Codec(
    "LocationValue",
    parse=_location,
    text=lambda value, _column: value["address"],
    fields=_location_fields,
    terms=lambda value, _column: frozenset({value["address"]}),
)
PEOPLE = Codec(
    "PeopleValue",
    parse=_people,
    text=_people_text,
    shown=_people_shown,
    fields=_people_fields,
    terms=lambda value, _column: frozenset(f"{kind}-{n}" for kind, n in value),
    legacy_type="multiple-person",
)
