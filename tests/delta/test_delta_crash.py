"""A build that is killed, disturbed or not alone: nothing half-written, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from delta_cases import (
    WORKFLOW,
    batch_of,
    build,
    crash_rows,
    delta_rows,
    headers_node,
    order,
    snapshot_rows,
)

from syncflow_dagster.nodes.delta import writing
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.delta.errors import DeltaBusy, MissingColumn
from syncflow_dagster.testing.crash import DELTA_POINTS, VARIABLE

WORKER = Path(__file__).with_name("delta_worker.py")
# What differs between two runs, or between two tables that hold the same.
UNLIKE = {"delta_id", "batch_id", "superseded_by", "state_since", "created_at", "reason"}


def outcome(database, node):
    def alike(rows):
        return [{name: row[name] for name in row if name not in UNLIKE} for row in rows]

    rejected = database.fetch_all(
        "select row_number, business_key, rule, times, resolved_at from rejected_record"
        " where node = %s order by row_number",
        [node.name],
    )
    return alike(delta_rows(database, node)), alike(snapshot_rows(database, node)), rejected


def kill_at(url, folder, table, point):
    environment = {**os.environ, VARIABLE: point}
    command = [sys.executable, str(WORKER), url, table, str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.process
def test_killed_at_any_point_and_run_again_gives_the_undisturbed_result(
    database, database_url, tmp_path
):
    calm = headers_node(name="calm", table="calm")
    build(database, calm, crash_rows(changed=False))
    build(database, calm, crash_rows(changed=True))
    expected = outcome(database, calm)
    decided = DELTA_POINTS.index("delta.chunk_kept")
    kept = DELTA_POINTS[decided:-1]
    assert len(expected[0]) == 7
    points = {f"t{number}": point for number, point in enumerate(DELTA_POINTS)}
    nodes = {table: headers_node(name=table, table=table) for table in points}
    for node in nodes.values():
        build(database, node, crash_rows(changed=False))
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda each: kill_at(database_url, tmp_path, *each), points.items())
    for (table, point), run in zip(points.items(), runs, strict=True):
        assert run.returncode == -signal.SIGKILL, (point, run.stderr)
        node = nodes[table]
        status = "select status from batch where node = %s order by batch_id"
        left = [row["status"] for row in database.fetch_all(status, [table])]
        committed = point == "delta.committed"
        assert left == ["DONE", "DONE" if committed else "RUNNING"], point
        assert (len(delta_rows(database, node)) == 7) is committed, point
        rows = crash_rows(changed=True)
        again = build(database, node, rows, fingerprint="crash", home=tmp_path)
        assert (again.resumed > 0) is (point in kept), point
        after = [row["status"] for row in database.fetch_all(status, [table])]
        assert after == ["DONE", "DONE" if committed else "FAILED", "DONE"], point
        found = outcome(database, node)
        if committed:
            for row in found[2]:
                row["times"] -= 1
        assert found == expected, point
    assert list(tmp_path.iterdir()) == []


def test_a_second_build_of_the_same_node_is_refused(database):
    node = headers_node()

    def source():
        yield from batch_of([order("SO-1")])
        with pytest.raises(DeltaBusy, match=r"builds the delta of orders\.order_delta right now"):
            build(database, node, [order("SO-2")], lock_wait_ms=20)
        other = headers_node(name="other", table="other_delta")
        build(database, other, [order("SO-2")], lock_wait_ms=20)

    result = build(database, node, source())
    assert result.counts["inserted"] == 1
    assert [row["business_key"] for row in delta_rows(database, node)] == ["SO-1"]
    build(database, node, [order("SO-1")], lock_wait_ms=20)


def test_tables_are_prepared_by_many_at_once(database):
    node = headers_node()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(prepare, database, WORKFLOW, [node]) for _ in range(8)]:
            done.result()
    build(database, node, [order("SO-1")])


def test_the_spill_is_removed_after_success_and_error(database, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    build(database, headers_node(), [order("SO-1")])
    assert list(tmp_path.iterdir()) == []
    bad = batch_of([order("SO-2")]) + batch_of([{"ORDER_NO": "SO-3"}])
    with pytest.raises(MissingColumn):
        build(database, headers_node(), bad)
    assert list(tmp_path.iterdir()) == []
    batch = database.fetch_all("select * from batch order by batch_id")[-1]
    assert (batch["status"], batch["counts"]["read"]) == ("FAILED", 2)
    assert batch["error"].startswith("MissingColumn: node order_delta")


def test_a_deadlock_with_the_push_is_tried_again(database, monkeypatch):
    node = headers_node(duplicates="reject")
    advance = writing.Writer.advance_snapshot
    failures = iter([psycopg.errors.DeadlockDetected("deadlock")] * 2)

    def disturbed(self):
        for failure in failures:
            raise failure
        return advance(self)

    monkeypatch.setattr(writing.Writer, "advance_snapshot", disturbed)
    result = build(database, node, [order("SO-1"), order("SO-2"), order("SO-2")])
    assert (result.counts["inserted"], result.counts["rejected"]) == (1, 2)
    assert [stage.rows for stage in result.stages] == [3, 3, 3, 2, 0, 1, 0, 1, 1]
    assert len(delta_rows(database, node)) == 1


def test_effects_planned_while_the_build_waits_are_cancelled(database, database_url):
    node = headers_node()
    build(database, node, [order("SO-1")])
    row = delta_rows(database, node)[0]
    with psycopg.connect(database_url) as push:
        push.execute("set search_path = syncflow")
        push.execute(
            "select from order_list_delta where delta_id = %s for update", [row["delta_id"]]
        )
        push.execute("update order_list_delta set state = 'PUSHING'")
        push.execute(
            "insert into effect (effect_key, workflow, node, account, kind, pass, object_key,"
            " creates, delta_table, delta_id, payload) values"
            " ('k', 'orders', 'push', 'a', 'item', 1, 'o', true, 'order_list_delta', %s, '{}')",
            [row["delta_id"]],
        )
        thread = threading.Thread(target=build, args=(database, node, [order("SO-1", total="2")]))
        thread.start()
        waiting = "select count(*) as n from pg_locks where not granted"
        while not database.fetch_one(waiting)["n"]:
            assert thread.is_alive()
        push.commit()
    thread.join()
    old, new = delta_rows(database, node)
    assert (old["state"], old["superseded_by"]) == ("SUPERSEDED", new["delta_id"])
    effect = database.fetch_one("select state, reason from effect")
    assert effect == {"state": "CANCELLED", "reason": f"superseded by delta {new['delta_id']}"}
    assert new["operation"] == "UPDATE"
    assert new["changed_columns"] == ["order_number", "customer_name", "total", "due", "notes"]


def test_without_the_plugin_the_hashes_stay_the_same(database, monkeypatch):
    node = headers_node()
    rows = [order(f"SO-{n}", total=str(n), due=None if n % 2 else "2026-01-01") for n in range(9)]
    build(database, node, rows)
    before = snapshot_rows(database, node)
    monkeypatch.setitem(sys.modules, "polars_hash", None)
    result = build(database, node, rows, full_resync=True)
    assert result.counts["updated"] == 9
    assert snapshot_rows(database, node) == before
