"""Made-up members of LinkedIn: the same ones each time, who act the same way each time."""

from __future__ import annotations

import random
from collections import Counter
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.later import Later
from syncflow_dagster.sandbox.unipile.behaviour import DAY_S, Behaviour, Shares
from syncflow_dagster.sandbox.unipile.model import Account, InvitationStatus, Person
from syncflow_dagster.sandbox.unipile.people import Cases, Made, PeopleSeed, make_people
from syncflow_dagster.sandbox.unipile.people_life import Life
from syncflow_dagster.sandbox.unipile.people_seed import person_of
from syncflow_dagster.sandbox.unipile.store import UnipileStore
from syncflow_dagster.sandbox.unipile.talk import LANGUAGES, PHRASES, say

NOBODY_BEFORE = Cases(
    connected_before=0, invited_before=0, withdrawn_before=0, invited_us=0, changed_slug=0
)


class World:
    """A store in which made-up people live, on a clock moved by hand."""

    def __init__(self, accounts: int = 2, **seed) -> None:
        self.clock = ManualClock()
        self.later = Later(self.clock)
        self.store = UnipileStore(self.clock)
        self.life = Life(self.store, self.later, self.clock)
        for number in range(accounts):
            owner = self.store.add_person(
                Person(f"ACoAAo{number}", f"owner-{number}", number, "", "")
            )
            account = Account(f"acc{number}", "", "premium", owner, self.store.now())
            self.store.add_account(account)
        self.accounts = list(self.store.accounts.values())
        self.seed = PeopleSeed(strangers=0, stranger_connects_per_day=0, **seed)
        self.life.begin(self.seed)
        self.people = [self.store.people[one] for one in self.life.made]

    def pass_days(self, days: float) -> None:
        self.clock.advance(days * DAY_S)
        self.later.run_due()

    def history(self):
        """What became of everybody, without the ids, which follow the order of requests."""
        return {
            one.provider_id: [
                *((i.account.id, i.status, i.ended_at) for i in self._with(one, "between")),
                *((m.at, m.text) for chat in self._with(one, "chat_with") for m in chat.messages),
            ]
            for one in self.people
        }

    def _with(self, person, what):
        for account in self.accounts:
            found = getattr(self.store, what)(account, person)
            yield from found if isinstance(found, list) else [found] if found else []


def test_more_people_begin_with_the_same_ones():
    few, many = (make_people(PeopleSeed(count=count)) for count in (120, 2_000))

    def told(made):
        return [(one.provider_id, one.sales_id, one.slug, one.listed, one.cases) for one in made]

    assert told(many[:120]) == told(few)
    assert len({one.provider_id for one in many}) == len({one.slug for one in many}) == 2_000
    others = make_people(PeopleSeed(count=120, seed=8))
    assert {one.provider_id for one in others}.isdisjoint({one.provider_id for one in many})
    assert all(len(one.provider_id) == 39 for one in many)


def test_every_special_case_is_among_them_and_is_what_it_says():
    made = make_people(PeopleSeed(count=2_000))
    by_case = {case: [one for one in made if case in one.cases] for case in Cases.model_fields}
    assert all(by_case.values())
    folded = Counter(one.provider_id.casefold() for one in made)
    assert [1 for count in folded.values() if count > 1]
    assert all(one.slug == one.provider_id for one in by_case["no_slug"])
    assert all("/sales/lead/ACwAA" in one.address for one in by_case["sales_navigator"])
    assert all(one.company == one.position == "" for one in by_case["bare"])
    assert any(not one.slug.isascii() for one in by_case["letters"])
    assert any("%" in one.address for one in by_case["letters"])
    names = Counter((one.last_name, one.company) for one in made if one.company)
    assert [1 for count in names.values() if count > 1], "same name at the same company"
    listed = [one for one in made if not one.cases & {"sales_navigator", "no_slug"}]
    assert all(one.slug in unquote(one.address).casefold() for one in listed)


def test_everybody_can_say_everything_in_their_language():
    chance = random.Random(1)
    for language in (*LANGUAGES, "xx"):
        assert all(say(tone, language, chance) for tone in PHRASES["en"])
    texts = [text for tones in PHRASES.values() for told in tones.values() for text in told]
    assert len(set(texts)) == len(texts), "a phrase tells its tone"


