"""What the service's answers look like: fields and forms of the vendor's schemas."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.unipile.model import (
        Account,
        Chat,
        Invitation,
        Message,
        Person,
        Relation,
        Webhook,
    )
    from syncflow_dagster.sandbox.unipile.sight import Sight

_FEATURES = {"premium": "premium", "sales_navigator": "sales_navigator", "recruiter": "recruiter"}
_PICTURE = "https://media.licdn.com/dms/image/sandbox/{}"
_DISTANCES = ("SECOND_DEGREE", "THIRD_DEGREE", "OUT_OF_NETWORK")
_UNITS = {
    "en": (("month", "months"), ("week", "weeks"), ("day", "days")),
    "fr": (("mois", "mois"), ("semaine", "semaines"), ("jour", "jours")),
}
_LENGTHS = (30, 7, 1)


def stamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account(one: Account, *, live: bool) -> dict[str, Any]:
    """An `Account`."""
    feature = _FEATURES.get(one.tier)
    im: dict[str, Any] = {
        "id": one.person.provider_id,
        "username": one.name,
        "publicIdentifier": one.person.slug,
        "premiumId": None if feature is None else f"{one.person.member_number}",
        "premiumContractId": None,
        "premiumFeatures": [] if feature is None else [feature],
        "organizations": [],
    }
    if live:
        im |= {"connection_method": "cookies", "proxy": {"country": "ES"}}
    return {
        "object": "Account",
        "type": "LINKEDIN",
        "id": one.id,
        "name": one.name,
        "created_at": stamp(one.created_at),
        "groups": [],
        "sources": [{"id": f"{one.id}_MESSAGING", "status": one.status.value}],
        "connection_params": {"im": im},
    }


def owner(one: Account) -> dict[str, Any]:
    """An `AccountOwnerProfile`."""
    person = one.person
    return {
        "object": "AccountOwnerProfile",
        "provider": "LINKEDIN",
        "provider_id": person.provider_id,
        "entity_urn": f"urn:li:fsd_profile:{person.provider_id}",
        "object_urn": f"urn:li:member:{person.member_number}",
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": one.email,
        "public_identifier": person.slug,
        "occupation": person.headline,
        "premium": one.tier != "free",
        "open_profile": person.open_profile,
        "location": person.location,
        "organizations": [],
        "recruiter": {"owner_seat_id": "1"} if one.tier == "recruiter" else None,
        "sales_navigator": {"owner_seat_id": "1"} if one.tier == "sales_navigator" else None,
    }


def profile(
    sight: Sight,
    person: Person,
    invitation: tuple[str, str] | None,
    sections: frozenset[str],
    *,
    can_send_inmail: bool,
) -> dict[str, Any]:
    """A `UserProfile`, as an account sees it.

    Args:
        sight: What the account sees.
        person: Whose profile.
        invitation: Type and status of the one between the two.
        sections: Parts asked for.
        can_send_inmail: Whether the account's subscription has InMails.
    """
    relation = sight.relation(person)
    shown: dict[str, Any] = {
        "object": "UserProfile",
        "provider": "LINKEDIN",
        "provider_id": person.provider_id,
        "public_identifier": person.slug,
        "member_urn": str(person.member_number),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "headline": person.headline,
        "location": person.location,
        "primary_locale": {"language": person.language},
        "is_open_profile": person.open_profile,
        "is_premium": person.premium,
        "is_self": person is sight.account.person,
        "is_relationship": relation is not None,
        "websites": [],
        "throttled_sections": [],
        "can_send_inmail": can_send_inmail,
    }
    if person is not sight.account.person:
        shown["network_distance"] = "FIRST_DEGREE" if relation else _distance(person)
    if relation is not None:
        shown["connected_at"] = _epoch_ms(relation.created_at)
    elif invitation is not None:
        shown["invitation"] = {"type": invitation[0], "status": invitation[1]}
    if sections & {"*", "experience", "experience_preview"}:
        shown["work_experience"] = _experience(person)
        shown["work_experience_total_count"] = len(shown["work_experience"])
    return shown


def _distance(person: Person) -> str:
    number = hashlib.sha256(person.provider_id.encode()).digest()[0]
    return _DISTANCES[0 if number < 170 else 1 if number < 245 else 2]


def _experience(person: Person) -> list[dict[str, Any]]:
    """Former jobs first: the order tells nothing, `end` does."""
    jobs: list[dict[str, str | None]] = [
        {"company": company, "position": position, "start": "3/1/2015", "end": "2/1/2019"}
        for company, position in person.past
    ]
    if person.company:
        start = None if person.since is None else f"{person.since:%-m}/1/{person.since:%Y}"
        now = {"company": person.company, "position": person.position, "start": start}
        jobs.append({**now, "end": None})
    return [{**job, "location": person.location, "description": None} for job in jobs]


def sent(one: Invitation, now: datetime, language: str, *, live: bool) -> dict[str, Any]:
    """An `InvitationSent`; its date is what the page says, and little more than the day."""
    text, read = _ago(now, one.sent_at, language)
    shown: dict[str, Any] = {
        "object": "InvitationSent",
        "id": one.id,
        "date": text,
        "parsed_datetime": stamp(read),
        "invitation_text": one.note,
        "inviter": None,
        "invited_user": one.person.full_name,
        "invited_user_id": one.person.provider_id,
        "invited_user_public_id": one.person.slug,
        "invited_user_description": one.person.headline,
    }
    if live:
        shown["invited_user_profile_picture_url"] = _PICTURE.format(one.person.member_number)
    return shown


def _ago(now: datetime, then: datetime, language: str) -> tuple[str, datetime]:
    """A relative date as LinkedIn words it, and the moment that a reader makes of it."""
    days = max(0, (now - then).days)
    french = language == "fr"
    if days == 0:
        return ("Envoyée aujourd'hui" if french else "Sent today"), now
    length, names = next(
        (one, names) for one, names in zip(_LENGTHS, _UNITS[language], strict=True) if days >= one
    )
    count = days // length
    name = names[0] if count == 1 else names[1]
    text = f"Envoyée il y a {count} {name}" if french else f"Sent {count} {name} ago"
    return text, now - timedelta(days=count * length)


def relation(one: Relation, *, live: bool, member_id: bool = True) -> dict[str, Any]:
    """A `UserRelation`."""
    person = one.person
    shown: dict[str, Any] = {
        "object": "UserRelation",
        "first_name": person.first_name,
        "last_name": person.last_name,
        "headline": person.headline,
        "public_identifier": person.slug,
        "public_profile_url": f"https://www.linkedin.com/in/{person.slug}",
        "created_at": _epoch_ms(one.created_at),
        "member_id": person.provider_id,
        "member_urn": f"urn:li:fsd_profile:{person.provider_id}",
        "connection_urn": f"urn:li:fsd_connection:{person.provider_id}",
    }
    if not member_id:
        del shown["member_id"]
    if live:
        shown["profile_picture_url"] = _PICTURE.format(person.member_number)
    return shown


def chat(one: Chat, newest: Message, unread: int, *, live: bool) -> dict[str, Any]:
    """A `Chat`."""
    shown: dict[str, Any] = {
        "object": "Chat",
        "id": one.id,
        "account_id": one.account.id,
        "account_type": "LINKEDIN",
        "provider_id": one.provider_id,
        "attendee_provider_id": one.person.provider_id,
        "name": None,
        "type": 0,
        "timestamp": stamp(newest.at),
        "unread_count": unread,
        "archived": 0,
        "muted_until": None,
        "read_only": one.read_only,
        "disabledFeatures": [],
        "subject": one.subject,
        "organization_id": None,
        "mailbox_id": None,
        "folder": ["INBOX", "INBOX_LINKEDIN_CLASSIC"],
    }
    if one.inmail:
        shown["content_type"] = "inmail"
    if live:
        shown |= {"pinned": 0, "unread": int(unread > 0)}
    return shown


def message(one: Message, *, connected: bool) -> dict[str, Any]:
    """A `Message`; `connected` is whether its sender and the account's owner are."""
    chat_of = one.chat
    own = one.is_sender
    shown: dict[str, Any] = {
        "object": "Message",
        "id": one.id,
        "account_id": chat_of.account.id,
        "chat_id": chat_of.id,
        "chat_provider_id": chat_of.provider_id,
        "provider_id": one.provider_id,
        "sender_id": one.sender.provider_id,
        "sender_attendee_id": f"{chat_of.attendee_id}-own" if own else chat_of.attendee_id,
        "attendee_type": "MEMBER",
        "attendee_distance": -1 if own else 1 if connected else 2,
        "text": None if one.deleted else one.text,
        "timestamp": stamp(one.at),
        "is_sender": int(own),
        "seen": 0,
        "seen_by": {},
        "hidden": int(one.hidden),
        "deleted": int(one.deleted),
        "edited": 0,
        "is_event": int(one.is_event),
        "delivered": 1,
        "behavior": None,
        "message_type": one.type.value,
        "original": "",
        "attachments": [],
        "reactions": [],
    }
    # The vendor's own schemas refuse null in what is optional.
    return shown if one.subject is None else {**shown, "subject": one.subject}


def attendee(one: Chat, *, connected: bool, invited: bool) -> dict[str, Any]:
    """A `ChatAttendee`: the chat's other end."""
    person = one.person
    return {
        "object": "ChatAttendee",
        "id": one.attendee_id,
        "account_id": one.account.id,
        "provider_id": person.provider_id,
        "name": person.full_name,
        "is_self": 0,
        "profile_url": f"https://www.linkedin.com/in/{person.provider_id}",
        "specifics": {
            "provider": "LINKEDIN",
            "member_urn": f"urn:li:member:{person.member_number}",
            "occupation": person.headline,
            "network_distance": "DISTANCE_1" if connected else "DISTANCE_2",
            "pending_invitation": invited,
        },
    }


def webhook(one: Webhook) -> dict[str, Any]:
    """A `Webhook`."""
    return {
        "object": "Webhook",
        "id": one.id,
        "name": one.name,
        "account_ids": list(one.account_ids),
        "source": one.source,
        "enabled": one.enabled,
        "request_url": one.request_url,
        "format": one.format,
        "events": list(one.events),
        "headers": [{"key": key, "value": value} for key, value in one.headers],
        "data": [{"name": name, "key": key} for name, key in one.data],
    }


def _epoch_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
