"""What a monday account holds: boards, groups, columns, items. All values are immutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# Values of a cell as stored here; which shape belongs to which column type is the business
# of the column codecs.
CellValue = Any


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a status or dropdown column."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a board.

    Attributes:
        managed: The labels belong to the account, so a write cannot add any.
        linked_board_ids: For `subtasks`, the subitem board; empty for others.
        revision: Counts changes of the column itself, such as a new label.
    """

    id: str
    title: str
    type: str
    labels: tuple[Label, ...] = ()
    description: str | None = None
    managed: bool = False
    linked_board_ids: tuple[str, ...] = ()
    revision: int = 0
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a board; `position` orders groups from the top."""

    id: str
    board_id: str
    title: str
    color: str
    position: float
    archived: bool = False
    deleted: bool = False

    @property
    def active(self) -> bool:
        """Whether the group is neither archived nor deleted."""
        return not (self.archived or self.deleted)


@dataclass(frozen=True, slots=True)
class Board:
    """A board, or the board that holds another board's subitems.

    Attributes:
        key_column: The column that carries the writer's own record key, for the log.
        parent_board_id: Set on a subitem board.
        subitem_board_id: Set once a board has (or its seed declares) a subitem board.
    """

    id: str
    name: str
    created_at: float
    columns: Mapping[str, Column]
    groups: Mapping[str, Group]
    items_limit: int
    kind: str = "public"
    description: str | None = None
    key_column: str | None = None
    parent_board_id: str | None = None
    subitem_board_id: str | None = None
    state: str = "active"

    @property
    def type(self) -> str:
        """The service's word for the kind of board."""
        return "board" if self.parent_board_id is None else "sub_items_board"

    def active_groups(self) -> list[Group]:
        """Groups that are neither archived nor deleted, from the top."""
        return sorted((g for g in self.groups.values() if g.active), key=lambda g: g.position)


@dataclass(frozen=True, slots=True)
class Item:
    """An item or subitem. `state` is `active`, `archived` or `deleted`."""

    id: str
    board_id: str
    group_id: str
    name: str
    position: float
    created_at: float
    updated_at: float
    values: Mapping[str, CellValue] = field(default_factory=dict)
    parent_id: str | None = None
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Update:
    """A comment on an item."""

    id: str
    item_id: str
    body: str
    created_at: float
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A public tag of the account."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class User:
    """A member of the account."""

    id: str
    name: str
    email: str


# The account's people. Assigning anybody else to a people column is refused.
USERS: Mapping[str, User] = {
    user.id: user
    for user in (
        User("1001", "Sandbox Owner", "owner@sandbox.example"),
        User("1002", "Sandbox Member", "member@sandbox.example"),
        User("1003", "Sandbox Second Member", "second.member@sandbox.example"),
    )
}
TEAMS: Mapping[str, str] = {"2001": "Sandbox Team"}
ACCOUNT_ID = 1
ACCOUNT_NAME = "SyncFlow sandbox"
