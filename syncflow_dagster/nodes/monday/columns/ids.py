"""Values that are ids of something else at monday: items, tags, people and teams."""

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
    members_of,
    quoted,
    several,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ID = re.compile(r"\d{1,19}", re.ASCII)
_ASSIGNEE = re.compile(r"(?:(person|team):)?(\d{1,19})", re.ASCII)


def listed_ids(value: object, options: Options, what: str) -> list[int]:
    """Return the ids a value names, each once.

    Raises:
        ValueRefused: one of them is none; `what` names the thing that has it.
    """
    ids = []
    for one in several(value, options):
        if not _ID.fullmatch(one):
            msg = f"{quoted(one)} is not the id of a monday {what}: a whole number"
            raise ValueRefused(msg)
        ids.append(int(one))
    return ids


def sorted_ids(ids: Iterable[object]) -> list[str]:
    """Return ids in a comparable form."""
    return sorted(str(one) for one in ids)


def _people(value: object, options: Options) -> Cell:
    chosen = []
    for one in several(value, options):
        found = _ASSIGNEE.fullmatch(one)
        if found is None:
            msg = f"{quoted(one)} is nobody; right would be a user's id, or 'team:' and a team's"
            raise ValueRefused(msg)
        chosen.append({"id": int(found[2]), "kind": found[1] or "person"})
    return Cell({"personsAndTeams": chosen}, _assigned(chosen)) if chosen else EMPTY


def _assigned(chosen: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(f"{one.get('kind')}:{one.get('id')}" for one in chosen)


def _read_people(given: Mapping[str, Any]) -> Shown:
    return _assigned(members_of(given).get("personsAndTeams") or ()) or ""


def _items(value: object, options: Options) -> Cell:
    ids = listed_ids(value, options, "item")
    return Cell({"item_ids": ids}, sorted_ids(ids)) if ids else EMPTY


def _read_items(given: Mapping[str, Any]) -> Shown:
    # Text and value are null since API 2025-04; only the typed field shows the links.
    return sorted_ids(given.get("linked_item_ids") or ()) or ""


PEOPLE = Kind(_people, _read_people)
LINKED_ITEMS = Kind(_items, _read_items)
