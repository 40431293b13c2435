"""Connections, answers, opt-outs and an owner's own words, wherever the lead stands."""

from __future__ import annotations

from datetime import timedelta

import pytest
from inbox_cases import ANNA, BEN, NOW, Leads, make_run, message, relation

from syncflow_dagster.core.consent.identifiers import PrivacyKey
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.nodes.linkedin.inbox import Inbox
from syncflow_dagster.nodes.linkedin.process import process_inbox


class Told:
    """A node that is told events."""

    def __init__(self, database, tmp_path, **how):
        self.run = make_run(database, tmp_path, **how)
        self.leads = Leads(database)
        self._inbox = Inbox(database, "default")

    def __call__(self, *bodies):
        """Tell events; return what became of them."""
        for body in bodies:
            assert self._inbox.keep(body, self.run.clock.now())
        report = process_inbox(self.run)
        assert report.failed == 0, report
        return dict(report.outcomes)


@pytest.fixture
def told(database, tmp_path):
    return Told(database, tmp_path)


def test_a_connection_is_taken_over_wherever_the_lead_stands(told):
    leads = told.leads
    expected = {
        "draft": "draft",
        "awaiting_approval": "awaiting_approval",
        "pending_invite": "connected",
        "invite_sent": "connected",
        "cooldown": "connected",
        "declined_or_expired": "connected",
        "withdrawn": "connected",
        "replied": "replied",
        "completed": "completed",
        "cancelled": "cancelled",
        "failed": "failed",
    }
    ids = {state: leads.add(state) for state in expected}
    held = {
        state: leads.add(state, resume_state="invite_sent", invite_origin="ours")
        for state in ("paused", "needs_review", "in_flight")
    }
    told(*(relation(leads.get(one)["provider_id"]) for one in [*ids.values(), *held.values()]))
    for state, lead_id in ids.items():
        assert leads.state(lead_id) == expected[state], state
        assert leads.get(lead_id)["connected_at"] == NOW, state
    # A held lead comes back as connected; one with nothing sent goes on as connected at once.
    assert leads.get(held["paused"])["resume_state"] == "connected"
    assert leads.get(held["needs_review"])["resume_state"] == "connected"
    assert leads.state(held["in_flight"]) == "connected"
    assert set(LeadState) - {*expected, *held} == {"connected", "outcome_unknown", "suppressed"}
    # Told again, by another account's hook, nothing happens.
    assert told(relation("ACoAAAp4", account="acc_anna", slug="x") | {"event": "new_relation2"})
    assert leads.events(ids["invite_sent"]) == ["invite_sent", "connected", "connected"]


def test_what_is_queued_for_the_unconnected_falls_away_and_what_is_sent_is_settled(told):
    leads = told.leads
    queued = leads.add("in_flight", resume_state="invite_sent", invite_origin="ours")
    withdrawal = leads.effect(queued, "withdraw", "PLANNED")
    sent = leads.add("outcome_unknown", resume_state="pending_invite")
    invite = leads.effect(sent, "invite", "UNKNOWN", step=0, sent_at=NOW)
    told(relation("ACoAAAp1"), relation("ACoAAAp2"))
    assert leads.effect_state(withdrawal) == "CANCELLED"
    assert leads.state(queued) == "connected"
    assert leads.effect_state(invite) == "UNKNOWN"
    assert (leads.state(sent), leads.get(sent)["resume_state"]) == ("outcome_unknown", "connected")
    told.run.database.execute(
        "update effect set state = 'DONE', state_since = %s where effect_id = %s", (NOW, invite)
    )
    assert (leads.state(sent), leads.get(sent)["current_step"]) == ("connected", 1)


def test_who_is_meant_is_told_by_ids_and_addresses_and_never_by_names(told):
    leads = told.leads
    by_slug = leads.add(slug="zoë-müller", provider_id=None)
    by_id_in_address = leads.add(slug="old-slug", provider_id="ACoAAAxyz")
    contradicted = leads.add(slug="taken", provider_id="ACoAAAold")
    outcomes = told(
        relation(None, slug="Zo%C3%AB-M%C3%9CLLER"),
        relation(None, slug="https://www.linkedin.com/in/ACoAAAxyz"),
        relation("ACoAAAnew", slug="taken"),
        relation("ACoAAAnone", slug="jane-doe"),
        relation("acoaaaxyz"),
    )
    assert outcomes == {"connected": 2, "ambiguous": 1, "nobody of ours": 2}
    assert leads.state(by_slug) == leads.state(by_id_in_address) == "connected"
    assert leads.state(contradicted) == "invite_sent"
    assert "ambiguous" in leads.events(contradicted)
    # What was seen is kept: the slug has changed.
    told(relation("ACoAAAxyz", slug="new-slug"))
    assert leads.get(by_id_in_address)["slug"] == "new-slug"
    rows = told.run.database.fetch_all(
        "select key from outreach_person_key where person_id = %s",
        (leads.get(by_id_in_address)["person_id"],),
    )
    assert {row["key"] for row in rows} == {"slug:new-slug"}


