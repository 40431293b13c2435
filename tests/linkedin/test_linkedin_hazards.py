"""Ways in which somebody could be written to twice or in spite of an answer, or wait for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from linkedin_effects import Actions, lead_row
from turn_world import SEQUENCE, SandboxClock, World, account, monday, person, workflow

from syncflow_dagster.ledger.decisions import By, Decisions
from syncflow_dagster.nodes.linkedin.accounts import AccountRenamed, AccountStore, due_accounts
from syncflow_dagster.nodes.linkedin.approval import refuse
from syncflow_dagster.nodes.linkedin.guards import check_before
from syncflow_dagster.nodes.linkedin.interventions import Interventions, NotPossible
from syncflow_dagster.nodes.linkedin.own_messages import OwnMessages
from syncflow_dagster.nodes.linkedin.polls import poll
from syncflow_dagster.nodes.linkedin.shapes import AccountStatus, Chat, Message, Page

BY = By("Ann", "a test")


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


def test_a_profile_that_was_asked_for_is_no_look_into_the_chat(make, unipile):
    inmail = {"type": "inmail", "subject": "Hi", "text": "Hello {{first_name}}"}
    steps = [{"type": "condition", "test": "open_profile", "then": [inmail]}]
    world = make(sequence=steps)
    olga = {"url": "https://www.linkedin.com/in/open-olga/"}
    world.start(person(1, **olga))
    unipile.deed("message", person="open-olga", text="Who are you?")
    world.turn(hours=1)
    assert (world.states(), unipile.log()) == ({"p1": "replied"}, [])


def test_an_action_that_never_happens_is_left_to_a_person(make, unipile):
    world = make(sequence=SEQUENCE[:1])
    world.start(person(1), person(2))
    unipile.fault("error_before", op="invite", text=unipile.id("person-1"), status=500)
    report = world.turn(days=2)
    assert world.states() == {"p1": "needs_review", "p2": "completed"}
    assert report.requests <= 7
    assert "each time it had not happened" in world.lead()["reason"]


def test_what_was_said_before_somebody_was_enrolled_is_not_counted():
    now = datetime(2026, 9, 7, 9, tzinfo=UTC)

    class Chats:
        """Gives all messages of a chat, whatever is asked for."""

        def account(self):
            return AccountStatus("OK", None)

        def chats_with(self, provider_id):
            return (Chat("c", provider_id, single=True, read_only=False, at=None),)

        def messages(self, chat_id, cursor=None, *, after=None):
            told = [(1, False), (2, True), (-1, False)]
            return Page(
                tuple(
                    Message(f"m{days}", "c", "x", "Hi", now - timedelta(days=days), own, True, "")
                    for days, own in told
                ),
                None,
            )

    lead = lead_row("ACoAA1", now, connected_at=now)
    facts = check_before(Chats(), lead, "message", OwnMessages())
    assert [one.id for one in (*facts.inbound, *facts.by_hand)] == ["m-1"]


def test_a_second_refusal_after_a_cooldown_is_left_to_a_person(make, unipile):
    world = make(sequence=SEQUENCE[:1])
    world.start(person(1))
    unipile.fault("error_before", op="invite", spelling="already_invited_recently")
    world.turn(hours=1)
    assert world.states() == {"p1": "cooldown"}
    world.turn(days=50)
    assert world.states() == {"p1": "needs_review"}
    assert unipile.hits() == 2


def in_question(database, unipile):
    """A message that waits for a person: the ledger's driver, its lead, its effect."""
    actions = Actions(database, unipile)
    unipile.deed("connect")
    unipile.fault("error_before", op="send_message", status=500)
    lead, sent = actions.do("message", state="connected", after="connected")
    for _ in range(4):
        actions.later(minutes=20)
    assert actions.of_lead(lead)["state"] == "needs_review"
    return actions, lead, sent


def test_an_action_of_a_paused_lead_can_be_said_not_to_be_sent(database, unipile):
    actions, lead, sent = in_question(database, unipile)
    tools = Interventions(database, actions.clock)
    tools.pause(lead, BY)
    with pytest.raises(NotPossible, match="`requeue` that it was not"):
        tools.resume(lead, BY)
    assert "counts as not sent" in tools.requeue(lead, BY)
    tools.resume(lead, BY)
    assert (actions.state(sent), actions.of_lead(lead)["state"]) == ("CANCELLED", "connected")


def test_an_action_that_a_person_drops_is_not_sent_anew(database, unipile):
    actions, lead, sent = in_question(database, unipile)
    Decisions(database).resolve(sent, "drop", BY, actions.clock.now())
    row = actions.of_lead(lead)
    assert (actions.state(sent), row["state"], row["next_due_at"]) == (
        "CANCELLED",
        "needs_review",
        None,
    )


