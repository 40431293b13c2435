"""What the fake Unipile holds: people, accounts, invitations, relations, chats, webhooks.

Every moment is UTC, in whole milliseconds, as the service tells them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

Tier = Literal["free", "premium", "sales_navigator", "recruiter"]


class AccountStatus(StrEnum):
    """State of an account's session with LinkedIn, as its source tells it."""

    OK = "OK"
    STOPPED = "STOPPED"
    ERROR = "ERROR"
    CREDENTIALS = "CREDENTIALS"
    PERMISSIONS = "PERMISSIONS"
    CONNECTING = "CONNECTING"


class InvitationStatus(StrEnum):
    """What became of an invitation. LinkedIn shows the first three only."""

    PENDING = "PENDING"
    IGNORED = "IGNORED"
    WITHDRAWN = "WITHDRAWN"
    ACCEPTED = "ACCEPTED"
    EXPIRED = "EXPIRED"


class MessageType(StrEnum):
    """Kind of a message."""

    MESSAGE = "MESSAGE"
    INVITATION = "INVITATION"
    INMAIL = "INMAIL"


@dataclass(slots=True, eq=False)
class Person:
    """A member of LinkedIn.

    Attributes:
        provider_id: `ACoAA...`, which stays.
        slug: The name in the profile's address, which may change and may hold any letter.
        member_number: The member's number, as `urn:li:member:<n>` tells it.
        language: Language as ISO 639-1, such as `de`.
        open_profile: Whether anybody may write without being connected.
        reachable: Whether the member takes messages at all.
        blocks: Whether invitations to the member are refused.
        locked: Whether the profile is out of reach.
        since: When the member came to this company.
        past: Former employers, as (company, position).
    """

    provider_id: str
    slug: str
    member_number: int
    first_name: str
    last_name: str
    headline: str = ""
    company: str = ""
    position: str = ""
    location: str = ""
    language: str = "en"
    open_profile: bool = False
    premium: bool = False
    reachable: bool = True
    blocks: bool = False
    locked: bool = False
    since: datetime | None = None
    past: tuple[tuple[str, str], ...] = ()

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass(slots=True, eq=False)
class Account:
    """A LinkedIn account connected to the tenant.

    Attributes:
        id: Unipile's id of it.
        person: The member who owns it.
        inmail_credits: InMails it may still send to people without an open profile.
        restricted: Whether LinkedIn has restricted it: everything is refused.
        stale_since: Since when its session is down; reads show the state of then.
    """

    id: str
    name: str
    tier: Tier
    person: Person
    created_at: datetime
    email: str = ""
    status: AccountStatus = AccountStatus.OK
    restricted: bool = False
    inmail_credits: int = 0
    stale_since: datetime | None = None


@dataclass(slots=True, eq=False)
class Invitation:
    """An invitation between an account and a person.

    Attributes:
        id: A number as text.
        note: What was written with it.
        received: Whether the person invited the account.
        by_hand: Whether the account's owner sent it outside of the API.
        ended_at: When it stopped to be pending.
    """

    id: str
    account: Account
    person: Person
    note: str | None
    sent_at: datetime
    received: bool = False
    by_hand: bool = False
    status: InvitationStatus = InvitationStatus.PENDING
    ended_at: datetime | None = None

    def pending_at(self, moment: datetime) -> bool:
        """Whether it was out at that moment."""
        return self.sent_at <= moment and (self.ended_at is None or self.ended_at > moment)


@dataclass(slots=True, eq=False)
class Relation:
    """An account and a person who are connected; `invitation` is what led to it, if known."""

    account: Account
    person: Person
    created_at: datetime
    invitation: Invitation | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message in a chat.

    Attributes:
        id: Unipile's id.
        provider_id: LinkedIn's id.
        sender: The account's owner, or the person.
        by_hand: Whether the owner wrote it outside of the API.
    """

    id: str
    provider_id: str
    chat: Chat
    sender: Person
    text: str | None
    at: datetime
    type: MessageType = MessageType.MESSAGE
    subject: str | None = None
    by_hand: bool = False
    hidden: bool = False
    deleted: bool = False
    is_event: bool = False

    @property
    def is_sender(self) -> bool:
        """Whether the account's owner wrote it."""
        return self.sender is self.chat.account.person


@dataclass(slots=True, eq=False)
class Chat:
    """A chat of an account with one person.

    Attributes:
        read_only: 0 open; 1 and 2 when nothing can be written.
        messages: Oldest first.
    """

    id: str
    provider_id: str
    attendee_id: str
    account: Account
    person: Person
    created_at: datetime
    read_only: int = 0
    inmail: bool = False
    subject: str | None = None
    messages: list[Message] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class View:
    """A visit to a profile that the person is told of."""

    account: Account
    person: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An account's session went up or down; `message` is the word of the webhook."""

    account: Account
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that wants to be told.

    Attributes:
        source: `messaging`, `users` or `account_status`.
        events: Empty: the source's usual ones.
        account_ids: Empty: all accounts.
        headers: Sent with each delivery.
        data: Pairs (name, key): which fields are sent, under which key; empty: all.
    """

    id: str
    request_url: str
    source: str
    name: str | None = None
    format: str = "json"
    enabled: bool = True
    events: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    data: tuple[tuple[str, str], ...] = ()