def test_a_connection_told_on_a_sibling_has_the_leads_own_account_asked(told):
    leads, database = told.leads, told.run.database
    later = NOW + timedelta(hours=3)
    database.execute("update outreach_account set relations_at = %s", (later,))
    lead_id = leads.add()
    two = leads.add(account=ANNA, slug="same", provider_id="ACoAAAone")
    leads.add(account=BEN, slug="same", provider_id="ACoAAAtwo")
    assert told(relation("ACoAAAp1", account="acc_ben")) == {"told elsewhere": 1}
    assert leads.state(lead_id) == "invite_sent"
    rows = database.fetch_all("select account, relations_at from outreach_account order by 1")
    assert [row["relations_at"] for row in rows] == [NOW, later]
    # Leads of several people: nobody is moved, and it is told.
    assert told(relation(None, account="acc_else", slug="same")) == {"ambiguous": 1}
    assert leads.state(two) == "invite_sent"
    assert leads.events(two) == ["invite_sent", "ambiguous"]


def test_a_late_acceptance_goes_on_only_while_its_campaign_does(told):
    leads, database = told.leads, told.run.database
    over = leads.add("withdrawn", workflow="closed")
    person = leads.get(leads.add("declined_or_expired"))["person_id"]
    elsewhere = leads.add("pending_invite", account=BEN, person=person)
    stopped = leads.add("declined_or_expired", account=BEN)
    database.execute(
        "insert into outreach_stop (scope, actor, reason, at) values (%s, 'a', 'b', %s)", (BEN, NOW)
    )
    assert told(
        relation("ACoAAAp1"), relation("ACoAAAp2"), relation("ACoAAAp4", account="acc_ben")
    ) == {"connected too late": 3}
    assert leads.state(over) == "withdrawn"
    assert leads.get(over)["connected_at"] == NOW
    assert leads.state(elsewhere) == "pending_invite"
    assert leads.state(stopped) == "declined_or_expired"


def test_an_answer_stops_what_is_queued_and_a_connections_tells_that_it_is_one(told):
    leads = told.leads
    waiting = leads.add("invite_sent")
    queued = leads.add("in_flight")
    effect = leads.effect(queued, "message", "PLANNED", text="Hello")
    late = leads.add("withdrawn")
    done = leads.add("completed")
    inmailed = leads.add("invite_sent", messages_sent=1)
    near, far = message("ACoAAAp1", "Sounds good!", 1), message("ACoAAAp6", "Yes?", 6)
    near["sender"] |= {"attendee_specifics": {"network_distance": "DISTANCE_1"}}
    far["sender"] |= {"attendee_specifics": {"network_distance": "DISTANCE_2"}}
    stranger = leads.add("invite_sent")
    # Who answers the invitation without accepting it is not connected.
    untold = leads.add("invite_sent")
    outcomes = told(
        near,
        *(message(f"ACoAAAp{one}", "Sounds good!", one) for one in (2, 3, 4, 5, 7)),
        far,
        message("ACoAAAp1", "One more thing", 9),
        message("ACoAAAp1", "typing", 8, is_event=1),
    )
    assert outcomes == {"replied": 7, "known": 1, "not needed": 1}
    for lead_id in (waiting, queued, late, inmailed, stranger, untold):
        assert leads.state(lead_id) == "replied"
        assert leads.get(lead_id)["replied_at"] == NOW
    assert leads.effect_state(effect) == "CANCELLED"
    assert leads.get(waiting)["connected_via"] == "reply"
    assert leads.get(inmailed)["connected_at"] is None
    assert leads.get(stranger)["connected_at"] is leads.get(untold)["connected_at"] is None
    assert (leads.state(done), leads.get(done)["replied_at"]) == ("completed", NOW)
    assert leads.events(waiting) == ["invite_sent", "replied", "replied"]


def test_an_answer_on_whatever_account_stops_the_person_and_an_older_one_nobody(told):
    leads = told.leads
    person = leads.get(leads.add("completed", account=BEN))["person_id"]
    live = leads.add("connected", account=ANNA, person=person, provider_id="ACoAAAp1")
    fresh = leads.add("connected")
    old = NOW - timedelta(days=30)
    # On an account that none of the person's leads has, it is the person who says it.
    other = leads.get(leads.add("completed", account=BEN))["person_id"]
    two = leads.add("connected", account=ANNA, person=other, provider_id="ACoAAAp4")
    outcomes = told(
        message("ACoAAAp1", "Who was that?", 1, account="acc_ben"),
        message("ACoAAAp3", "From before", 2, at=old),
        message("ACoAAAp4", "Stop, please", 3, account="acc_cleo"),
    )
    assert outcomes == {"replied": 1, "older than the lead": 1, "opted out": 1}
    assert leads.state(live) == "replied"
    assert leads.state(fresh) == "connected"
    assert leads.state(two) == "suppressed"


