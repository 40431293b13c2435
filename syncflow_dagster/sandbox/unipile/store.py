"""The fake Unipile's memory: every change of it happens here, and is told to who listens."""

from __future__ import annotations

import base64
import hashlib
import itertools
from bisect import insort
from collections import OrderedDict, defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from syncflow_dagster.sandbox.unipile.events import Listeners
from syncflow_dagster.sandbox.unipile.model import (
    Account,
    AccountStatus,
    Chat,
    Invitation,
    InvitationStatus,
    Message,
    MessageType,
    Person,
    Relation,
    StatusChange,
    View,
    Webhook,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.unipile.events import Event

_FIRST_INVITATION = 7_449_262_477_600_571_392


class UnipileStore:
    """People, accounts and what is between them, found without searching.

    The methods do what they are told; the provider's rules are where the API answers. `clock`
    gives each change its moment.

    Attributes:
        people: By provider id.
        accounts: By id.
        relations: By account id, oldest first.
        invitations: By account id, all ever, oldest first.
        pending: By account id, those that are out, by invitation id, oldest first.
        chats: By id.
        chat_of_attendee: By the id of the chat's other end.
        messages: By account id, oldest first.
        message_by_id: By id.
        webhooks: By id.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners = Listeners()
        self.clear()

    def clear(self) -> None:
        """Forget everything but who listens."""
        self.people: dict[str, Person] = {}
        self.accounts: dict[str, Account] = {}
        self.relations: dict[str, list[Relation]] = defaultdict(list)
        self.invitations: dict[str, list[Invitation]] = defaultdict(list)
        self.pending: dict[str, dict[str, Invitation]] = defaultdict(dict)
        self.chats: dict[str, Chat] = {}
        self.chat_of_attendee: dict[str, Chat] = {}
        self.messages: dict[str, list[Message]] = defaultdict(list)
        self.message_by_id: dict[str, Message] = {}
        self.webhooks: dict[str, Webhook] = {}
        self._slugs: dict[str, Person] = {}
        self._aliases: dict[str, Person] = {}
        self._related: dict[tuple[str, str], Relation] = {}
        self._between: dict[tuple[str, str], list[Invitation]] = defaultdict(list)
        self._chat_with: dict[tuple[str, str], Chat] = {}
        self._by_activity: dict[str, OrderedDict[str, Chat]] = defaultdict(OrderedDict)
        self._numbers = itertools.count(1)

    def on(self, event: Event, callback: Callable[[Any], None]) -> None:
        """Call `callback` after each such change, in the order of registering."""
        self._listeners.on(event, callback)

    @contextmanager
    def untold(self) -> Iterator[None]:
        """Within it nobody is told of changes: of what was there before the sandbox began."""
        listeners, self._listeners = self._listeners, Listeners()
        try:
            yield
        finally:
            self._listeners = listeners

    def now(self) -> datetime:
        """The present moment, in whole milliseconds."""
        wall = self._clock.wall()
        return wall.replace(microsecond=wall.microsecond // 1000 * 1000)

    def new_id(self, kind: str) -> str:
        """An id of 22 characters, the same one in each run."""
        seed = f"{kind}:{next(self._numbers)}".encode()
        return base64.urlsafe_b64encode(hashlib.sha256(seed).digest())[:22].decode()

    # -- people and accounts ---------------------------------------------------------------

    def add_person(self, person: Person) -> Person:
        """Add a member.

        Raises:
            ValueError: The provider id or the slug is taken.
        """
        slug = person.slug.casefold()
        if person.provider_id in self.people or slug in self._slugs:
            msg = f"person {person.provider_id} ({person.slug}): the id or the slug is taken"
            raise ValueError(msg)
        self.people[person.provider_id] = person
        self._slugs[slug] = person
        return person

    def add_account(self, account: Account) -> Account:
        """Connect an account.

        Raises:
            ValueError: Its id is taken.
        """
        if account.id in self.accounts:
            msg = f"account {account.id!r}: there is one already"
            raise ValueError(msg)
        self.accounts[account.id] = account
        return account

    def find_person(self, identifier: str) -> Person | None:
        """Who has this provider id or slug; a slug of earlier days leads to its person too."""
        known = self.people.get(identifier) or self._aliases.get(identifier)
        return known or self._slugs.get(identifier.casefold())

    def add_identifier(self, identifier: str, person: Person) -> None:
        """Let one more id lead to a member, such as the one that Sales Navigator has."""
        self._aliases[identifier] = person

    def change_slug(self, person: Person, slug: str) -> None:
        """Let a member take another slug; the earlier one goes on leading to the profile.

        Raises:
            ValueError: Somebody else has it.
        """
        if self._slugs.setdefault(slug.casefold(), person) is not person:
            msg = f"slug {slug!r} is taken"
            raise ValueError(msg)
        person.slug = slug

    def set_status(
        self, account: Account, status: AccountStatus, *, restricted: bool = False
    ) -> None:
        """Let an account's session go down, or come back."""
        before, account.status, account.restricted = account.status, status, restricted
        if status == before:
            return
        now = self.now()
        healthy = status is AccountStatus.OK
        account.stale_since = None if healthy else account.stale_since or now
        message = "RECONNECTED" if healthy else status.value
        self._listeners.tell("status", StatusChange(account, message, now))

    # -- invitations -----------------------------------------------------------------------

    def invite(
        self,
        account: Account,
        person: Person,
        note: str | None = None,
        *,
        by_hand: bool = False,
        received: bool = False,
    ) -> Invitation:
        """Put an invitation between the two; `received`: the person invites the account."""
        number = str(_FIRST_INVITATION + next(self._numbers) * 8_192)
        made = Invitation(number, account, person, note, self.now(), received, by_hand)
        insort(self.invitations[account.id], made, key=lambda one: one.sent_at)
        self.pending[account.id][made.id] = made
        self._between[account.id, person.provider_id].append(made)
        self._listeners.tell("invited", made)
        return made

    def accept(self, invitation: Invitation) -> Relation | None:
        """Connect the two; a note becomes their chat's message. `None`: it is not pending."""
        if not self._end(invitation, InvitationStatus.ACCEPTED):
            return None
        relation = self._relate(invitation.account, invitation.person, invitation)
        if invitation.note:
            account, person = invitation.account, invitation.person
            sender = person if invitation.received else account.person
            kind = MessageType.INVITATION
            self._post(self._draft(account, person, invitation.note, sender, kind))
        return relation

    def decline(self, invitation: Invitation) -> bool:
        """Let the person ignore it for good; `False`: it is not pending."""
        return self._end(invitation, InvitationStatus.IGNORED, "declined")

    def withdraw(self, invitation: Invitation) -> bool:
        """Take it back; `False`: it is not pending."""
        return self._end(invitation, InvitationStatus.WITHDRAWN, "withdrawn")

    def expire(self, invitation: Invitation) -> bool:
        """Let LinkedIn drop it, as after half a year; `False`: it is not pending."""
        return self._end(invitation, InvitationStatus.EXPIRED, "expired")

    def _end(
        self, invitation: Invitation, status: InvitationStatus, event: Event | None = None
    ) -> bool:
        if invitation.status is not InvitationStatus.PENDING:
            return False
        invitation.status, invitation.ended_at = status, self.now()
        del self.pending[invitation.account.id][invitation.id]
        if event is not None:
            self._listeners.tell(event, invitation)
        return True

    def between(self, account: Account, person: Person) -> list[Invitation]:
        """All invitations between the two, oldest first."""
        return self._between.get((account.id, person.provider_id), [])

    # -- relations -------------------------------------------------------------------------

    def connect(self, account: Account, person: Person) -> Relation:
        """Connect the two by other ways than an invitation of the account that is out."""
        out = [one for one in self.between(account, person) if one.id in self.pending[account.id]]
        for one in out:
            self._end(one, InvitationStatus.ACCEPTED)
        return self._relate(account, person, out[-1] if out else None)

    def _relate(self, account: Account, person: Person, by: Invitation | None) -> Relation:
        known = self.relation(account, person)
        if known is not None:
            return known
        made = Relation(account, person, self.now(), by)
        self._related[account.id, person.provider_id] = made
        insort(self.relations[account.id], made, key=lambda one: one.created_at)
        self._listeners.tell("connected", made)
        return made

    def relation(self, account: Account, person: Person) -> Relation | None:
        """The two's relation, if they are connected."""
        return self._related.get((account.id, person.provider_id))

    # -- chats -----------------------------------------------------------------------------

    def post_message(
        self,
        account: Account,
        person: Person,
        text: str,
        *,
        sender: Person,
        inmail: bool = False,
        subject: str | None = None,
        by_hand: bool = False,
        hidden: bool = False,
        is_event: bool = False,
    ) -> Message:
        """Put a message into the two's chat, which is made if there is none.

        Args:
            account: Whose chat it is.
            person: The chat's other end.
            text: The text.
            sender: `account.person` or `person`.
            inmail: Whether it is an InMail.
            subject: The InMail's subject.
            by_hand: Whether the owner wrote it outside of the API.
            hidden: Whether no page shows it.
            is_event: Whether it tells of an event only.
        """
        made = self._draft(
            account, person, text, sender, MessageType.INMAIL if inmail else MessageType.MESSAGE
        )
        made.subject, made.by_hand = subject, by_hand
        made.hidden, made.is_event = hidden, is_event
        return self._post(made)

    def _draft(
        self, account: Account, person: Person, text: str, sender: Person, kind: MessageType
    ) -> Message:
        chat = self.chat_with(account, person) or self._open_chat(account, person)
        return Message(
            id=self.new_id("message"),
            provider_id=f"2-{self.new_id('provider message')}",
            chat=chat,
            sender=sender,
            text=text,
            at=self.now(),
            type=kind,
        )

    def _post(self, made: Message) -> Message:
        chat = made.chat
        if not chat.messages:
            chat.inmail, chat.subject = made.type is MessageType.INMAIL, made.subject
        # The order of time, whatever the clock did.
        insort(chat.messages, made, key=_moment)
        insort(self.messages[chat.account.id], made, key=_moment)
        self.message_by_id[made.id] = made
        if chat.messages[-1] is made:
            self._by_activity[chat.account.id].move_to_end(chat.id)
        self._listeners.tell("message", made)
        return made

    def _open_chat(self, account: Account, person: Person) -> Chat:
        made = Chat(
            id=self.new_id("chat"),
            provider_id=f"2-{self.new_id('provider chat')}",
            attendee_id=self.new_id("attendee"),
            account=account,
            person=person,
            created_at=self.now(),
        )
        self.chats[made.id] = made
        self.chat_of_attendee[made.attendee_id] = made
        self._chat_with[account.id, person.provider_id] = made
        self._by_activity[account.id][made.id] = made
        return made

    def chat_with(self, account: Account, person: Person) -> Chat | None:
        """The two's chat, if there is one."""
        return self._chat_with.get((account.id, person.provider_id))

    def chats_of(self, account: Account) -> list[Chat]:
        """The account's chats; the one with the newest message first."""
        return list(reversed(self._by_activity[account.id].values()))

    # -- the rest --------------------------------------------------------------------------

    def view_profile(self, account: Account, person: Person) -> View:
        """Visit a profile so that the person is told."""
        made = View(account, person, self.now())
        self._listeners.tell("viewed", made)
        return made

    def add_webhook(self, webhook: Webhook) -> None:
        """Register an address."""
        self.webhooks[webhook.id] = webhook
        self._listeners.tell("webhook", webhook)


def _moment(message: Message) -> datetime:
    return message.at
