"""Several workers on one ledger: real threads, real processes, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from ledger_worker import SCOPE, FileDestination, deliver

from syncflow_dagster.core.outcomes import Done
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.effects import EffectStore
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.ledger.verdicts import Verdict
from syncflow_dagster.ledger.worker import worker
from syncflow_dagster.store.database import Database
from syncflow_dagster.store.embedded import EmbeddedPostgres
from syncflow_dagster.store.migrate import migrate
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.testing.memory_destination import MemoryDestination

_HERE = Path(__file__).parent


def effect(name, kind="create_item", number=0, parent=None):
    return PlannedEffect(
        effect_key=f"{kind}:{name}:{number}",
        kind=kind,
        pass_number=1,
        object_key=f"item:{name}",
        creates=kind.startswith("create"),
        payload={"name": name, "label": name},
        parent_key=f"item:{parent}" if parent else None,
    )


def plan(database, effects, account="file:default"):
    with database.transaction() as conn:
        EffectStore(database).insert(conn, effects, scope=SCOPE, account=account)


def book(objects=12, changes=3):
    """Objects with changes: planned change by change, so that neighbours are of many objects."""
    creates = [effect(f"o{n}") for n in range(objects)]
    later = [
        effect(f"o{n}", "change_item", number)
        for number in range(1, changes + 1)
        for n in range(objects)
    ]
    return creates + later


def start(database, destination, crash_at=None, takes_s=0.005, hangs=False):
    environment = {**os.environ, "PYTHONPATH": str(_HERE)}
    if crash_at:
        environment["SYNCFLOW_CRASH_AT"] = crash_at
    arguments = [database.url, str(destination.path), str(takes_s), "hangs" if hangs else "runs"]
    return subprocess.Popen(
        [sys.executable, str(_HERE / "ledger_worker.py"), *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process, code=0):
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors[-3000:]


def states(database):
    rows = database.fetch_all("select state, count(*) as effects from effect group by state")
    return {row["state"]: row["effects"] for row in rows}


def in_order(keys, objects=12, changes=3):
    """Whether each object was made once and then changed in the order of planning."""
    for n in range(objects):
        mine = [key for key in keys if key.split(":")[1] == f"o{n}"]
        expected = [f"create_item:o{n}:0"]
        expected += [f"change_item:o{n}:{number}" for number in range(1, changes + 1)]
        if mine != expected:
            return False
    return True


@pytest.fixture
def shared(tmp_path):
    return FileDestination(tmp_path / "applied.txt", takes_s=0.005)


def test_four_threads_double_nothing_and_keep_each_objects_order(database, shared):
    plan(database, book())
    errors = []

    def run():
        try:
            deliver(database, shared)
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    deliver(database, shared)
    assert states(database) == {"DONE": 48}
    assert in_order(shared.applied())


@pytest.mark.process
def test_three_processes_double_nothing_and_keep_each_objects_order(database, shared):
    plan(database, book())
    for process in [start(database, shared, takes_s=0.15) for _ in range(3)]:
        ended(process)
    deliver(database, shared)
    assert states(database) == {"DONE": 48}
    assert in_order(shared.applied())
    assert len(shared.processes()) > 1


@pytest.mark.process
@pytest.mark.parametrize(
    "point", ["deliver.claimed:2", "deliver.intent_committed:2", "deliver.sent:2"]
)
def test_what_a_killed_process_held_is_taken_up_at_once(database, shared, point):
    plan(database, book(changes=0))
    ended(start(database, shared, crash_at=point), code=-signal.SIGKILL)
    held = {"deliver.claimed:2": "CLAIMED"}.get(point, "SENT")
    assert states(database)[held] == 4
    started = time.monotonic()
    report = deliver(database, shared)
    # A lease lasts five minutes; the lock of a dead process is gone with it.
    assert time.monotonic() - started < 10
    assert states(database) == {"DONE": 12}
    assert in_order(shared.applied(), changes=0)
    # Only what may have been applied is asked about; what then had to be made again, once more.
    asked = {"deliver.claimed:2": 0, "deliver.intent_committed:2": 2, "deliver.sent:2": 1}
    assert report.lookups == asked[point]


@pytest.mark.process
def test_a_process_killed_while_its_request_hangs_is_known_to_be_dead(database, shared):
    plan(database, book(changes=0))
    hanging = start(database, shared, hangs=True)
    mark = Path(f"{shared.path}.hangs")
    until = time.monotonic() + 30
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.01)
    deliver(database, shared)
    # While it lives its lease is respected.
    assert states(database) == {"DONE": 8, "SENT": 4}
    hanging.kill()
    ended(hanging, code=-signal.SIGKILL)
    deliver(database, shared)
    assert states(database) == {"DONE": 12}
    assert in_order(shared.applied(), changes=0)


# --- leases, on a clock of ours ---------------------------------------------------------------


@pytest.fixture
def memory():
    return MemoryDestination()


def test_a_hung_worker_loses_its_lease_when_it_runs_out(database, memory):
    plan(database, book(objects=2, changes=0), memory.account)
    clock, store = FakeClock(), EffectStore(database, lease_s=300)
    with worker(database) as hung:
        claimed = store.claim(SCOPE, hung.number, clock.now(), 2)
        store.commit_intent(claimed, hung.number, uuid4(), clock.now())
        memory.apply(claimed[0])
        Delivery(database, clock, memory, SCOPE).run()
        assert states(database) == {"SENT": 2}
        clock.sleep(301)
        Delivery(database, clock, memory, SCOPE).run()
    assert states(database) == {"DONE": 2}
    assert sorted(memory.log) == ["create_item:o0:0", "create_item:o1:0"]


def test_a_lease_begins_anew_when_its_effects_are_sent(database, memory):
    plan(database, book(objects=1, changes=0), memory.account)
    clock, store = FakeClock(), EffectStore(database, lease_s=300)
    with worker(database) as patient:
        claimed = store.claim(SCOPE, patient.number, clock.now(), 1)
        clock.sleep(299)
        store.commit_intent(claimed, patient.number, uuid4(), clock.now())
        clock.sleep(299)
        store.take_up(SCOPE, patient.number + 1, clock.now(), settle_s=5)
    assert states(database) == {"SENT": 1}


def test_a_claim_that_ran_out_can_no_longer_be_sent(database, memory):
    plan(database, book(objects=1, changes=0), memory.account)
    clock, store = FakeClock(), EffectStore(database, lease_s=300)
    with worker(database) as slow:
        claimed = store.claim(SCOPE, slow.number, clock.now(), 1)
        clock.sleep(301)
        Delivery(database, clock, memory, SCOPE).run()
        assert store.commit_intent(claimed, slow.number, uuid4(), clock.now()) == []
    assert memory.log == ["create_item:o0:0"]


def test_the_word_of_a_worker_that_comes_back_late_counts_while_nobody_knows_better(database):
    plan(database, book(objects=1, changes=0))
    clock, store, request = FakeClock(), EffectStore(database), uuid4()
    with worker(database) as hung:
        (claimed,) = store.claim(SCOPE, hung.number, clock.now(), 1)
        store.commit_intent([claimed], hung.number, request, clock.now())
        clock.sleep(301)
        assert store.take_up(SCOPE, hung.number + 1, clock.now(), settle_s=5) == 1
        assert states(database) == {"UNKNOWN": 1}
        late = Verdict(claimed.effect_id, EffectState.DONE, "done", remote_id="r1")
        with database.transaction() as conn:
            store.settle(conn, [late], {claimed.effect_id: request}, clock.now())
    assert states(database) == {"DONE": 1}


def test_a_question_is_not_asked_before_the_service_can_know_the_answer(database, memory):
    memory.settle_s = 65
    plan(database, book(objects=1, changes=0), memory.account)
    clock, store = FakeClock(), EffectStore(database)
    (claimed,) = store.claim(SCOPE, 999_999, clock.now(), 1)
    sent_at = clock.now()
    store.commit_intent([claimed], 999_999, uuid4(), sent_at)
    asked = []
    look = memory.lookup
    memory.lookup = lambda effects: asked.append(clock.now()) or look(effects)
    Delivery(database, clock, memory, SCOPE).run()
    assert asked
    assert asked[0] - sent_at >= timedelta(seconds=65)
    assert memory.log == ["create_item:o0:0"]


def test_another_worker_does_not_take_away_what_is_about_to_become_possible(database, memory):
    """While one makes the parent, a second finds nothing to do, ends, and leaves the children."""
    plan(database, [effect("p"), *(effect(f"c{n}", parent="p") for n in range(5))], memory.account)
    clock = FakeClock()
    others = []

    def meanwhile(effects):
        others.append(Delivery(database, clock, memory, SCOPE).run())

    memory.script = [meanwhile]
    Delivery(database, clock, memory, SCOPE).run()
    assert others[0].requests == 0
    assert states(database) == {"DONE": 6}
    assert memory.log[0] == "create_item:p:0"


# --- the database goes away -------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_server(short_folder):
    """A server that may be stopped: the session's belongs to all."""
    # Commits must be real: what is not yet written is lost when a server is stopped at once.
    settings = {"fsync": "off"}
    with EmbeddedPostgres(short_folder / "workers", settings=settings) as server:
        yield server


