"""Leads and their actions as the database itself keeps them together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.nodes.linkedin.leads import LeadStore
from syncflow_dagster.store.clock import DatabaseClock

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)
ACCOUNT = "unipile:default/anna"


class Book:
    """Leads of one sequence with three steps, and effects as the ledger would write them."""

    def __init__(self, database):
        self.database = database
        self.store = LeadStore(database)
        self.run("insert into outreach_account (account) values (%s)", ACCOUNT)
        self.run(
            "insert into outreach_sequence (workflow, node, version, digest, steps, created_at)"
            " values ('w', 'n', 1, 'd', '[]', now())"
        )

    def run(self, statement, *values):
        return self.database.execute(statement, values)

    def lead(self, state="in_flight", step=0, *, resume="pending_invite", person=None, **more):
        if person is None:
            found = self.database.fetch_one(
                "insert into outreach_person (since) values (%s) returning person_id", [NOW]
            )
            person = found["person_id"]
        row = {
            "workflow": "w",
            "node": "n",
            "person_id": person,
            "account": ACCOUNT,
            "sequence_id": 1,
            "n_steps": 3,
            "source_key": f"r{person}{state}",
            "state": state,
            "state_since": NOW,
            "step_since": NOW,
            "enrolled_at": NOW,
            "current_step": step,
            "resume_state": resume if state in ("in_flight", "paused", "needs_review") else None,
            **more,
        }
        return self.database.fetch_one(
            f"insert into outreach_lead ({', '.join(row)}) values"
            f" ({', '.join(f'%({name})s' for name in row)}) returning lead_id",
            row,
        )["lead_id"]

    def act(self, lead, state="SENT", *, kind="invite", step=0, after="invite_sent"):
        self._number = getattr(self, "_number", 0) + 1
        found = self.database.fetch_one(
            "insert into effect (effect_key, workflow, node, account, kind, pass, object_key,"
            " creates, payload, state, lead_id, sent_at) values"
            " (%s, 'w', 'n', %s, %s, 1, %s, true, %s, %s, %s, %s) returning effect_id",
            [
                f"key {self._number}",
                ACCOUNT,
                kind,
                f"object {self._number}",
                Jsonb({"step": step, "after": after}),
                state,
                lead,
                NOW,
            ],
        )
        return found["effect_id"]

    def becomes(self, effect, state, **more):
        sets = "".join(f", {name} = %({name})s" for name in more)
        given = {"state": state, "effect": effect, "at": NOW + timedelta(minutes=1), **more}
        self.database.execute(
            f"update effect set state = %(state)s, state_since = %(at)s{sets}"
            " where effect_id = %(effect)s",
            given,
        )

    def move(self, lead, state, **more):
        with self.database.transaction() as conn:
            found = self.store.lock(conn, lead)
            return self.store.move(conn, found, LeadState(state), NOW, "a test", **more)

    def read(self, lead):
        return self.store.read([lead])[lead]

    def stands(self, lead):
        found = self.read(lead)
        return str(found.state), found.resume_state, found.current_step

    def effect(self, number):
        return self.database.fetch_one("select * from effect where effect_id = %s", [number])[
            "state"
        ]


@pytest.fixture
def book(database):
    return Book(database)


def test_a_confirmed_action_takes_its_lead_on(book):
    lead = book.lead()
    effect = book.act(lead)
    book.becomes(effect, "DONE", remote_id="i1")
    found = book.read(lead)
    assert book.stands(lead) == ("invite_sent", None, 1)
    assert (found.invite_origin, found.invitation_id, found.invited_at) == ("ours", "i1", NOW)
    assert found.next_due_at == NOW + timedelta(minutes=1)

    last = book.lead(step=2, resume="connected")
    book.becomes(book.act(last, kind="message", step=2, after="connected"), "DONE")
    found = book.read(last)
    assert book.stands(last) == ("completed", None, 3)
    assert (found.messages_sent, found.next_due_at) == (1, None)
    assert found.terminal_at is not None

    old = book.lead(step=2, resume="invite_sent", invite_origin="ours")
    book.becomes(book.act(old, kind="withdraw", step=2, after="withdrawn"), "DONE")
    assert book.stands(old) == ("withdrawn", None, 2)
    told = book.database.fetch_all(
        "select old_state, new_state from outreach_event where lead_id = %s order by event_id",
        [old],
    )
    assert [(row["old_state"], row["new_state"]) for row in told] == [
        (None, "in_flight"),
        ("in_flight", "withdrawn"),
    ]


def test_an_action_nobody_knows_of_is_followed_as_well(book):
    lead = book.lead()
    effect = book.act(lead)
    book.becomes(effect, "UNKNOWN", reason="no answer")
    assert book.stands(lead) == ("outcome_unknown", "pending_invite", 0)
    book.becomes(effect, "NEEDS_PERSON")
    assert book.stands(lead) == ("needs_review", "pending_invite", 0)
    book.becomes(effect, "RETRY")
    assert book.stands(lead) == ("in_flight", "pending_invite", 0)
    book.becomes(effect, "CANCELLED", not_before=NOW + timedelta(hours=3))
    assert book.stands(lead) == ("pending_invite", None, 0)
    assert book.read(lead).next_due_at == NOW + timedelta(hours=3)

    dead = book.lead()
    book.becomes(book.act(dead), "DEAD", reason="blocked_recipient")
    assert book.stands(dead)[0] == "failed"
    assert book.read(dead).reason == "blocked_recipient"


def test_what_becomes_known_meanwhile_is_not_undone(book):
    # The invitation is accepted before anybody knows that it was sent.
    lead = book.lead()
    effect = book.act(lead)
    book.becomes(effect, "UNKNOWN")
    book.move(lead, "connected", facts={"connected_at": NOW})
    book.becomes(effect, "DONE")
    assert book.stands(lead) == ("connected", None, 1)
    # The person answers while a message is on its way: it is not sent once more.
    lead = book.lead(step=1, resume="connected")
    effect = book.act(lead, kind="message", step=1, after="connected")
    book.move(lead, "replied")
    book.becomes(effect, "RETRY")
    assert book.effect(effect) == "CANCELLED"
    assert book.stands(lead)[0] == "replied"
    # It did arrive after all: that counts, and the lead stays at its end.
    lead = book.lead(step=1, resume="connected")
    effect = book.act(lead, kind="message", step=1, after="connected")
    book.move(lead, "suppressed")
    book.becomes(effect, "DONE")
    assert book.stands(lead)[0] == "suppressed"
    assert book.read(lead).messages_sent == 1


@pytest.mark.parametrize("held", ["paused", "needs_review"])
def test_a_held_lead_comes_back_behind_what_was_sent(book, held):
    lead = book.lead()
    effect = book.act(lead)
    book.move(lead, held)
    book.becomes(effect, "DONE")
    assert book.stands(lead) == (held, "invite_sent", 1)
    assert book.move(lead, "invite_sent").state == "invite_sent"
    last = book.lead(step=2, resume="connected")
    effect = book.act(last, kind="message", step=2, after="connected")
    book.move(last, held)
    book.becomes(effect, "DONE")
    assert book.stands(last) == ("completed", None, 3)
    # Nobody knows whether it arrived: the review that a person asked for stays.
    lead = book.lead()
    effect = book.act(lead)
    book.move(lead, held)
    book.becomes(effect, "UNKNOWN")
    book.becomes(effect, "RETRY")
    assert book.stands(lead) == (held, "pending_invite", 0)
    assert book.effect(effect) == "CANCELLED"


@pytest.mark.parametrize("state", ["PLANNED", "CLAIMED", "WAITING", "RETRY", "HELD"])
def test_nothing_stays_queued_of_a_lead_that_is_not_in_flight(book, state):
    for end in ("replied", "suppressed", "cancelled", "failed", "paused", "needs_review"):
        lead = book.lead()
        effect = book.act(lead, state)
        book.move(lead, end)
        assert book.effect(effect) == "CANCELLED", end
        assert book.stands(lead)[0] == end
        book.run("delete from effect where effect_id = %s", effect)
    lead = book.lead()
    effect = book.act(lead, "SENT")
    book.move(lead, "replied")
    assert book.effect(effect) == "SENT"


def test_the_database_refuses_what_must_not_be(book):
    def refused(statement, *values, error=psycopg.errors.CheckViolation):
        with pytest.raises(error):
            book.run(statement, *values)

    lead = book.lead("awaiting_approval")
    set_ = "update outreach_lead set {} where lead_id = %s"
    refused(set_.format("state = 'connected'"), lead)
    refused(set_.format("next_due_at = now()"), lead)
    refused(set_.format("current_step = 3"), lead)
    refused(set_.format("resume_state = 'draft'"), lead)
    flying = book.lead()
    refused(set_.format("state = 'completed', resume_state = null, terminal_at = now()"), flying)
    refused(set_.format("state = 'replied', resume_state = null"), flying)
    refused(set_.format("state = 'invite_sent', resume_state = null"), flying)
    refused(set_.format("resume_state = 'replied'"), flying)
    refused("update outreach_sequence set digest = 'x'", error=psycopg.errors.RestrictViolation)
    ended = book.lead("replied", terminal_at=NOW)
    for state in ("connected", "in_flight", "pending_invite"):
        refused(set_.format(f"terminal_at = null, state = '{state}'"), ended)
    book.act(flying, "PLANNED")
    with pytest.raises(psycopg.errors.UniqueViolation):
        book.act(flying, "UNKNOWN", step=1)
    person = book.read(flying).person_id
    with pytest.raises(psycopg.errors.UniqueViolation):
        book.lead("draft", person=person)
    book.lead("cancelled", person=person, terminal_at=NOW)


def test_whatever_moves_a_lead_has_it_looked_at(book):
    lead = book.lead("pending_invite", next_due_at=NOW)
    queue = "select queue from outreach_lead where lead_id = %s"
    book.run("update outreach_lead set queue = 'invite' where lead_id = %s", lead)
    assert book.database.fetch_one(queue, [lead])["queue"] == "invite"
    with book.database.transaction() as conn:
        book.store.keep_facts(
            conn, book.store.lock(conn, lead), {"slug": "jane", "checked_at": NOW}
        )
    assert book.database.fetch_one(queue, [lead])["queue"] == "invite"
    assert (book.read(lead).slug, book.read(lead).checked_at) == ("jane", NOW)
    with book.database.transaction() as conn:
        book.store.wait(conn, book.store.lock(conn, lead), NOW + timedelta(days=1))
    assert book.database.fetch_one(queue, [lead])["queue"] == "look"
    with pytest.raises(ValueError, match="terminal_at is no fact"):
        book.move(lead, "paused", facts={"terminal_at": NOW})
    clock = DatabaseClock(book.database)
    with book.database.transaction() as conn:
        found = book.store.lock(conn, lead)
        book.store.note(conn, found, "looked_at", clock.now(), {"by": "a test"})
    told = book.database.fetch_one("select * from outreach_event where event = 'looked_at'")
    assert (told["lead_id"], told["evidence"]) == (lead, {"by": "a test"})
