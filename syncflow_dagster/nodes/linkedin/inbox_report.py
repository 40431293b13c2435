"""What reading the inbox and polling an account brought."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Word(StrEnum):
    """What became of something that came in."""

    #: A lead is connected now.
    CONNECTED = "connected"
    #: A lead that was at its end is connected; its campaign does not go on.
    LATE = "connected too late"
    #: A lead has answered: nothing more is sent to it.
    REPLIED = "replied"
    #: A person wants nothing more: all its leads are suppressed.
    OPTED_OUT = "opted out"
    #: The owner of an account wrote to a lead by hand: the lead is held.
    OWNER_WROTE = "owner wrote"
    #: An invitation is neither out nor accepted.
    DECLINED = "declined"
    #: It was told on another account than the lead's: that one is asked.
    ELSEWHERE = "told elsewhere"
    #: A message of ours, as it comes back.
    ECHO = "echo"
    #: An account's state was taken over.
    STATUS = "status"
    #: It says nothing that is not known.
    KNOWN = "known"
    #: Nothing follows from it.
    NOT_NEEDED = "not needed"
    #: It is older than the lead it is about.
    OLDER = "older than the lead"
    #: It is about nobody who is a lead.
    NOBODY = "nobody of ours"
    #: Several leads may be meant: a person has to look.
    AMBIGUOUS = "ambiguous"


@dataclass(slots=True)
class InboxReport:
    """What became of events.

    Attributes:
        read: Events that were read.
        outcomes: What became of them, by word; see `Word`.
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
        outcomes: What was found, by word; see `Word`.
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
