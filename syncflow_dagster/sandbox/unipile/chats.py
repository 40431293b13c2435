"""Reading chats and messages: newest first."""

from __future__ import annotations

from heapq import merge
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile import shapes
from syncflow_dagster.sandbox.unipile.cursors import decode
from syncflow_dagster.sandbox.unipile.errors import ApiError
from syncflow_dagster.sandbox.unipile.paging import by_row, last_row
from syncflow_dagster.sandbox.unipile.routes import ApiRoute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from starlette.responses import Response

    from syncflow_dagster.sandbox.unipile.call import Call
    from syncflow_dagster.sandbox.unipile.model import Account, Chat, Message
    from syncflow_dagster.sandbox.unipile.sight import Sight

_FILTERS = ("account_id", "before", "after", "sender_id", "unread")


def _asked(call: Call) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The filters, and what the cursor carries: with one, the filters are the cursor's."""
    cursor = call.query.get("cursor")
    if cursor is not None:
        known = decode(cursor)
        filters = {name: known[name] for name in _FILTERS if name in known}
        # A list without an end begins anew.
        return filters, None if "repeat_page" in call.faults else known
    return {name: call.query[name] for name in _FILTERS if name in call.query}, None


def _upto(call: Call, known: dict[str, Any] | None) -> datetime | None:
    return call.moment(last_row(known)[1], "cursor") if known else None


def _accounts(call: Call, filters: dict[str, Any]) -> list[Account]:
    named = filters.get("account_id")
    if named is None:
        return list(call.runtime.store.accounts.values())
    return [call.account(one) for one in str(named).split(",")]


# -- chats ---------------------------------------------------------------------------------


def chats(call: Call) -> Response:
    """`GET /chats`."""
    filters, known = _asked(call)
    lists = [_seen_chats(call.sight(one)) for one in _accounts(call, filters)]
    every = lists[0] if len(lists) == 1 else merge(*lists, key=_activity, reverse=True)
    return by_row(call, "ChatList", _chat_rows(call, every, filters, known), filters, known)


def _seen_chats(sight: Sight) -> list[tuple[datetime, Sight, Chat]]:
    return [(at, sight, chat) for at, chat in sight.chats()]


def _activity(row: tuple[datetime, Sight, Chat]) -> datetime:
    return row[0]


def _chat_rows(
    call: Call,
    every: Iterable[tuple[datetime, Sight, Chat]],
    filters: dict[str, Any],
    known: dict[str, Any] | None,
) -> Iterator[dict[str, Any]]:
    after, before = (call.moment(filters.get(name), name) for name in ("after", "before"))
    upto = _upto(call, known)
    for at, sight, chat in takewhile(lambda row: after is None or row[0] > after, every):
        if (before is not None and at >= before) or (upto is not None and at > upto):
            continue
        row = _chat_row(call, sight, chat)
        if "unread" not in filters or (filters["unread"] == "true") == (row["unread_count"] > 0):
            yield row


def _chat_row(call: Call, sight: Sight, chat: Chat) -> dict[str, Any]:
    newest = sight.newest(chat)
    if newest is None:
        raise ApiError("resource_not_found", "Chat not found.")
    inbound = takewhile(lambda one: not one.is_sender, sight.messages(chat.messages))
    return shapes.chat(chat, newest, sum(1 for _ in inbound), live=call.live)


def chat(call: Call) -> Response:
    """`GET /chats/{chat_id}`."""
    found, sight = _chat(call)
    newest = sight.newest(found)
    last = None if newest is None else _message_row(call, newest)
    return call.answer({**_chat_row(call, sight, found), "lastMessage": last})


def _message_row(call: Call, one: Message) -> dict[str, Any]:
    relation = call.runtime.store.relation(one.chat.account, one.chat.person)
    return shapes.message(one, connected=relation is not None)


def _chat(call: Call) -> tuple[Chat, Sight]:
    found = call.runtime.store.chats.get(call.path["chat_id"])
    if found is None:
        raise ApiError("resource_not_found", "Chat not found.")
    return found, call.sight(found.account)


def attendees(call: Call) -> Response:
    """`GET /chats/{chat_id}/attendees`."""
    return call.listed("ChatAttendeeList", [_attendee_row(*_chat(call))], None)


