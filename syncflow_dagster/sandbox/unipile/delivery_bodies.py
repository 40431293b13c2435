"""Bodies of webhooks, flat as the service sends them (payloads captured in July 2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.unipile.model import Account, Message, Person, Webhook

# What a webhook is told of that names no events; the other states have to be asked for.
USUAL_EVENTS = {
    "messaging": frozenset({"message_received"}),
    "users": frozenset({"new_relation"}),
    "account_status": frozenset(
        {
            "creation_success",
            "creation_fail",
            "deleted",
            "reconnected",
            "sync_success",
            "error",
            "credentials",
            "permissions",
        }
    ),
}


def wants(webhook: Webhook, source: str, event: str, account_id: str) -> bool:
    """Whether a webhook is to be told of an event of this account."""
    events = webhook.events or USUAL_EVENTS.get(webhook.source, frozenset())
    return (
        webhook.enabled
        and webhook.source == source
        and event in events
        and (not webhook.account_ids or account_id in webhook.account_ids)
    )


def shaped(webhook: Webhook, body: dict[str, Any]) -> dict[str, Any]:
    """The body with the fields that the webhook chose, under its keys, and its name."""
    if "webhook_name" in body:
        body = {**body, "webhook_name": webhook.name}
    if not webhook.data:
        return body
    return {key: body[name] for name, key in webhook.data if name in body}


def new_relation(person: Person, account_id: str) -> dict[str, Any]:
    """Somebody is connected now; `account_id` may be the one of a sibling account."""
    return {
        "event": "new_relation",
        "account_id": account_id,
        "account_type": "LINKEDIN",
        "webhook_name": None,
        "user_full_name": person.full_name,
        "user_provider_id": person.provider_id,
        "user_public_identifier": person.slug,
        "user_profile_url": f"https://www.linkedin.com/in/{quote(person.slug, safe='')}/",
        "user_picture_url": None,
    }


def account_status(account: Account, message: str) -> dict[str, Any]:
    """An account's session changed its state."""
    told = {"account_id": account.id, "account_type": "LINKEDIN", "message": message}
    return {"AccountStatus": told}


def message_received(message: Message, *, connected: bool) -> dict[str, Any]:
    """A message is in a chat, one of the account's own as well.

    Args:
        message: The message.
        connected: Whether the chat's two are connected.
    """
    chat, account = message.chat, message.chat.account
    distance = "DISTANCE_1" if connected else "DISTANCE_2"
    other = _attendee(chat.person, chat.attendee_id, distance)
    owner = _attendee(account.person, f"{chat.attendee_id}-self", "SELF")
    return {
        "event": "message_received",
        "account_id": account.id,
        "account_type": "LINKEDIN",
        "account_info": {
            "type": "LINKEDIN",
            "feature": "classic",
            "user_id": account.person.provider_id,
        },
        "webhook_name": None,
        "chat_id": chat.id,
        "attendees": [other],
        "sender": owner if message.is_sender else other,
        "subject": message.subject,
        "message": message.text,
        "message_id": message.id,
        "timestamp": message.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "attachments": [],
        # A truth value here; the API's own answers have 0 and 1.
        "is_sender": message.is_sender,
        "provider_chat_id": chat.provider_id,
        "provider_message_id": message.provider_id,
        "is_event": int(message.is_event),
        "quoted": None,
        "reply_to": None,
        "message_type": message.type.value,
        "is_group": False,
        "folder": ["INBOX", "INBOX_LINKEDIN_CLASSIC"],
        "event_type": None,
    }


def _attendee(person: Person, attendee_id: str, distance: str) -> dict[str, Any]:
    return {
        "attendee_id": attendee_id,
        "attendee_provider_id": person.provider_id,
        "attendee_name": person.full_name,
        "attendee_profile_url": f"https://www.linkedin.com/in/{person.provider_id}",
        "attendee_specifics": {
            "provider": "LINKEDIN",
            "member_urn": f"urn:li:member:{person.member_number}",
            "network_distance": distance,
            "occupation": person.headline,
        },
        # The service leaves it out where it does not know it.
        "attendee_public_identifier": None,
    }
