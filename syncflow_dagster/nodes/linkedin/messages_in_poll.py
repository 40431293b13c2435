"""The poll of messages: what webhooks did not bring.

Unipile answers from its own copy of the chats, so that it costs LinkedIn nothing. Messages of other
people are taken in, and notes of our invitations: their chat comes with the acceptance. What an
owner writes by hand is looked at in the chat itself before anything is sent into it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.inbox_events import listed
from syncflow_dagster.nodes.linkedin.polls_pages import Listing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.inbox_events import MessageSeen
    from syncflow_dagster.nodes.linkedin.inbox_report import Word
    from syncflow_dagster.nodes.linkedin.polls_context import Polling
    from syncflow_dagster.nodes.linkedin.shapes import Chat, Message

    Connection = psycopg.Connection[DictRow]

_PAGES = 40
#: How late a message may show up behind its own time.
_LATE_BY = timedelta(minutes=15)
#: Chats looked up in one poll.
_CHATS = 50


def poll_messages(polling: Polling, since: datetime) -> datetime | None:
    """Read messages that came after a time.

    Only to be asked while the account is OK: without a session nothing new comes.

    Returns:
        Where the next poll begins; None if this one came to nothing.
    """
    began = polling.now()
    listing: Listing[Message] = Listing(
        lambda cursor: polling.api.messages_since(since, cursor),
        lambda one: one.id,
        _PAGES,
        polling.time,
    )
    is_through = False
    chats: dict[str, Chat] = {}
    with polling.part("messages", listing):
        for page in listing.read():
            for seen in _of_leads(polling, page, chats):
                polling.do(partial(_take, polling, seen, began))
        is_through = listing.stopped is None
    return max(since, began - _LATE_BY) if is_through else None


def _take(polling: Polling, seen: MessageSeen, told_at: datetime, conn: Connection) -> Word:
    return polling.messages.take(conn, seen, told_at, polling.now())


def _of_leads(
    polling: Polling, page: Sequence[Message], chats: dict[str, Chat]
) -> list[MessageSeen]:
    """Return the messages that may be about leads, the oldest first."""
    found = [one for one in reversed(page) if one.shown and _counts(one)]
    notes = [one for one in found if one.own]
    for note in notes:
        if note.chat_id not in chats and len(chats) < _CHATS:
            chats[note.chat_id] = polling.api.chat(note.chat_id)
    others = {one.id: _other(one, chats) for one in found}
    asked = [other for other in others.values() if other]
    given = {"provider_ids": asked, "slugs": [], "accounts": polling.detection.tenant}
    rows = polling.rows("leads_on_page", **given) if asked else []
    leads = {row["provider_id"] for row in rows}
    account = polling.service_id
    return [listed(one, account, other) for one in found if (other := others[one.id]) in leads]


def _counts(message: Message) -> bool:
    return not message.own or message.kind == "INVITATION"


def _other(message: Message, chats: dict[str, Chat]) -> str | None:
    if not message.own:
        return message.sender_id
    chat = chats.get(message.chat_id)
    return chat.provider_id if chat is not None and chat.single else None
