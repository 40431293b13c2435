"""What really happened, for a judge: per person, and per account.

Nothing here is told to clients. Moments are ISO 8601 in UTC. `by` says who did something: `api`
(a client), `owner` (the account's owner, by hand) or `person`; `before` whether it was so before
the sandbox began, or was reset.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile.model import MessageType
from syncflow_dagster.sandbox.unipile.truth_verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from syncflow_dagster.sandbox.unipile.delivery import Courier
    from syncflow_dagster.sandbox.unipile.model import (
        Account,
        Invitation,
        Message,
        Person,
        Relation,
    )
    from syncflow_dagster.sandbox.unipile.people_life import Life
    from syncflow_dagster.sandbox.unipile.store import UnipileStore
    from syncflow_dagster.sandbox.unipile.truth_accounts import AccountBooks

# How many relations the first page holds at most, as the poll of a node asks for it.
_FIRST_PAGE = 100


def moment(at: datetime | None) -> str | None:
    """ISO 8601, or None."""
    return None if at is None else at.isoformat(timespec="milliseconds")


class Truth:
    """Reads the store as no client can.

    Args:
        store: What there is.
        life: What people meant.
        courier: What was told, and when.
        books: What accounts were asked for, and when they were down.
    """

    def __init__(
        self, store: UnipileStore, life: Life, courier: Courier, books: AccountBooks
    ) -> None:
        self._store = store
        self._life = life
        self._courier = courier
        self._books = books

    def people(self) -> dict[str, Any]:
        """By provider id: everybody who was made for the lists, or whom an account dealt with."""
        dealt = self._dealt_with()
        known = [*self._life.made, *(one for one in dealt if one not in self._life.made)]
        return {one: self._person(self._store.people[one], dealt.get(one, [])) for one in known}

    def verdict(self) -> dict[str, Any]:
        """What must not have happened, each case with whom it struck; see `truth_verdict`."""
        return verdict(self.people())

    def _dealt_with(self) -> dict[str, list[Account]]:
        found: dict[str, list[Account]] = {}
        for account in self._store.accounts.values():
            invited = (one.person for one in self._store.invitations[account.id])
            written = (one.chat.person for one in self._store.messages[account.id])
            related = (
                one.person
                for one in self._store.relations[account.id]
                if one.person.provider_id in self._life.made
            )
            people = {
                one.provider_id: one for group in (invited, written, related) for one in group
            }
            for provider_id in people:
                found.setdefault(provider_id, []).append(account)
        return found

    def _person(self, person: Person, accounts: Iterable[Account]) -> dict[str, Any]:
        store = self._store
        invitations: list[Invitation] = []
        relations: list[Relation] = []
        messages: list[Message] = []
        for account in accounts:
            invitations += store.between(account, person)
            relation = store.relation(account, person)
            relations += [] if relation is None else [relation]
            chat = store.chat_with(account, person)
            messages += [] if chat is None else chat.messages
        connections = [self._connection(one) for one in relations]
        told = [self._message(one) for one in sorted(messages, key=lambda one: one.at)]
        replies = [one for one in told if one["by"] == "person" and not one["before"]]
        return {
            "name": person.full_name,
            "slug": person.slug,
            **self._made(person),
            "invitations": [self._invitation(one) for one in invitations],
            "connections": connections,
            "messages": told,
            "accepted_at": min((one["at"] for one in connections), default=None),
            "detectable_at": min(
                (one["detectable_at"] for one in connections if one["detectable_at"]),
                default=None,
            ),
            "first_reply_at": replies[0]["at"] if replies else None,
            "opted_out_at": moment(self._life.objected.get(person.provider_id)),
        }

    def _made(self, person: Person) -> dict[str, Any]:
        made = self._life.made.get(person.provider_id)
        if made is None:
            return {}
        return {"number": made.number, "cases": sorted(made.cases), "listed": made.listed}

    def _invitation(self, one: Invitation) -> dict[str, Any]:
        by = "person" if one.received else "owner" if one.by_hand else "api"
        return {
            "id": one.id,
            "account": one.account.id,
            "by": by,
            "at": moment(one.sent_at),
            "before": one.sent_at < self._life.begun_at,
            "note": one.note is not None,
            "outcome": one.status.value,
            "ended_at": moment(one.ended_at),
        }

    def _connection(self, one: Relation) -> dict[str, Any]:
        """A connection, and from when on what could tell of it.

        `poll_from`: the first page of relations shows it; `poll_until`: newer ones have pushed it
        off that page; `webhook_at`: the first webhook was brought; `note_at`: the same of the
        message that the accepted note becomes.
        """
        account, provider_id = one.account, one.person.provider_id
        brought = self._courier.brought
        webhook = brought.get(("new_relation", account.id, provider_id))
        poll = self._books.up_from(account.id, one.created_at)
        note = self._note_brought(one)
        return {
            "account": account.id,
            "at": moment(one.created_at),
            "before": one.created_at < self._life.begun_at,
            "invitation": None if one.invitation is None else one.invitation.id,
            "poll_from": moment(poll),
            "poll_until": moment(self._pushed_off(one)),
            "webhook_at": moment(webhook),
            "note_at": moment(note),
            "detectable_at": moment(
                min((at for at in (poll, webhook, note) if at is not None), default=None)
            ),
        }

    def _note_brought(self, one: Relation) -> datetime | None:
        chat = self._store.chat_with(one.account, one.person)
        for message in [] if chat is None else chat.messages:
            if message.type is MessageType.INVITATION:
                event = ("message_received", one.account.id, message.id)
                return self._courier.brought.get(event)
        return None

    def _pushed_off(self, one: Relation) -> datetime | None:
        relations = self._store.relations[one.account.id]
        first = bisect_left(relations, one.created_at, key=lambda other: other.created_at)
        pusher = relations.index(one, first) + _FIRST_PAGE
        return relations[pusher].created_at if pusher < len(relations) else None

    def _message(self, one: Message) -> dict[str, Any]:
        by = "person" if not one.is_sender else "owner" if one.by_hand else "api"
        return {
            "id": one.id,
            "account": one.chat.account.id,
            "by": by,
            "at": moment(one.at),
            "before": one.at < self._life.begun_at,
            "type": one.type.value,
            "tone": self._life.tones.get(one.id),
            "text": one.text,
        }
