"""What a reader sees of the past is what was there: whatever has happened since."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow_dagster.sandbox.clock import ManualClock
from syncflow_dagster.sandbox.unipile.model import Account, AccountStatus, Person
from syncflow_dagster.sandbox.unipile.sight import Sight
from syncflow_dagster.sandbox.unipile.store import UnipileStore

DEEDS = st.sampled_from(
    ["invite", "receive", "accept", "decline", "withdraw", "expire", "connect", "write", "answer"]
)
PEOPLE = 3


def a_store():
    clock = ManualClock()
    store = UnipileStore(clock)
    owner, *people = (
        store.add_person(Person(f"ACoAA{n}", f"slug-{n}", n, f"First{n}", "Last"))
        for n in range(PEOPLE + 1)
    )
    account = store.add_account(Account("acc", "Owner", "premium", owner, store.now()))
    return clock, store, account, people


def do(store, account, person, deed):
    if deed in ("invite", "receive"):
        store.invite(account, person, "Hi", received=deed == "receive")
    elif deed == "connect":
        store.connect(account, person)
    elif deed in ("write", "answer"):
        sender = account.person if deed == "write" else person
        store.post_message(account, person, "Text", sender=sender)
    else:
        for one in store.between(account, person):
            getattr(store, deed)(one)


def seen(sight, store, people):
    return {
        "sent": [one.id for one in sight.sent()],
        "relations": [one.person.slug for one in sight.relations(0, 99)],
        "pages": [one.person.slug for n in range(PEOPLE) for one in sight.relations(n, 1)],
        "known": [sight.relation(one) is not None for one in people],
        "invited": [known and (known[0].id, known[1]) for known in map(sight.invitation, people)],
        "chats": [(at, chat.id) for at, chat in sight.chats()],
        "messages": [one.id for one in sight.messages(store.messages["acc"])],
    }


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(DEEDS, st.integers(0, PEOPLE - 1)), max_size=25),
    st.integers(0, 25),
    st.sampled_from(["lag", "down"]),
)
def test_the_past_looks_as_it_did(deeds, known, how):
    clock, store, account, people = a_store()
    for deed, place in deeds[:known]:
        clock.advance(1)
        do(store, account, people[place], deed)
    before = seen(Sight(store, account), store, people)
    if how == "down":
        store.set_status(account, AccountStatus.CREDENTIALS)
    began = clock.real()
    for deed, place in deeds[known:]:
        clock.advance(1)
        do(store, account, people[place], deed)
    lag_s = clock.real() - began if how == "lag" else 0.0
    assert seen(Sight(store, account, lag_s), store, people) == before
    if how == "down":
        store.set_status(account, AccountStatus.OK)
        assert Sight(store, account).moment is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DEEDS, st.integers(0, PEOPLE - 1)), max_size=25))
def test_indexes_agree_with_what_was_told(deeds):
    clock, store, account, people = a_store()
    out, connected, written = set(), [], []
    store.on("invited", lambda one: out.add(one.id))
    for event in ("declined", "withdrawn", "expired"):
        store.on(event, lambda one: out.discard(one.id))
    store.on("connected", lambda one: connected.append(one.person.slug))
    store.on("message", lambda one: written.append(one.id))
    for deed, place in deeds:
        clock.advance(1)
        do(store, account, people[place], deed)
        # An accepted invitation is told as a relation, or was one already.
        out -= {
            i.id for one in people for i in store.between(account, one) if i.status == "ACCEPTED"
        }
        assert set(store.pending["acc"]) == out
        assert [one.person.slug for one in store.relations["acc"]] == connected
        assert len(set(connected)) == len(connected)
        assert [one.id for one in store.messages["acc"]] == written == list(store.message_by_id)
