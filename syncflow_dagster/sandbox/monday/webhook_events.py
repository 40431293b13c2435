"""What webhooks are told: changes of boards, items and comments as events.

Sources: monday's page `webhooks` for `change_name`, `create_item`, `change_column_value` and their
kin; the other payloads, and `isRetry`, as public receivers recorded them. Not sourced, so chosen
here: an item that is archived or deleted takes its subitems with an event of their own, and values
that a new item comes with are told in its `columnValues` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.monday.columns import CODECS
from syncflow_dagster.sandbox.monday.model import USERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from syncflow_dagster.sandbox.monday.model import Board, CellValue, Column, Item, Update
    from syncflow_dagster.sandbox.monday.state import MondayState

_EMPTY_AS_OBJECT = frozenset({"people", "board_relation", "dependency"})
_STYLE = {"color": "#fdab3d", "border": "#e99729", "var_name": "orange"}
# The label that the service counts as done unless somebody chose others.
_DONE = 1
_NUMBERED_STATES = {"active": 1, "archived": 2, "deleted": 3}


@dataclass(frozen=True)
class Happening:
    """One change, in a form that any webhook's delivery can be made of.

    Attributes:
        events: The events of `WebhookEventType` that it is.
        board_id: The board whose webhooks hear of it.
        type: The event's `type` in the payload.
        members: What else the payload tells.
        column_id: The changed column, for webhooks of one column.
        label_id: The new label, for webhooks of one label.
        group_id: The group moved to, for webhooks of one group.
    """

    events: frozenset[str]
    board_id: str
    type: str
    members: Mapping[str, Any] = field(default_factory=dict)
    column_id: str | None = None
    label_id: int | None = None
    group_id: str | None = None

    def payload(self, *, subscription: str, trigger: str, at: datetime) -> dict[str, Any]:
        """The `event` of a delivery's body."""
        return {
            "app": "monday",
            "type": self.type,
            "triggerTime": _moment(at),
            "subscriptionId": int(subscription),
            "isRetry": False,
            "userId": int(next(iter(USERS))),
            "originalTriggerUuid": None,
            **self.members,
            "triggerUuid": trigger,
        }


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1_000:03d}Z"


def value_told(column: Column, value: CellValue | None, at: datetime) -> Any:
    """A cell's value as webhooks tell it, which is not how the API does."""
    if value is None:
        return {} if column.type in _EMPTY_AS_OBJECT else None
    if column.type == "status":
        text = next((label.text for label in column.labels if label.id == value), None)
        label = {"index": value, "text": text, "style": _STYLE, "is_done": value == _DONE}
        return {"label": label, "post_id": None}
    if column.type == "dropdown":
        named = {label.id: label.text for label in column.labels}
        return {"chosenValues": [{"id": n, "name": named.get(n, "")} for n in value]}
    if column.type == "numbers":
        return {"value": float(value), "unit": None}
    if column.type == "text":
        return {"value": value}
    if column.type in _EMPTY_AS_OBJECT and column.type != "people":
        linked: dict[str, Any] = {"linkedPulseIds": [{"linkedPulseId": int(n)} for n in value]}
        return linked | {"changed_at": _moment(at)}
    return {**CODECS[column.type].shown(value), "changed_at": _moment(at)}


