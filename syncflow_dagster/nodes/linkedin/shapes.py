"""What Unipile's API v1 tells, as plain data; fields we do not know are left out.

Names of fields are those of Unipile's OpenAPI description of v1, which each tenant serves under
`/api-json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from syncflow_dagster.core.outreach.tiers import Tier

T = TypeVar("T")
Body = Mapping[str, Any]
InvitationState = Literal["sent", "received", "ignored", "withdrawn"]


class Unshapely(ValueError):
    """A body does not have the form its documentation says; the text names the field."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `cursor` leads to the next one, None on the last."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Owner:
    """The member an account belongs to.

    Attributes:
        tier: What its subscriptions come to.
    """

    provider_id: str
    slug: str | None
    first_name: str | None
    last_name: str | None
    tier: Tier


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """State of an account's session with LinkedIn.

    Attributes:
        status: `OK`, or that of the first source that is not: STOPPED, ERROR, CREDENTIALS,
            PERMISSIONS, CONNECTING; `UNKNOWN` if there is no source.
        provider_id: Its owner's id.
    """

    status: str
    provider_id: str | None

    @property
    def is_ok(self) -> bool:
        """Whether what is read through it is of now."""
        return self.status == "OK"


@dataclass(frozen=True, slots=True)
class Profile:
    """A member, as one account sees it.

    Attributes:
        slug: The name in its address; None where LinkedIn shows none.
        connected: Whether it is a connection of the first degree.
        invitation: The invitation between the two, if one is shown: `sent` and `received` are
            pending; `ignored` and `withdrawn` were sent by the account.
        open_profile: Whether anybody may send it an InMail for free.
        can_inmail: Whether the account may send it an InMail; None where it is not said.
    """

    provider_id: str
    slug: str | None
    first_name: str | None
    last_name: str | None
    headline: str | None
    location: str | None
    connected: bool
    invitation: InvitationState | None
    open_profile: bool | None
    can_inmail: bool | None


