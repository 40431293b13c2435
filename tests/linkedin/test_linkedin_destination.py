"""Actions over HTTP: each happens once, and what is not clear is looked up, not sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from linkedin_effects import Actions

from syncflow_dagster.nodes.linkedin.own_messages import comparable, own_messages
from syncflow_dagster.nodes.linkedin.reconcile import MESSAGE_LOOKS
from syncflow_dagster.store import sql


@pytest.fixture
def actions(database, unipile):
    return Actions(database, unipile)


def ops(actions):
    return [one["op"] for one in actions.unipile.log()]


def test_each_action_is_sent_once_and_moves_its_lead(actions, unipile):
    lead, invited = actions.do("invite")
    out = actions.api.sent().items[0].id
    assert (actions.state(invited), actions.effect(invited)["remote_id"]) == ("DONE", out)
    row = actions.of_lead(lead)
    assert (row["state"], row["current_step"]) == ("invite_sent", 1)
    assert (row["invitation_id"], row["invited_at"]) == (out, unipile.now())
    withdrawn = actions.plan(lead, "withdraw", after="pending_invite", invitation_id=out)
    unipile.deed("connect", person="person-1")
    _, sent = actions.do("message", "person-1", state="connected", after="connected")
    _, viewed = actions.do("view_profile", "person-2", after="pending_invite")
    _, mailed = actions.do("inmail", "open-olga", after="pending_invite", subject="Hi")
    assert {actions.state(one) for one in (withdrawn, sent, viewed, mailed)} == {"DONE"}
    assert ops(actions) == ["invite", "withdraw", "message", "view_profile", "inmail"]
    assert set(actions.sink.kinds()) == {("ok", "bucket")}
    chat = actions.api.chats_with(unipile.id("person-1"))[0].id
    assert chat in {one.chat_id for one in actions.sink.heard_signals}
    # Run again: nothing is left to do.
    assert actions.deliver().requests == 0


@pytest.mark.parametrize("kind", ["lost_reply", "error_after"])
def test_an_invitation_without_an_answer_is_found(actions, unipile, kind):
    unipile.fault(kind, op="invite", nth=1, times=1)
    lead, invited = actions.do("invite")
    assert actions.state(invited) == "UNKNOWN"
    assert actions.of_lead(lead)["state"] == "outcome_unknown"
    assert actions.sink.kinds() == [("failure", "bucket")]
    # Accepted in the meantime: it is no longer among those that are out.
    if kind == "error_after":
        unipile.deed("accept")
    actions.later(minutes=2)
    assert (actions.state(invited), actions.of_lead(lead)["state"]) == ("DONE", "invite_sent")
    assert ops(actions) == ["invite"]


def test_an_invitation_that_does_not_show_is_sent_again_after_two_looks_apart(actions, unipile):
    unipile.fault("error_before", op="invite", nth=1, times=1)
    began = unipile.now()
    _, invited = actions.do("invite")
    actions.later(minutes=2)
    row = actions.effect(invited)
    assert (row["state"], row["unseen"]) == ("UNKNOWN", 1)
    assert row["not_before"] - unipile.now() >= timedelta(minutes=10)
    actions.later(minutes=9)
    assert actions.effect(invited)["unseen"] == 1
    assert ops(actions) == []
    # Not believed as long as the account is down; its reads may be of another day.
    unipile.status("CREDENTIALS")
    actions.later(minutes=5)
    assert ("down", "account") in actions.sink.kinds()
    assert actions.state(invited) == "UNKNOWN"
    unipile.status("OK")
    actions.later(minutes=10)
    # Sent again; looked up once more, as the first try may come late.
    assert ops(actions) == ["invite"]
    actions.later(minutes=2)
    assert actions.state(invited) == "DONE"
    assert ops(actions) == ["invite"]
    assert unipile.now() - began > timedelta(minutes=12)


def test_a_list_without_an_end_proves_nothing(actions, unipile):
    unipile.fault("error_before", op="invite", nth=1, times=1)
    for number in range(3):
        unipile.deed("connect", person=f"person-{10 + number}")
    _, invited = actions.do("invite")
    unipile.fault("repeat_page", op="relations")
    actions.later(minutes=2)
    row = actions.effect(invited)
    assert (row["state"], row["unseen"]) == ("UNKNOWN", 0)
    assert "does not end" in row["reason"]
    # What the profile shows needs no list.
    unipile.fault("repeat_page", op="sent")
    unipile.deed("owner_invite")
    actions.later(minutes=20)
    assert actions.state(invited) == "DONE"


def test_a_message_without_an_answer_is_found_in_its_chat(actions, unipile):
    unipile.deed("connect")
    lead, first = actions.do("message", state="connected", after="connected", text="Hi  Zoë")
    unipile.fault("lost_reply", op="send_message", nth=1, times=1)
    unipile.advance(30)
    second = actions.plan(lead, "message", after="connected", text="And\r\nmore ")
    actions.deliver()
    assert actions.state(second) == "UNKNOWN"
    # The owner writes the same words by hand, long before: no proof.
    unipile.deed("owner_message", text="And more", days_ago=1)
    actions.later(minutes=2)
    row = actions.effect(second)
    assert row["state"] == "DONE"
    chat = actions.api.chats_with(unipile.id())[0].id
    newest = actions.api.messages(chat).items[0]
    assert (newest.id, comparable(newest.text)) == (row["remote_id"], "And more")
    assert ops(actions) == ["message", "message"]
    assert own_messages(actions.database, lead).of(newest).effect_id == second
    assert actions.state(first) == "DONE"


def test_a_message_that_does_not_show_is_left_to_a_person(actions, unipile):
    unipile.deed("connect")
    unipile.fault("error_before", op="send_message")
    lead, sent = actions.do("message", state="connected", after="connected")
    asked_at = []
    for _ in range(25):
        looks = actions.effect(sent)["lookups"]
        report = actions.later(minutes=1)
        if report.lookups:
            asked_at.append(unipile.now())
        assert actions.effect(sent)["lookups"] - looks <= 1
    assert len(asked_at) == MESSAGE_LOOKS
    assert asked_at[-1] - asked_at[0] >= timedelta(minutes=15)
    assert actions.state(sent) == "NEEDS_PERSON"
    assert actions.of_lead(lead)["state"] == "needs_review"
    assert ops(actions) == []


@pytest.mark.parametrize(
    ("before", "fact", "days"),
    [
        (["connect"], "connected", 0),
        (["owner_invite"], "invited", 0),
        (["owner_invite", "owner_withdraw"], "cooldown", 22),
    ],
)
def test_an_invitation_that_is_not_needed_gives_the_lead_back(actions, unipile, before, fact, days):
    for op in before:
        unipile.deed(op)
    lead, invited = actions.do("invite")
    assert actions.state(invited) == "CANCELLED"
    assert actions.sink.facts() == [fact]
    row = actions.of_lead(lead)
    assert (row["state"], row["current_step"]) == ("pending_invite", 0)
    assert row["next_due_at"] == unipile.now() + timedelta(days=days)
    assert ops(actions) == []


def test_a_limit_closes_the_bucket_and_costs_the_lead_nothing(actions, unipile):
    unipile.settings(invites_per_day=1)
    actions.do("invite")
    # The first one has used all of it: the answer's 200 says so.
    assert actions.sink.kinds()[0] in {("limit", "bucket"), ("ok", "bucket")}
    lead, refused = actions.do("invite", "person-1")
    assert actions.sink.kinds()[-1] == ("limit", "bucket")
    row = actions.effect(refused)
    assert (row["state"], row["tries"]) == ("CANCELLED", 1)
    assert actions.of_lead(lead)["state"] == "pending_invite"
    assert actions.of_lead(lead)["next_due_at"] > unipile.now()


def test_a_refusal_of_a_person_ends_that_lead_alone(actions, unipile):
    lead, refused = actions.do("invite", "shy-sam")
    assert actions.state(refused) == "DEAD"
    assert actions.of_lead(lead)["state"] == "failed"
    # Not connected after all: back, without an end.
    lead, early = actions.do("message", "person-1", state="connected", after="connected")
    assert (actions.state(early), actions.sink.facts()) == ("CANCELLED", ["not_connected"])
    assert actions.of_lead(lead)["state"] == "connected"


@pytest.mark.parametrize(("word", "kind"), [("CREDENTIALS", "down"), ("RESTRICTED", "restricted")])
def test_an_account_that_is_down_stops_and_keeps_what_it_had(actions, unipile, word, kind):
    unipile.status(word)
    lead, invited = actions.do("invite")
    assert actions.state(invited) == "RETRY"
    assert (kind, "account") in actions.sink.kinds()
    assert actions.of_lead(lead)["state"] == "in_flight"
    unipile.status("OK")
    actions.deliver()
    assert actions.state(invited) == "DONE"
    assert actions.effect(invited)["tries"] == 1


def test_an_account_that_is_not_there_is_no_lead_s_end(actions, unipile):
    actions.api._id = "acc_of_a_typing_mistake"
    lead, invited = actions.do("invite")
    assert actions.state(invited) == "RETRY"
    assert actions.of_lead(lead)["state"] == "in_flight"
    assert ("down", "account") in actions.sink.kinds()


def test_where_nobody_answers_no_try_is_lost(actions, unipile):
    unipile.fault("down")
    lead, invited = actions.do("invite")
    assert actions.state(invited) in {"RETRY", "PLANNED"}
    assert actions.effect(invited)["tries"] == 0
    assert actions.destination.probe().outage
    assert actions.of_lead(lead)["state"] == "in_flight"
    unipile.control.clear_faults()
    actions.later(minutes=10)
    assert actions.state(invited) == "DONE"


def test_a_message_whose_id_nobody_tells_is_known_by_its_text_once(actions, unipile):
    unipile.settings(null_ids=True)
    unipile.deed("connect")
    lead, sent = actions.do("message", state="connected", after="connected")
    assert (actions.state(sent), actions.effect(sent)["remote_id"]) == ("DONE", None)
    chat = actions.api.chats_with(unipile.id())[0].id
    (echo,) = actions.api.messages(chat).items
    assert not own_messages(actions.database, lead).is_by_hand(echo)
    given = {"effect_id": sent, "remote_id": echo.id}
    actions.database.execute(sql.load("effects")["bind_message"], given)
    unipile.deed("owner_message", text="Hello")
    by_hand = actions.api.messages(chat).items[0]
    # The same words a second time: ours is bound, so that this one is the owner's.
    assert own_messages(actions.database, lead).is_by_hand(by_hand)


def test_a_withdrawal_is_looked_for_where_the_invitation_was(actions, unipile):
    lead, _ = actions.do("invite")
    out = actions.of_lead(lead)["invitation_id"]
    unipile.fault("lost_reply", op="withdraw", nth=1, times=1)
    taken = actions.plan(lead, "withdraw", after="pending_invite", invitation_id=out)
    actions.deliver()
    assert actions.state(taken) == "UNKNOWN"
    actions.later(minutes=2)
    assert actions.state(taken) == "DONE"
    # Never sent: still out, so it is sent again. Its id is looked for where nobody knows it.
    second, _ = actions.do("invite", "person-1")
    unipile.fault("error_before", op="withdraw", nth=1, times=1)
    again = actions.plan(second, "withdraw", "person-1", after="withdrawn")
    actions.deliver()
    actions.later(minutes=2)
    actions.later(minutes=2)
    assert actions.state(again) == "DONE"
    # Accepted, or gone, before it was taken back.
    unipile.deed("owner_invite", person="person-2")
    unipile.deed("accept", person="person-2")
    late, drop = actions.do("withdraw", "person-2", state="invite_sent", invitation_id="123")
    assert (actions.state(drop), actions.sink.facts()) == ("CANCELLED", ["connected"])
    assert actions.of_lead(late)["state"] == "invite_sent"
    _, gone = actions.do("withdraw", "person-3", state="invite_sent", after="withdrawn")
    assert actions.state(gone) == "DONE"
    assert ops(actions).count("withdraw") == 2


def test_what_cannot_be_read_stays_a_question(actions, unipile):
    unipile.fault("lost_reply", op="invite", nth=1, times=1)
    _, invited = actions.do("invite")
    unipile.fault("html_error", op="profile")
    actions.later(minutes=2)
    row = actions.effect(invited)
    assert (row["state"], row["unseen"]) == ("UNKNOWN", 0)
    assert row["lookups"] >= 1
    assert actions.destination.probe().outage is None
