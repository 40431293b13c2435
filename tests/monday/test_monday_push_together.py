"""Several pushes at once, and budgets that are tight: nothing doubled, nothing throttled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from monday_world import LINES, line, order

from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.store.clock import DatabaseClock

BOOK = [order(f"SO-{n}", f"Customer {n % 4}") for n in range(24)]
SIZES = [line(f"SO-{n}", size, n, customer=f"Customer {n % 4}") for n in range(24) for size in "ML"]
_HERE = Path(__file__).parent


def start(world, urls, crash_at=None, **settings):
    """Push in another process."""
    environment = {**os.environ, "PYTHONPATH": str(_HERE)}
    if crash_at:
        environment["SYNCFLOW_CRASH_AT"] = crash_at
    arguments = [world.database.url, json.dumps(urls), json.dumps(settings)]
    return subprocess.Popen(
        [sys.executable, str(_HERE / "push_worker.py"), *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process, code=0):
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors[-3000:]


def all_there_once(world):
    records = [str(row["record_uuid"]) for row in (*world.rows(), *world.rows(LINES))]
    assert world.keys() == dict.fromkeys(records, 1)
    assert world.doubled() == []
    assert set(world.states().values()) | set(world.states(LINES).values()) == {"SYNCED"}


@pytest.mark.process
def test_three_processes_push_the_same_book_and_nothing_is_doubled(world, push_server):
    world.control.settings(latency_s=0.02)
    world.build(BOOK, SIZES)
    for process in [start(world, push_server.urls) for _ in range(3)]:
        ended(process)
    world.push()
    assert world.group_titles() == [*(f"Customer {n}" for n in range(4)), "Topics"]
    assert world.judged().counts == {"groups": 4, "items": 24, "subitems": 48}
    all_there_once(world)


@pytest.mark.process
def test_a_process_that_is_killed_while_another_pushes_leaves_nothing_undone(world, push_server):
    world.control.settings(latency_s=0.05)
    world.build(BOOK, SIZES)
    killed = start(world, push_server.urls, crash_at="deliver.sent:2")
    # The groups are its first request; it dies after its second, while this one pushes too.
    while not world.writes():
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.005)
    world.clock = DatabaseClock(world.database)
    world.push()
    ended(killed, code=-9)
    world.push()
    assert world.judged().counts == {"groups": 4, "items": 24, "subitems": 48}
    all_there_once(world)


def test_an_account_of_the_smallest_kind_is_never_throttled(make_world, push_server):
    """33 mutations a minute, and minutes that last a second: the budget is waited for."""
    world = make_world(token="sandbox-trial")
    world.clock = DatabaseClock(world.database)
    world.control.clock(60)
    world.sync([one | {"status": None} for one in BOOK], [one | {"stage": None} for one in SIZES])
    stats = world.control.stats()["monday"]
    assert stats["throttled"] == 0
    used = stats["budget_used"]["sandbox-trial"]["complexity"]["writes"]
    assert used["peak"] <= 1_000_000
    # 76 mutations are three windows at best; a slow machine lets some pass half-filled.
    assert used["windows"] <= 8
    all_there_once(world)


def test_two_threads_share_the_account_and_never_exceed_it_together(make_world, push_server):
    worlds = [make_world(token="sandbox-trial", batch_size=5) for _ in range(2)]
    worlds[0].control.clock(60)
    worlds[0].build([order(f"SO-{n}", status=None) for n in range(80)])
    errors = []

    def push(world):
        try:
            world.clock = DatabaseClock(world.database)
            world.push()
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=push, args=(world,)) for world in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    workers = worlds[0].database.fetch_one("select last_value from worker_number")
    assert workers["last_value"] == 6
    stats = worlds[0].control.stats()["monday"]
    assert stats["throttled"] == 0
    assert stats["budget_used"]["sandbox-trial"]["complexity"]["writes"]["peak"] <= 1_000_000
    assert Counter(worlds[0].states().values()) == {"SYNCED": 80}
    assert worlds[0].doubled() == []


def test_an_app_whose_reads_and_writes_are_counted_apart_is_never_throttled(make_world):
    world = make_world(token="sandbox-app", batch_size=5)
    world.control.settings(complexity={"app": 1_000_000})
    world.control.clock(30)
    world.clock = DatabaseClock(world.database)
    world.build([order(f"SO-{n}", status=None) for n in range(80)])
    done = threading.Event()

    def read():
        push = world.open()
        while not done.wait(0.3):
            push.prepare()
        push.close()

    reader = threading.Thread(target=read)
    reader.start()
    world.push()
    done.set()
    reader.join(30)
    assert world.control.stats()["monday"]["throttled"] == 0
    assert Counter(world.states().values()) == {"SYNCED": 80}


def test_the_service_counts_no_more_than_was_reserved(world):
    """Otherwise budgets would be overrun before any answer could say so."""
    world.sync(BOOK[:3], SIZES[:6])
    budget = {row["name"]: row for row in world.database.fetch_all("select * from budget")}[
        costs.COMPLEXITY_BUDGET
    ]
    used = world.control.stats()["monday"]["budget_used"]["sandbox-personal"]
    assert budget["reserved"] == 0
    assert budget["allowed"] == 10_000_000
    assert (
        used["complexity"]["writes"]["peak"]
        <= budget["spent"]
        <= 1.2 * (used["complexity"]["writes"]["peak"] + costs.READ)
    )


def test_a_board_that_cannot_be_read_for_a_while_is_waited_for(world):
    world.build(BOOK[:1])
    world.control.faults(kind="throttle", op="boards", times=2, retry_in_s=30)
    world.push()
    assert world.states() == {"SO-0": "SYNCED"}
    assert sum(world.clock.slept) >= 60
