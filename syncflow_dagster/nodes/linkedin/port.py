"""What outreach asks of a LinkedIn account, whoever carries it out.

Unipile's v2 is another API than v1 (paths, names, paging, errors); an adapter of it would stand
behind the same port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.nodes.linkedin.errors import ErrorClass, Refusal
    from syncflow_dagster.nodes.linkedin.shapes import (
        AccountStatus,
        Chat,
        InMailBalance,
        Message,
        Owner,
        Page,
        Profile,
        Relation,
        SentInvitation,
    )
    from syncflow_dagster.nodes.linkedin.signals import Signal

#: Invitations that are out, on one page, at most; and messages, or chats (Unipile's OpenAPI
#: description of v1).
MOST_SENT, MOST_MESSAGES = 100, 250


class ReadFailed(Exception):
    """Something could not be read.

    Attributes:
        kind: What the answer meant; NOT_SENT where the read was not made at all.
        reason: For people, without personal data.
        after_s: Seconds until it may be tried again, where that is known.
        signal: What it tells of the account; None where the read was not made.
    """

    def __init__(
        self,
        kind: ErrorClass,
        reason: str,
        after_s: float | None = None,
        signal: Signal | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.after_s = after_s
        self.signal = signal


class WrongProfile(Exception):
    """Another member's profile came than was asked for.

    `GET /users/{identifier}` takes slugs and ids alike, so a wrong word in the place of either is
    somebody's slug: what is asked for and what comes are compared.
    """


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a request that changes something.

    Attributes:
        refusal: Why it did not go through, or why nobody knows; None for a success.
        id: The id of what it made, where it says so.
        chat_id: The chat a message went into, where it says so.
        usage: Percent of the provider's limit that is used up, where it says so.
    """

    refusal: Refusal | None = None
    id: str | None = None
    chat_id: str | None = None
    usage: float | None = None


class LinkedIn(Protocol):
    """One LinkedIn account. Reads raise `ReadFailed`; writes return what came of them."""

    def me(self) -> Owner:
        """Return the account's owner."""
        ...

    def account(self) -> AccountStatus:
        """Return the account's state; only while it is OK, reads are of now."""
        ...

    def profile(self, identifier: str, *, known_as: str | None = None, slug: str | None = None,
                lead_id: int | None = None) -> Profile:  # fmt: skip
        """Return a member's profile; the member is not told.

        Args:
            identifier: The provider's id, or a slug.
            known_as: The provider's id, where a slug is asked for and the id is known.
            slug: The slug, where an id is asked for that may be of another account's view.
            lead_id: The lead it is for.

        Raises:
            WrongProfile: it is another one's.
        """
        ...

    def sent(self, cursor: str | None = None, *, limit: int = MOST_SENT) -> Page[SentInvitation]:
        """Return invitations of ours that are pending."""
        ...

    def relations(self, cursor: str | None = None, *, limit: int = 100) -> Page[Relation]:
        """Return connections, the newest first."""
        ...

    def chats(self, cursor: str | None = None, *, after: datetime | None = None) -> Page[Chat]:
        """Return chats; `after` is exclusive."""
        ...

    def chat(self, chat_id: str) -> Chat:
        """Return a chat."""
        ...

    def chats_with(self, provider_id: str) -> tuple[Chat, ...]:
        """Return the chats with one member alone: more than one where an InMail began another."""
        ...

    def messages(
        self, chat_id: str, cursor: str | None = None, *, after: datetime | None = None
    ) -> Page[Message]:
        """Return messages of a chat, the newest first; `after` is exclusive."""
        ...

    def messages_since(
        self, after: datetime, cursor: str | None = None, *, limit: int = MOST_MESSAGES
    ) -> Page[Message]:
        """Return messages of all chats, the newest first; `after` is exclusive."""
        ...

    def inmail_balance(self) -> InMailBalance:
        """Return the account's InMail credits."""
        ...

    def invite(self, provider_id: str, note: str | None) -> Written:
        """Invite a member."""
        ...

    def withdraw(self, invitation_id: str) -> Written:
        """Take an invitation back."""
        ...

    def send_message(self, text: str, *, chat_id: str | None, provider_id: str) -> Written:
        """Send a message into a chat, or to a connection there is no chat with."""
        ...

    def send_inmail(self, text: str, *, subject: str | None, provider_id: str) -> Written:
        """Send an InMail."""
        ...

    def view_profile(self, provider_id: str) -> Written:
        """Visit a member's profile so that the member is told."""
        ...
