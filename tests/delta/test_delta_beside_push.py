"""A push that brings children back while their delta is built: nobody fails, the newest wins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from delta_cases import NOW, build, delta_rows, headers_node, line, lines_node, order
from source_cases import MarkedRows, build_from

from syncflow_dagster.nodes.delta.batches import Batch
from syncflow_dagster.nodes.delta.parts import all_parts
from syncflow_dagster.nodes.monday.returning import bring_back_children

PARENT, CHILD = headers_node(), lines_node()
NEWER = [line("SO-1", "M", 5)]
ONE_WAITS = "select 1 from pg_locks where locktype = 'advisory' and not granted"
BUILDING = "select 1 from batch where status = 'RUNNING'"


@pytest.fixture
def item(database):
    """Record id of a parent whose child was delivered."""
    build(database, PARENT, [order("SO-1")])
    build(database, CHILD, [line("SO-1", "M", 1)], parent=PARENT)
    for table in (PARENT.table, CHILD.table):
        database.execute(f"update {table} set state = 'SYNCED'")
    return delta_rows(database, PARENT)[0]["record_uuid"]


def bring_back(conn, item):
    return bring_back_children(conn, CHILD, [item], prefix="item:", now=NOW)


def wait_until(database, found, work):
    """Until a query finds something; the work must not have come to its end by then."""
    while database.fetch_one(found) is None:
        assert not work.done(), work.result()


def written(database):
    """Quantity and state of the child's delta rows."""
    return [(row["qty"], row["state"]) for row in delta_rows(database, CHILD)]


def test_a_push_does_not_wait_for_builds_that_read(database, item):
    class Reading(MarkedRows):
        def read(self, position):
            with database.transaction() as conn:
                conn.execute("set local lock_timeout = '200ms'")
                brought.append(bring_back(conn, item))
            yield from super().read(position)

    brought = []
    for part in all_parts(2):
        build_from(database, CHILD, Reading(NEWER, mark=None), parent=PARENT, part=part)
    # The first one's push writes the row again; whose part the record is in, takes its place.
    assert sorted(brought) == [0, 1]
    assert written(database) == [(1, "SYNCED"), (1, "SUPERSEDED"), (5, "PENDING")]


def test_a_build_does_not_fail_beside_a_push_and_writes_after_it(database, item):
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as conn:
            assert bring_back(conn, item) == 1
            work = pool.submit(build, database, CHILD, NEWER, parent=PARENT, lock_wait_ms=20)
            wait_until(database, BUILDING, work)
            wait_until(database, ONE_WAITS, work)
        assert work.result().counts["superseded"] == 1
    assert written(database) == [(1, "SYNCED"), (1, "SUPERSEDED"), (5, "PENDING")]


def test_a_push_that_comes_while_a_build_writes_sees_what_it_wrote(database, item, monkeypatch):
    def push():
        with database.transaction() as conn:
            return bring_back(conn, item)

    finish = Batch.finish
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(self, *given):
            pushes.append(pool.submit(push))
            wait_until(database, ONE_WAITS, pushes[0])
            return finish(self, *given)

        pushes = []
        monkeypatch.setattr(Batch, "finish", meanwhile)
        build(database, CHILD, NEWER, parent=PARENT)
        assert [each.result() for each in pushes] == [0]
    assert written(database) == [(1, "SYNCED"), (5, "PENDING")]
