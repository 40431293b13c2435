"""Did it happen? An action whose outcome is not known is looked for where it would show.

Invitations: in the profile, the list of those that are out, and the connections; LinkedIn takes no
second one from the same account, so that one which surely does not show may be sent again.
Messages: in the chat, by their text; nothing keeps LinkedIn from taking the same message twice, so
that one which does not show is left to a person. Nothing is concluded from reads while the account
is not OK: they may be of another day.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.ledger.ports import Absent, Ambiguous, Finding, Found, Unreadable, Unseen
from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.guards import must_be_ok
from syncflow_dagster.nodes.linkedin.own_messages import comparable
from syncflow_dagster.nodes.linkedin.polls_pages import Listing, TimeLeft
from syncflow_dagster.nodes.linkedin.port import ReadFailed, WrongProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import datetime

    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.linkedin.own_messages import OwnMessages
    from syncflow_dagster.nodes.linkedin.port import LinkedIn
    from syncflow_dagster.nodes.linkedin.shapes import (
        Message,
        Page,
        Profile,
        Relation,
        SentInvitation,
    )

_T = TypeVar("_T")
#: An invitation is believed not to be there if it does not show so often, so far apart.
INVITE_LOOKS, INVITE_APART_S = 2, 600.0
#: A message that does not show after so many looks, over so long, is left to a person.
MESSAGE_LOOKS, MESSAGE_OVER_S = 3, 900.0
#: Pages of a list that are read at most.
_MOST_PAGES = 10
#: Seconds for which a list is read at most.
_LONGEST_S = 60.0
#: How far the service's clock may be off ours.
_CLOCKS = timedelta(minutes=2)


class Endless(Exception):
    """A list does not come to an end: its pages repeat, or there are too many."""


class LookupRun:
    """Looks for the actions of one look-up; what it has read once it does not read again.

    Args:
        api: The account.
        own: Gives the messages of a lead that the ledger may have sent.
    """

    def __init__(self, api: LinkedIn, own: Callable[[int], OwnMessages]) -> None:
        self._api = api
        self._own = own
        self._sent: list[SentInvitation] | None = None

    def find(self, effect: Effect) -> Finding:
        """Look for one action.

        Raises:
            ReadFailed: something could not be read; nothing is known then.
        """
        look = _LOOKS.get(effect.kind)
        if look is None:
            # A visit leaves nothing that could be read, and a second one would be one too many.
            return Found("viewed")
        # While the account is down, its reads would be used up for nothing.
        must_be_ok(self._api)
        try:
            return look(self, effect)
        except WrongProfile as error:
            return Ambiguous(str(error))
        except Endless as error:
            return Unreadable(str(error), INVITE_APART_S)

    def invite(self, effect: Effect) -> Finding:
        """Look for an invitation."""
        profile = self._profile(effect)
        if profile is None:
            return Ambiguous("there is no such member any more")
        # `ignored`: it was sent, and declined.
        if profile.connected or profile.invitation in {"sent", "ignored"}:
            return Found(self._id_for_later(profile))
        if (listed := self._listed(profile)) is not None:
            return Found(listed.id)
        if self._is_relation(effect, profile):
            return Found()
        must_be_ok(self._api)
        if effect.unseen + 1 < INVITE_LOOKS:
            where = "neither in the profile, nor among invitations that are out, nor connections"
            return Unseen(f"not there yet: {where}", INVITE_APART_S)
        return Absent()

    def message(self, effect: Effect) -> Finding:
        """Look for a message or an InMail."""
        person = str(effect.payload["provider_id"])
        for chat in self._api.chats_with(person):
            found = self._in_chat(effect, chat.id)
            if found is not None:
                return Found(found.id)
        must_be_ok(self._api)
        if effect.unseen + 1 < MESSAGE_LOOKS:
            apart_s = MESSAGE_OVER_S / (MESSAGE_LOOKS - 1)
            return Unseen("the chat does not show it yet", apart_s)
        minutes = round(MESSAGE_OVER_S / 60)
        return Ambiguous(
            f"the chat has not shown it for {minutes} minutes: look whether it is there"
        )

    def withdrawal(self, effect: Effect) -> Finding:
        """Look whether an invitation is still out."""
        profile = self._profile(effect)
        if profile is None:
            return Found(effect.payload.get("invitation_id"))
        if profile.connected or self._listed(profile) is not None:
            # Accepted before it was taken back, or still out: sending again tells which.
            must_be_ok(self._api)
            return Absent()
        if profile.invitation == "sent":
            text = "the profile shows it, the list of invitations that are out does not"
            return Unreadable(text, INVITE_APART_S)
        must_be_ok(self._api)
        return Found(effect.payload.get("invitation_id"))

    def invitation_of(self, profile: Profile) -> str | None:
        """Return the id of our invitation of a member, if one is out."""
        listed = self._listed(profile)
        return None if listed is None else listed.id

    def _id_for_later(self, profile: Profile) -> str | None:
        """Return the id of an invitation that is out: good to have, but nothing hangs on it."""
        try:
            return self.invitation_of(profile)
        except (ReadFailed, Endless):
            return None

    def _profile(self, effect: Effect) -> Profile | None:
        person = str(effect.payload["provider_id"])
        try:
            return self._api.profile(person, known_as=person, lead_id=effect.lead_id)
        except ReadFailed as error:
            if error.kind is ErrorClass.LEAD_PERMANENT:
                return None
            raise

    def _listed(self, profile: Profile) -> SentInvitation | None:
        if self._sent is None:
            self._sent = _all(self._api.sent, attrgetter("id"))
        by_id = (one for one in self._sent if one.provider_id == profile.provider_id)
        by_slug = (
            one for one in self._sent if one.provider_id is None and _same(one.slug, profile)
        )
        return next(by_id, None) or next(by_slug, None)

    def _is_relation(self, effect: Effect, profile: Profile) -> bool:
        """Look among the connections made since the invitation was sent; the newest come first."""
        since = _since(effect)

        def is_old(one: Relation) -> bool:
            return one.created_at is not None and one.created_at < since

        return any(
            one.provider_id == profile.provider_id
            or (one.provider_id is None and _same(one.slug, profile))
            for one in _all(self._api.relations, attrgetter("provider_id", "slug"), is_old)
        )

    def _in_chat(self, effect: Effect, chat_id: str) -> Message | None:
        text = comparable(str(effect.payload.get("text") or ""))
        ours = self._own(effect.lead_id) if effect.lead_id is not None else None
        bound = {
            one.message_id
            for one in (ours.sent if ours else ())
            if one.message_id is not None and one.effect_id != effect.effect_id
        }
        since = _since(effect)
        read = partial(self._api.messages, chat_id, after=since)
        seen = _all(read, attrgetter("id"))
        same = (one for one in seen if one.own and comparable(one.text) == text)
        # Not every provider of a list heeds `after`.
        recent = (one for one in same if one.at is None or one.at > since)
        return next((one for one in recent if one.id not in bound), None)


def _since(effect: Effect) -> datetime:
    assert effect.sent_at is not None
    return effect.sent_at - _CLOCKS


def _same(slug: str | None, profile: Profile) -> bool:
    asked = slugs.normalise(slug)
    return asked is not None and asked == slugs.normalise(profile.slug)


def _all(
    read: Callable[[str | None], Page[_T]],
    key: Callable[[_T], Hashable],
    is_last: Callable[[_T], bool] | None = None,
) -> list[_T]:
    """Read a list to its end, or to the page with the last item of interest.

    Raises:
        Endless: it has none.
    """
    found: list[_T] = []
    listing = Listing(read, key, _MOST_PAGES, TimeLeft(_LONGEST_S))
    for page in listing.read():
        found += page
        if is_last is not None and any(map(is_last, page)):
            return found
    if listing.stopped is not None:
        msg = f"a list does not end: {listing.stopped}"
        raise Endless(msg)
    return found


_LOOKS: dict[str, Callable[[LookupRun, Effect], Finding]] = {
    "invite": LookupRun.invite,
    "message": LookupRun.message,
    "inmail": LookupRun.message,
    "withdraw": LookupRun.withdrawal,
}
