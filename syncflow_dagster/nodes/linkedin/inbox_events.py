"""What a webhook's body says.

Shapes: the bodies of `message_received` and account states as captured from live accounts, that of
`new_relation` from developer.unipile.com/docs/detecting-accepted-invitations. Unknown fields are
left alone. A body may name what it is under `event`; that of a state has `AccountStatus` alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.linkedin.shapes import moment

if TYPE_CHECKING:
    from datetime import datetime

    from syncflow_dagster.nodes.linkedin.shapes import Message


class NotAnEvent(ValueError):
    """A body that is no event; the text says what is missing, without quoting the body."""


@dataclass(frozen=True, slots=True)
class NewRelation:
    """A connection came about; which side had asked is not said.

    Attributes:
        account_id: Unipile's id of the account; a sibling's, now and then.
        provider_id: The other person's id.
        address: Name in the person's address, or the address.
    """

    account_id: str
    provider_id: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A message in a chat of an account, from whichever side.

    Attributes:
        account_id: Unipile's id of the account.
        is_own: The account's side sent it.
        others: Provider's ids of those who are not the account; one in a chat of two.
        address: Address of the sender, where it is another.
        chat_id: Unipile's id of the chat.
        ids: Ids the message is known by.
        text: What it says.
        at: When it was sent.
        kind: MESSAGE, INVITATION, INMAIL, INMAIL_REPLY and so on.
        is_talk: Somebody said something: not an event of the chat, hidden, or deleted.
        is_group: More than two are in the chat.
        is_connected: Whether sender and account are connected, where it is said.
    """

    account_id: str
    is_own: bool
    others: tuple[str, ...]
    address: str | None
    chat_id: str | None
    ids: tuple[str, ...]
    text: str
    at: datetime | None
    kind: str
    is_talk: bool
    is_group: bool
    is_connected: bool | None = None


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """An account's state has changed: OK, CREDENTIALS, RECONNECTED and so on."""

    account_id: str
    status: str


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """An event nothing follows from, such as that a message was read."""

    what: str


Event = NewRelation | MessageSeen | StatusSeen | NotNeeded


def event_key(body: Mapping[str, Any], now: datetime) -> str:
    """Return what an event is known by, however often it is delivered.

    Two changes of an account to the same state look the same; only repeats within a second are
    taken for one.

    Raises:
        NotAnEvent: It is none, or lacks what it would be known by.
    """
    if "AccountStatus" in body:
        seen = _status(body)
        return f"status:{seen.account_id}:{seen.status}:{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    what = _text(body, "event")
    if what is None:
        raise NotAnEvent("it has neither `event` nor `AccountStatus`")
    if what == "new_relation":
        relation = _relation(body)
        return f"{what}:{relation.account_id}:{relation.provider_id or relation.address}"
    if what == "message_received":
        return f"{what}:{_needed(body, 'message_id')}"
    digest = sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
    return f"{what}:{digest}"


def account_in(body: Mapping[str, Any]) -> str | None:
    """Return Unipile's id of the account an event names."""
    status = body.get("AccountStatus")
    return _text(status if isinstance(status, Mapping) else body, "account_id")


def read_event(body: Mapping[str, Any]) -> Event:
    """Return what a body says.

    Raises:
        NotAnEvent: It lacks what an event of its kind has.
    """
    if "AccountStatus" in body:
        return _status(body)
    what = _needed(body, "event")
    if what == "new_relation":
        return _relation(body)
    if what == "message_received":
        return _message(body)
    return NotNeeded(what)


def listed(message: Message, account_id: str, other: str | None) -> MessageSeen:
    """Return a message that was read from a list.

    Args:
        message: The message.
        account_id: Unipile's id of the account.
        other: The provider's id of the other side.
    """
    return MessageSeen(
        account_id=account_id,
        is_own=message.own,
        others=(other,) if other else (),
        address=None,
        chat_id=message.chat_id or None,
        ids=(message.id,),
        text=message.text or "",
        at=message.at,
        kind=message.kind,
        is_talk=message.shown,
        is_group=False,
    )


def _status(body: Mapping[str, Any]) -> StatusSeen:
    said = body["AccountStatus"]
    if not isinstance(said, Mapping):
        raise NotAnEvent("`AccountStatus` is no object")
    return StatusSeen(_needed(said, "account_id"), _needed(said, "message").upper())


def _relation(body: Mapping[str, Any]) -> NewRelation:
    address = _text(body, "user_public_identifier") or _text(body, "user_profile_url")
    provider_id = _text(body, "user_provider_id")
    if provider_id is None and address is None:
        raise NotAnEvent("it has neither `user_provider_id` nor `user_public_identifier`")
    return NewRelation(_needed(body, "account_id"), provider_id, address)


def _message(body: Mapping[str, Any]) -> MessageSeen:
    info, sender = _object(body, "account_info"), _object(body, "sender")
    own, sent_by = _text(info, "user_id"), _text(sender, "attendee_provider_id")
    is_own = _is_set(body, "is_sender") or (own is not None and own == sent_by)
    attendees = body.get("attendees")
    people = [sent_by, *(_text(one, "attendee_provider_id") for one in _objects(attendees))]
    others = tuple(dict.fromkeys(one for one in people if one is not None and one != own))
    if is_own:
        others = tuple(one for one in others if one != sent_by)
    elif sent_by is not None:
        others = (sent_by,)
    kind = _text(body, "message_type") or "MESSAGE"
    return MessageSeen(
        account_id=_needed(body, "account_id"),
        is_own=is_own,
        others=others,
        address=None if is_own else _address(sender),
        chat_id=_text(body, "chat_id"),
        ids=tuple(
            one
            for one in (_needed(body, "message_id"), _text(body, "provider_message_id"))
            if one is not None
        ),
        text=_text(body, "message") or "",
        at=moment(body.get("timestamp")),
        kind=kind.upper(),
        is_talk=not any(_is_set(body, name) for name in ("is_event", "hidden", "deleted")),
        is_group=_is_set(body, "is_group"),
        is_connected=_is_near(sender),
    )


def _address(sender: Mapping[str, Any]) -> str | None:
    return _text(sender, "attendee_public_identifier") or _text(sender, "attendee_profile_url")


def _is_near(sender: Mapping[str, Any]) -> bool | None:
    """Tell whether a sender is a connection, as far as that is said."""
    distance = _text(_object(sender, "attendee_specifics"), "network_distance")
    return None if distance in {None, "SELF"} else distance in {"DISTANCE_1", "FIRST_DEGREE"}


def _needed(body: Mapping[str, Any], name: str) -> str:
    found = _text(body, name)
    if found is None:
        msg = f"it has no `{name}`"
        raise NotAnEvent(msg)
    return found


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _is_set(body: Mapping[str, Any], name: str) -> bool:
    """Tell whether a flag is set: webhooks have booleans, answers to requests 0 and 1."""
    value = body.get(name)
    return isinstance(value, int) and value == 1
