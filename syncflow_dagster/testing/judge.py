"""What really happened, read from a sandbox's log of committed writes, never from our tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CREATES = {"create_group": "groups", "create_item": "items", "create_subitem": "subitems"}
_ENDS = frozenset({"archive_item", "delete_item"})


@dataclass(slots=True)
class Judgement:
    """The log, counted.

    Attributes:
        counts: `groups`, `items`, `subitems` created.
        customers: `items` and `subitems` by the title of the group they were created in.
        live: Keys of items and subitems that were created and not ended since, with their number.
        created: Keys that were created at some time.
        duplicates: Creates beyond the first of an object that was there.
        writes: Committed writes of any kind.
        changes: Writes that were not creates, by operation.
        orphans: Subitems created below an item that was not there yet, or no more.
    """

    counts: Counter[str] = field(default_factory=Counter)
    customers: dict[str, Counter[str]] = field(default_factory=dict)
    live: Counter[str] = field(default_factory=Counter)
    created: set[str] = field(default_factory=set)
    duplicates: int = 0
    writes: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    orphans: int = 0


def judge(
    log: Iterable[Mapping[str, Any]], group_titles: Mapping[str, str], known: Iterable[str] = ()
) -> Judgement:
    """Count a sandbox's monday log.

    Args:
        log: Lines as the control endpoint gives them: op, key, remote_id, payload.
        group_titles: Title by id of the groups that were there before.
        known: Ids of items that were there before.
    """
    result = Judgement()
    titles = dict(group_titles)
    item_group: dict[str, str] = {}
    items = set(known)
    place_of: dict[str, tuple[str, str, str]] = {}
    seen: Counter[tuple[str, str, str]] = Counter()
    for line in log:
        result.writes += 1
        op, payload = line["op"], line["payload"]
        kind = _CREATES.get(op)
        if kind is None:
            result.changes[op] += 1
            if op in _ENDS and payload.get("changed", True):
                _end([line["remote_id"], *payload.get("subitem_ids", [])], place_of, seen)
                items.discard(line["remote_id"])
            continue
        result.counts[kind] += 1
        place = (op, str(payload.get("board_id")), str(line["key"]))
        place_of[line["remote_id"]] = place
        seen[place] += 1
        result.duplicates += seen[place] > 1
        if kind == "groups":
            titles[line["remote_id"]] = str(line["key"])
            continue
        result.created.add(str(line["key"]))
        if kind == "items":
            item_group[line["remote_id"]] = str(payload["group_id"])
            items.add(line["remote_id"])
        else:
            result.orphans += str(payload.get("parent_item_id")) not in items
        group = item_group.get(str(payload.get("parent_item_id")), str(payload.get("group_id")))
        customer = titles.get(group, group)
        result.customers.setdefault(customer, Counter())[kind] += 1
    result.live = Counter(
        {key: number for (op, _, key), number in seen.items() if op != "create_group" and number}
    )
    return result


def _end(
    remote_ids: Iterable[str],
    place_of: Mapping[str, tuple[str, str, str]],
    seen: Counter[tuple[str, str, str]],
) -> None:
    # An item takes its subitems with it.
    for remote_id in remote_ids:
        place = place_of.get(remote_id)
        if place is not None:
            seen[place] -= 1


def group_titles(state: Mapping[str, Any]) -> dict[str, str]:
    """Return title by group id from the control endpoint's picture of the boards."""
    return {group["id"]: group["title"] for board in state["boards"] for group in board["groups"]}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees of one record on a board.

    Attributes:
        name: The item's name.
        group: Title of its group.
        parent: Key of the item it stands below.
        values: Text of each filled column.
    """

    name: str
    group: str
    parent: str | None
    values: Mapping[str, str]


def picture(state: Mapping[str, Any], without: Iterable[str] = ()) -> dict[str, Shown]:
    """Return what the boards show of each record, by its key; of what is archived, nothing.

    Args:
        state: The control endpoint's picture of the boards.
        without: Columns to leave out.
    """
    hidden = set(without)
    found: dict[str, Shown] = {}
    keys = {item["id"]: item["key"] for board in state["boards"] for item in board["items"]}
    for board in state["boards"]:
        titles = {group["id"]: group["title"] for group in board["groups"]}
        for item in board["items"]:
            if item["state"] != "active":
                continue
            values = {name: text for name, text in item["values"].items() if name not in hidden}
            group = titles.get(item["group_id"], item["group_id"])
            parent = keys.get(item["parent_item_id"])
            found[item["key"]] = Shown(item["name"], group, parent, values)
    return found
