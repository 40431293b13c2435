"""Putting made-up people into the store, with what was between them and the accounts before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.unipile.behaviour import DAY_S
from syncflow_dagster.sandbox.unipile.model import Person
from syncflow_dagster.sandbox.unipile.people import Made, make_people, make_stranger
from syncflow_dagster.sandbox.unipile.talk import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from syncflow_dagster.sandbox.clock import Clock
    from syncflow_dagster.sandbox.unipile.model import Account
    from syncflow_dagster.sandbox.unipile.people import PeopleSeed
    from syncflow_dagster.sandbox.unipile.store import UnipileStore

# Share of those connected before who have written to the owner some time.
_SPOKEN = 0.3
# A thing of the past: days ago, and what makes it.
_Past = tuple[float, "Callable[[], None]"]


def person_of(made: Made) -> Person:
    """The member as the store holds one."""
    return Person(
        provider_id=made.provider_id,
        slug=made.slug,
        member_number=made.member_number,
        first_name=made.first_name,
        last_name=made.last_name,
        headline=made.headline,
        company=made.company,
        position=made.position,
        location=made.place[0],
        language=made.language,
        open_profile="open_profile" in made.cases,
        reachable="unreachable" not in made.cases,
        blocks="blocks" in made.cases,
        since=made.since,
        past=made.past,
    )


def account_before(made: Made, accounts: list[Account]) -> Account:
    """The account with which somebody had to do before, of those that are there."""
    chance = made.config.behaviour.chance(made.provider_id, "account before")
    return accounts[int(chance.random() * len(accounts))]


def plant(seed: PeopleSeed, store: UnipileStore, clock: Clock) -> list[Made]:
    """Add a seed's people, and what was before; nobody is told of it.

    Args:
        seed: Whom to make.
        store: Where to; its accounts are there already.
        clock: The store's.

    Returns:
        The people of the lists, without the strangers.

    Raises:
        ValueError: One of them is in the store already.
    """
    accounts = list(store.accounts.values())
    past: list[_Past] = []
    made = make_people(seed)
    for one in made:
        if store.find_person(one.provider_id) or store.find_person(one.slug):
            msg = f"people: {one.slug} is there already"
            raise ValueError(msg)
    for one in made:
        person = store.add_person(person_of(one))
        store.add_identifier(one.sales_id, person)
        if accounts:
            past += _before(store, one, person, account_before(one, accounts))
    for place, account in enumerate(accounts):
        past += _strangers(store, seed, place, account)
    now = clock.real()
    with store.untold():
        for days, happen in sorted(past, key=lambda one: -one[0]):
            with clock.held(now - days * DAY_S):
                happen()
    return made


def _before(store: UnipileStore, made: Made, person: Person, account: Account) -> list[_Past]:
    """What was between a person and an account; of several things only one, so that they fit."""
    chance = made.config.behaviour.chance(made.provider_id, "before")
    share, spoken = chance.random(), chance.random() < _SPOKEN
    text = say("positive", person.language, chance)

    def connect() -> None:
        store.connect(account, person)

    def write() -> None:
        store.post_message(account, person, text, sender=person)

    def invite() -> None:
        store.invite(account, person, by_hand=True)

    def withdraw() -> None:
        store.withdraw(store.between(account, person)[0])

    def invite_us() -> None:
        store.invite(account, person, received=True)

    if "connected_before" in made.cases:
        since = 20 + share * 700
        return [(since, connect), *([(since - 10, write)] if spoken else [])]
    if "withdrawn_before" in made.cases:
        since = 23 + share * 14
        return [(since, invite), (since - 21, withdraw)]
    if "invited_before" in made.cases:
        return [(1 + share * 14, invite)]
    if "invited_us" in made.cases:
        return [(1 + share * 20, invite_us)]
    return []


def _strangers(store: UnipileStore, seed: PeopleSeed, place: int, account: Account) -> list[_Past]:
    chance = seed.behaviour.chance(account.id, "strangers")

    def connect(number: int) -> Callable[[], None]:
        person = store.add_person(person_of(stranger(seed, place, number)))

        def happen() -> None:
            store.connect(account, person)

        return happen

    return [(1 + chance.random() * 900, connect(number)) for number in range(seed.strangers)]


def stranger(seed: PeopleSeed, place: int, number: int) -> Made:
    """The n-th stranger of the account at this place in the seed."""
    return make_stranger(seed, place * 100_000 + number)
