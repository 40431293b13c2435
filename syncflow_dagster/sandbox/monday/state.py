"""The account's content, with enough history to answer a read that lags behind."""

from __future__ import annotations

import bisect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from syncflow_dagster.sandbox.monday.model import Board, Item, Tag, Update

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syncflow_dagster.sandbox.clock import Clock

T = TypeVar("T")

_FIRST_BOARD_ID = 9_500_000_001
_FIRST_ITEM_ID = 9_700_000_001
_FIRST_TAG_ID = 5_001


class Versions(Generic[T]):
    """Records by id, each with its recent versions.

    Args:
        horizon_s: How far back a read may look; older versions are dropped.
    """

    def __init__(self, horizon_s: float = 600.0) -> None:
        self._horizon = horizon_s
        self._versions: dict[str, list[tuple[float, T]]] = {}

    def put(self, record_id: str, record: T, at: float) -> None:
        """Make `record` the present version."""
        versions = self._versions.setdefault(record_id, [])
        versions.append((at, record))
        while len(versions) > 1 and versions[1][0] <= at - self._horizon:
            del versions[0]

    def get(self, record_id: str, as_of: float | None = None) -> T | None:
        """The present version, or the one that was present at `as_of`."""
        versions = self._versions.get(record_id)
        if not versions:
            return None
        if as_of is None:
            return versions[-1][1]
        found = bisect.bisect_right(versions, as_of, key=lambda version: version[0])
        return versions[found - 1][1] if found else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._versions


class Watcher(Protocol):
    """Hears of every change; `before` is None for what is new."""

    def item_put(self, before: Item | None, after: Item) -> None:
        """An item is new or another."""

    def board_put(self, before: Board, after: Board) -> None:
        """A board is another."""

    def update_put(self, before: Update | None, after: Update | None) -> None:
        """A comment is new, another or, without `after`, gone."""


class MondayState:
    """Boards, items, tags and comments. Only the single server thread touches it.

    Args:
        clock: When things happen.
        first_weekday: The account's first day of the week: 0 is Monday, 6 is Sunday.

    Attributes:
        watcher: Who is told of changes, once there is somebody.
    """

    def __init__(self, clock: Clock, first_weekday: int = 0) -> None:
        self.clock = clock
        self.first_weekday = first_weekday
        self.watcher: Watcher | None = None
        self.boards: Versions[Board] = Versions()
        self.items: Versions[Item] = Versions()
        self.board_items: dict[str, list[str]] = {}
        self.children: dict[str, list[str]] = {}
        self.active_counts: dict[str, int] = {}
        self.tags: dict[int, Tag] = {}
        self.updates: dict[str, list[Update]] = {}
        self._next_board = _FIRST_BOARD_ID
        self._next_item = _FIRST_ITEM_ID
        self._next_position = 1.0
        self._next_slug = 0

    def new_board_id(self) -> str:
        """An id that no board has."""
        while str(self._next_board) in self.boards:
            self._next_board += 1
        self._next_board += 1
        return str(self._next_board - 1)

    def new_item_id(self) -> str:
        """An id that no item and no comment has."""
        while str(self._next_item) in self.items:
            self._next_item += 1
        self._next_item += 1
        return str(self._next_item - 1)

    def new_slug(self, prefix: str) -> str:
        """A group or column id in the service's manner: the prefix, `_mk` and six letters."""
        self._next_slug += 1
        # Multiplying by a number coprime to 36**6 permutes the range: ids look unordered
        # and never repeat.
        scrambled = self._next_slug * 1_234_567_891 % 36**6
        digits = ""
        for _ in range(6):
            scrambled, digit = divmod(scrambled, 36)
            digits += "0123456789abcdefghijklmnopqrstuvwxyz"[digit]
        return f"{prefix}_mk{digits}"

    def next_position(self) -> float:
        """A position below everything placed so far."""
        self._next_position += 1.0
        return self._next_position

    def put_board(self, board: Board) -> None:
        """Add or replace a board."""
        before = self.boards.get(board.id)
        self.board_items.setdefault(board.id, [])
        self.boards.put(board.id, board, self.clock.real())
        if self.watcher is not None and before is not None:
            self.watcher.board_put(before, board)

    def put_item(self, item: Item) -> None:
        """Add or replace an item."""
        before = self.items.get(item.id)
        if before is None:
            self.board_items[item.board_id].append(item.id)
        if before is None or before.parent_id != item.parent_id:
            self._hang_below(before, item)
        change = (item.state == "active") - (before is not None and before.state == "active")
        self.active_counts[item.board_id] = self.active_counts.get(item.board_id, 0) + change
        self.items.put(item.id, item, self.clock.real())
        if self.watcher is not None:
            self.watcher.item_put(before, item)

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Tell nobody of what changes meanwhile."""
        watcher, self.watcher = self.watcher, None
        try:
            yield
        finally:
            self.watcher = watcher

    def _hang_below(self, before: Item | None, item: Item) -> None:
        if before is not None and before.parent_id is not None:
            self.children[before.parent_id].remove(item.id)
        if item.parent_id is not None:
            self.children.setdefault(item.parent_id, []).append(item.id)

    def update(self, update_id: str) -> Update | None:
        """One comment."""
        every = (update for updates in self.updates.values() for update in updates)
        return next((update for update in every if update.id == update_id), None)

    def put_update(self, before: Update | None, after: Update | None) -> None:
        """Add, replace or, without `after`, take away a comment."""
        changed = before or after
        assert changed is not None
        updates = self.updates.setdefault(changed.item_id, [])
        at = len(updates) if before is None else updates.index(before)
        updates[at : at + 1] = [] if after is None else [after]
        if self.watcher is not None:
            self.watcher.update_put(before, after)

    def tag_named(self, name: str) -> Tag:
        """The tag of this name, made when it is not there."""
        for tag in self.tags.values():
            if tag.name == name:
                return tag
        tag = Tag(_FIRST_TAG_ID + len(self.tags), name)
        self.tags[tag.id] = tag
        return tag


class View:
    """The state as a reader sees it: now, or as it was some time ago."""

    def __init__(self, state: MondayState, as_of: float | None = None) -> None:
        self.state = state
        self.as_of = as_of

    def board(self, board_id: str) -> Board | None:
        """One board, in any state."""
        return self.state.boards.get(board_id, self.as_of)

    def boards(self) -> list[Board]:
        """All boards in any state, oldest first."""
        return [b for b in map(self.board, self.state.boards) if b is not None]

    def item(self, item_id: str) -> Item | None:
        """One item, in any state."""
        return self.state.items.get(item_id, self.as_of)

    def all_items(self) -> list[Item]:
        """All items in any state, oldest first."""
        return [i for i in map(self.item, self.state.items) if i is not None]

    def items_of(self, board_id: str) -> list[Item]:
        """A board's active items in their order."""
        return self._active(self.state.board_items.get(board_id, ()))

    def children_of(self, item_id: str) -> list[Item]:
        """An item's active subitems in their order."""
        return self._active(self.state.children.get(item_id, ()))

    def count(self, board_id: str) -> int:
        """How many active items a board has."""
        if self.as_of is None:
            return self.state.active_counts.get(board_id, 0)
        return len(self.items_of(board_id))

    def _active(self, item_ids: Iterable[str]) -> list[Item]:
        found = (self.item(item_id) for item_id in item_ids)
        return sorted(
            (item for item in found if item is not None and item.state == "active"),
            key=lambda item: item.position,
        )
