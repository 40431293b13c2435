"""Which messages of an account are ours: sent by the ledger, not by the account's owner by hand."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.nodes.linkedin.shapes import Message
    from syncflow_dagster.store.database import Database


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """A message or InMail of the ledger that may have been sent.

    Attributes:
        message_id: Its id at Unipile; None where that is not known (yet).
        text: What was sent, comparable.
    """

    effect_id: int
    message_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class OwnMessages:
    """Those of one lead.

    Attributes:
        sent: What the ledger may have sent.
        resumed_at: When a person last let a lead go on that was paused: what the owner had written
            by then is known.
    """

    sent: tuple[OwnMessage, ...] = ()
    resumed_at: datetime | None = None

    def of(self, message: Message) -> OwnMessage | None:
        """Return which of them a message is: by its id, else the one of its text without an id."""
        text = comparable(message.text)
        unbound = (one for one in self.sent if one.message_id is None and one.text == text)
        by_id = (one for one in self.sent if one.message_id == message.id)
        return next(by_id, None) or next(unbound, None)

    def is_by_hand(self, message: Message) -> bool:
        """Tell whether the account's owner has written it by hand, and nobody has seen that yet.

        The note of an invitation is no such message.
        """
        if not message.own or not message.shown or message.kind == "INVITATION":
            return False
        is_known = message.at and self.resumed_at and message.at <= self.resumed_at
        return not is_known and self.of(message) is None


def comparable(text: str | None) -> str:
    """Return a text in NFC, with single blanks: services change line ends and blanks."""
    return " ".join(unicodedata.normalize("NFC", text or "").split())


def own_messages(database: Database, lead_id: int) -> OwnMessages:
    """Read the messages of a lead that may have been sent."""
    queries, given = sql.load("effects"), {"lead_id": lead_id}
    rows = database.fetch_all(queries["sent_messages"], given)
    resumed = database.fetch_one(queries["resumed_at"], given)
    return OwnMessages(
        tuple(
            OwnMessage(row["effect_id"], row["remote_id"], comparable(row["text"])) for row in rows
        ),
        resumed["at"] if resumed else None,
    )
