"""What happens between the look at a person and the action: the refusal tells, the lead follows."""

from __future__ import annotations

import pytest
from turn_world import SandboxClock, World, monday, person, workflow

from syncflow_dagster.nodes.linkedin.api import LinkedInApi
from syncflow_dagster.nodes.linkedin.client import UnipileClient
from syncflow_dagster.workflows.models import UnipileConnection


class Overtaken(LinkedInApi):
    """Others are quicker: something happens right before an invitation goes out."""

    before: dict

    def invite(self, provider_id, note):
        for happen in self.before.pop(provider_id, ()):
            happen()
        return super().invite(provider_id, note)


@pytest.fixture
def overtaken(unipile, database):
    api = Overtaken(
        UnipileClient(UnipileConnection(type="unipile", url=unipile.url, token=unipile.token)),
        "acc_anna",
    )
    api.before = {}
    clock = SandboxClock(unipile)
    world = World(database, workflow(unipile.url, unipile.token), clock, ask=lambda _: api)
    clock.sleep((monday(clock.now()) - clock.now()).total_seconds())
    return world, api


def test_whoever_was_quicker_the_lead_goes_on_from_what_is_so(unipile, overtaken):
    world, api = overtaken
    deeds = {
        0: ["connect"],
        1: ["owner_invite"],
        2: ["owner_invite", "owner_withdraw"],
        3: ["invites_account"],
    }
    for number, ops in deeds.items():
        name = f"person-{number}"
        api.before[unipile.id(name)] = [
            lambda op=op, name=name: unipile.deed(op, person=name) for op in ops
        ]
    world.start(*(person(number) for number in deeds))
    world.turn(hours=1)
    assert world.states() == {
        "p0": "connected",
        "p1": "invite_sent",
        "p2": "cooldown",
        "p3": "needs_review",
    }
    assert [row["state"] for row in world.effects()] == ["CANCELLED"] * 4
    assert unipile.log("invite") == []
    rows = {row["source_key"]: row for row in world.leads()}
    assert rows["p0"]["connected_at"] is not None
    assert (rows["p0"]["current_step"], rows["p0"]["invite_origin"]) == (1, None)
    assert rows["p1"]["invite_origin"] == "external"
    assert (rows["p2"]["next_due_at"] - world.clock.now()).days in {20, 21}
    # None of them has used up what the account may send.
    spent = world.database.fetch_one(
        "select count(*) as n from effect where state in ('SENT', 'UNKNOWN', 'DONE')", {}
    )
    assert spent["n"] == 0


def test_a_restricted_account_is_stopped_and_its_lead_waits(unipile, overtaken):
    world, api = overtaken
    api.before[unipile.id()] = [lambda: unipile.status("RESTRICTED")]
    world.start(person(0), person(1))
    world.turn(hours=1)
    assert unipile.log() == []
    stops = world.database.fetch_all("select scope, reason from outreach_stop", {})
    assert [row["scope"] for row in stops] == [world.account]
    assert "account_restricted" in stops[0]["reason"]
    assert set(world.states().values()) <= {"pending_invite", "in_flight"}
    # Nothing goes on by itself, though the account's state is OK all the time.
    unipile.status("OK")
    world.turn(hours=1)
    assert unipile.log() == []
    world.database.execute("delete from outreach_stop", {})
    world.turn(hours=2)
    assert len(unipile.log("invite")) == 2


def test_what_the_owner_wrote_before_a_person_let_the_lead_go_on_is_known(unipile, overtaken):
    world, _ = overtaken
    world.start(person(0))
    unipile.deed("connect")
    world.turn(hours=1)
    unipile.deed("owner_message", text="by hand")
    world.turn(hours=4)
    assert world.states() == {"p0": "paused"}
    assert unipile.log() == []
    with world.database.transaction() as conn:
        lead = world.run.leads.lock(conn, world.lead()["lead_id"])
        world.run.leads.move(conn, lead, lead.resume_state, world.clock.now(), "go on")
    world.turn(hours=1)
    assert [one["op"] for one in unipile.log()] == ["message"]
    # The next one pauses it anew.
    unipile.advance(60)
    unipile.deed("owner_message", text="by hand again")
    world.turn(days=6)
    assert world.states() == {"p0": "paused"}
    assert len(unipile.log()) == 1
