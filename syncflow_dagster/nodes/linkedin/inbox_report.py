"""What reading the inbox and polling an account brought."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(slots=True)
class InboxReport:
    """What became of events.

    Attributes:
        read: Events that were read.
        outcomes: What became of them, by word; see `detection.Word`.
        failed: Events that could not be worked in and are tried again, or were given up.
        open: Events that are still to be read.
        oldest: When the oldest of these came.
    """

    read: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    open: int = 0
    oldest: datetime | None = None


@dataclass(slots=True)
class PollReport:
    """What asking about one account brought.

    Attributes:
        account: The account, as the ledger knows it.
        status: Its status at Unipile, if it was asked for.
        pages: Pages read, by poll: `relations`, `sent`, `messages`.
        profiles: Profiles read.
        outcomes: What was found, by word; see `detection.Word`.
        stopped: Why a poll ended before its end, by poll.
        next_at: When the account is to be polled next.
    """

    account: str
    status: str | None = None
    pages: Counter[str] = field(default_factory=Counter)
    profiles: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    next_at: datetime | None = None
