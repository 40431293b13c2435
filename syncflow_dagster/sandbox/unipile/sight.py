"""What a reader sees: the present, or the state of an earlier moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.unipile.model import InvitationStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from syncflow_dagster.sandbox.unipile.model import (
        Account,
        Chat,
        Invitation,
        Message,
        Person,
        Relation,
    )
    from syncflow_dagster.sandbox.unipile.store import UnipileStore


class Sight:
    """An account's things as they were `lag_s` seconds ago.

    An account whose session is down is seen as it was when that happened.

    Args:
        store: What there is.
        account: Whose things.
        lag_s: 0: the present.
    """

    def __init__(self, store: UnipileStore, account: Account, lag_s: float = 0.0) -> None:
        self._store = store
        self.account = account
        moment = store.now() - timedelta(seconds=lag_s) if lag_s else None
        down = account.stale_since
        if down is not None:
            moment = down if moment is None else min(down, moment)
        # `None`: the present, however far the moments of what is in it are.
        self.moment = moment

    def sent(self) -> list[Invitation]:
        """The invitations sent and still out, newest first."""
        mine = self.account.id
        if self.moment is None:
            out = list(self._store.pending[mine].values())
        else:
            every = self._store.invitations[mine]
            out = [one for one in every if one.pending_at(self.moment)]
        return [one for one in reversed(out) if not one.received]

    def invitation(self, person: Person) -> tuple[Invitation, InvitationStatus] | None:
        """The newest invitation between the two, and what is known of it."""
        between = self._store.between(self.account, person)
        for one in reversed(between):
            if self.moment is None:
                return one, one.status
            if one.sent_at <= self.moment:
                pending = one.pending_at(self.moment)
                return one, InvitationStatus.PENDING if pending else one.status
        return None

    def relation(self, person: Person) -> Relation | None:
        """The two's relation."""
        found = self._store.relation(self.account, person)
        if found is None or self.moment is None or found.created_at <= self.moment:
            return found
        return None

    def relations(self, start: int, count: int) -> list[Relation]:
        """`count` relations from the `start`-th on, newest first."""
        every = self._store.relations[self.account.id]
        end = len(every)
        if self.moment is not None:
            end = bisect_right(every, self.moment, key=lambda one: one.created_at)
        last = max(0, end - start)
        return every[max(0, last - count) : last][::-1]

    def chats(self) -> list[tuple[datetime, Chat]]:
        """The chats with the moment of their newest message, newest first."""
        chats = self._store.chats_of(self.account)
        if self.moment is None:
            return [(one.messages[-1].at, one) for one in chats]
        seen = [(newest.at, one) for one in chats if (newest := self.newest(one)) is not None]
        return sorted(seen, key=lambda pair: pair[0], reverse=True)

    def newest(self, chat: Chat) -> Message | None:
        """A chat's newest message; `None`: the chat is not seen yet."""
        return next(self.messages(chat.messages), None)

    def messages(
        self,
        messages: list[Message],
        after: datetime | None = None,
        before: datetime | None = None,
        upto: datetime | None = None,
    ) -> Iterator[Message]:
        """Of messages that are oldest first, those in between, newest first.

        Args:
            messages: A chat's, or the account's.
            after: Exclusive.
            before: Exclusive.
            upto: Inclusive.
        """
        low, high = 0, len(messages)
        if after is not None:
            low = bisect_right(messages, after, key=_moment)
        if before is not None:
            high = bisect_left(messages, before, key=_moment)
        for last in (upto, self.moment):
            if last is not None:
                high = min(high, bisect_right(messages, last, key=_moment))
        return (messages[index] for index in range(high - 1, low - 1, -1))


def _moment(message: Message) -> datetime:
    return message.at
