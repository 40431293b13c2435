"""What is asked of LinkedIn right before an action of a lead: facts, on which others decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.own_messages import comparable
from syncflow_dagster.nodes.linkedin.port import LinkedIn, ReadFailed, WrongProfile
from syncflow_dagster.nodes.linkedin.signals import Signal, SignalKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.own_messages import OwnMessages
    from syncflow_dagster.nodes.linkedin.shapes import Message, Profile

#: Kinds of actions that write to the person, for which the chat is read.
_WRITING = frozenset({"message", "inmail"})
#: Pages of a chat that are read at most; a page holds 250 messages.
_MOST_PAGES = 4
#: How far the service's clock may be off ours.
_CLOCKS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Facts:
    """What LinkedIn shows of a lead.

    Attributes:
        profile: The profile; None where it was not read, as the person is known to be connected,
            or is not the lead's.
        wrong_profile: Whether what came is another member's profile: a person has to look.
        chat_id: The chat with the person, if there is one.
        read_only: Whether nothing can be written into it.
        inbound: What the person has written since it was enrolled, the newest first.
        by_hand: What the account's owner has written to it by hand since then, the newest first.
        said: Texts of all that the account has written to it since then, comparable.
        can_inmail: Whether an InMail may be sent: the profile is open, or there are credits; None
            where it was not asked for.
    """

    profile: Profile | None = None
    wrong_profile: bool = False
    chat_id: str | None = None
    read_only: bool = False
    inbound: tuple[Message, ...] = ()
    by_hand: tuple[Message, ...] = ()
    said: frozenset[str] = frozenset()
    can_inmail: bool | None = None

    @property
    def provider_id(self) -> str | None:
        """The provider's id, where the profile was read."""
        return self.profile.provider_id if self.profile else None


def check_before(api: LinkedIn, lead: Lead, kind: str, ours: OwnMessages) -> Facts:
    """Ask what LinkedIn shows of a lead now.

    Args:
        api: The account that acts.
        lead: The lead.
        kind: What is about to be done: `invite`, `message`, `inmail`, `view_profile`, `withdraw`.
        ours: Messages that the ledger has sent it.

    Raises:
        ReadFailed: it could not be read, or the account is not OK, so that what is read may be of
            another day; nothing may be sent then. ErrorClass.LEAD_PERMANENT: there is no such
            member.
    """
    must_be_ok(api)
    profile = None
    if kind != "message" or lead.connected_at is None or lead.provider_id is None:
        try:
            profile = _profile(api, lead)
        except WrongProfile:
            return Facts(wrong_profile=True)
    if kind not in _WRITING:
        return Facts(profile)
    person = profile.provider_id if profile else lead.provider_id
    assert person is not None
    facts = _chats(api, lead, person, ours, profile)
    if kind != "inmail":
        return facts
    assert profile is not None
    can = bool(profile.open_profile) or api.inmail_balance().total > 0
    return replace(facts, can_inmail=can)


def must_be_ok(api: LinkedIn) -> None:
    """Refuse to go on while what is read may be of another day.

    Raises:
        ReadFailed: the account's state is not OK, or could not be read.
    """
    status = api.account()
    if not status.is_ok:
        reason = f"UNI: the account is {status.status}"
        signal = Signal(SignalKind.DOWN, "account", "read", reason)
        raise ReadFailed(ErrorClass.ACCOUNT_DOWN, reason, signal=signal)


def _profile(api: LinkedIn, lead: Lead) -> Profile:
    identifier = lead.provider_id or lead.slug
    if identifier is None:
        msg = f"lead {lead.lead_id} has neither a slug nor a provider's id"
        raise ValueError(msg)
    return api.profile(identifier, known_as=lead.provider_id, slug=lead.slug, lead_id=lead.lead_id)


def _chats(
    api: LinkedIn, lead: Lead, person: str, ours: OwnMessages, profile: Profile | None
) -> Facts:
    chats = api.chats_with(person)
    if not chats:
        return Facts(profile)
    # An answer may be in a chat that an InMail began.
    seen = [one for chat in chats for one in _since(api, chat.id, lead.enrolled_at)]
    seen.sort(key=_moment, reverse=True)
    known = (one for one in chats if one.id == lead.chat_id)
    chat = next(known, None) or next((one for one in chats if not one.read_only), chats[0])
    return Facts(
        profile,
        chat_id=chat.id,
        read_only=chat.read_only,
        inbound=tuple(one for one in seen if one.inbound),
        by_hand=tuple(one for one in seen if ours.is_by_hand(one)),
        said=frozenset(comparable(one.text) for one in seen if one.own and one.shown),
    )


def _moment(one: Message) -> datetime:
    return one.at or datetime.max.replace(tzinfo=UTC)


def _since(api: LinkedIn, chat_id: str, since: datetime) -> Iterator[Message]:
    """Yield a chat's messages since a moment, the newest first."""
    cursor, after = None, since - _CLOCKS
    for _ in range(_MOST_PAGES):
        try:
            page = api.messages(chat_id, cursor, after=after)
        except ReadFailed as error:
            if error.kind is not ErrorClass.LEAD_PERMANENT:
                raise
            return  # the chat was deleted meanwhile
        # Not every provider of a list heeds `after`.
        yield from (one for one in page.items if one.at is None or one.at > after)
        cursor = page.cursor
        if cursor is None or not page.items:
            return
