"""Columns that choose from a set: status, dropdown, tags, checkbox, rating, colour."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.columns.base import (
    EMPTY,
    Cell,
    Kind,
    Options,
    Shown,
    ValueRefused,
    display,
    members_of,
    quoted,
    several,
    text_of,
)
from syncflow_dagster.nodes.monday.columns.ids import listed_ids, sorted_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Most stars of a rating (developer.monday.com, "rating").
MOST_STARS = 5
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


def _status(value: object, _options: Options) -> Cell:
    label = display(value)
    if label.strip().isdecimal():
        # In place of a label monday also takes its number (developer.monday.com, "status").
        msg = f"{quoted(label)} may be taken for the number of a label; give the label a letter"
        raise ValueRefused(msg)
    return Cell({"label": label}, label)


def _dropdown(value: object, options: Options) -> Cell:
    labels = several(value, options)
    return Cell({"labels": labels}, sorted(labels)) if labels else EMPTY


def _read_dropdown(given: Mapping[str, Any]) -> Shown:
    # A label may hold the comma that stands between two labels in the text.
    chosen = given.get("values")
    if chosen is None:
        return [text] if (text := text_of(given)) else ""
    return sorted(str(one.get("label")) for one in chosen) or ""


def _tags(value: object, options: Options) -> Cell:
    ids = listed_ids(value, options, "tag")
    return Cell({"tag_ids": ids}, sorted_ids(ids)) if ids else EMPTY


def _read_tags(given: Mapping[str, Any]) -> Shown:
    return sorted_ids(members_of(given).get("tag_ids") or ()) or ""


def _checkbox(value: object, _options: Options) -> Cell:
    if not isinstance(value, bool):
        msg = f"{quoted(value)} is neither true nor false"
        raise ValueRefused(msg)
    # {"checked": "false"} does not uncheck; only clearing does.
    return Cell({"checked": "true"}, "v") if value else EMPTY


def _rating(value: object, _options: Options) -> Cell:
    stars = display(value)
    if stars == "0":
        # What monday calls a rating that is not there.
        return EMPTY
    if stars not in {str(number) for number in range(1, MOST_STARS + 1)}:
        msg = f"{quoted(value)} is no rating; right would be a whole number from 1 to {MOST_STARS}"
        raise ValueRefused(msg)
    return Cell({"rating": int(stars)}, stars)


def _read_rating(given: Mapping[str, Any]) -> Shown:
    value = members_of(given)
    return str(value["rating"] or "") if "rating" in value else text_of(given)


def _colour(value: object, _options: Options) -> Cell:
    colour = display(value).strip()
    if not _COLOUR.fullmatch(colour):
        msg = f"{quoted(value)} is not a colour; right would be '#FF5733'"
        raise ValueRefused(msg)
    return Cell({"color": colour.upper()}, colour.upper())


def _read_colour(given: Mapping[str, Any]) -> Shown:
    colour = members_of(given).get("color")
    if isinstance(colour, dict):
        colour = colour.get("hex")
    return str(colour or text_of(given)).upper()


STATUS = Kind(_status, text_of)
DROPDOWN = Kind(_dropdown, _read_dropdown)
TAGS = Kind(_tags, _read_tags)
CHECKBOX = Kind(_checkbox, text_of)
RATING = Kind(_rating, _read_rating)
COLOR_PICKER = Kind(_colour, _read_colour)
