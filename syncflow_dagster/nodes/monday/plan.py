"""From delta rows to effects. Pure, given the rows, the mapping and what is on the board."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core import templates
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.nodes.monday.columns import Cell, Options, ValueRefused, cell, display
from syncflow_dagster.nodes.monday.keys import group_key, group_title, item_key
from syncflow_dagster.nodes.monday.values import (
    REMARK,
    Adjustment,
    Written,
    cut_title,
    refuse,
    remark,
    write_columns,
    write_name,
    write_statuses,
)
from syncflow_dagster.workflows.models import LINKING_TYPES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
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
        adjustments: Values that are not written as they are, by the rules of their columns.
        retires: Whether the row's object has gone with its parent.
    """

    effects: list[PlannedEffect] = field(default_factory=list)
    rejected: str | None = None
    settled: str | None = None
    adjustments: list[Adjustment] = field(default_factory=list)
    retires: bool = False

    @property
    def reason(self) -> str | None:
        """What the row's reason says of it."""
        return self.rejected or remark(self.adjustments) or self.settled

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
        account: What of the account's settings decides how values are written.
    """

    node: MondayPushNode
    mapping: ItemMapping
    presence: Mapping[str, Presence]
    lives: Mapping[str, int] = field(default_factory=dict)
    account: Options = field(default_factory=Options)

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
            plan = self._create(row, key) if presence in _GONE else self._change(row, key)
            return _noted(plan)
        except ValueRefused as error:
            refused = self._effect(row, self._write_kind(presence), ITEMS, key, {})
            return RowPlan([replace(refused, refused=str(error))], rejected=str(error))

    def _write_kind(self, presence: Presence) -> str:
        verb = "create" if presence in _GONE else "change"
        return f"{verb}_subitem" if self.is_subitems else f"{verb}_item"

    def _create(self, row: DeltaRow, key: str) -> RowPlan:
        everything = set(row.values)
        written = self._columns(row, everything, creating=True)
        name = self._name(row, written)
        later = self._later(row, everything, creating=True)
        refuse([written, *later.values()])
        written.put(self.mapping.key_column, cell("text", str(row.record_uuid)))
        payload = {"name": name, **written.payload()}
        if self.is_subitems:
            assert row.parent_uuid is not None
            parent = item_key(self.node.board_id, row.parent_uuid)
            create = self._effect(row, "create_subitem", SUBITEMS, key, payload, parent=parent)
            groups = []
        else:
            group, title = self.group_of(row)
            create = self._effect(row, "create_item", ITEMS, key, payload, parent=group)
            written.adjustments += cut_title(row.values.get(self.node.group.field))
            groups = self._new_group(row, group, title)
        effects = [*groups, self._next_life(create, row), *self._last(row, key, later)]
        return RowPlan(effects, adjustments=_adjustments(written, later))

    def _next_life(self, create: PlannedEffect, row: DeltaRow) -> PlannedEffect:
        # A record's own count says nothing of an item that went with its parent.
        lived = self.lives.get(create.object_key, 0)
        return replace(create, generation=max(row.generation, lived + 1))

    def _change(self, row: DeltaRow, key: str) -> RowPlan:
        changed = set(row.changed)
        written = self._columns(row, changed)
        if changed & set(templates.parse(self.mapping.name).fields):
            name = self._name(row, written)
            written.put("name", Cell(name, name))
        later = self._later(row, changed)
        refuse([written, *later.values()])
        effects = []
        if written.values:
            kind = "change_subitem" if self.is_subitems else "change_item"
            pass_number = SUBITEMS if self.is_subitems else ITEMS
            effects.append(self._effect(row, kind, pass_number, key, written.payload()))
        if not self.is_subitems and self.node.group.field in changed:
            group, title = self.group_of(row)
            move = self._effect(row, "move_item", ITEMS, key, {"title": title}, parent=group)
            effects += [*self._new_group(row, group, title), move]
            written.adjustments += cut_title(row.values[self.node.group.field])
        effects += self._last(row, key, later)
        settled = None if effects else "no mapped field changed"
        return RowPlan(effects, settled=settled, adjustments=_adjustments(written, later))

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
        # Named after the row that asks first, so that a group once refused, or archived by hand,
        # can be asked for again.
        asked_by = f"{row.table}:{row.delta_id}"
        return [group_effect(self.node, key, title, asked_by, self.lives.get(key, 0) + 1)]

    def _columns(
        self, row: DeltaRow, changed: Collection[str], *, creating: bool = False
    ) -> Written:
        # A new item is not cleared: of a type that cannot be, monday would refuse the whole item.
        columns = [one for one in self.mapping.columns if one.type not in LINKING_TYPES]
        return write_columns(columns, row.values, changed, self.account, filled_only=creating)

    def _name(self, row: DeltaRow, written: Written) -> str:
        """Return the item's name; what is to be said of it is added to what is written."""
        try:
            name, cut = write_name(self.mapping, row.values)
        except ValueRefused as error:
            written.refused.append(str(error))
            return ""
        written.adjustments += cut
        return name

    def _later(
        self, row: DeltaRow, changed: Collection[str], *, creating: bool = False
    ) -> dict[str, Written]:
        """Return what the last pass writes, when all items are there, by kind of effect."""
        columns = [one for one in self.mapping.columns if one.type in LINKING_TYPES]
        links = write_columns(columns, row.values, changed, self.account, filled_only=creating)
        statuses = write_statuses(self.mapping.statuses, row.values, changed, filled_only=creating)
        return {"set_links": links, "set_status": statuses}

    def _last(self, row: DeltaRow, key: str, later: Mapping[str, Written]) -> list[PlannedEffect]:
        return [
            self._effect(row, kind, STATUSES, key, written.payload())
            for kind, written in later.items()
            if written.values
        ]

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


def group_effect(
    node: MondayPushNode, key: str, title: str, asked_by: str, generation: int
) -> PlannedEffect:
    """Return the making of a group.

    Args:
        node: The push node.
        key: The group's key.
        title: Its title.
        asked_by: What it is made for: of several that ask by the same name, one is heard.
        generation: Which of the group's lives it begins.
    """
    return PlannedEffect(
        effect_key=f"{node.name}:create_group:{key}:{asked_by}",
        kind="create_group",
        pass_number=ITEMS,
        object_key=key,
        creates=True,
        payload={"title": title, "label": title, "board_id": node.board_id},
        generation=generation,
    )


def _adjustments(written: Written, later: Mapping[str, Written]) -> list[Adjustment]:
    return [one for part in (written, *later.values()) for one in part.adjustments]


def _noted(plan: RowPlan) -> RowPlan:
    """Let the row's own first effect tell what is not written as it is, until the row is done."""
    for number, effect in enumerate(plan.effects if plan.adjustments else ()):
        if effect.delta_id is not None:
            payload = {**effect.payload, REMARK: remark(plan.adjustments)}
            plan.effects[number] = replace(effect, payload=payload)
            break
    return plan
