"""Which item of a board stands for which record, where the ledger does not know it yet.

An item says one thing of its record: the record's id, the readable values of its business key, or,
where that is allowed, its name alone. What is said is hashed, so that a board of any size is
matched in memory that grows with its items and not with the source.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import xxhash

from syncflow_dagster.core.identity.encoding import encode_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from syncflow_dagster.core.identity.encoding import Value

#: How an item says which record it stands for, the surest first.
How = Literal["id", "key", "name"]
#: What becomes of several items for one record.
Choice = Literal["hold", "oldest", "newest"]
#: What became of a record.
Outcome = Literal["matched", "duplicate", "ambiguous"]


def claim(how: How, parent: UUID | None, values: Sequence[Value]) -> bytes:
    """Return what an item says, or what a record would have said of it, as 16 bytes.

    Args:
        how: Which kind of saying it is; those of two kinds never meet.
        parent: The record whose item it hangs under; None for an item, and for an id.
        values: The id, the key's normalised values, or the name.
    """
    above = None if parent is None else parent.bytes
    return xxhash.xxh3_128_digest(encode_row([how, above, *values]))


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the board that the ledger does not know.

    Attributes:
        item_id: monday's id.
        says: Its claim.
        how: Of which kind that is.
        made_at: When it was made.
        parent: The record whose item it hangs under.
    """

    item_id: str
    says: bytes
    how: How
    made_at: datetime
    parent: UUID | None = None

    @property
    def age(self) -> tuple[datetime, int, str]:
        """Orders items from the oldest; monday's ids grow."""
        number = int(self.item_id) if self.item_id.isdecimal() else 0
        return self.made_at, number, self.item_id


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the source.

    Attributes:
        record_uuid: Its id.
        label: Its business key, readable.
        says: What an item of it would say, by kind.
        parent: The record it belongs to.
        item_id: The item the ledger knows for it already.
        delta_id: Its newest delta row, if that is kept.
        state: That row's state.
        question: The effect that asks a person about it, from an earlier adoption.
        unsent: A push has planned to make it, and the service has surely not seen that.
    """

    record_uuid: UUID
    label: str
    says: tuple[tuple[How, bytes], ...]
    parent: UUID | None = None
    item_id: str | None = None
    delta_id: int | None = None
    state: str | None = None
    question: int | None = None
    unsent: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """What was found for a record.

    Attributes:
        record: The record.
        outcome: `matched` by one item, `duplicate` of several, or `ambiguous`: some of its items
            may as well stand for another record.
        items: Ids of the items that may stand for it, the oldest first.
        chosen: The one that does; None: nobody can tell.
        how: By what it was found.
    """

    record: Record
    outcome: Outcome
    items: tuple[str, ...]
    chosen: str | None
    how: How


@dataclass(slots=True)
class Matching:
    """What all items and records come to.

    Attributes:
        fates: Of the records that have items, in the order the records were seen in.
        left: Ids of the items that stand for no record.
    """

    fates: list[Fate] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class Matcher:
    """Matches items to records, whatever the order of either.

    Args:
        items: The items, none of them known to the ledger.
        choice: What becomes of several items for one record.
    """

    def __init__(self, items: Iterable[Item], choice: Choice = "hold") -> None:
        self._choice = choice
        self._items: dict[bytes, list[Item]] = defaultdict(list)
        for item in items:
            self._items[item.says].append(item)
        self._found: list[tuple[Record, How, list[Item]]] = []
        self._wanted: Counter[str] = Counter()

    def see(self, record: Record) -> bool:
        """Take up a record; tell whether any item may stand for it.

        A name counts only where no item says anything surer of the record; but all records of a
        name are counted, so that one name of two records tells neither.
        """
        sure = [(how, self._at(says)) for how, says in record.says if how != "name"]
        hits = [item for _, items in sure for item in items]
        how: How = next((how for how, items in sure if items), "name")
        named = [item for kind, says in record.says if kind == "name" for item in self._at(says)]
        self._wanted.update(item.item_id for item in [*hits, *named])
        hits = hits or ([] if record.item_id else named)
        if hits:
            self._found.append((record, how, sorted(hits, key=lambda item: item.age)))
        return bool(hits)

    def settle(self) -> Matching:
        """Decide, once all records are seen."""
        matching = Matching([self._decide(*found) for found in self._found])
        taken = {one for fate in matching.fates for one in fate.items}
        every = [item for items in self._items.values() for item in items]
        every.sort(key=lambda item: item.age)
        matching.left = [item.item_id for item in every if item.item_id not in taken]
        return matching

    def _at(self, says: bytes) -> list[Item]:
        return self._items.get(says, [])

    def _decide(self, record: Record, how: How, hits: list[Item]) -> Fate:
        ids = tuple(item.item_id for item in hits)
        if record.item_id is not None:
            return Fate(record, "duplicate", (record.item_id, *ids), record.item_id, how)
        if any(self._wanted[one] > 1 for one in ids) or (how == "name" and len(ids) > 1):
            return Fate(record, "ambiguous", ids, None, how)
        if len(hits) == 1:
            return Fate(record, "matched", ids, ids[0], how)
        return Fate(record, "duplicate", ids, self._chosen(record, hits), how)

    def _chosen(self, record: Record, hits: list[Item]) -> str | None:
        # What hangs under another item cannot be moved, so one at its place goes before.
        at_place = [item for item in hits if item.parent == record.parent] or hits
        if self._choice == "hold":
            return at_place[0].item_id if len(at_place) == 1 else None
        return at_place[0 if self._choice == "oldest" else -1].item_id