class Telling:
    """Turns changes into happenings.

    Args:
        state: The state after the change.
        at: When it happened.
    """

    def __init__(self, state: MondayState, at: datetime) -> None:
        self._state = state
        self._at = at

    def of_item(self, before: Item | None, after: Item) -> Iterator[Happening]:
        """What a new or changed item is told as."""
        board = self._board(after.board_id)
        if before is None:
            yield self._created(board, after)
            yield from self._linked_above(after)
            return
        if before.state != after.state:
            yield from self._stood(board, before, after)
            return
        if before.name != after.name:
            yield self._renamed(board, before, after)
        for column in board.columns.values():
            if before.values.get(column.id) != after.values.get(column.id):
                yield self._changed(board, column, before, after)
        if before.group_id != after.group_id:
            yield self._moved(board, before, after)
        if before.parent_id != after.parent_id:
            yield self._moved_below(board, before, after)

    def of_board(self, before: Board, after: Board) -> Iterator[Happening]:
        """What a changed board is told as: its new columns."""
        for column in after.columns.values():
            if column.id in before.columns:
                continue
            members = {
                "entity": "board",
                "boardId": int(after.id),
                "columnId": column.id,
                "columnTitle": column.title,
                "columnType": column.type,
                "createdAt": self._at.timestamp(),
                "retryCount": 0,
            }
            yield Happening(frozenset({"create_column"}), after.id, "create_column", members)

    def of_update(self, before: Update | None, after: Update | None) -> Iterator[Happening]:
        """What a new, changed or deleted comment is told as."""
        update = after or before
        assert update is not None
        item = self._state.items.get(update.item_id)
        assert item is not None
        action = "create" if before is None else "edit" if after is not None else "delete"
        board, event = self._board(item.board_id), f"{action}_update"
        below = item.parent_id is not None
        if below and action != "create":
            # The service has no event for them.
            return
        members = self._ids(board, item) | {
            "body": update.body,
            "textBody": update.body,
            "updateId": int(update.id),
            "replyId": None if update.parent_id is None else int(update.parent_id),
        }
        events = frozenset({"create_subitem_update" if below else event})
        yield Happening(events, self._heard_at(board), event, members)

    def _created(self, board: Board, item: Item) -> Happening:
        columns = (board.columns.get(column_id) for column_id in item.values)
        members = (
            self._ids(board, item)
            | self._place(board, item)
            | {
                "columnValues": {
                    column.id: value_told(column, item.values[column.id], self._at)
                    for column in columns
                    if column is not None
                }
            }
        )
        if item.parent_id is not None:
            members["itemId"] = int(item.id)
        event = "create_item" if item.parent_id is None else "create_subitem"
        return Happening(frozenset({event}), self._heard_at(board), "create_pulse", members)

    def _linked_above(self, item: Item) -> Iterator[Happening]:
        """A new subitem changes the column that shows the subitems of the item above."""
        above = None if item.parent_id is None else self._state.items.get(item.parent_id)
        if above is None:
            return
        board = self._board(above.board_id)
        column = next((one for one in board.columns.values() if one.type == "subtasks"), None)
        if column is None:
            return
        linked = [{"linkedPulseId": int(n)} for n in self._state.children[above.id]]
        previous = {"linkedPulseIds": linked[:-1]} if linked[:-1] else {}
        value = {"linkedPulseIds": linked, "changed_at": _moment(self._at)}
        yield self._column_told(board, above, column, previous, value)

    def _renamed(self, board: Board, before: Item, after: Item) -> Happening:
        members = self._ids(board, after) | {
            "groupId": after.group_id,
            "value": {"name": after.name},
            "previousValue": {"name": before.name},
        }
        event = "change_name" if after.parent_id is None else "change_subitem_name"
        return Happening(frozenset({event}), self._heard_at(board), "update_name", members)

    def _changed(self, board: Board, column: Column, before: Item, after: Item) -> Happening:
        raw = after.values.get(column.id)
        previous = value_told(column, before.values.get(column.id), self._at)
        value = value_told(column, raw, self._at)
        label_id = raw if column.type == "status" else None
        return self._column_told(board, after, column, previous, value, label_id)

    def _column_told(
        self,
        board: Board,
        item: Item,
        column: Column,
        previous: Any,
        value: Any,
        label_id: int | None = None,
    ) -> Happening:
        members = self._ids(board, item) | {
            "groupId": item.group_id,
            "pulseName": item.name,
            "columnId": column.id,
            "columnType": CODECS[column.type].legacy_type or column.type,
            "columnTitle": column.title,
            "value": value,
            "previousValue": previous,
            "changedAt": self._at.timestamp(),
            "isTopGroup": self._is_top(board, item.group_id),
        }
        events = {"change_column_value", "change_specific_column_value"}
        if column.type == "status":
            events.add("change_status_column_value")
        if item.parent_id is not None:
            events = {"change_subitem_column_value"}
        return Happening(
            frozenset(events),
            self._heard_at(board),
            "update_column_value",
            members,
            column_id=column.id,
            label_id=label_id,
        )

    def _stood(self, board: Board, before: Item, after: Item) -> Iterator[Happening]:
        members: dict[str, Any] = {
            "boardId": int(board.id),
            "itemId": int(after.id),
            "itemName": after.name,
        }
        event, type_ = {
            "archived": ("item_archived", "archive_pulse"),
            "deleted": ("item_deleted", "delete_pulse"),
            "active": ("item_restored", "restore_pulse"),
        }[after.state]
        if after.parent_id is not None:
            if after.state == "active":
                # The service has no event for it.
                return
            event = f"sub{event}"
            above = self._state.items.get(after.parent_id)
            members |= {
                "parentBoardId": int(self._heard_at(board)),
                "parentItemId": None if above is None else int(above.id),
                "pulseId": int(after.id),
            }
        if after.state == "active":
            members |= {
                "value": {"state": 1, "is_undo": False},
                "previousValue": {"state": _NUMBERED_STATES[before.state]},
            }
        yield Happening(frozenset({event}), self._heard_at(board), type_, members)

    def _moved(self, board: Board, before: Item, after: Item) -> Happening:
        group = board.groups[after.group_id]
        members = {
            "boardId": int(board.id),
            "pulseId": int(after.id),
            "sourceGroupId": before.group_id,
            "destGroupId": group.id,
            "destGroup": {
                "id": group.id,
                "title": group.title,
                "color": group.color,
                "is_top_group": self._is_top(board, group.id),
            },
        }
        events = frozenset({"item_moved_to_any_group", "item_moved_to_specific_group"})
        return Happening(events, board.id, "move_pulse_into_group", members, group_id=group.id)

    def _moved_below(self, board: Board, before: Item, after: Item) -> Happening:
        above = int(self._heard_at(board))
        members = {
            "sourcePulseId": None if before.parent_id is None else int(before.parent_id),
            "destPulseId": None if after.parent_id is None else int(after.parent_id),
            "sourceBoardId": above,
            "destBoardId": above,
            "subitem": int(after.id),
        }
        return Happening(frozenset({"move_subitem"}), str(above), "move_subitem", members)

    def _ids(self, board: Board, item: Item) -> dict[str, Any]:
        ids: dict[str, Any] = {"boardId": int(board.id), "pulseId": int(item.id)}
        if item.parent_id is not None:
            above = self._heard_at(board)
            ids |= {"parentItemId": item.parent_id, "parentItemBoardId": above}
        return ids

    def _place(self, board: Board, item: Item) -> dict[str, Any]:
        group = board.groups[item.group_id]
        return {
            "pulseName": item.name,
            "groupId": group.id,
            "groupName": group.title,
            "groupColor": group.color,
            "isTopGroup": self._is_top(board, group.id),
        }

    def _is_top(self, board: Board, group_id: str) -> bool:
        return next((group.id for group in board.active_groups()), None) == group_id

    def _board(self, board_id: str) -> Board:
        board = self._state.boards.get(board_id)
        assert board is not None
        return board

    def _heard_at(self, board: Board) -> str:
        """The board whose webhooks hear of a board's items."""
        return board.parent_board_id or board.id
