"""Building deltas against a real PostgreSQL: what changed, what was refused, what was kept."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pyarrow as pa
import pytest
from delta_cases import (
    NOW,
    WORKFLOW,
    batch_of,
    build,
    delta_rows,
    headers_node,
    order,
    seen,
    snapshot_rows,
    some,
)

from syncflow_dagster.core.identity import hashing
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.delta.errors import (
    DeleteGuard,
    DeltaDefinitionError,
)
from syncflow_dagster.testing.crash import DELTA_STAGES

ALL = ["order_number", "customer_name", "total", "due", "notes"]


def test_insert_update_delete_same(database):
    node = headers_node()
    first = build(database, node, [order(f"SO-{n}") for n in range(1, 5)], run_id="run-1")
    some(first, read=4, records=4, inserted=4, updated=0, deleted=0, same=0)
    rows = delta_rows(database, node)
    assert seen(rows, "business_key", "operation", "state", "generation", "customer") == [
        (f"SO-{n}", "INSERT", "PENDING", 1, "ACME") for n in range(1, 5)
    ]
    assert rows[0]["changed_columns"] == []  # an INSERT brings everything
    assert rows[0]["total"] == Decimal("10.00")

    changed = [order("SO-1"), order("SO-2", total="11"), order("SO-4", notes="x"), order("SO-5")]
    second = build(database, node, changed)
    some(second, read=4, inserted=1, updated=1, deleted=1, same=2, superseded=2)
    rows = delta_rows(database, node)[4:]
    assert seen(rows, "operation", "business_key", "total") == [
        ("UPDATE", "SO-2", Decimal("11.00")),
        ("INSERT", "SO-5", Decimal("10.00")),
        ("DELETE", "SO-3", None),
    ]
    delete = rows[2]
    assert delete["order_number"] == "SO-3"
    assert delete["customer"] == "ACME"
    assert delete["data_hash"] is None
    deleted = [row for row in snapshot_rows(database, node) if row["deleted_at"]]
    assert seen(deleted, "business_key", "deleted_at", "data_hash") == [("SO-3", NOW, None)]


def test_ids_and_hashes_are_those_of_the_reference(database):
    node = headers_node()
    build(database, node, [order("SO-1")])
    row = delta_rows(database, node)[0]
    import polars as pl

    key = hashing.key_hashes(pl.DataFrame({"k": ["SO-1"]}))
    assert row["bk_hash"].bytes == key.tobytes()
    expected = hashing.record_uuids(WORKFLOW, "order", key).tobytes()
    assert row["record_uuid"] == uuid.UUID(bytes=expected)
    assert len(row["data_hash"]) == 32
    kept = snapshot_rows(database, node)[0]
    assert (kept["bk_hash"], kept["data_hash"]) == (row["bk_hash"], row["data_hash"])


def test_a_second_run_writes_nothing(database):
    node = headers_node()
    rows = [order("SO-1", total="1"), order("SO-2", customer="  Zoe\u0308  Ltd ")]
    build(database, node, rows)
    before = database.fetch_all("select xmin::text, * from order_list_delta_snapshot")
    cosmetic = [order("SO-1 ", total=1.0), order("SO-2", customer="Zoë Ltd", notes="n")]
    again = build(database, node, batch_of([{**cosmetic[0]}]) + batch_of([cosmetic[1]]))
    some(again, same=2, inserted=0, updated=0, deleted=0, superseded=0)
    assert len(delta_rows(database, node)) == 2
    assert database.fetch_all("select xmin::text, * from order_list_delta_snapshot") == before


def test_changed_columns_are_exact_and_a_resync_names_all(database):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2")])
    database.execute("update order_list_delta set state = 'SYNCED'")
    changed = [order("SO-1", customer="B", due=None, notes="not compared"), order("SO-2")]
    build(database, node, changed)
    row = delta_rows(database, node)[2]
    assert row["changed_columns"] == ["customer_name", "due"]
    assert row["notes"] == "not compared"
    result = build(database, node, changed, full_resync=True)
    some(result, updated=2, same=0)
    assert delta_rows(database, node)[3]["changed_columns"] == ALL


def test_the_guard_writes_nothing(database):
    node = headers_node()
    build(database, node, [order(f"SO-{n}") for n in range(30)])
    with pytest.raises(DeleteGuard, match=r"20 of 30 known records \(67%\).*max_share") as error:
        build(database, node, [order(f"SO-{n}", total="99") for n in range(10)])
    assert "order_delta" in str(error.value)
    with pytest.raises(DeleteGuard, match="no record at all while 30 are known"):
        build(database, node, [])
    assert len(delta_rows(database, node)) == 30
    assert not any(row["deleted_at"] for row in snapshot_rows(database, node))
    failed = database.fetch_all("select status, error from batch order by batch_id")[1:]
    assert [row["status"] for row in failed] == ["FAILED", "FAILED"]
    assert "DeleteGuard" in failed[0]["error"]
    allowed = headers_node(deletes={"max_share": 0.7})
    some(build(database, allowed, [order(f"SO-{n}") for n in range(10)]), deleted=20, same=10)


def test_deletes_only_of_a_complete_read_and_where_asked_for(database):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2")])
    some(build(database, node, [order("SO-1")], complete=False), deleted=0, same=1)
    off = headers_node(deletes={"detect": False})
    some(build(database, off, []), deleted=0, records=0)

    def torn():
        yield from batch_of([order("SO-1", total="77")])
        raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        build(database, node, torn())
    assert len(delta_rows(database, node)) == 2


def test_an_empty_source_before_anything_is_known(database):
    result = build(database, headers_node(), [])
    some(result, read=0, records=0, inserted=0)
    empty = pa.table({name: pa.array([], pa.string()) for name in order("x")}).to_batches()
    some(build(database, headers_node(), empty), read=0)
    assert len(result.preview) == 0


def test_a_record_that_comes_back_is_the_same_with_the_next_generation(database):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2")])
    build(database, node, [order("SO-1")])
    result = build(database, node, [order("SO-1"), order("SO-2")])
    some(result, inserted=1, superseded=1)
    rows = delta_rows(database, node)
    mine = [row for row in rows if row["business_key"] == "SO-2"]
    assert seen(mine, "operation", "generation", "state") == [
        ("INSERT", 1, "SUPERSEDED"),
        ("DELETE", 1, "SUPERSEDED"),
        ("INSERT", 2, "PENDING"),
    ]
    assert len({row["record_uuid"] for row in mine}) == 1
    kept = snapshot_rows(database, node)[1]
    assert (kept["generation"], kept["deleted_at"]) == (2, None)


def test_a_field_that_is_new_is_no_change_by_itself(database):
    node = headers_node()
    build(database, node, [order("SO-1"), order("SO-2"), order("SO-3")])
    fields = [each.model_dump() for each in node.fields]
    wider = headers_node(fields=[*fields, {"name": "color", "column": "COLOR"}])
    rows = [
        {**order("SO-1"), "COLOR": None},
        {**order("SO-2"), "COLOR": "red"},
        {**order("SO-3", total="7"), "COLOR": "blue"},
    ]
    database.execute("update order_list_delta set state = 'SYNCED'")
    some(build(database, wider, rows), updated=1, same=2, migrated=2)
    last = delta_rows(database, wider)[-1]
    assert (last["business_key"], last["color"]) == ("SO-3", "blue")
    assert last["changed_columns"] == ["total"]
    assert {row["hash_version"] for row in snapshot_rows(database, wider)} == {2}
    assert database.fetch_all("select hash_version from order_list_delta_version") == [
        {"hash_version": 2}
    ]
    some(build(database, wider, rows), updated=0, same=3, migrated=0)
    rows[1]["COLOR"] = "green"
    some(build(database, wider, rows), updated=1, same=2)
    assert delta_rows(database, wider)[-1]["changed_columns"] == ["color"]


def test_a_rule_that_changes_gives_the_true_changes_only(database):
    node = headers_node()
    fields = [each.model_dump() for each in node.fields]
    build(database, node, [order("SO-1"), order("SO-2")])
    database.execute("update order_list_delta set state = 'SYNCED'")
    coarse = headers_node(fields=[{**each, "scale": 0} for each in fields])
    # By the rule of then, 10.4 is another total; by the one of now it is not.
    rounded = [order("SO-1", total="10.4"), order("SO-2", total="10")]
    some(build(database, coarse, rounded), updated=1, same=1, migrated=1)
    assert delta_rows(database, node)[-1]["changed_columns"] == ["total"]
    some(build(database, coarse, [order("SO-1", total="9.6"), order("SO-2")]), updated=0, same=2)
    some(build(database, node, [order("SO-1", total="9.6"), order("SO-2")]), updated=0, migrated=2)


def test_a_key_declared_otherwise_is_refused_until_it_is_accepted(database):
    build(database, headers_node(), [order(f"so-{n}") for n in range(20)])
    fields = [each.model_dump() for each in headers_node().fields]
    fields[0]["case"] = "upper"
    upper = headers_node(fields=fields)
    rows = [order(f"so-{n}") for n in range(20)]
    with pytest.raises(DeltaDefinitionError, match=r"business key .order_number. is declared"):
        build(database, upper, rows)
    some(build(database, upper, rows, full_resync=True), inserted=20, deleted=20)
    some(build(database, upper, rows), same=20)


def test_progress_and_stages(database):
    told = []
    node = headers_node()
    rows = [order(f"SO-{n}") for n in range(4)]
    result = build(database, node, rows, progress=told.append)
    assert {each.seconds_left for each in told} == {None}
    told.clear()
    build(database, node, rows, progress=told.append)
    assert [stage.name for stage in result.stages] == list(DELTA_STAGES)
    assert {each.stage for each in told} == set(DELTA_STAGES)
    by_name = {stage.name: stage for stage in result.stages}
    assert by_name["extract"].rows == by_name["normalise"].rows == 4
    assert by_name["write_delta"].rows == by_name["advance_snapshot"].rows == 4
    assert all(stage.seconds > 0 for stage in result.stages)
    extract = next(each for each in told if each.stage == "extract")
    assert extract.rows_per_s > 0
    assert extract.seconds_left == 0
    batch = database.fetch_all("select * from batch")[0]
    assert (batch["status"], batch["counts"]["inserted"]) == ("DONE", 4)
    assert [stage["name"] for stage in batch["stages"]] == list(DELTA_STAGES)
    assert result.preview["business_key"].to_list() == ["SO-0", "SO-1", "SO-2", "SO-3"]


def test_chunks_and_their_borders(database, monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (7,))
    node = headers_node()
    rows = [order(f"SO-{n:03}", total=str(n)) for n in range(50)]
    some(build(database, node, rows), inserted=50)
    rows[7] = order("SO-007", total="x")
    rows[14] = order("SO-014", total="-1")
    rows[48] = order("SO-049", total="3")
    result = build(database, node, batch_of(rows[:3]) + batch_of(rows[3:30]) + batch_of(rows[30:]))
    some(result, updated=1, rejected=3, deleted=1, same=46)
    last = delta_rows(database, node)[50:]
    assert seen(last, "operation", "business_key", "total") == [
        ("UPDATE", "SO-014", -1),
        ("DELETE", "SO-048", None),
    ]
    assert [told.row_number for told in result.rejected] == [8, 49, 50]


def test_a_first_load_leaves_the_indexes_of_others_alone(database):
    node = headers_node()
    prepare(database, "orders", [node])
    database.execute("create index my_report on order_list_delta (customer_name)")
    build(database, node, [order("SO-1")])
    found = "select indexname from pg_indexes where tablename like 'order_list_delta%'"
    mine = {row["indexname"] for row in database.fetch_all(found)}
    assert "my_report" in mine
    assert len(mine) == 7  # keys of three tables, the version's fingerprint, two, and this one
