"""Events over HTTP, from the sandbox to the receiver, and what is sent after them."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest
from turn_world import SandboxClock, World, monday, person, workflow

from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.linkedin import interventions_now
from syncflow_dagster.nodes.linkedin.client import UnipileClient
from syncflow_dagster.nodes.linkedin.inbox_webhooks import hooks, register
from syncflow_dagster.nodes.linkedin.interventions import NotPossible
from syncflow_dagster.nodes.linkedin.interventions_switch import Switch
from syncflow_dagster.nodes.linkedin.polls import poll
from syncflow_dagster.nodes.linkedin.process import process_inbox
from syncflow_dagster.nodes.linkedin.receiver import app
from syncflow_dagster.sandbox.transport import Listener

SECRET = "0123456789abcdef"
ANN = By("Ann", "because")


@pytest.fixture
def world(database, unipile):
    clock = SandboxClock(unipile)
    clock.sleep((monday(clock.now()) - clock.now()).total_seconds())
    return World(database, workflow(unipile.url, unipile.token), clock)


@pytest.fixture
def receiver(world):
    """The receiver, on a port of its own; where it is reached."""
    listener = Listener(app(world.database, world.clock, {"default": SECRET}), "127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(listener.serve()), daemon=True)
    thread.start()
    yield f"{listener.url}/unipile/default"
    listener.stop()
    thread.join()
    listener.close()


def act(unipile):
    """Let people accept, answer and opt out."""
    for number in (1, 2, 3, 4):
        unipile.deed("accept", person=f"person-{number}")
    unipile.advance(60)
    unipile.deed("message", person="person-1", text="Yes, tell me more")
    unipile.deed("message", person="person-2", text="Please stop messaging me")
    unipile.deed("owner_message", person="person-4", text="Good to see you last week!")


AFTERWARDS = {"p1": "replied", "p2": "suppressed", "p3": "connected", "p5": "invite_sent"}


def invited(unipile, world):
    """Invite five people; return what was sent since, by person, when called."""
    world.start(*(person(number) for number in range(1, 6)))
    assert world.turn(hours=2).sent == {"invite": 5}
    before = len(unipile.log())
    return lambda: [one["key"] for one in unipile.log()[before:]]


def test_webhooks_late_repeated_and_out_of_order_are_followed(world, unipile, receiver):
    client = UnipileClient(world.run.connection)
    assert register(client, receiver, SECRET, [])[0] == ["messaging", "users", "account_status"]
    assert register(client, receiver, SECRET, []) == (
        [],
        ["account_status", "messaging", "users"],
    )
    assert {one.url for one in hooks(client)} == {receiver}
    unipile.settings(webhook_repeat=0.6, webhook_shuffle=0.5, webhook_delay_s=8 * 3_600.0)
    sent = invited(unipile, world)
    act(unipile)
    unipile.advance(hours=10)
    report = process_inbox(world.run)
    assert report.failed == report.open == 0
    assert world.states() == {**AFTERWARDS, "p4": "paused"}
    # Nothing goes to who has answered, opted out, or been written to by hand.
    world.turn(days=1)
    assert sent() == [unipile.id("person-3")]
    # An account goes and comes back.
    unipile.status("CREDENTIALS")
    unipile.advance(60)
    assert process_inbox(world.run).outcomes["status"] == 1
    assert world.run.statistics().accounts[0]["status"] == "CREDENTIALS"
    unipile.status("OK")
    unipile.advance(60)
    process_inbox(world.run)
    assert world.run.statistics().accounts[0]["status"] == "OK"


def test_polls_find_all_of_it_where_no_webhook_comes(world, unipile):
    sent = invited(unipile, world)
    act(unipile)
    unipile.deed("decline", person="person-5")
    unipile.settings(missing_member_id=True, profile="live_2026")
    report = poll(world.run, "anna")
    assert report.stopped == {}
    assert {**world.states(), "p4": "?"} == {**AFTERWARDS, "p4": "?"}
    assert sent() == []
    reads = unipile.stats()
    for _ in range(20):
        world.clock.sleep(3_600)
        poll(world.run, "anna")
    assert world.states()["p5"] == "declined_or_expired"
    assert unipile.stats() != reads
    # Accepted late, of an invitation sent by hand once more.
    unipile.deed("connect", person="person-5")
    world.clock.sleep(12 * 3_600)
    other = world.enrol(*(person(number) for number in (1, 2, 3, 4, 5, 9)))
    assert other.enrolled == 1
    world.approve()
    world.turn(hours=1)
    # Whom the owner has written to by hand is looked at before anything is sent to it.
    assert unipile.id("person-4") not in sent()
    assert world.states()["p4"] == "paused"
    world.clock.sleep(86_400)
    poll(world.run, "anna")
    assert world.states()["p5"] == "connected"


def test_the_kill_switch_and_a_withdrawal_by_hand(world, unipile):
    switch = Switch(world.database, world.clock)
    world.start(person(1))
    switch.stop("*", ANN)
    report = world.turn(minutes=10)
    assert (unipile.log(), report.sent) == ([], {})
    assert "* is stopped: because" in report.stopped
    switch.start("*", ANN)
    assert world.turn(hours=1).sent == {"invite": 1}
    lead_id = world.lead()["lead_id"]
    switch.stop("outreach.steps", ANN)
    with pytest.raises(NotPossible, match="may not act now"):
        interventions_now.withdraw(world.run, lead_id, ANN)
    switch.start("outreach.steps", ANN)
    world.clock.sleep(timedelta(hours=1).total_seconds())
    told = interventions_now.withdraw(world.run, lead_id, ANN)
    assert told == f"the invitation of lead {lead_id} is taken back"
    assert [one["op"] for one in unipile.log()] == ["invite", "withdraw"]
    assert world.lead()["state"] == "withdrawn"
    with pytest.raises(NotPossible, match="no invitation that is out"):
        interventions_now.withdraw(world.run, lead_id, ANN)
