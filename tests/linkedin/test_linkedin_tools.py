"""What people do by hand: allowed only where it fits, and noted with who and why."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from inbox_cases import ANNA, BEN, NOW, Leads, make_run, relation

from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.linkedin import interventions_now, interventions_views
from syncflow_dagster.nodes.linkedin.admission import Admission
from syncflow_dagster.nodes.linkedin.buckets import Buckets
from syncflow_dagster.nodes.linkedin.caps import Caps
from syncflow_dagster.nodes.linkedin.inbox import Inbox
from syncflow_dagster.nodes.linkedin.interventions import Interventions, NotPossible
from syncflow_dagster.nodes.linkedin.interventions_switch import Switch, replay
from syncflow_dagster.nodes.linkedin.process import process_inbox
from syncflow_dagster.nodes.linkedin.shapes import AccountStatus, Page, Profile

ANN = By("Ann", "because")


@pytest.fixture
def run(database, tmp_path):
    return make_run(database, tmp_path)


@pytest.fixture
def leads(database):
    return Leads(database)


@pytest.fixture
def tools(run):
    return Interventions(run.database, run.clock)


def noted(run):
    """What was noted, as (action, lead)."""
    rows = run.database.fetch_all("select * from outreach_intervention order by intervention_id")
    assert {(row["actor"], row["reason"]) for row in rows} <= {("Ann", "because")}
    assert all(row["os_user"] for row in rows)
    return [(row["action"], row["lead_id"] or row["details"].get("scope")) for row in rows]


def test_leads_are_put_back_held_and_let_go(run, leads, tools):
    review = leads.add("needs_review", resume_state="invite_sent", invite_origin="ours")
    failed = leads.add("failed")
    flying = leads.add("in_flight")
    queued = leads.effect(flying, "message", "RETRY", text="Hello")
    tools.requeue(review, ANN)
    tools.requeue(failed, ANN)
    tools.pause(flying, ANN)
    assert leads.state(review) == "invite_sent"
    assert leads.state(failed) == "pending_invite"
    assert (leads.state(flying), leads.effect_state(queued)) == ("paused", "CANCELLED")
    assert leads.get(flying)["next_due_at"] is None
    tools.resume(flying, ANN)
    assert (leads.state(flying), leads.get(flying)["next_due_at"]) == ("connected", NOW)
    tools.cancel(review, ANN)
    assert leads.state(review) == "cancelled"
    for refused in (
        lambda: tools.requeue(flying, ANN),
        lambda: tools.resume(flying, ANN),
        lambda: tools.cancel(review, ANN),
        lambda: tools.pause(review, ANN),
        lambda: tools.mark_sent(flying, ANN),
        lambda: tools.skip(review, ANN),
        lambda: tools.pause(999, ANN),
    ):
        with pytest.raises(NotPossible):
            refused()
    # What was refused was not done, and not noted.
    assert noted(run) == [
        ("requeue", review),
        ("requeue", failed),
        ("pause", flying),
        ("resume", flying),
        ("cancel", review),
    ]


def test_an_action_in_question_is_answered_and_nothing_goes_before(run, leads, tools):
    sent, unsent, held = (leads.add("needs_review") for _ in range(3))
    effects = [
        leads.effect(one, "message", "NEEDS_PERSON", text="Hello", sent_at=NOW)
        for one in (sent, unsent, held)
    ]
    tools.mark_sent(sent, ANN, "m77")
    tools.requeue(unsent, ANN)
    assert [leads.effect_state(one) for one in effects] == ["DONE", "RETRY", "NEEDS_PERSON"]
    assert (leads.state(sent), leads.get(sent)["current_step"]) == ("connected", 2)
    assert leads.state(unsent) == "in_flight"
    with pytest.raises(NotPossible, match=r"`mark-sent` says that it was sent"):
        tools.skip(held, ANN)
    tools.mark_sent(held, ANN)
    assert leads.effect_state(effects[2]) == "DONE"
    unknown = leads.add("outcome_unknown")
    later = NOW.replace(year=2027)
    effect = leads.effect(unknown, "message", "UNKNOWN", sent_at=NOW, not_before=later)
    assert "next turn" in interventions_now.reconcile(run, unknown, ANN)
    row = run.database.fetch_one("select * from effect where effect_id = %s", (effect,))
    assert row["not_before"] is None
    tools.pause(unknown, ANN)
    with pytest.raises(NotPossible, match="`reconcile` has LinkedIn asked at once"):
        tools.resume(unknown, ANN)
    with pytest.raises(NotPossible, match="none of its actions is in question"):
        interventions_now.reconcile(run, sent, ANN)


def test_linkedin_is_asked_about_an_action_that_waits_for_a_person(database, tmp_path, leads):
    shown = {"profile": Profile("ACoAAAp1", *[None] * 5, False, None, None, None)}
    api = SimpleNamespace(
        profile=lambda *_, **__: shown["profile"],
        sent=lambda *_, **__: Page((), None),
        relations=lambda *_, **__: Page((), None),
        account=lambda: AccountStatus("OK", None),
    )
    run = make_run(database, tmp_path, ask=lambda _: api)
    lead_id = leads.add("needs_review", resume_state="pending_invite")
    effect = leads.effect(lead_id, "invite", "NEEDS_PERSON", step=0, sent_at=NOW)
    told = interventions_now.reconcile(run, lead_id, ANN)
    assert "`mark-sent` or `requeue` decides" in told
    assert leads.effect_state(effect) == "NEEDS_PERSON"
    shown["profile"] = replace(shown["profile"], invitation="sent")
    assert "was found" in interventions_now.reconcile(run, lead_id, ANN)
    assert leads.effect_state(effect) == "DONE"
    assert leads.get(lead_id)["current_step"] == 1


def test_steps_are_left_out_and_connections_told_with_evidence(run, leads, tools):
    lead_id = leads.add("connected")
    tools.skip(lead_id, ANN)
    assert (leads.state(lead_id), leads.get(lead_id)["current_step"]) == ("connected", 2)
    tools.skip(lead_id, ANN)
    assert leads.state(lead_id) == "completed"
    waiting = leads.add("invite_sent")
    interventions_now.mark_connected(run, waiting, ANN, "seen in the list")
    assert leads.get(waiting)["connected_via"] == "person"
    with pytest.raises(NotPossible, match="known to be connected"):
        interventions_now.mark_connected(run, waiting, ANN, "again")
    row = run.database.fetch_one("select * from outreach_intervention order by 1 desc limit 1")
    assert row["details"] == {"evidence": "seen in the list", "state": "invite_sent"}
    # Somebody who came back under another campaign is not taken up a second time.
    old = leads.add("failed")
    leads.add("pending_invite", person=leads.get(old)["person_id"])
    with pytest.raises(NotPossible, match="another lead of the same person"):
        tools.requeue(old, ANN)
    life = interventions_views.life(run.database, waiting)
    assert [row["what"] for row in life.events] == ["state", "state", "connected", "mark-connected"]
    found = interventions_views.leads(
        run.database, "outreach", interventions_views.Filter(state="connected", account="anna")
    )
    assert [row["lead_id"] for row in found] == [waiting]


def test_the_kill_switch_bars_every_account_it_names_and_no_other(run, leads):
    switch = Switch(run.database, run.clock)
    leads.add()
    run.database.execute("update outreach_account set acknowledged_at = %s, status = 'OK'", (NOW,))

    def barred(account):
        settings = run.account(account)
        admission = Admission(run, account, settings, Caps(settings), Buckets(run))
        with run.database.transaction() as conn:
            row = admission.barred(conn, admission._accounts.read_in(conn, account), NOW)
        return row is not None

    assert (barred(ANNA), barred(BEN)) == (False, False)
    for scope, expected in (
        ("*", (True, True)),
        ("outreach.steps", (True, True)),
        ("unipile:default", (True, True)),
        (ANNA, (True, False)),
        ("other.steps", (False, False)),
    ):
        switch.stop(scope, ANN)
        assert (barred(ANNA), barred(BEN)) == expected, scope
        with pytest.raises(NotPossible, match="is stopped by Ann"):
            switch.stop(scope, ANN)
        switch.start(scope, ANN)
        assert (barred(ANNA), barred(BEN)) == (False, False), scope
    with pytest.raises(NotPossible, match="nothing is"):
        switch.start("*", ANN)
    assert noted(run)[:2] == [("stop", "*"), ("start", "*")]
    assert (switch.is_known(ANNA), switch.is_known("outreach.stepz")) == (True, False)
    # Said to be stopped, and nothing would be.
    with pytest.raises(NotPossible, match="neither a node"):
        switch.stop("anna", ANN)


def test_an_event_is_read_again_where_it_is_still_kept(run, leads):
    inbox = Inbox(run.database, "default")
    inbox.keep(relation("ACoAAAp1"), NOW)
    assert process_inbox(run).outcomes == {"nobody of ours": 1}
    leads.add()
    replay(run.database, run.clock, 1, ANN)
    with pytest.raises(NotPossible, match="waits to be read"):
        replay(run.database, run.clock, 1, ANN)
    assert process_inbox(run).outcomes == {"connected": 1}
    with pytest.raises(NotPossible, match="no event 7"):
        replay(run.database, run.clock, 7, ANN)
    run.clock.sleep(181 * 86_400)
    process_inbox(run)
    with pytest.raises(NotPossible, match="no longer kept"):
        replay(run.database, run.clock, 1, ANN)
