"""Keys of objects on a board, in our words. They never change once written."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.columns import beginning

if TYPE_CHECKING:
    from uuid import UUID

#: Longest title of a group, in characters; what is known of an item's name is taken to hold here.
LONGEST_TITLE = 255


def item_key(board_id: str, record_uuid: UUID) -> str:
    """Return the key of the item (or subitem) that stands for a record."""
    return f"{item_prefix(board_id)}{record_uuid}"


def item_prefix(board_id: str) -> str:
    """Return what the keys of all items and subitems of a board begin with."""
    return f"monday:{board_id}:item:"


def group_prefix(board_id: str) -> str:
    """Return what the keys of all groups of a board begin with."""
    return f"monday:{board_id}:group:"


def group_key(board_id: str, title: str) -> str:
    """Return the key of a group: groups are the same when their titles look the same."""
    return f"{group_prefix(board_id)}{group_title(title)}"


def whole_title(title: str) -> str:
    """Return a group's title in NFC and with single blanks, however long."""
    return " ".join(unicodedata.normalize("NFC", title).split())


def group_title(title: str) -> str:
    """Return a title as it is written to the board: like `whole_title`, at most 255 characters.

    Titles that differ only further on are one group, so nothing marks the cut.
    """
    return beginning(whole_title(title), LONGEST_TITLE).rstrip()