def _attendee_row(found: Chat, sight: Sight) -> dict[str, Any]:
    known = sight.invitation(found.person)
    return shapes.attendee(
        found,
        connected=sight.relation(found.person) is not None,
        invited=known is not None and known[1] == "PENDING",
    )


# -- messages ------------------------------------------------------------------------------


def messages(call: Call) -> Response:
    """`GET /messages`."""
    filters, known = _asked(call)
    store = call.runtime.store
    lists = [
        _between(call, call.sight(one), store.messages[one.id], filters, known)
        for one in _accounts(call, filters)
    ]
    every = lists[0] if len(lists) == 1 else merge(*lists, key=_moment, reverse=True)
    return by_row(call, "MessageList", (_message_row(call, one) for one in every), filters, known)


def chat_messages(call: Call) -> Response:
    """`GET /chats/{chat_id}/messages`."""
    found, sight = _chat(call)
    return _messages_of(call, found, sight)


def _messages_of(call: Call, found: Chat, sight: Sight) -> Response:
    filters, known = _asked(call)
    every = _between(call, sight, found.messages, filters, known)
    return by_row(call, "MessageList", (_message_row(call, one) for one in every), filters, known)


def _between(
    call: Call,
    sight: Sight,
    held: list[Message],
    filters: dict[str, Any],
    known: dict[str, Any] | None,
) -> Iterator[Message]:
    after, before = (call.moment(filters.get(name), name) for name in ("after", "before"))
    found = sight.messages(held, after, before, _upto(call, known))
    sender = filters.get("sender_id")
    return found if sender is None else (one for one in found if one.sender.provider_id == sender)


def _moment(one: Message) -> datetime:
    return one.at


def message(call: Call) -> Response:
    """`GET /messages/{message_id}`."""
    found = call.runtime.store.message_by_id.get(call.path["message_id"])
    if found is None or not _is_seen(call, found):
        raise ApiError("resource_not_found", "Message not found.")
    return call.answer(_message_row(call, found))


def _is_seen(call: Call, one: Message) -> bool:
    moment = call.sight(one.chat.account).moment
    return moment is None or one.at <= moment


# -- by attendee ---------------------------------------------------------------------------


def _attendee(call: Call) -> tuple[Chat, Sight]:
    """The chat with an attendee: Unipile's id, or the provider's with an account's."""
    store = call.runtime.store
    wanted = call.path["attendee_id"]
    found = store.chat_of_attendee.get(wanted)
    if found is None and wanted in store.people and "account_id" in call.query:
        found = store.chat_with(call.account(), store.people[wanted])
    if found is None or (sight := call.sight(found.account)).newest(found) is None:
        raise ApiError("resource_not_found", "Attendee not found.")
    return found, sight


def attendee(call: Call) -> Response:
    """`GET /chat_attendees/{attendee_id}`."""
    return call.answer(_attendee_row(*_attendee(call)))


def attendee_chats(call: Call) -> Response:
    """`GET /chat_attendees/{attendee_id}/chats`."""
    found, sight = _attendee(call)
    return call.listed("ChatList", [_chat_row(call, sight, found)], None)


def attendee_messages(call: Call) -> Response:
    """`GET /chat_attendees/{attendee_id}/messages`."""
    return _messages_of(call, *_attendee(call))


ROUTES = [
    ApiRoute("GET", "/chats", "chats", chats),
    ApiRoute("GET", "/chats/{chat_id}", "chats", chat),
    ApiRoute("GET", "/chats/{chat_id}/attendees", "chats", attendees),
    ApiRoute("GET", "/chats/{chat_id}/messages", "messages", chat_messages),
    ApiRoute("GET", "/messages", "messages", messages),
    ApiRoute("GET", "/messages/{message_id}", "messages", message),
    ApiRoute("GET", "/chat_attendees/{attendee_id}", "chats", attendee),
    ApiRoute("GET", "/chat_attendees/{attendee_id}/chats", "chats", attendee_chats),
    ApiRoute("GET", "/chat_attendees/{attendee_id}/messages", "messages", attendee_messages),
]
