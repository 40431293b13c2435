"""Services that are late, down or used up, over HTTP; the sandbox's log and counts judge."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from monday_world import BOARD, MondayWorld, SameTime, order

from syncflow_dagster.core import breaker
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.plan import ITEMS
from syncflow_dagster.nodes.monday.push import PushOptions
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.store.clock import DatabaseClock

BOOK = [order(f"SO-{n}", status=None) for n in range(6)]


@pytest.fixture
def world(database, timed_server):
    control = ControlClient(timed_server.urls["control"])
    control.settings(latency_s=0.0, limits={})
    control.reset()
    clock = SameTime(timed_server.clock)
    yield MondayWorld(database, timed_server.urls, clock, monday={"settle_s": 2})
    control.clear_faults()
    control.close()


def effects(world):
    return world.database.fetch_all("select * from effect order by effect_id")


def requests(world):
    return world.control.stats()["monday"]["requests"]


# --- applied late -----------------------------------------------------------------------------


@pytest.mark.parametrize(("after_s", "reply"), [(5, "cut"), (60, "timeout")])
def test_what_is_applied_after_our_look_up_is_known_by_its_key(world, after_s, reply):
    fault = {"kind": "late_apply", "after_s": after_s, "reply": reply, "times": 1}
    world.control.faults({"service": "monday", "op": "create_item", **fault})
    world.sync(BOOK, delivery=DeliveryOptions(patience_s=100))
    assert world.doubled() == []
    assert world.judged().counts["items"] == len(BOOK)
    assert Counter(world.states().values()) == {"SYNCED": len(BOOK)}
    # It was looked up in vain and sent again; the service said that it was still at work on it.
    assert world.control.stats()["monday"]["conflicts"] > 0
    assert {row["tries"] for row in effects(world) if row["kind"] == "create_item"} <= {1, 2}


class Keyless(MondayClient):
    """A client at a service that knows nothing of idempotency keys."""

    def execute(self, document, variables=None, idempotency_key=None):
        return super().execute(document, variables)


def test_without_keys_a_late_create_is_found_at_the_second_look_and_left_to_a_person(world):
    fault = {"kind": "late_apply", "after_s": 3, "times": 1}
    world.control.faults({"service": "monday", "op": "create_item", **fault})
    world.build(BOOK[:1])
    push = world.open(PushOptions(delivery=DeliveryOptions(patience_s=60)))
    push._client = Keyless(push._connection)
    push.prepare()
    push.plan()
    report = push.deliver(ITEMS)
    push.close()
    assert report.outcomes["doubtful"] == 1
    (create,) = (row for row in effects(world) if row["kind"] == "create_item")
    assert create["state"] == "NEEDS_PERSON"
    made = [one["remote_id"] for one in world.control.log() if one["op"] == "create_item"]
    assert len(made) == 2
    assert all(remote_id in create["reason"] for remote_id in made)
    # Nothing is built on it, and nothing sends it again.
    before = len(made)
    world.push()
    assert world.writes().count("create_item") == before


# --- down -------------------------------------------------------------------------------------


def test_a_service_that_is_down_is_asked_seldom_and_by_one_read_and_costs_no_try(
    world, timed_server
):
    world.build(BOOK)
    world.push(limit=1)
    world.control.faults({"service": "monday", "kind": "html_error", "op": "mutation"})
    world.control.faults({"service": "monday", "kind": "html_error", "op": "query"})
    before = requests(world)
    with pytest.raises(AccountPaused, match=r"monday:default does not answer: HTTP 502"):
        world.push(delivery=DeliveryOptions(patience_s=120))
    asked = requests(world) - before
    # Five in a row open it; then one question for each pause, and pauses grow.
    assert breaker.THRESHOLD < asked <= breaker.THRESHOLD + 25
    assert sum(row["tries"] for row in effects(world) if row["state"] != "DONE") == 0

    # Another process knows, too: it asks nothing while the pause lasts.
    other = MondayWorld(world.database, timed_server.urls, world.clock)
    before = requests(world)
    with pytest.raises(AccountPaused):
        other.push(delivery=DeliveryOptions(patience_s=0))
    assert requests(world) - before <= 1

    world.control.clear_faults()
    world.clock.sleep(breaker.LONGEST_PAUSE_S)
    world.push()
    assert Counter(world.states().values()) == {"SYNCED": len(BOOK)}
    assert world.doubled() == []
    row = world.database.fetch_one("select failures, openings, open_until from breaker")
    assert tuple(row.values()) == (0, 0, None)


def test_writes_that_all_fail_open_it_before_their_tries_are_used_up(make_small, world):
    make_small(world, 60)
    world.control.faults({"service": "monday", "kind": "error_before", "op": "mutation"})
    report = deliver(world, batch_size=1, patience_s=20)
    assert report.paused is not None
    assert "HTTP 500" in report.paused.reason or "Internal server error" in report.paused.reason
    # Each opening costs five requests, and no change is sent twice.
    assert report.requests % breaker.THRESHOLD == 0
    assert {row["tries"] for row in effects(world)} == {0, 1}
    waiting = [row["reason"] for row in effects(world) if row["state"] == "PLANNED"]
    assert waiting
    assert set(waiting) == {report.paused.reason}
    world.control.clear_faults()
    world.clock.sleep(breaker.LONGEST_PAUSE_S)
    deliver(world, batch_size=20)
    assert {row["state"] for row in effects(world)} == {"DONE"}
    assert world.doubled() == []


# --- used up ----------------------------------------------------------------------------------


def test_calls_of_a_day_that_are_used_up_pause_the_account_until_midnight(make_small, world):
    make_small(world, 60)
    world.control.settings(limits={"calls_per_day": 8})
    report = deliver(world, batch_size=2)
    assert report.stopped is None
    midnight = datetime(2026, 10, 30, tzinfo=UTC)
    assert abs(report.paused.until - midnight) < timedelta(seconds=2)
    # Eight requests went well, the ninth was refused; each brings two items.
    assert (report.forecast.effects, report.forecast.requests) == (44, 25)
    assert report.forecast.days == 4
    states = Counter(row["state"] for row in effects(world))
    assert states["DEAD"] == states["UNKNOWN"] == 0
    before = requests(world)
    assert deliver(world, batch_size=2).paused is not None
    assert requests(world) == before

    world.control.settings(limits={})
    world.clock.sleep(12 * 3600)
    assert deliver(world, batch_size=20).paused is None
    assert {row["state"] for row in effects(world)} == {"DONE"}


# --- many at a time ---------------------------------------------------------------------------


def test_no_more_requests_are_out_than_may_be_at_a_time(database, push_server, control):
    control.settings(limits={"concurrency": 2}, latency_s=0.01)
    worlds = [MondayWorld(database, push_server.urls, DatabaseClock(database)) for _ in range(4)]
    worlds[0].build([order(f"SO-{n}", status=None) for n in range(32)])
    worlds[0].push(limit=1)
    errors = []

    def run(world):
        try:
            world.push()
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run, args=(world,)) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    stats = control.stats()["monday"]
    control.settings(limits={})
    assert errors == []
    assert stats["throttled"] == 0
    assert stats["budget_used"]["sandbox-personal"]["peak_in_flight"] == 2
    assert Counter(worlds[0].states().values()) == {"SYNCED": 32}
    assert database.fetch_one("select count(*) as out from in_flight")["out"] == 0


# --- poison -----------------------------------------------------------------------------------

SCOPE = Scope("orders", "push", 1)


@pytest.fixture
def make_small():
    """Plans creates of items without a delta; numbers that are poison have no name."""

    def make(world, count, poison=()):
        planned = [_create(n, None if n in poison else f"Item {n}") for n in range(count)]
        with world.database.transaction() as conn:
            EffectStore(world.database).insert(conn, planned, scope=SCOPE, account="monday:default")

    return make


def _create(number, name):
    record = f"00000000-0000-0000-0000-{number:012}"
    payload = {
        "board_id": BOARD,
        "name": name,
        "columns": {"record_uuid": record},
        "shown": {},
        "subitem": False,
        "record_uuid": record,
        "key_column": "record_uuid",
    }
    key = f"monday:{BOARD}:item:{record}"
    return PlannedEffect(f"create:{number}", "create_item", 1, key, True, payload)


def deliver(world, batch_size, **options):
    destination = MondayDestination(world.workflow.connections["monday"], batch_size)
    settings = DeliveryOptions(**{"patience_s": 60, **options})
    try:
        return Delivery(world.database, world.clock, destination, SCOPE, settings).run()
    finally:
        destination.close()


def test_a_request_refused_without_a_word_of_whose_fault_is_halved_until_it_is_found(
    make_small, world
):
    make_small(world, 64, poison={39})
    before = requests(world)
    deliver(world, batch_size=64)
    # Three without it, as requests grow from 20; then it is found among 40.
    assert requests(world) - before <= 3 + 2 * 6
    assert len(world.control.log()) == 63
    dead = [row for row in effects(world) if row["state"] != "DONE"]
    assert [(row["effect_key"], row["state"]) for row in dead] == [("create:39", "DEAD")]
    assert "item_name_0" in dead[0]["reason"]
