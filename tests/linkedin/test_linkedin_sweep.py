"""What does not go on by itself is repaired, or told; and breakers as they are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb
from turn_world import World, account, person, workflow

from syncflow_dagster.nodes.linkedin.accounts import AccountStore, due_accounts
from syncflow_dagster.nodes.linkedin.buckets import Buckets
from syncflow_dagster.nodes.linkedin.caps import Meter
from syncflow_dagster.nodes.linkedin.signals import Signal, SignalKind
from syncflow_dagster.testing.clock import FakeClock

NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


@pytest.fixture
def world(database):
    few = {"profiles_per_day": 3}
    accounts = [account("anna", limits=few), account("ben"), account("cleo")]
    flow = workflow("http://127.0.0.1:9", "t", accounts=accounts)
    return World(database, flow, FakeClock(NOW))


def set_(world, record, **columns):
    sets = ", ".join(f"{name} = %({name})s" for name in columns)
    world.database.execute(
        f"update outreach_lead set {sets} where source_key = %(record)s",
        {**columns, "record": record},
    )


def act(world, record, state, **more):
    """Put an action of a lead into the ledger."""
    lead = next(row for row in world.leads() if row["source_key"] == record)
    row = {
        "effect_key": f"{record} {state}",
        "workflow": "outreach",
        "node": "steps",
        "account": lead["account"],
        "kind": "invite",
        "pass": 1,
        "object_key": record,
        "creates": True,
        "payload": Jsonb({"step": 0, "after": "invite_sent"}),
        "state": state,
        "lead_id": lead["lead_id"],
        "sent_at": NOW,
        **more,
    }
    world.database.execute(
        f"insert into effect ({', '.join(row)}) values"
        f" ({', '.join(f'%({name})s' for name in row)})",
        row,
    )


def test_a_sweep_repairs_what_is_safe_and_tells_the_rest(world):
    world.start(*(person(number) for number in range(1, 8)))
    flying = {"state": "in_flight", "resume_state": "pending_invite", "next_due_at": None}
    set_(world, "p1", **flying, state_since=NOW)
    set_(world, "p2", next_due_at=None)
    set_(world, "p3", **flying, state_since=NOW)
    act(world, "p3", "SENT", lease_owner=77, lease_until=NOW - timedelta(minutes=1))
    act(world, "p4", "PLANNED")
    set_(world, "p5", next_due_at=NOW - timedelta(days=2))
    set_(world, "p6", state="invite_sent", invite_origin="ours", next_due_at=NOW)
    world.database.execute(
        "update outreach_account set status = 'CREDENTIALS', status_at = %s where account like %s",
        [NOW - timedelta(days=1), "%/cleo"],
    )
    report = world.run.sweep()
    assert report.repaired == {"no action": 1, "no date": 1, "lease lost": 1, "stray action": 1}
    assert report.open == {"stuck": 1, "no invitation": 1, "account down": 1}
    assert world.states()["p1"] == "pending_invite"
    assert world.states()["p3"] == "outcome_unknown"
    assert world.lead(1)["next_due_at"] == NOW
    again = world.run.sweep()
    assert (again.repaired, again.open) == ({}, report.open)
    assert {one.what for one in report.troubles} == {*report.repaired, *report.open}
    # What stays unknown for long is told, too.
    world.clock.sleep(2 * 86_400)
    stuck = {row["source_key"]: row["state"] for row in world.run.statistics().stuck}
    assert stuck["p3"] == "outcome_unknown"
    assert world.run.statistics().unknown == 1


def test_the_sensor_waits_for_what_the_last_turn_has_told(world):
    world.start(person(1, account="anna"), person(2, account="ben"))
    database = world.database

    def due():
        return {one.account[-4:].strip("/"): one.due for one in due_accounts(database, NOW)}

    assert due() == {"anna": True, "ben": True}
    set_(world, "p2", next_due_at=NOW + timedelta(hours=1))
    assert due() == {"anna": True, "ben": False}
    database.execute("update outreach_lead set queue = 'invite' where source_key = 'p1'")
    database.execute(
        "insert into outreach_turn (account, workflow, node, ended_at, next_at)"
        " values (%s, 'outreach', 'steps', %s, %s)",
        [world.account, NOW, NOW + timedelta(hours=2)],
    )
    assert due() == {"anna": False, "ben": False}
    # An event has moved the lead: it is looked at whatever the turn has told.
    set_(world, "p1", next_due_at=NOW - timedelta(seconds=1))
    assert due()["anna"]
    database.execute("update outreach_lead set queue = 'invite' where source_key = 'p1'")
    accounts = AccountStore(database)
    assert accounts.note_status(world.account, "CREDENTIALS", NOW)
    assert accounts.note_status(world.account, "OK", NOW)
    assert not accounts.note_status(world.account, "OK", NOW)
    assert due()["anna"]
    assert accounts.read(world.account).reduced_until == NOW + timedelta(days=3)


def test_breakers_open_by_what_requests_tell(world):
    world.start(person(1))
    buckets = Buckets(world.run)
    name = world.account

    def hear(kind, bucket="invite", scope="bucket", at=NOW, account=name, **more):
        buckets.heard(account, Signal(kind, scope, bucket, "UNI: x", **more), at)

    def open_until(bucket="invite"):
        with world.database.transaction() as conn:
            circuit = buckets.circuits(conn, name).get(bucket)
        return None if circuit is None else circuit.open_until

    hear(SignalKind.FAILURE)
    hear(SignalKind.OK)
    hear(SignalKind.FAILURE)
    hear(SignalKind.FAILURE)
    assert open_until() is None
    hear(SignalKind.FAILURE)
    assert open_until() == NOW + timedelta(seconds=30)
    hear(SignalKind.LIMIT, "message")
    # Another request in flight hears of the same limit: it is one refusal.
    hear(SignalKind.LIMIT, "message", at=NOW + timedelta(seconds=5))
    assert open_until("message") == NOW + timedelta(hours=24)
    later = NOW + timedelta(hours=25)
    hear(SignalKind.LIMIT, "message", at=later)
    assert open_until("message") == later + timedelta(hours=72)
    with world.database.transaction() as conn:
        assert not buckets.all_stop(conn, NOW)
    for other in ("ben", "cleo"):
        hear(SignalKind.FAILURE, account=f"unipile:default/{other}")
    with world.database.transaction() as conn:
        assert buckets.all_stop(conn, NOW)
        assert not buckets.all_stop(conn, NOW + timedelta(minutes=6))
    hear(SignalKind.DOWN, scope="account", bucket="inmail")
    assert AccountStore(world.database).read(name).status == "DOWN"
    hear(SignalKind.CONFIG, scope="tenant")
    hear(SignalKind.CONFIG, scope="sequence")
    hear(SignalKind.UNRECOGNISED, scope="account")
    scopes = world.database.fetch_all("select scope from outreach_stop order by scope")
    assert [row["scope"] for row in scopes] == ["outreach.steps", "unipile:default", name]


def test_reads_are_counted_before_they_are_made(world):
    world.start(person(1, account="anna"))
    settings = world.run.account("anna")
    meter = Meter(world.database, world.clock, world.account, settings)
    assert [meter.before_read("profile", None) for _ in range(3)] == [None] * 3
    world.clock.sleep(3600)
    assert meter.before_read("profile", 1) == 23 * 3600
    assert meter.before_read("read", None) is None
    used = {one.bucket: one.used for one in world.run.statistics().usage if "anna" in one.account}
    assert (used["profile"], used["read"]) == (3, 1)
