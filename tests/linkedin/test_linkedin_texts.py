"""Texts of leads: made, checked, shown, and sent only as somebody approved them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from turn_world import World, account, person, workflow

from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.linkedin.approval import (
    NotApproved,
    acknowledge,
    approve,
    is_approved,
    refuse,
)
from syncflow_dagster.nodes.linkedin.preview import batch_of, make_preview
from syncflow_dagster.nodes.linkedin.shapes import Owner
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.loader import LoadedWorkflow

BY = By("Ann", "they read well")
NOTE = {"type": "invite", "note": "Hi {{first_name|there}}"}
ASK = {"type": "message", "text": "{{first_name|Hello}}, do you know {{email}}?"}


@dataclass
class Api:
    """Tells whose account it is."""

    name: str | None

    def me(self):
        return Owner("ACoAAowner", None, self.name, "Bo", "free")


def _world(database, *sequence, owners=None, **changes):
    steps = {"sequence": list(sequence)} if sequence else {}
    flow = workflow("http://x", "t", **steps, **changes)
    return World(database, flow, FakeClock(), ask=lambda one: Api((owners or {}).get(one.name)))


def _loaded(world):
    return LoadedWorkflow(world.flow, Path("outreach.yaml"))


def _preview(world, number=0):
    node = world.run.node
    return make_preview(world.database, world.clock, _loaded(world), node, node.accounts[number])


def _approve(world, name):
    return approve(world.database, world.clock, _loaded(world), name, BY)


def _texts(world):
    rows = world.database.fetch_all(
        "select l.source_key, t.step, t.text from outreach_text t join outreach_lead l "
        "using (lead_id) where l.state <> 'cancelled' order by 1, 2"
    )
    return [tuple(row.values()) for row in rows]


def test_a_lead_whose_texts_cannot_be_made_waits_for_a_person_and_the_others_go_on(database):
    lead = {"linkedin": "url", "first_name": "first", "columns": ["email"]}
    world = _world(database, NOTE, ASK, lead=lead)
    world.enrol(
        person(1, first="DR. ANNA 🚀", email="anna@a.test"),
        person(2, first=None, email="null"),
        person(3, first="{Bo}", email="bo@a.test"),
        person(4, first=None, email="https://c.test/" + "x" * 9_000),
    )
    assert world.states() == {
        "p1": "awaiting_approval",
        "p2": "needs_review",
        "p3": "awaiting_approval",
        "p4": "needs_review",
    }
    reasons = {row["source_key"]: row["reason"] for row in world.leads()}
    assert reasons["p2"] == "step 2 (message): {{email}} has neither a value nor a fallback"
    assert reasons["p4"].startswith("step 2 (message): it has 9,0")
    assert _texts(world) == [
        ("p1", 0, "Hi Anna"),
        ("p1", 1, "Anna, do you know anna@a.test?"),
        ("p3", 0, "Hi Bo"),
        ("p3", 1, "Bo, do you know bo@a.test?"),
    ]
    told = _preview(world)
    assert (told.leads, told.missing.total(), len(told.faults)) == (2, 2, 2)
    first, second = told.steps
    assert (first.shortest.length, first.longest.length, first.limit) == (5, 7, 300)
    assert second.at_most == len("Anna, do you know anna@a.test?")
    assert not first.fallbacks
    basis = database.fetch_all(
        "select lead_id, evidence from outreach_event where event = 'lawful_basis'"
    )
    assert len(basis) == 4
    assert basis[0]["evidence"]["reference"] == "R"
    # A record that is mended is taken up, and so is a template.
    world.enrol(person(1, first="DR. ANNA 🚀", email="anna@a.test"), person(2, email="cid@a.test"))
    assert world.states()["p2"] == "awaiting_approval"
    mended = _world(database, NOTE, {"type": "message", "text": "Hello again"}, lead=lead)
    mended.run.enrol()
    assert mended.states()["p1"] == mended.states()["p2"] == "awaiting_approval"
    told_of = str({**told.as_json(), "account": None})
    assert "Anna" not in told_of
    assert "@" not in told_of


def test_an_approval_is_for_exactly_what_was_shown(database):
    world = _world(database, NOTE)
    world.enrol(person(1), person(2, first=None))
    shown = _preview(world)
    assert shown.steps[0].fallbacks == {"first_name": 1}
    assert _preview(world).batch_hash == shown.batch_hash
    # A lead's name, a lead's address, one lead more, another template: each is another batch.
    hashes = {shown.batch_hash}
    for people in (
        (person(1, first="Other"), person(2, first=None)),
        (person(1), person(2, first=None, url="https://linkedin.com/in/elsewhere")),
        (person(1), person(2, first=None), person(3)),
    ):
        world.enrol(*people)
        hashes.add(_preview(world).batch_hash)
    assert len(hashes) == 4
    with pytest.raises(NotApproved, match="have changed since this preview"):
        _approve(world, shown.batch_hash)
    again = _world(database, {"type": "invite", "note": "Hello {{first_name|there}}"})
    with pytest.raises(NotApproved, match="have changed"):
        approve(database, again.clock, _loaded(again), _preview(world).batch_hash, BY)
    assert set(world.states().values()) == {"awaiting_approval"}
    again.run.enrol()
    done = _approve(again, _preview(again).batch_hash[:12])
    assert done.leads == 3
    # The address that came and went was another member's: nobody was approved for it.
    live = [row for row in again.leads() if row["state"] != "cancelled"]
    assert {row["state"] for row in live} == {"pending_invite"}
    assert {row["approval_id"] for row in live} == {done.approval_id}
    assert {text for _, _, text in _texts(again)} == {"Hello First", "Hello there"}


def test_an_approval_holds_for_those_who_come_later_until_it_is_refused(database):
    world = _world(database, NOTE)
    world.enrol(person(1))
    shown = _preview(world)
    _approve(world, shown.batch_hash)
    world.enrol(person(1), person(2))
    assert world.states() == {"p1": "pending_invite", "p2": "pending_invite"}
    sequence = world.lead()["sequence_id"]
    with database.transaction() as conn:
        assert is_approved(conn, sequence, world.account)
        assert not is_approved(conn, sequence, "unipile:people/other")
    refuse(database, world.clock, _loaded(world), shown.batch_hash, BY)
    world.enrol(person(1), person(2), person(3))
    assert world.states()["p3"] == "awaiting_approval"
    for name in ("zz", "ab" * 16):
        with pytest.raises(NotApproved):
            _approve(world, name)


def test_each_batch_may_need_its_own_approval(database):
    world = _world(database, NOTE, approval="each_batch")
    world.enrol(person(1))
    _approve(world, _preview(world).batch_hash)
    world.enrol(person(1), person(2))
    assert world.states() == {"p1": "pending_invite", "p2": "awaiting_approval"}


def test_accounts_have_texts_and_hashes_of_their_own_and_say_their_owners_name(database):
    note = {"type": "invite", "note": "Hi {{first_name}}, {{sender_first_name}} here"}
    accounts = [account("anna"), account("bert", tier="free")]
    world = _world(database, note, accounts=accounts, owners={"bert": "BERT"})
    world.enrol(person(1, account="anna"), person(2, account="bert"))
    assert world.states() == {"p1": "draft", "p2": "awaiting_approval"}
    assert _preview(world).waiting == 1
    shown = _preview(world, 1)
    assert (shown.leads, shown.steps[0].limit) == (1, 200)
    node = world.run.node
    rows = batch_of(database, _loaded(world), node, node.accounts[1])
    assert [row["texts"][0]["text"] for row in rows] == ["Hi First, Bert here"]
    _approve(world, shown.batch_hash)
    assert world.states() == {"p1": "draft", "p2": "pending_invite"}
    database.execute("update outreach_account set first_name = 'Anna'")
    assert _preview(world).leads == 1


def test_nothing_is_said_to_a_person_twice(database):
    same = {"type": "message", "text": "{{first_name}},  hello"}
    twice = _world(database, same, {"type": "message", "text": "{{first_name}}, Hello"}, name="one")
    twice.enrol(person(1))
    lead = twice.lead()
    assert lead["state"] == "needs_review"
    assert lead["reason"] == "step 2 (message): the same was said to this person before"
    # What another campaign has said is not said again; what it never came to say may be.
    first = _world(database, same, NOTE, name="two", table="two_delta")
    first.enrol(person(2), person(3))
    first.approve()
    database.execute(
        "update outreach_lead set state = 'cancelled', terminal_at = now(), next_due_at = null, "
        "current_step = case source_key when 'p2' then 1 else 0 end where workflow = 'two'"
    )
    later = _world(database, same, name="three", table="three_delta")
    later.enrol(person(2), person(3))
    found = {row["source_key"]: row["state"] for row in later.leads() if row["workflow"] == "three"}
    assert found == {"p2": "needs_review", "p3": "awaiting_approval"}


def test_the_risk_of_an_account_is_accepted_by_name(database):
    world = _world(database, NOTE)
    loaded = _loaded(world)
    with pytest.raises(NotApproved, match="it has: anna"):
        acknowledge(database, world.clock, loaded, "nobody", BY)
    assert acknowledge(database, world.clock, loaded, "anna", BY) == [world.account]
    row = database.fetch_one("select * from outreach_account")
    assert (row["acknowledged_by"], row["acknowledged_at"]) == ("Ann", world.clock.now())
    assert "8.2" in row["acknowledgement"]
    noted = database.fetch_one("select * from outreach_intervention")
    assert (noted["action"], noted["actor"], noted["reason"]) == (
        "acknowledge",
        BY.actor,
        BY.reason,
    )
