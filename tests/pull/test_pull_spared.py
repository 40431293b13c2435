"""A database that is to be spared: how many read it at once, and how fast."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import pytest

from syncflow_dagster.nodes.pull.read import PullRows
from syncflow_dagster.nodes.pull.spared import SparedRows
from syncflow_dagster.nodes.rows import Position
from syncflow_dagster.nodes.sources import open_source
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import Workflow

ROWS, BATCH = 100, 20


@pytest.fixture
def spared(tmp_path, database):
    with sqlite3.connect(tmp_path / "t.db") as conn:
        conn.execute("create table t (id)")
        conn.executemany("insert into t values (?)", [(number,) for number in range(ROWS)])
    conn.close()
    (tmp_path / "t.sql").write_text("select id from t", encoding="utf-8")

    def make(**limits):
        pull = {"type": "pull", "name": "p", "description": "d", "connection": "a"}
        source = {"type": "sql", "url": f"sqlite:///{tmp_path / 't.db'}", **limits}
        workflow = Workflow.model_validate(
            {
                "workflow": "w",
                "description": "d",
                "owner": "o",
                "connections": {"a": source},
                "nodes": [{**pull, "query": "t.sql", "batch_rows": BATCH}],
            }
        )
        loaded = LoadedWorkflow(workflow, tmp_path / "w.yaml", {"p": tmp_path / "t.sql"})
        return loaded, workflow.pulls[0], workflow.connections["a"]

    def rows(told, clock, **limits):
        given = {"database": database, "clock": clock, "tell": told.append}
        return SparedRows(*make(**limits), **given)

    return SimpleNamespace(rows=rows, make=make, database=database)


def test_rows_come_no_faster_than_they_may(spared):
    clock = FakeClock()
    rows = spared.rows([], clock, most_rows_per_s=10)
    assert sum(piece.batch.num_rows for piece in rows.read(Position())) == ROWS
    assert clock.slept == [BATCH / 10] * (ROWS // BATCH)
    # What the reader did meanwhile counts.
    reading = rows.read(Position())
    next(reading)
    clock.sleep(1.5)
    next(reading)
    assert clock.slept[-1] == 0.5


def test_only_so_many_read_at_once_and_the_next_waits_for_a_place(spared):
    told = []
    reads = [spared.rows(told, FakeClock(), most_at_once=2).read(Position()) for _ in range(2)]
    assert [next(one).batch.num_rows for one in reads] == [BATCH, BATCH]
    clock = FakeClock()
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            reads[0].close()

    clock.sleep = sleep
    third = spared.rows(told, clock, most_at_once=2)
    assert sum(piece.batch.num_rows for piece in third.read(Position())) == ROWS
    assert len(waits) >= 2
    assert len(told) == 1
    assert "waits until fewer than 2 reads of" in told[0]


def test_a_connection_without_limits_is_read_as_before(spared):
    loaded, pull, _ = spared.make()
    node = SimpleNamespace(name="d", source=pull.name)
    assert type(open_source(loaded, node, spared.database)) is PullRows
    loaded, pull, _ = spared.make(most_at_once=1)
    assert type(open_source(loaded, node, spared.database)) is SparedRows
