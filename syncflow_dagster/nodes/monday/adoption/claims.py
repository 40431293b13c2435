"""What an item of the board says of the record it stands for, and what the record would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl

from syncflow_dagster.core.adoption import Item, claim
from syncflow_dagster.nodes.delta.normalise import Normaliser
from syncflow_dagster.nodes.monday.columns import ValueRefused
from syncflow_dagster.nodes.monday.keys import whole_title
from syncflow_dagster.nodes.monday.values import write_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syncflow_dagster.core.adoption import How
    from syncflow_dagster.nodes.monday.adoption.board_items import BoardItem
    from syncflow_dagster.nodes.monday.columns import Shown
    from syncflow_dagster.workflows.models import DeltaNode, FieldRule, ItemMapping

#: Types whose cells show a value as the field holds it.
_READABLE = frozenset(
    {"text", "long_text", "numbers", "dropdown", "date", "hour", "email", "link", "rating"}
)


@dataclass(frozen=True)
class Claims:
    """How the items of a mapping tell their records.

    Attributes:
        node: The delta node of the records.
        mapping: Its items or subitems.
        is_subitems: Which of the two; a subitem says what it says under its item's record.
    """

    node: DeltaNode
    mapping: ItemMapping
    is_subitems: bool

    @property
    def key(self) -> list[str]:
        """The fields of the business key that an item itself has to show."""
        above = self.node.parent.key if self.is_subitems and self.node.parent else []
        return [name for name in self.node.key if name not in above]

    @property
    def columns(self) -> dict[str, str]:
        """The column that shows each field of `key`, as far as there is one."""
        written = {
            one.field: one.column
            for one in self.mapping.columns
            if one.type in _READABLE and one.until is None
        }
        shown = {**written, **self.mapping.adopt.match}
        return {name: shown[name] for name in self.key if name in shown}

    @property
    def by_key(self) -> bool:
        """Whether the columns of an item can tell its record."""
        return len(self.columns) == len(self.key)

    def of_items(
        self, items: Sequence[BoardItem], parents: Sequence[UUID | None]
    ) -> list[Item | str]:
        """Return what each item says, or why it says nothing.

        Args:
            items: Items of the board.
            parents: The record each one's item above stands for, of subitems.
        """
        keys = self._keys(items)
        return [self._item(*one) for one in zip(items, parents, keys, strict=True)]

    def of_record(
        self, found: Mapping[str, Any], values: Mapping[str, Any] | None
    ) -> tuple[tuple[How, bytes], ...]:
        """Return what an item of a record would say.

        Args:
            found: `record_uuid`, `parent_uuid`, and the fields of the key.
            values: All fields, where its name may tell it.
        """
        record: UUID = found["record_uuid"]
        parent = found["parent_uuid"] if self.is_subitems else None
        says: list[tuple[How, bytes]] = [("id", claim("id", None, [record.bytes]))]
        if self.by_key:
            says.append(("key", claim("key", parent, [found[name] for name in self.key])))
        name = None if values is None else self._name(values)
        if name is not None:
            says.append(("name", claim("name", parent, [name])))
        return tuple(says)

    def _item(
        self, item: BoardItem, parent: UUID | None, key: tuple[Any, ...] | None
    ) -> Item | str:
        carried = str(item.shows(self.mapping.key_column)).strip()
        if carried:
            try:
                says = claim("id", None, [UUID(carried).bytes])
            except ValueError:
                return f"its record id is {carried!r}, which is none"
            return Item(item.item_id, says, "id", item.made_at, parent)
        if self.is_subitems and parent is None:
            return "the item above it is not known to stand for a record"
        if key is not None:
            return Item(item.item_id, claim("key", parent, key), "key", item.made_at, parent)
        if self.mapping.adopt.by_name:
            says = claim("name", parent, [whole_title(item.name)])
            return Item(item.item_id, says, "name", item.made_at, parent)
        return f"it carries no record id, and {self._untold}"

    @property
    def _untold(self) -> str:
        if self.by_key:
            return f"{', '.join(self.columns.values())} tell no key"
        missing = [name for name in self.key if name not in self.columns]
        return f"no column shows {', '.join(missing)}"

    def _keys(self, items: Sequence[BoardItem]) -> list[tuple[Any, ...] | None]:
        """Return the key each item shows, normalised as the node normalises; None for no key."""
        if not self.by_key or not items:
            return [None] * len(items)
        if not self.key:
            return [()] * len(items)
        raw = {
            name: pl.Series(name, [_text(one.shows(column)) for one in items], dtype=pl.String)
            for name, column in self.columns.items()
        }
        chunk = Normaliser(self._key_node(), None)(pl.DataFrame(raw))
        rows = chunk.fields.rows()
        return [row if valid else None for row, valid in zip(rows, chunk.key_valid, strict=True)]

    def _key_node(self) -> DeltaNode:
        """Return a node of the key alone, whose values are made already when they are shown."""
        rules = [_as_shown(self.node.field(name)) for name in self.key]
        changes = {"fields": rules, "key": self.key, "parent": None, "unpivot": None}
        return self.node.model_copy(update={**changes, "customer": None})

    def _name(self, values: Mapping[str, Any]) -> str | None:
        try:
            return whole_title(write_name(self.mapping, values)[0])
        except ValueRefused:
            return None


def _as_shown(rule: FieldRule) -> FieldRule:
    # A cell shows what the transform has made, and moments in UTC.
    made: dict[str, Any] = {"transform": None, "column": rule.name, "timezone": "UTC"}
    return rule.model_copy(update=made)


def _text(shown: Shown) -> str | None:
    """Return a cell's text; None where it is empty, or shows several values in no order."""
    if isinstance(shown, list):
        return shown[0] if len(shown) == 1 else None
    return shown or None