@given(st.integers(0, 2**32), st.sampled_from(["ACoAAx", "ACoAAX"]), st.integers(1, 3))
@settings(max_examples=40)
def test_a_decision_depends_on_its_event_alone(seed, provider_id, nth):
    person = Person(provider_id, "x", 1, "X", "Y", language="de")
    behaviour = Behaviour(Shares(), seed)
    first = behaviour.written_to(person, "acc", nth)
    behaviour.invited(person, "acc", nth)
    behaviour.connected(person, "other")
    assert behaviour.written_to(person, "acc", nth) == first
    for acts in (first, behaviour.invited(person, "acc", nth), behaviour.connected(person, "acc")):
        assert all(0 < act.after_s <= 40 * DAY_S for act in acts)


def test_shares_are_kept_and_people_take_hours_to_weeks():
    behaviour = Behaviour(Shares(accept=0.35, decline=0.05, reply=0.3, opt_out=0.05), 7)
    people = [person_of(one) for one in make_people(PeopleSeed(count=2_000))]
    acts = [act for one in people for act in behaviour.invited(one, "acc", 1)]
    deeds = Counter(act.deed for act in acts)
    assert 0.35 < deeds["accept"] / 2_000 < 0.41, "late ones among them"
    assert 0.03 < deeds["decline"] / 2_000 < 0.07
    waits = sorted(act.after_s / DAY_S for act in acts if act.deed == "accept")
    assert waits[0] < 0.2 and 0.6 < waits[len(waits) // 2] < 1.3 and waits[-1] > 21
    told = Counter(act.tone for one in people for act in behaviour.written_to(one, "acc", 1))
    assert 0.03 < told["opt_out"] / 2_000 < 0.07
    assert 0.25 < (told["positive"] + told["negative"]) / 2_000 < 0.35


def test_what_people_do_does_not_depend_on_the_order_of_requests():
    def run(order):
        world = World(count=150, accept=0.6, reply=0.5, opt_out=0.2)
        for number in order:
            person, account = world.people[number], world.accounts[number % 2]
            if not (world.store.relation(account, person) or world.store.between(account, person)):
                world.store.invite(account, person, "Hello")
        world.pass_days(20)
        for number in order:
            person, account = world.people[number], world.accounts[number % 2]
            if world.store.relation(account, person):
                world.store.post_message(account, person, "So?", sender=account.person)
        world.pass_days(20)
        return world

    forth, back = run(range(150)), run(range(149, -1, -1))
    assert forth.history() == back.history()
    assert forth.life.objected.keys() == back.life.objected.keys()
    tones = Counter(forth.life.tones.values())
    assert tones["opt_out"] > 5 and tones["positive"] > 5 and tones["negative"] > 5
    for person in forth.people:
        written = [m for m in forth._with(person, "chat_with") for m in m.messages]
        after = [
            m
            for m in written
            if m.sender is person
            and person.provider_id in forth.life.objected
            and m.at > forth.life.objected[person.provider_id]
        ]
        assert after == [], "who has objected says nothing more"


def test_the_past_is_planted_without_telling_anybody():
    told = []
    clock = ManualClock()
    store = UnipileStore(clock)
    life = Life(store, Later(clock), clock)
    owner = store.add_person(Person("ACoAAo", "owner", 1, "O", "W"))
    account = store.add_account(Account("acc", "", "free", owner, store.now()))
    for event in ("invited", "connected", "message", "withdrawn"):
        store.on(event, told.append)
    cases = Cases(connected_before=0.3, invited_before=0.3, withdrawn_before=0.3, invited_us=0.3)
    life.begin(PeopleSeed(count=60, strangers=150, cases=cases))
    assert told == []
    relations = store.relations["acc"]
    assert len(relations) > 160, "strangers fill the first page"
    assert [one.created_at for one in relations] == sorted(one.created_at for one in relations)
    assert relations[-1].created_at < store.now()
    between = [one for one in store.invitations["acc"] if not one.received]
    assert {one.status for one in between} == {InvitationStatus.PENDING, InvitationStatus.WITHDRAWN}
    assert any(one.received for one in store.pending["acc"].values())
    days_back = [
        (store.now() - one.ended_at).total_seconds() / DAY_S for one in between if one.ended_at
    ]
    assert all(2 <= one <= 17 for one in days_back), "some may not be invited again yet"
    sales = next(one for one in life.made.values() if "sales_navigator" in one.cases)
    assert store.find_person(sales.sales_id) is store.people[sales.provider_id]
    with pytest.raises(ValueError, match="is there already"):
        life.begin(PeopleSeed(count=1))
    assert account.person is owner


def test_withdrawn_invitations_are_accepted_by_nobody_but_some_connect_late():
    world = World(1, count=100, accept=1.0, asks_back=0.5, writes_first=0, cases=NOBODY_BEFORE)
    [account] = world.accounts
    invitations = [world.store.invite(account, one) for one in world.people]
    for one in invitations:
        world.store.withdraw(one)
    assert world.store.relations[account.id] == []
    world.pass_days(40)
    connected = world.store.relations[account.id]
    assert 25 < len(connected) < 75
    assert {one.status for one in invitations} == {InvitationStatus.WITHDRAWN}


def test_who_has_answered_says_no_more_and_who_has_objected_does_nothing_more():
    world = World(count=60, accept=1.0, reply=1.0, opt_out=0.5, writes_first=0, cases=NOBODY_BEFORE)
    first, second = world.accounts
    for person in world.people:
        world.store.connect(first, person)
    for _ in range(3):
        for person in world.people:
            world.store.post_message(first, person, "So?", sender=first.person)
        world.pass_days(20)
    objected = [one for one in world.people if one.provider_id in world.life.objected]
    assert len(objected) > 40
    for person in world.people:
        messages = world.store.chat_with(first, person).messages
        tones = [world.life.tones[one.id] for one in messages if one.sender is person]
        spoken = [tone for tone in tones if tone != "out_of_office"]
        assert spoken in (["positive"], ["negative"], ["opt_out"], [*spoken[:1], "opt_out"])
        world.store.invite(second, person)
    world.pass_days(41)
    connected = {one.person for one in world.store.relations[second.id]}
    assert connected == set(world.people) - set(objected)


def test_nobody_answers_what_was_before_or_what_the_owner_writes_by_hand():
    cases = Cases(withdrawn_before=1.0, connected_before=0.0)
    world = World(1, count=20, writes_unconnected=1.0, cases=cases)
    [account] = world.accounts
    world.pass_days(30)
    assert world.store.messages[account.id] == []
    keen = World(1, count=20, reply=1.0, writes_first=0, owner_writes=0, cases=NOBODY_BEFORE)
    [account] = keen.accounts
    for person in keen.people:
        keen.store.connect(account, person)
        keen.store.post_message(account, person, "Me", sender=account.person, by_hand=True)
    keen.pass_days(30)
    assert len(keen.store.messages[account.id]) == 20


def test_strangers_connect_and_slugs_change_while_time_passes():
    world = World(1, count=200, owner_writes=1.0, cases=Cases(changed_slug=0.1, no_slug=0.0))
    seed = PeopleSeed(count=0, seed=9, strangers=0, stranger_connects_per_day=1.5)
    known = len(world.store.relations["acc0"])
    world.life.begin(seed)
    before = {one.provider_id: one.slug for one in world.people}
    world.pass_days(36)
    changing = [one for one in world.life.made.values() if one.slug_changes_after_s is not None]
    assert changing
    for made in changing:
        person = world.store.people[made.provider_id]
        assert person.slug == made.later_slug != before[made.provider_id]
        assert world.store.find_person(before[made.provider_id]) is person
    strangers = [
        one
        for one in world.store.relations["acc0"][known:]
        if one.person.provider_id not in world.life.made
    ]
    assert 36 <= len(strangers) <= 72
    by_hand = [one for one in world.store.messages["acc0"] if one.by_hand]
    assert len(by_hand) >= known, "owners write to those whom they knew, too"


def test_a_seed_says_what_is_wrong_with_it():
    with pytest.raises(ValidationError, match="accept"):
        PeopleSeed.model_validate({"accept": 1.5})
    with pytest.raises(ValidationError, match="Extra inputs"):
        PeopleSeed.model_validate({"cases": {"left_handed": 0.1}})
    assert Made(0, PeopleSeed()).cases.isdisjoint({"namesake", "case_twin"})