def test_no_time_of_a_message_keeps_it_from_being_taken_in(told):
    leads = told.leads
    times = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-01-01T00:00:00Z", 5)
    bodies = []
    for number, at in enumerate(times, 1):
        leads.add("connected")
        body = message(f"ACoAAAp{number}", "Sounds good", number)
        bodies.append(body | {"timestamp": at})
    assert told(*bodies) == {"replied": 4}
    assert {leads.get(one)["replied_at"] for one in range(1, 5)} == {NOW}


def test_an_opt_out_closes_every_campaign_to_the_person_however_old_it_is(database, tmp_path):
    told = Told(database, tmp_path, key=PrivacyKey("k" * 32))
    leads = told.leads
    person = leads.get(leads.add("completed", account=BEN))["person_id"]
    live = leads.add("in_flight", person=person, provider_id="ACoAAAp1")
    effect = leads.effect(live, "message", "RETRY", text="Hello")
    old = NOW - timedelta(days=30)
    told(message("ACoAAAp1", "Bitte keine weiteren Nachrichten.", 1, at=old))
    states = [leads.state(one) for one in (live - 1, live)]
    assert states == ["suppressed", "suppressed"]
    assert leads.effect_state(effect) == "CANCELLED"
    assert leads.get(live)["opted_out_at"] == old
    listed = database.fetch_all("select list, kind, action, reason from suppression")
    assert {row["list"] for row in listed} == {"do_not_contact"}
    assert {row["kind"] for row in listed} == {"linkedin"}
    assert told(message("ACoAAAp1", "stop", 2)) == {"known": 1}
    assert database.fetch_all("select list, kind, action, reason from suppression") == listed


def test_our_own_messages_come_back_as_such_and_an_owners_hold_the_lead(told):
    leads = told.leads
    accepted = leads.add("invite_sent")
    done = leads.add("connected")
    leads.effect(done, "message", "DONE", text="Hello\r\n  there", sent_at=NOW, remote_id="m2")
    open_ = leads.add("outcome_unknown")
    asked = leads.effect(
        open_, "message", "UNKNOWN", text="Hello", sent_at=NOW, not_before=NOW + timedelta(hours=1)
    )
    lost = leads.add("needs_review")
    question = leads.effect(lost, "message", "NEEDS_PERSON", text="Hello", sent_at=NOW)
    by_hand = leads.add("in_flight")
    queued = leads.effect(by_hand, "message", "PLANNED", text="Hello")
    unapproved = leads.add("awaiting_approval")
    nameless = leads.effect(leads.add("connected"), text="Hello", sent_at=NOW)
    outcomes = told(
        message("ACoAAAp7", "Hello", 77, own=True),
        message("ACoAAAp1", "our note", 1, own=True, message_type="INVITATION"),
        message("ACoAAAp2", "Hello there", 2, own=True),
        message("ACoAAAp3", "Hello", 3, own=True),
        message("ACoAAAp4", "Hello", 4, own=True),
        message("ACoAAAp5", "By the way", 5, own=True),
        message("ACoAAAp6", "By the way", 6, own=True),
        message("ACoAAAp2", "long ago", 7, own=True, at=NOW - timedelta(days=90)),
    )
    assert outcomes == {"connected": 1, "echo": 4, "owner wrote": 2, "older than the lead": 1}
    assert leads.get(accepted)["connected_via"] == "note_chat"
    assert leads.state(accepted) == leads.state(done) == "connected"
    # What was sent has its message already: the owner says the same once more.
    assert told(message("ACoAAAp2", "Hello there", 8, own=True)) == {"owner wrote": 1}
    row = told.run.database.fetch_one("select * from effect where effect_id = %s", (asked,))
    assert (row["state"], row["not_before"]) == ("UNKNOWN", NOW)
    # It was sent without an id being told: here it is.
    row = told.run.database.fetch_one("select * from effect where effect_id = %s", (nameless,))
    assert row["remote_id"] == "m77"
    # What was left to a person is answered by the message itself.
    assert leads.effect_state(question) == "DONE"
    assert (leads.state(lost), leads.get(lost)["current_step"]) == ("connected", 2)
    assert (leads.state(by_hand), leads.get(by_hand)["resume_state"]) == ("paused", "connected")
    assert leads.effect_state(queued) == "CANCELLED"
    assert (leads.state(unapproved), leads.get(unapproved)["resume_state"]) == (
        "needs_review",
        "draft",
    )


def test_an_owner_may_be_ignored_and_a_colleague_is(database, tmp_path):
    told = Told(database, tmp_path, owner="ignore")
    lead_id = told.leads.add("connected")
    outcomes = told(
        message("ACoAAAp1", "By the way", 1, own=True),
        message("ACoAAAp1", "Hi, I am Ben", 2, own=True, account="acc_ben"),
    )
    assert outcomes == {"not needed": 2}
    assert told.leads.state(lead_id) == "connected"
