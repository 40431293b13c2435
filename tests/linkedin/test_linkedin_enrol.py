"""From a source's records to leads: one person in one campaign at a time, and why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from turn_world import ANN, KEY, World, account, person, workflow

from syncflow_dagster.core.consent.identifiers import Kind
from syncflow_dagster.nodes.compliance.lists import Entry, Identifier, Lists
from syncflow_dagster.nodes.linkedin import enrol as enrolling
from syncflow_dagster.nodes.linkedin.api import ReadFailed
from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.interventions import Interventions
from syncflow_dagster.nodes.linkedin.shapes import Owner
from syncflow_dagster.testing.clock import FakeClock

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    return FakeClock(NOW)


def world_of(database, clock, **changes):
    accounts = [account("anna"), account("ben"), account("cleo")]
    changes = {"accounts": accounts, "blocked_countries": ["DE"], **changes}
    return World(database, workflow("http://127.0.0.1:9", "t", **changes), clock)


def test_records_become_leads_and_the_others_are_told_why(database, clock):
    world = world_of(database, clock)
    by = Entry("Ann", "asked us to", NOW)
    listed = [Identifier(Kind.EMAIL, "six@acme.com")]
    Lists(database, KEY).enter("do_not_contact", listed, "add", by)
    report = world.enrol(
        person(1),
        person(2, url="https://linkedin.com/in/PERSON-1?trk=x", first="Same"),
        person(3, url="nobody@acme.com"),
        person(4, url=None),
        person(5, country="de"),
        person(6, email="six@acme.com"),
        person(7, url="https://www.linkedin.com/sales/lead/ACwAAAbcdef,NAME"),
        person(8, account="zoe"),
        person(9, account="ben"),
        person(10, email="shared@acme.com"),
        person(11, email="Shared@acme.com"),
        person(12, email="info@acme.com"),
        person(13, email="info@acme.com", country="FR"),
    )
    assert (report.rows, report.enrolled) == (13, 7)
    assert report.dead == {"unusable": 3, "blocked": 1, "suppressed": 1}
    rows = world.rows()
    # (lead numbers count those that were let go again, too)
    assert {key: state for key, (state, _) in rows.items() if state != "SYNCED"} == dict.fromkeys(
        ("p3", "p4", "p5", "p6", "p8"), "DEAD"
    )
    assert rows["p2"][1] == "the same person is lead 1 of outreach.steps"
    assert "url holds no address of a LinkedIn profile" in rows["p3"][1]
    assert rows["p5"][1] == "its country, DE, is among blocked_countries"
    assert "do_not_contact" in rows["p6"][1]
    assert "those are: anna, ben, cleo" in rows["p8"][1]
    assert rows["p11"][1].startswith("the same person is lead")
    assert world.states() == {
        **dict.fromkeys(("p1", "p7", "p9", "p10", "p12", "p13"), "awaiting_approval"),
        "p6": "suppressed",
    }
    # Keys may be addresses of people, and reports are kept for good.
    assert ("delta 3", rows["p3"][1]) in report.why
    texts = database.fetch_all("select lead_id, step, text from outreach_text order by 1, 2")
    assert texts[0]["text"] == "Hi First, let us connect"
    assert world.enrol(*[person(1)]).cancelled == 5


def test_an_account_that_does_not_tell_its_owner_leaves_the_others_alone(database, clock):
    class Asked:
        def __init__(self, account):
            self.account = account

        def me(self):
            if self.account.name == "ben":
                raise ReadFailed(ErrorClass.UNKNOWN, "APP: me timed out")
            return Owner("ACoAAAowner", None, "Anna", None, "free")

    hello = [{"type": "invite", "note": "Hi {{first_name}}, I am {{sender_first_name}}"}]
    world = World(
        database,
        workflow(
            "http://127.0.0.1:9", "t", accounts=[account("ben"), account("anna")], sequence=hello
        ),
        clock,
        ask=Asked,
    )
    report = world.enrol(person(1, account="ben"), person(2, account="anna"))
    assert report.why == [
        ("unipile:default/ben", "its owner's name is not known yet: APP: me timed out")
    ]
    assert world.states() == {"p1": "draft", "p2": "awaiting_approval"}


def test_whoever_is_taken_out_by_hand_stays_out_and_who_is_mended_comes_in(database, clock):
    world = world_of(database, clock)
    world.enrol(person(1), person(2), person(3))
    Interventions(database, clock).cancel(1, ANN)
    other = person(9)["url"]
    world.enrol(person(1, first="Ann"), person(2, url="nobody@acme.com"), person(3, url=other))
    world.enrol(person(1, first="Bea"), person(2), person(3, url=other), person(4, url=other))
    assert world.rows()["p1"][1] == "somebody has taken the person out as lead 1 of outreach.steps"
    assert [(row["source_key"], row["slug"], row["state"]) for row in world.leads()] == [
        ("p1", "person-1", "cancelled"),
        ("p2", "person-2", "cancelled"),
        # Its record names somebody else now, who is a lead once.
        ("p3", "person-3", "cancelled"),
        ("p3", "person-9", "awaiting_approval"),
        ("p2", "person-2", "awaiting_approval"),
    ]


def test_accounts_get_equal_shares_and_keep_them(database, clock):
    world = world_of(database, clock)
    report = world.enrol(*(person(number) for number in range(12)))
    assert set(report.by_account.values()) == {4}
    before = {row["source_key"]: row["account"] for row in world.leads()}
    world.enrol(*(person(number, first="Other") for number in range(12)))
    assert {row["source_key"]: row["account"] for row in world.leads()} == before


def test_what_changes_before_an_approval_counts_and_later_does_not(database, clock):
    world = world_of(database, clock)
    world.enrol(person(1), person(2), person(3))
    report = world.enrol(person(1, first="Anna"), person(2), person(3))
    assert (report.rows, report.refreshed) == (1, 1)
    text = "select text from outreach_text where lead_id = %s and step = 0"
    assert database.fetch_one(text, [1])["text"] == "Hi Anna, let us connect"
    world.approve()
    report = world.enrol(person(1, first="Bea"), person(2, country="DE"), person(3))
    assert (report.refreshed, report.unchanged, report.dead) == (0, 1, {"blocked": 1})
    assert database.fetch_one(text, [1])["text"] == "Hi Anna, let us connect"
    assert world.states() == {"p1": "pending_invite", "p2": "failed", "p3": "pending_invite"}
    assert world.enrol(person(2, country="DE"), person(3)).cancelled == 1
    # Who was taken out before anything was sent may come again.
    world.enrol(person(1), person(2, country="DE"), person(3))
    assert [row["state"] for row in world.leads() if row["source_key"] == "p1"] == [
        "cancelled",
        "pending_invite",
    ]


def test_a_new_text_reaches_those_whose_texts_nobody_has_approved(database, clock):
    world = world_of(database, clock)
    world.start(person(1))
    world.enrol(person(1), person(2))
    other = [{"type": "invite", "note": "Hello {{first_name}}"}]
    later = world_of(database, clock, sequence=other)
    later.run.enrol()
    texts = database.fetch_all("select lead_id, text from outreach_text where step = 0 order by 1")
    assert [row["text"] for row in texts] == ["Hi First, let us connect", "Hello First"]
    assert [(row["sequence_id"], row["n_steps"]) for row in later.leads()] == [(1, 4), (2, 1)]


def test_a_person_is_in_one_campaign_at_a_time(database, clock):
    first = world_of(database, clock)
    first.start(person(1, email="one@acme.com"), person(2))
    second = world_of(database, clock, name="other", table="other_delta")
    report = second.enrol(person(1, url="https://linkedin.com/in/jane-1", email="one@acme.com"))
    assert report.held == {"in another campaign": 1}
    assert second.rows()["p1"][1] == "the person is on its way as lead 1 of outreach.steps"
    # Its campaign ends; it was written to, and is left alone for a while.
    database.execute(
        "update outreach_lead set state = 'replied', terminal_at = %s, last_action_at = %s,"
        " next_due_at = null where lead_id = 1",
        [NOW, NOW],
    )
    clock.sleep(86_400)
    assert second.run.enrol().held == {"contacted lately": 1}
    assert "not again before 2026-12-16" in second.rows()["p1"][1]
    clock.sleep(28 * 86_400)
    assert second.run.enrol().rows == 0
    clock.sleep(2 * 86_400)
    assert second.run.enrol().enrolled == 1
    assert second.rows()["p1"] == ("SYNCED", None)


def test_persons_that_meet_in_one_record_are_one_from_then_on(database, clock):
    first, second = world_of(database, clock), world_of(database, clock, name="b", table="b_delta")
    first.start(person(1))
    second.enrol(person(2, email="two@acme.com"))
    report = first.enrol(person(1), person(3, url=person(1)["url"], email="two@acme.com"))
    assert report.merged == 1
    found = {
        row["lead_id"]: (row["person_id"], row["state"], row["reason"]) for row in first.leads()
    }
    assert found[1][:2] == (1, "needs_review")
    assert "lead 2, which is taken out" in found[1][2]
    assert found[2] == (1, "cancelled", "it is the same person as lead 1")
    assert len(first.leads()) == 2


def test_who_turns_out_to_be_one_before_an_approval_may_go_on(database, clock):
    world = world_of(database, clock)
    world.enrol(person(1), person(2, email="two@acme.com"))
    world.tell(person(1), person(2), person(3, url=person(1)["url"], email="two@acme.com"))
    world.run.enrol()
    assert world.states() == {"p1": "needs_review", "p2": "cancelled"}
    assert "lead 1 is draft again" in Interventions(database, clock).requeue(1, ANN)
    world.approve()
    assert world.states()["p1"] == "pending_invite"


@pytest.mark.parametrize("point", ["enrol.rows_taken", "enrol.leads_written", "enrol.committed"])
def test_a_kill_leaves_nothing_half_enrolled(database, clock, monkeypatch, point):
    def killed(name):
        if name == point:
            raise KeyboardInterrupt

    world = world_of(database, clock)
    world.tell(*(person(number) for number in range(5)))
    with monkeypatch.context() as patch:
        patch.setattr(enrolling, "crash_point", killed)
        with pytest.raises(KeyboardInterrupt):
            world.run.enrol()
    assert len(world.leads()) == (3 if point == "enrol.committed" else 0)
    world.run.enrol()
    assert [row["source_key"] for row in world.leads()] == [f"p{number}" for number in range(5)]
    assert len(database.fetch_all("select * from outreach_person")) == 5


def test_a_lead_that_is_gone_stays_where_the_node_says_so(database, clock):
    world = world_of(database, clock, on_delete="keep")
    world.start(person(1), person(2))
    clock.sleep(timedelta(hours=1).total_seconds())
    assert world.enrol(person(2)).cancelled == 0
    assert world.states() == {"p1": "pending_invite", "p2": "pending_invite"}
