"""A turn of an account over HTTP, judged by the sandbox's log."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from turn_world import ANN, KEY, SEQUENCE, SandboxClock, World, account, monday, person, workflow

from syncflow_dagster.core.consent.identifiers import Kind
from syncflow_dagster.nodes.compliance.lists import Entry, Identifier, Lists
from syncflow_dagster.nodes.linkedin.accounts import AccountStore, due_accounts
from syncflow_dagster.nodes.linkedin.approval import refuse


@pytest.fixture
def clock(unipile):
    clock = SandboxClock(unipile)
    clock.sleep((monday(clock.now()) - clock.now()).total_seconds())
    return clock


@pytest.fixture
def make(database, unipile, clock):
    def make(**changes):
        return World(database, workflow(unipile.url, unipile.token, **changes), clock)

    return make


def sent(unipile, *ops):
    """Who was really sent what, in its order."""
    ops = ops or ("invite", "message", "inmail", "withdraw")
    return [(one["op"], one["payload"].get("text")) for one in unipile.log(*ops)]


def test_a_person_is_taken_through_the_sequence(make, unipile, database, clock):
    world = make()
    world.start(person(1))
    assert [one.due for one in due_accounts(database, clock.now())] == [True]
    report = world.turn(hours=1)
    assert (report.sent, report.stopped, report.requests) == ({"invite": 1}, None, 1)
    assert world.states() == {"p1": "invite_sent"}
    assert [one.due for one in due_accounts(database, clock.now())] == [False]
    # Nobody has polled: the look before the withdrawal finds the connection.
    unipile.deed("accept", person="person-1")
    report = world.turn(days=30)
    assert (report.sent, report.found["connected"]) == ({"message": 2}, 1)
    lead = world.lead()
    assert (lead["state"], lead["messages_sent"], lead["current_step"]) == ("completed", 2, 4)
    assert report.next_at is None
    texts = [text for _, text in sent(unipile)]
    assert texts == ["Hi First, let us connect", "Thanks First, hello", "Any thoughts, First?"]
    stats = world.run.statistics()
    assert (stats.states, stats.stuck, stats.unknown) == ({"completed": 1}, [], 0)
    assert stats.funnel[0] | {"account": 0} == {
        "account": 0,
        "variant": None,
        "enrolled": 1,
        "invited": 1,
        "connected": 1,
        "messaged": 1,
        "replied": 0,
        "completed": 1,
        "opted_out": 0,
        "failed": 0,
    }
    assert world.run.sweep().open == {}


def test_limits_gaps_and_hours_are_kept(make, unipile, clock):
    hours = {"days": ["monday", "tuesday"], "start": "08:00", "end": "12:00"}
    limits = {"invites_per_day": 4, "gap_min_s": 600, "gap_max_s": 1200}
    world = make(accounts=[account("anna", hours=hours, limits=limits)])
    world.start(*(person(number) for number in range(12)))
    began = clock.now()
    report = world.turn(days=1)
    assert report.sent == {"invite": 4}
    assert world.turn(days=6).sent == {"invite": 4}
    log = unipile.log("invite")
    times = [one["at"] for one in log]
    rows = [row["sent_at"] for row in world.effects() if row["state"] == "DONE"]
    assert len(times) == len(rows) == 8
    for before, after in pairwise(rows):
        assert after - before >= timedelta(minutes=10)
    assert all(8 <= at.hour < 12 for at in rows)
    assert [at.date() - began.date() for at in rows] == [timedelta(0)] * 4 + [timedelta(1)] * 4
    for at in rows:
        assert sum(at - timedelta(days=1) < one <= at for one in rows) <= 4


def test_the_provider_s_limit_costs_no_lead_an_attempt(make, unipile, clock):
    world = make()
    world.start(person(1), person(2))
    unipile.fault("error_before", op="invite", times=1, spelling="cannot_resend_yet")
    assert world.turn(hours=20).sent == {}
    assert world.states() == {"p1": "pending_invite", "p2": "pending_invite"}
    usage = {one.bucket: one for one in world.run.statistics().usage if one.window == "day"}
    assert usage["invite"].open_until is not None
    assert usage["invite"].used == 0
    clock.sleep(20 * 3600)
    assert world.turn(hours=10).sent == {"invite": 2}
    assert len(unipile.log("invite")) == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_reply", "op": "write"},
        {"kind": "error_before", "op": "write", "status": 504},
    ],
    ids=["lost reply", "504 before"],
)
def test_nobody_gets_anything_twice(make, unipile, fault):
    world = make()
    world.start(person(1), person(2))
    unipile.fault(**fault, rate=0.5, seed=3)
    world.turn(hours=4)
    for number in (1, 2):
        unipile.deed("accept", person=f"person-{number}")
    world.turn(days=30)
    unipile.control.clear_faults()
    world.turn(days=30)
    counts = [(one["op"], one["key"], one["payload"].get("text")) for one in unipile.log()]
    written = [one for one in counts if one[0] in ("invite", "message")]
    assert len(written) == len(set(written))
    left = set(world.states().values())
    assert left <= {"completed", "needs_review"}
    assert world.run.statistics().stuck == []


def test_who_answers_or_opts_out_is_sent_nothing_more(make, unipile):
    world = make(first_message_after_h=0)
    world.start(person(1), person(2), person(3))
    world.turn(hours=1)
    for number, text in ((1, "Tell me more"), (2, "Please stop writing to me")):
        unipile.deed("accept", person=f"person-{number}")
        unipile.deed("message", person=f"person-{number}", text=text)
    unipile.deed("accept", person="person-3")
    unipile.deed("owner_message", person="person-3", text="By the way")
    world.turn(days=30)
    # Each was connected when it was looked at, and asked about again before the message.
    assert world.states() == {"p1": "replied", "p2": "suppressed", "p3": "paused"}
    assert sent(unipile, "message") == []


def test_what_is_so_already_is_taken_over_and_costs_nothing(make, unipile):
    world = make()
    world.start(*(person(number) for number in range(1, 5)))
    unipile.deed("connect", person="person-1")
    unipile.deed("owner_invite", person="person-2")
    unipile.deed("invites_account", person="person-3")
    unipile.deed("owner_invite", person="person-4")
    unipile.deed("owner_withdraw", person="person-4")
    report = world.turn(hours=1)
    assert world.states() == {
        "p1": "connected",
        "p2": "invite_sent",
        "p3": "needs_review",
        "p4": "cooldown",
    }
    assert sent(unipile, "invite") == []
    assert report.found["invited elsewhere"] == 1
    assert world.lead(1)["invite_origin"] == "external"
    world.turn(days=25)
    assert world.states()["p4"] == "invite_sent"
    assert world.states()["p2"] == "invite_sent"


@pytest.mark.parametrize(
    "scope", ["*", "outreach.steps", "unipile:default/anna", "unipile:default"]
)
def test_a_stop_is_asked_in_the_last_moment(make, unipile, clock, scope):
    world = make()
    world.start(person(1))
    AccountStore(world.database).stop(scope, "a test", clock.now())
    report = world.turn(hours=1)
    assert report.stopped == f"{scope} is stopped: a test"
    assert sent(unipile) == []
    world.database.execute("delete from outreach_stop")
    assert world.turn(hours=1).sent == {"invite": 1}


def test_nothing_goes_without_acknowledgement_approval_or_after_a_suppression(make, unipile, clock):
    world = make()
    world.start(person(1), person(2), person(3, email="three@acme.com"), person(4))
    database = world.database
    database.execute("update outreach_lead set approval_id = null where source_key = 'p1'")
    database.execute("update outreach_account set acknowledged_at = null")
    assert "acknowledged" in world.turn(hours=1).stopped
    world.approve()
    # Entered after enrolment: asked about right before the sending.
    listed = [Identifier(Kind.EMAIL, "three@acme.com")]
    by = Entry("Ann", "asked us to", clock.now())
    Lists(database, KEY).enter("do_not_contact", listed, "add", by)
    assert world.turn(minutes=1).held["nobody has approved its texts"] == 1
    world.turn(minutes=20)
    assert world.states()["p3"] == "suppressed"
    sent_to = {one["key"] for one in unipile.log("invite")}
    assert sent_to == {unipile.id("person-2"), unipile.id("person-4")}
    # Somebody thinks better of it: nothing more goes.
    hash_ = database.fetch_one("select batch_hash from outreach_preview")["batch_hash"]
    refuse(database, clock, world.run.loaded, hash_, ANN)
    database.execute(
        "update outreach_lead set approval_id = 1, next_due_at = %s where source_key = 'p1'",
        [clock.now()],
    )
    assert world.turn(hours=1).held["nobody has approved its texts"] == 1
    assert len(unipile.log("invite")) == 2


def test_an_account_that_is_down_waits_and_comes_back_at_half_volume(make, unipile, clock):
    world = make(accounts=[account("anna", limits={"invites_per_day": 4})])
    world.start(*(person(number) for number in range(6)))
    unipile.status("CREDENTIALS")
    report = world.turn(hours=2)
    assert (report.sent, sent(unipile)) == ({}, [])
    assert world.states() == dict.fromkeys(world.states(), "pending_invite")
    unipile.status("OK")
    began = clock.now()
    report = world.turn(hours=20)
    assert report.sent == {"invite": 2}
    first = min(row["sent_at"] for row in world.effects() if row["state"] == "DONE")
    assert first - began < timedelta(minutes=5)


def test_reads_that_fail_stop_the_account_and_not_each_lead(make, unipile):
    world = make()
    world.start(*(person(number) for number in range(12)))
    unipile.fault("error_before", status=500)
    assert world.turn(hours=1).sent == {}
    used = {one.bucket: one.used for one in world.run.statistics().usage}
    assert used["profile"] == 0
    unipile.control.clear_faults()
    assert world.turn(minutes=5).sent["invite"] >= 1
    assert world.turn(hours=4).sent["invite"] >= 9
    assert len(unipile.log("invite")) == 12
    with world.database.transaction() as conn:
        circuits = world.run.asking(world.account)[1].circuits(conn, world.account)
    assert all(one.open_until is None and not one.failures for one in circuits.values())


def test_a_dry_run_tells_what_it_would_do_and_does_nothing(make, unipile):
    world = make(dry_run=True, accounts=[account("anna", limits={"invites_per_day": 2})])
    world.enrol(*(person(number) for number in range(4)))
    report = world.turn(days=1)
    assert [(one.kind, one.text) for one in report.would] == [
        ("invite", "Hi First, let us connect")
    ] * 2
    assert (report.stopped, world.effects(), unipile.log()) == ("dry run", [], [])
    assert set(world.states().values()) == {"awaiting_approval"}


def test_texts_name_who_sends_them(make, unipile):
    world = make(sequence=[{"type": "invite", "note": "Hi, {{sender_first_name}} here"}])
    world.start(person(1))
    world.turn(hours=1)
    assert sent(unipile, "invite") == [("invite", "Hi, Anna here")]
    assert world.states() == {"p1": "completed"}


def test_who_turns_out_to_be_the_same_member_is_written_to_once(make, unipile):
    world = make(sequence=[SEQUENCE[0]])
    world.start(person(1), person(2, url=unipile.id("person-1")), person(3))
    world.turn(hours=2)
    assert world.states() == {"p1": "completed", "p2": "cancelled", "p3": "completed"}
    assert len({row["person_id"] for row in world.leads()}) == 2
    # Known by another name first, and found to be somebody who was invited before.
    unipile.deed("slug", person="person-3", text="person-three")
    person_3 = {**person(4), "url": "https://linkedin.com/in/person-three"}
    world.start(person(1), person(2, url=unipile.id("person-1")), person(3), person_3)
    assert world.turn(hours=2).sent == {}
    assert world.states()["p4"] == "cancelled"
    assert sorted(one["key"] for one in unipile.log("invite")) == sorted(
        unipile.id(slug) for slug in ("person-1", "person-3")
    )


def test_notes_that_are_used_up_are_left_out_or_waited_for(make, unipile):
    bob = account("bob", tier="free")
    steps = [{**SEQUENCE[0], "note_exhausted": "send_without"}]
    world = make(accounts=[bob], sequence=steps)
    world.start(*(person(number) for number in range(7)))
    world.turn(hours=10)
    notes = [text for _, text in sent(unipile, "invite")]
    assert len(notes) == 7
    assert notes.count(None) + notes.count("") == 2


def test_two_nodes_share_an_account_fairly(make, unipile, clock):
    first = make()
    second = make(name="second", table="second_delta")
    first.start(*(person(number) for number in range(4)))
    second.start(*(person(number) for number in range(10, 14)))
    for _ in range(4):
        for world in (first, second):
            world.turn(hours=0.2)
    kinds = [row["workflow"] for row in first.effects()]
    assert kinds.count("outreach") == kinds.count("second") > 1


def test_what_was_sent_counts_from_when_the_service_may_have_had_it(make, unipile, clock):
    world = make()
    world.start(person(1))
    assert world.turn(hours=1).sent == {"invite": 1}
    (row,) = world.effects()
    late = "update effect set finished_at = sent_at + interval '30 seconds'"
    assert world.database.execute(late, {}) == 1

    def used(after):
        clock.sleep((row["sent_at"] + after - clock.now()).total_seconds())
        usage = world.run.statistics().usage
        return [one.used for one in usage if (one.bucket, one.window) == ("invite", "week")]

    week = timedelta(days=7)
    assert used(week + timedelta(seconds=10)) == [1]
    assert used(week + timedelta(seconds=40)) == [0]