@pytest.mark.process
def test_a_restart_of_the_database_in_the_middle_is_sat_out(own_server):
    with Database(own_server.ensure_database("ledger_workers")) as database:
        migrate(database)
        memory = MemoryDestination(settle_s=0.1, batch_size=4)
        plan(database, book(), memory.account)

        def restart(effects):
            own_server.restart_immediately()

        # Before a request is applied, and again after one was.
        memory.script = [lambda _: None, restart, lambda _: None, restart]
        deliver(database, memory)
        assert states(database) == {"DONE": 48}
    assert in_order(memory.log)


def test_an_outcome_reported_twice_is_written_once(database, memory):
    """As after a commit whose confirmation was lost with the connection."""
    plan(database, book(objects=1, changes=0), memory.account)
    clock, store, request = FakeClock(), EffectStore(database), uuid4()
    with worker(database) as me:
        (claimed,) = store.claim(SCOPE, me.number, clock.now(), 1)
        for _ in range(2):
            assert store.commit_intent([claimed], me.number, request, clock.now()) == [claimed]
        outcome = memory.apply(claimed)
        assert isinstance(outcome, Done)
        done = Verdict(claimed.effect_id, EffectState.DONE, "done", remote_id=outcome.remote_id)
        for _ in range(2):
            with database.transaction() as conn:
                store.settle(conn, [done], {claimed.effect_id: request}, clock.now())
                store.log_attempts(conn, "send", [done], {claimed.effect_id: request}, clock.now())
    row = database.fetch_one("select state, tries from effect")
    assert (row["state"], row["tries"]) == ("DONE", 1)
    attempts = database.fetch_all("select outcome from attempt")
    assert [one["outcome"] for one in attempts] == ["done"]
