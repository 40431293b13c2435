"""Made-up people at work: each event is answered by what `behaviour` says, when it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.unipile.behaviour import DAY_S
from syncflow_dagster.sandbox.unipile.model import MessageType
from syncflow_dagster.sandbox.unipile.people_seed import (
    account_before,
    person_of,
    plant,
    stranger,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.later import Later
    from syncflow_dagster.sandbox.unipile.behaviour import Act
    from syncflow_dagster.sandbox.unipile.model import (
        Account,
        Invitation,
        Message,
        Person,
        Relation,
    )
    from syncflow_dagster.sandbox.unipile.people import Made, PeopleSeed
    from syncflow_dagster.sandbox.unipile.store import UnipileStore
    from syncflow_dagster.sandbox.unipile.talk import Tone

# Numbers of the strangers who come while the sandbox runs: behind those who were there.
_LATER_STRANGERS = 10_000
_PER_DAY = 100


class Life:
    """What made-up people do in the store; people of other seeds do nothing by themselves.

    Args:
        store: Where it happens.
        later: The agenda.
        clock: The store's.

    Attributes:
        made: Who was made, by provider id.
        tones: What a written message means, by message id.
        objected: Who has objected to more messages, by provider id, since when.
        begun_at: When the sandbox began, or was reset.
    """

    def __init__(self, store: UnipileStore, later: Later, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._later = later
        self.reset()
        store.on("invited", self._invited)
        store.on("withdrawn", self._withdrawn)
        store.on("connected", self._connected)
        store.on("message", self._message)

    def reset(self) -> None:
        """Forget everybody."""
        self.made: dict[str, Made] = {}
        self.tones: dict[str, Tone] = {}
        self.objected: dict[str, datetime] = {}
        self.begun_at = self._store.now()

    def begin(self, seed: PeopleSeed) -> None:
        """Make a seed's people and let them live.

        Raises:
            ValueError: One of them is in the store already.
        """
        made = plant(seed, self._store, self._clock)
        self.made.update((one.provider_id, one) for one in made)
        accounts = list(self._store.accounts.values())
        for one in made:
            person = self._store.people[one.provider_id]
            if one.slug_changes_after_s is not None:
                self._change_slug(person, one.later_slug, one.slug_changes_after_s)
            if accounts:
                self._go_on(one, person, account_before(one, accounts))
        for place, account in enumerate(accounts):
            self._meet_strangers(seed, place, account, day=0)

    def _change_slug(self, person: Person, slug: str, after_s: float) -> None:
        self._later.after(after_s, lambda: self._store.change_slug(person, slug))

    def _go_on(self, made: Made, person: Person, account: Account) -> None:
        """What comes of what was there before."""
        behaviour = made.config.behaviour
        if self._store.relation(account, person) is not None:
            self._plan(behaviour.connected(person, account.id), account, person)
        for invitation in self._store.between(account, person):
            self._invited(invitation)

    def _meet_strangers(self, seed: PeopleSeed, place: int, account: Account, day: int) -> None:
        """Plan one day's connections with people who are on no list, then the next day's."""
        chance = seed.behaviour.chance(account.id, "meets", day)
        whole, rest = divmod(seed.stranger_connects_per_day, 1)
        for nth in range(int(whole) + (chance.random() < rest)):
            number = _LATER_STRANGERS + day * _PER_DAY + nth
            met = person_of(stranger(seed, place, number))

            def meet(met: Person = met) -> None:
                self._store.connect(account, self._store.add_person(met))

            self._later.after(chance.random() * DAY_S, meet)
        self._later.after(DAY_S, lambda: self._meet_strangers(seed, place, account, day + 1))

    # -- what happens to them --------------------------------------------------------------

    def _invited(self, invitation: Invitation) -> None:
        made = self.made.get(invitation.person.provider_id)
        if made is None or invitation.received or invitation.ended_at is not None:
            return
        account, person = invitation.account, invitation.person
        acts = made.config.behaviour.invited(person, account.id, self._nth(invitation))
        self._plan(acts, account, person, invitation)

    def _withdrawn(self, invitation: Invitation) -> None:
        made = self.made.get(invitation.person.provider_id)
        if made is None:
            return
        account, person = invitation.account, invitation.person
        acts = made.config.behaviour.withdrawn(person, account.id, self._nth(invitation))
        self._plan(acts, account, person)

    def _connected(self, relation: Relation) -> None:
        made = self.made.get(relation.person.provider_id)
        if made is not None:
            account, person = relation.account, relation.person
            self._plan(made.config.behaviour.connected(person, account.id), account, person)

    def _message(self, message: Message) -> None:
        chat = message.chat
        made = self.made.get(chat.person.provider_id)
        if made is None or not message.is_sender or message.type is MessageType.INVITATION:
            return
        # What the owner writes by hand is answered elsewhere, by phone or not at all.
        if message.by_hand:
            return
        sent = [one for one in chat.messages if one.is_sender and not one.by_hand]
        nth = sum(one.type is not MessageType.INVITATION for one in sent)
        acts = made.config.behaviour.written_to(chat.person, chat.account.id, nth)
        self._plan(acts, chat.account, chat.person)

    def _nth(self, invitation: Invitation) -> int:
        between = self._store.between(invitation.account, invitation.person)
        sent = [one for one in between if not one.received]
        return sent.index(invitation) + 1

    # -- what they do ----------------------------------------------------------------------

    def _plan(
        self,
        acts: Iterable[Act],
        account: Account,
        person: Person,
        invitation: Invitation | None = None,
    ) -> None:
        for act in acts:

            def do(act: Act = act) -> None:
                self._do(act, account, person, invitation)

            self._later.after(act.after_s, do)

    def _do(
        self, act: Act, account: Account, person: Person, invitation: Invitation | None
    ) -> None:
        store = self._store
        if person.provider_id in self.objected:
            return
        if act.deed == "accept" and invitation is not None:
            store.accept(invitation)
        elif act.deed == "decline" and invitation is not None:
            store.decline(invitation)
        elif act.deed == "connect":
            store.connect(account, person)
        elif act.deed == "own_words" and store.relation(account, person) is not None:
            sent = store.post_message(
                account, person, act.text, sender=account.person, by_hand=True
            )
            self._meant(sent, act)
        elif act.deed == "write":
            self._write(act, account, person)

    def _write(self, act: Act, account: Account, person: Person) -> None:
        chat = self._store.chat_with(account, person)
        written = [] if chat is None else [one for one in chat.messages if not one.is_sender]
        answered = {self.tones.get(one.id) for one in written} - {None, "out_of_office"}
        # Who has answered in person says no more than that it is to stop.
        if answered and act.tone != "opt_out":
            return
        self._meant(self._store.post_message(account, person, act.text, sender=person), act)
        if act.tone == "opt_out":
            self.objected[person.provider_id] = self._store.now()

    def _meant(self, message: Message, act: Act) -> None:
        if act.tone is not None:
            self.tones[message.id] = act.tone