def test_an_invitation_by_hand_that_is_declined_ends_its_lead(make, unipile, clock):
    world = make(withdraw_after_days=None)
    world.start(person(1))
    unipile.deed("owner_invite", person="person-1")
    world.turn(hours=1)
    assert world.states() == {"p1": "invite_sent"}
    unipile.deed("decline", person="person-1")
    for _ in range(2):
        clock.sleep(12 * 3600)
        poll(world.run, world.account)
    assert world.states() == {"p1": "declined_or_expired"}


def test_an_account_without_inmails_does_everything_else(make, unipile):
    inmail = {"type": "inmail", "subject": "Hi", "text": "Hello {{first_name}}"}
    steps = [{"type": "condition", "test": "open_profile", "then": [inmail], "otherwise": SEQUENCE}]
    world = make(sequence=steps)
    olga = person(1, url="https://www.linkedin.com/in/open-olga/")
    world.start(olga, *(person(number) for number in (2, 3)))
    unipile.fault("error_before", op="inmail", spelling="feature_not_subscribed")
    world.turn(hours=6)
    assert world.states() == {"p1": "pending_invite", "p2": "invite_sent", "p3": "invite_sent"}
    account = AccountStore(world.database).read(world.account)
    assert (unipile.hits(), account.status, account.reduced_until) == (1, "OK", None)


def test_a_chat_that_its_owner_has_deleted_is_begun_anew(make, unipile):
    world = make(sequence=SEQUENCE[:2], first_message_after_h=0)
    world.start(person(1))
    unipile.deed("connect", person="person-1")
    world.database.execute("update outreach_lead set chat_id = 'deleted'")
    assert world.turn(hours=1).sent == {"message": 1}
    assert world.states() == {"p1": "completed"}


def test_nobody_is_written_what_the_chat_shows_already(make, unipile):
    world = make(sequence=SEQUENCE[:2], first_message_after_h=0, on_owner_message="ignore")
    world.start(person(1))
    unipile.deed("connect", person="person-1")
    # As if a person had taken a message for not sent that shows up later.
    unipile.deed("owner_message", person="person-1", text="Thanks First,\nhello ")
    world.turn(hours=1)
    assert (world.states(), unipile.log("message")) == ({"p1": "needs_review"}, [])


def test_an_account_of_another_name_gets_no_second_limits(make):
    world = make()
    world.start(person(1))
    renamed = make(accounts=[account("anne", id="acc_anna")])
    with pytest.raises(AccountRenamed, match=r"anne is the account that has leads as .*anna"):
        renamed.enrol(person(1), person(2))
    assert len(world.leads()) == 1
    # By its name it goes on.
    assert world.enrol(person(1), person(2)).enrolled == 1


def test_a_version_that_is_refused_costs_no_reads(make, clock):
    world = make(sequence=SEQUENCE[:1])
    world.start(person(1), person(2))
    hash_ = world.database.fetch_one("select batch_hash from outreach_preview")["batch_hash"]
    refuse(world.database, clock, world.run.loaded, hash_, BY)
    assert world.turn(hours=1).held["nobody has approved its texts"] == 2
    assert {one.bucket: one.used for one in world.run.statistics().usage}["profile"] == 0


def test_a_dry_run_is_not_started_again_and_again_for_what_was_sent_before(make, unipile, clock):
    world = make(sequence=SEQUENCE[:1])
    world.start(person(1))
    unipile.fault("lost_reply", op="invite")
    unipile.fault("error_before", op="profile", nth=2, times=1, status=500)
    world.turn(minutes=0)
    assert world.states() == {"p1": "outcome_unknown"}
    clock.sleep(3600)
    dry = make(sequence=SEQUENCE[:1], dry_run=True)
    assert [one.due for one in due_accounts(dry.database, clock.now())] == [True]
    dry.turn(minutes=0)
    assert [one.due for one in due_accounts(dry.database, clock.now())] == [False]


def test_questions_cost_no_profiles_while_an_account_is_down(make, unipile, clock):
    world = make(sequence=SEQUENCE[:1])
    world.start(person(1))
    unipile.fault("error_before", op="invite", times=1, status=500)
    world.turn(minutes=0)
    unipile.status("CREDENTIALS")
    for _ in range(8):
        clock.sleep(3600)
        world.turn(minutes=0)
    assert {one.bucket: one.used for one in world.run.statistics().usage}["profile"] <= 2
    unipile.status("OK")
    world.turn(hours=2)
    assert world.states() == {"p1": "completed"}
