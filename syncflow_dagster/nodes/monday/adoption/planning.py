"""What is still to be written to an adopted item: its record's id, and what differs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.keys import group_key, item_key
from syncflow_dagster.nodes.monday.plan import Planner, Presence
from syncflow_dagster.nodes.monday.values import DROPPABLE, REMARK, remark
from syncflow_dagster.workflows.models import ColumnMapping

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from syncflow_dagster.ledger.ports import PlannedEffect
    from syncflow_dagster.nodes.monday.columns import Options, Shown
    from syncflow_dagster.nodes.monday.plan import DeltaRow
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode

#: Name under which a record's id is planned like a field; no field can have it.
_ID = "record_uuid"


@dataclass(frozen=True, slots=True)
class StandingItem:
    """An item of the board, as it was read.

    Attributes:
        item_id: monday's id.
        name: Its name.
        group: Title of its group.
        parent: monday's id of the item it hangs under.
        cells: What its columns show, by column id.
    """

    item_id: str
    name: str
    group: str
    parent: str | None
    cells: Mapping[str, Shown]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value of the board that differs from the record's.

    Attributes:
        column: Id of the column, or `name`, or `group`.
        board: What the board shows.
        record: What it would show of the record.
    """

    column: str
    board: Shown
    record: Shown


@dataclass(slots=True)
class AdoptedRow:
    """What an adopted record's delta row comes to.

    Attributes:
        effects: Changes of the item still to be made.
        mismatches: What differs.
        fills_key: Whether its record id is written.
        rejected: Why the record cannot be written as it is.
        reason: What the row's reason says of it.
    """

    effects: list[PlannedEffect] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    fills_key: bool = False
    rejected: str | None = None
    reason: str | None = None

    @property
    def state(self) -> str:
        """The state the row goes to."""
        if self.rejected:
            return "DEAD"
        return "PUSHING" if self.effects else "SYNCED"


def adoption_planner(
    node: MondayPushNode,
    is_subitems: bool,
    groups: Mapping[str, Presence],
    account: Options,
) -> Planner:
    """Return a planner that writes a record's id like any other of its fields.

    Args:
        node: The push node.
        is_subitems: Whether its subitems are adopted, or its items.
        groups: What is known of the groups items are to stand in, by key.
        account: What of the account's settings decides how values are written.
    """
    part = "subitems" if is_subitems else "items"
    mapping: ItemMapping = getattr(node, part)
    key_column = ColumnMapping.model_validate({"field": _ID, "column": mapping.key_column})
    keyed = mapping.model_copy(update={"columns": [*mapping.columns, key_column]})
    return Planner(node.model_copy(update={part: keyed}), keyed, groups, account=account)


def plan_adopted(
    planner: Planner, row: DeltaRow, item: StandingItem, *, keep_board: bool
) -> AdoptedRow:
    """Return what remains to be done for a record whose item is there.

    Args:
        planner: From `adoption_planner`.
        row: The record's newest delta row.
        item: Its item.
        keep_board: Leave what differs as the board has it.
    """
    everything = replace(
        row,
        operation="UPDATE",
        changed=frozenset({*row.values, _ID}),
        values={**row.values, _ID: str(row.record_uuid)},
    )
    there = item_key(planner.node.board_id, row.record_uuid)
    presence = {**planner.presence, there: Presence.LIVE}
    plan = replace(planner, presence=presence).plan(everything)
    if plan.rejected:
        return AdoptedRow(plan.effects, rejected=plan.rejected, reason=plan.rejected)
    adopted = AdoptedRow(reason=remark(plan.adjustments) or None)
    stays = planner.is_subitems or _same_group(planner, row, item, adopted)
    for effect in plan.effects:
        if effect.kind in {"create_group", "move_item"}:
            if not (stays or keep_board):
                adopted.effects.append(effect)
        elif (narrowed := _differing(planner, effect, item, adopted, keep_board)) is not None:
            adopted.effects.append(narrowed)
    _note(adopted)
    return adopted


def _same_group(planner: Planner, row: DeltaRow, item: StandingItem, adopted: AdoptedRow) -> bool:
    key, title = planner.group_of(row)
    if group_key(planner.node.board_id, item.group) == key:
        return True
    adopted.mismatches.append(Mismatch("group", item.group, title))
    return False


def _differing(
    planner: Planner,
    effect: PlannedEffect,
    item: StandingItem,
    adopted: AdoptedRow,
    keep_board: bool,
) -> PlannedEffect | None:
    """Return an effect that writes only what the item does not show; None for nothing."""
    key_column = planner.mapping.key_column
    wanted = []
    for column, shown in effect.payload["shown"].items():
        there = item.name if column == "name" else item.cells.get(column, "")
        if there == shown:
            continue
        if column == key_column:
            adopted.fills_key = True
        else:
            adopted.mismatches.append(Mismatch(column, there, shown))
        if column == key_column or not keep_board:
            wanted.append(column)
    return replace(effect, payload=_only(effect.payload, wanted)) if wanted else None


def _only(payload: Mapping[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    left = {name: one for name, one in payload.items() if name not in {DROPPABLE, REMARK}}
    for part in ("columns", "shown"):
        left[part] = {name: one for name, one in payload[part].items() if name in wanted}
    droppable = [name for name in payload.get(DROPPABLE, ()) if name in wanted]
    return left | ({DROPPABLE: droppable} if droppable else {})


def _note(adopted: AdoptedRow) -> None:
    """Let the first effect tell what is not written as it is, until the row is done."""
    for number, effect in enumerate(adopted.effects if adopted.reason else ()):
        if effect.delta_id is not None:
            told = {**effect.payload, REMARK: adopted.reason}
            adopted.effects[number] = replace(effect, payload=told)
            return
