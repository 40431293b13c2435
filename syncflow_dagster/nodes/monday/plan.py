"""From delta rows to effects. Pure, given the rows, the mapping and what is on the board."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core import templates
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.nodes.monday.columns import (
    LONGEST_NAME,
    ValueRefused,
    cell,
    display,
)
from syncflow_dagster.nodes.monday.keys import group_key, group_title, item_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode

#: The passes of a push, by number.
ITEMS, SUBITEMS, STATUSES = 1, 2, 3


class Presence(Enum):
    """What is known of an object at the board."""

    ABSENT = "absent"
    COMING = "coming"
    LIVE = "live"
    LEAVING = "leaving"


#: There is nothing at the board that could be changed, or will not be for long.
_GONE = frozenset({Presence.ABSENT, Presence.LEAVING})


@dataclass(frozen=True, slots=True)
class DeltaRow:
    """A delta row as the planner sees it.

    Attributes:
        label: The business key, readable.
        values: The record's fields by name.
        changed: Fields whose values are new to the board.
    """

    table: str
    delta_id: int
    record_uuid: UUID
    parent_uuid: UUID | None
    generation: int
    operation: str
    changed: frozenset[str]
    customer: str | None
    label: str
    values: Mapping[str, Any]


@dataclass(slots=True)
class RowPlan:
    """What one delta row comes to.

    Attributes:
        effects: Changes to make; none means that the board need not change.
        rejected: Why the record can never be written as it is; its effect is dead from the start,
            so that what hangs on it can say so.
        settled: Why there is nothing to do, when there is not.
        retires: Whether the row's object has gone with its parent.
    """

    effects: list[PlannedEffect] = field(default_factory=list)
    rejected: str | None = None
    settled: str | None = None
    retires: bool = False

    @property
    def makes_item_again(self) -> bool:
        """Whether an item is made that may have had a life, and subitems, before."""
        return any(one.kind == "create_item" and one.generation > 1 for one in self.effects)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the rows of one delta node as items, or as subitems, of a board.

    Attributes:
        node: The push node.
        mapping: Its items or its subitems.
        presence: What is known of each object, by key; missing means absent.
        lives: How many lives an object has had, by key; missing means none.
    """

    node: MondayPushNode
    mapping: ItemMapping
    presence: Mapping[str, Presence]
    lives: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_subitems(self) -> bool:
        """Whether the rows become subitems."""
        return self.mapping is self.node.subitems

    def plan(self, row: DeltaRow) -> RowPlan:
        """Return the effects of a row; a record that cannot be written is rejected, not raised."""
        key = item_key(self.node.board_id, row.record_uuid)
        presence = self.presence.get(key, Presence.ABSENT)
        try:
            if row.operation == "DELETE":
                return self._deleted(row, key, presence)
            if presence in _GONE:
                return RowPlan(self._create(row, key))
            return self._change(row, key)
        except ValueRefused as error:
            refused = self._effect(row, self._write_kind(presence), ITEMS, key, {})
            return RowPlan([replace(refused, refused=str(error))], rejected=str(error))

    def _write_kind(self, presence: Presence) -> str:
        verb = "create" if presence in _GONE else "change"
        return f"{verb}_subitem" if self.is_subitems else f"{verb}_item"

    def _create(self, row: DeltaRow, key: str) -> list[PlannedEffect]:
        values, shown = self._cells(row, {column.field for column in self.mapping.columns})
        values[self.mapping.key_column] = shown[self.mapping.key_column] = str(row.record_uuid)
        payload = {"name": self._name(row), "columns": values, "shown": shown}
        statuses = self._statuses(row, key, set(row.values), creating=True)
        if self.is_subitems:
            assert row.parent_uuid is not None
            parent = item_key(self.node.board_id, row.parent_uuid)
            create = self._effect(row, "create_subitem", SUBITEMS, key, payload, parent=parent)
            return [self._next_life(create, row), *statuses]
        group, title = self.group_of(row)
        create = self._effect(row, "create_item", ITEMS, key, payload, parent=group)
        return [*self._new_group(row, group, title), self._next_life(create, row), *statuses]

    def _next_life(self, create: PlannedEffect, row: DeltaRow) -> PlannedEffect:
        # A record's own count says nothing of an item that went with its parent.
        lived = self.lives.get(create.object_key, 0)
        return replace(create, generation=max(row.generation, lived + 1))

    def _change(self, row: DeltaRow, key: str) -> RowPlan:
        changed = set(row.changed)
        values, shown = self._cells(row, changed)
        if changed & set(templates.parse(self.mapping.name).fields):
            values["name"] = shown["name"] = self._name(row)
        effects = []
        if values:
            kind = "change_subitem" if self.is_subitems else "change_item"
            pass_number = SUBITEMS if self.is_subitems else ITEMS
            payload = {"columns": values, "shown": shown}
            effects.append(self._effect(row, kind, pass_number, key, payload))
        if not self.is_subitems and self.node.group.field in changed:
            group, title = self.group_of(row)
            move = self._effect(row, "move_item", ITEMS, key, {"title": title}, parent=group)
            effects += [*self._new_group(row, group, title), move]
        effects += self._statuses(row, key, changed)
        settled = None if effects else "no mapped field changed"
        return RowPlan(effects, settled=settled)

    def _deleted(self, row: DeltaRow, key: str, presence: Presence) -> RowPlan:
        rule = self.mapping.on_delete
        if presence in _GONE:
            return RowPlan(settled="deleted before it reached the board")
        if rule.policy == "ignore":
            return RowPlan(settled="deleted at the source; the workflow keeps the item as it is")
        if rule.policy == "status":
            made = cell("status", rule.label)
            status = {"columns": {rule.column: made.value}, "shown": {rule.column: made.shown}}
            return RowPlan([self._effect(row, "set_status", STATUSES, key, status)])
        parent_key = self._parent_key(row)
        if parent_key and self.presence.get(parent_key, Presence.ABSENT) is Presence.ABSENT:
            return RowPlan(settled="archived together with its item", retires=True)
        kind = "archive_subitem" if self.is_subitems else "archive_item"
        pass_number = SUBITEMS if self.is_subitems else ITEMS
        # Where the item goes in the same push, it takes its subitems with it.
        payload = {"ends_with": parent_key} if parent_key else {}
        return RowPlan([self._effect(row, kind, pass_number, key, payload)])

    def _parent_key(self, row: DeltaRow) -> str | None:
        if not self.is_subitems or row.parent_uuid is None:
            return None
        return item_key(self.node.board_id, row.parent_uuid)

    def keys(self, row: DeltaRow) -> list[str]:
        """Return the keys of all objects whose presence decides what a row comes to."""
        keys = [item_key(self.node.board_id, row.record_uuid)]
        if parent := self._parent_key(row):
            keys.append(parent)
        if not self.is_subitems:
            keys.append(self.group_of(row)[0])
        return keys

    def group_of(self, row: DeltaRow) -> tuple[str, str]:
        """Return key and title of the group a row's item stands in."""
        value = row.values.get(self.node.group.field)
        title = group_title("" if value is None else display(value))
        title = title or group_title(self.node.group.otherwise)
        return group_key(self.node.board_id, title), title

    def _new_group(self, row: DeltaRow, key: str, title: str) -> list[PlannedEffect]:
        if self.presence.get(key, Presence.ABSENT) is not Presence.ABSENT:
            return []
        return [
            PlannedEffect(
                # Named after the row that asks first, so that a group once refused, or archived
                # by hand, can be asked for again.
                effect_key=f"{self.node.name}:create_group:{key}:{row.table}:{row.delta_id}",
                kind="create_group",
                pass_number=ITEMS,
                object_key=key,
                creates=True,
                payload={"title": title, "label": title, "board_id": self.node.board_id},
                generation=self.lives.get(key, 0) + 1,
            )
        ]

    def _name(self, row: DeltaRow) -> str:
        values = {name: None if one is None else display(one) for name, one in row.values.items()}
        name = templates.parse(self.mapping.name).render(values)
        if not name:
            msg = f"the item's name ({self.mapping.name!r}) comes out empty"
            raise ValueRefused(msg)
        if len(name) > LONGEST_NAME:
            msg = f"the item's name has {len(name)} characters; monday takes {LONGEST_NAME}"
            raise ValueRefused(msg)
        return name

    def _cells(self, row: DeltaRow, fields: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
        wanted = set(fields)
        values: dict[str, Any] = {}
        shown: dict[str, str] = {}
        for column in self.mapping.columns:
            if column.field not in wanted:
                continue
            try:
                made = cell(column.type, row.values.get(column.field))
            except ValueRefused as error:
                msg = f"{column.field} → column {column.column} ({column.type}): {error}"
                raise ValueRefused(msg) from error
            values[column.column], shown[column.column] = made.value, made.shown
        return values, shown

    def _statuses(
        self, row: DeltaRow, key: str, changed: set[str], *, creating: bool = False
    ) -> list[PlannedEffect]:
        values: dict[str, Any] = {}
        shown: dict[str, str] = {}
        for status in self.mapping.statuses:
            if status.field not in changed:
                continue
            value = row.values.get(status.field)
            label = None if value is None else status.labels.get(display(value), display(value))
            if not label and creating:
                continue
            made = cell("status", label)
            values[status.column], shown[status.column] = made.value, made.shown
        if not values:
            return []
        payload = {"columns": values, "shown": shown}
        return [self._effect(row, "set_status", STATUSES, key, payload)]

    def _effect(
        self,
        row: DeltaRow,
        kind: str,
        pass_number: int,
        key: str,
        payload: Mapping[str, Any],
        *,
        parent: str | None = None,
    ) -> PlannedEffect:
        return PlannedEffect(
            effect_key=f"{self.node.name}:{kind}:{row.table}:{row.delta_id}",
            kind=kind,
            pass_number=pass_number,
            object_key=key,
            creates=kind.startswith("create_"),
            payload={
                **payload,
                "board_id": self.node.board_id,
                "label": row.label,
                "subitem": self.is_subitems,
                "record_uuid": str(row.record_uuid),
                "key_column": self.mapping.key_column,
            },
            parent_key=parent,
            generation=row.generation,
            delta_table=row.table,
            delta_id=row.delta_id,
            customer=row.customer,
        )