@dataclass(frozen=True, slots=True)
class SentInvitation:
    """An invitation of ours that is pending. When it was sent is told too coarsely to be of use."""

    id: str
    provider_id: str | None
    slug: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A connection of an account."""

    provider_id: str | None
    slug: str | None
    first_name: str | None
    last_name: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat.

    Attributes:
        provider_id: The other end's id.
        single: Whether it is with one person.
        read_only: Whether nothing can be written into it.
    """

    id: str
    provider_id: str | None
    single: bool
    read_only: bool
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a chat.

    Attributes:
        own: Whether the account wrote it, by hand or through the API.
        shown: Whether it is something a person has written: no event, not hidden, not deleted.
        kind: MESSAGE, INVITATION (the note of an invitation), INMAIL, …
    """

    id: str
    chat_id: str
    sender_id: str | None
    text: str | None
    at: datetime | None
    own: bool
    shown: bool
    kind: str

    @property
    def inbound(self) -> bool:
        """Whether the other end has written it."""
        return self.shown and not self.own


@dataclass(frozen=True, slots=True)
class InMailBalance:
    """InMail credits by subscription; None where there is no such subscription."""

    premium: int | None
    recruiter: int | None
    sales_navigator: int | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(one or 0 for one in (self.premium, self.recruiter, self.sales_navigator))


def page(body: Body, item: Callable[[Body], T]) -> Page[T]:
    """Read a list.

    Raises:
        Unshapely: it has no items, or one of them has no id.
    """
    items = body.get("items")
    if not isinstance(items, list) or not all(isinstance(one, Mapping) for one in items):
        raise Unshapely("items: no list of objects")
    return Page(tuple(item(one) for one in items), _text(body, "cursor"))


def owner(body: Body) -> Owner:
    """Read `GET /users/me`."""
    tier: Tier = "premium" if body.get("premium") is True else "free"
    if _has(body.get("sales_navigator")):
        tier = "sales_navigator"
    if _has(body.get("recruiter")):
        tier = "recruiter"
    return Owner(
        _needed(body, "provider_id"),
        _text(body, "public_identifier"),
        _text(body, "first_name"),
        _text(body, "last_name"),
        tier,
    )


def account_status(body: Body) -> AccountStatus:
    """Read `GET /accounts/{id}`."""
    sources = body.get("sources")
    states = [
        str(one.get("status")) for one in sources or () if isinstance(one, Mapping)
    ] if isinstance(sources, list) else []  # fmt: skip
    bad = next((one for one in states if one != "OK"), "OK" if states else "UNKNOWN")
    params = body.get("connection_params")
    im = params.get("im") if isinstance(params, Mapping) else None
    return AccountStatus(bad, _text(im, "id") if isinstance(im, Mapping) else None)


def profile(body: Body) -> Profile:
    """Read `GET /users/{identifier}`."""
    degree = body.get("network_distance")
    is_open = body.get("is_open_profile")
    can_inmail = body.get("can_send_inmail")
    return Profile(
        _needed(body, "provider_id"),
        _text(body, "public_identifier"),
        _text(body, "first_name"),
        _text(body, "last_name"),
        _text(body, "headline"),
        _text(body, "location"),
        degree in ("FIRST_DEGREE", "DISTANCE_1") or body.get("is_relationship") is True,
        _invitation(body.get("invitation")),
        is_open if isinstance(is_open, bool) else None,
        can_inmail if isinstance(can_inmail, bool) else None,
    )


def sent_invitation(body: Body) -> SentInvitation:
    """Read an item of `GET /users/invite/sent`."""
    person, slug = _text(body, "invited_user_id"), _text(body, "invited_user_public_id")
    return SentInvitation(_needed(body, "id"), person, slug)


def relation(body: Body) -> Relation:
    """Read an item of `GET /users/relations`; its urns stand in for an id that is missing."""
    urns = (_text(body, name) for name in ("connection_urn", "member_urn"))
    person = _text(body, "member_id") or next((_of_urn(one) for one in urns if one), None)
    return Relation(
        person,
        _text(body, "public_identifier"),
        _text(body, "first_name"),
        _text(body, "last_name"),
        _epoch(body.get("created_at")),
    )


def chat(body: Body) -> Chat:
    """Read a chat."""
    return Chat(
        _needed(body, "id"),
        _text(body, "attendee_provider_id"),
        body.get("type") in (0, None),
        bool(body.get("read_only")),
        moment(body.get("timestamp")),
    )


def message(body: Body) -> Message:
    """Read a message."""
    hidden = any(body.get(name) for name in ("is_event", "hidden", "deleted"))
    return Message(
        _needed(body, "id"),
        _text(body, "chat_id") or "",
        _text(body, "sender_id"),
        _text(body, "text"),
        moment(body.get("timestamp")),
        bool(body.get("is_sender")),
        not hidden,
        _text(body, "message_type") or "MESSAGE",
    )


def inmail_balance(body: Body) -> InMailBalance:
    """Read `GET /linkedin/inmail_balance`."""
    return InMailBalance(
        _count(body.get("premium")),
        _count(body.get("recruiter")),
        _count(body.get("sales_navigator")),
    )


def moment(value: object) -> datetime | None:
    """Read a time such as `2026-01-31T08:15:00.000Z`; None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _invitation(value: object) -> InvitationState | None:
    if not isinstance(value, Mapping):
        return None
    match value.get("status"), value.get("type"):
        case "PENDING", "SENT":
            return "sent"
        case "PENDING", "RECEIVED":
            return "received"
        case "IGNORED", "SENT":
            return "ignored"
        case "WITHDRAWN", "SENT":
            return "withdrawn"
    return None


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _needed(body: Body, name: str) -> str:
    value = _text(body, name)
    if value is None:
        msg = f"{name}: no text"
        raise Unshapely(msg)
    return value


def _has(subscription: object) -> bool:
    return isinstance(subscription, Mapping) and "error" not in subscription


def _of_urn(urn: str) -> str | None:
    last = urn.rpartition(":")[2]
    return last if last.startswith("ACo") else None


def _epoch(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
