"""Rows that are known again are not made records again, and nothing else becomes of them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from delta_cases import build, delta_rows, headers_node, order, rejected_rows, some
from seen_cases import Twice, made, off, orders, row_hashes, snapshot, state, texts

CHUNK = 3
RECORDS = 10


@pytest.fixture(autouse=True)
def _chunks(monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (CHUNK,))


@pytest.fixture
def twice(database):
    return Twice(database)


def with_fields(more=(), deletes=None, **changes):
    """The node with fields changed by name, or added."""
    fields = [
        {**field.model_dump(), **changes.get(field.name, {})} for field in headers_node().fields
    ]
    return headers_node(fields=[*fields, *more], deletes={"max_share": 1, **(deletes or {})})


def test_unchanged_rows_are_not_made_again_and_nothing_is_written(database, twice):
    node = headers_node()
    first = twice(node, orders())
    assert made(first) == RECORDS
    before = state(database, node)
    again = twice(node, orders())
    assert made(again) == 0
    some(again, read=RECORDS, records=RECORDS, same=RECORDS, inserted=0, updated=0, deleted=0)
    # Neither their order nor a column that no field reads makes other rows of them.
    shuffled = [{"MORE": str(n), **row} for n, row in enumerate(reversed(orders()))]
    again = twice(node, shuffled)
    assert made(again) == 0
    some(again, same=RECORDS, deleted=0)
    assert state(database, node) == before
    assert len(delta_rows(database, node)) == RECORDS


def test_only_rows_that_differ_are_made_again(database, twice):
    node = headers_node()
    twice(node, orders())
    before = row_hashes(database, node)
    changed = orders(
        11,
        so_2={"ORDER_NO": " SO-02", "TOTAL": "2.5"},
        so_5={"TOTAL": "5.51", "NOTES": "more"},
        so_6={"NOTES": "not compared"},
        so_7=None,
    )
    second = twice(node, changed)
    assert made(second) == 4
    some(second, read=10, same=8, updated=1, inserted=1, deleted=1)
    update, insert, delete = delta_rows(database, node)[RECORDS:]
    assert (update["business_key"], str(update["total"])) == ("SO-05", "5.51")
    assert update["notes"] == "more"
    assert (insert["business_key"], delete["business_key"]) == ("SO-10", "SO-07")
    after = row_hashes(database, node)
    assert after["SO-07"] is None
    assert {key for key in before if after[key] != before[key]} == {"SO-05", "SO-07"}
    # Those two were written from other rows.
    third = twice(node, changed)
    assert made(third) == 2
    some(third, same=10, updated=0)


def test_a_record_that_changes_back_or_comes_back_is_found(database, twice):
    node = headers_node()
    twice(node, orders())
    twice(node, orders(so_1={"TOTAL": "7"}, so_2=None))
    third = twice(node, orders())
    some(third, updated=1, inserted=1, same=8)
    assert made(third) == 2
    changes = delta_rows(database, node)[-2:]
    assert [(row["business_key"], row["operation"], row["generation"]) for row in changes] == [
        ("SO-01", "UPDATE", 1),
        ("SO-02", "INSERT", 2),
    ]
    assert made(twice(node, orders())) == 0


def test_a_broken_row_that_is_as_before_again_mends_its_rejection(database, twice):
    node = headers_node()
    twice(node, orders())
    some(twice(node, orders(so_3={"DUE": "31/02/2026"})), rejected=1, same=9, deleted=0)
    mended = twice(node, orders())
    some(mended, rejected=0, same=10)
    assert made(mended) == 0
    assert all(row["resolved_at"] for row in rejected_rows(database))


def test_values_that_are_alike_in_another_type_or_place_are_told_apart(twice):
    node = headers_node()
    rows = [order("SO-1", customer="A", notes="B"), order("SO-2", customer=None, notes="A")]
    twice(node, rows)
    swapped = [order("SO-1", customer="B", notes="A"), order("SO-2", customer="A")]
    some(twice(node, swapped), updated=1, inserted=1, same=0)
    typed = [{**row, "TOTAL": 10.0} for row in swapped]
    some(build_typed(twice, node, typed), same=2)
    some(build_typed(twice, node, [{**row, "TOTAL": 11} for row in swapped]), updated=2)


def build_typed(twice, node, rows):
    return twice(node, pa.Table.from_pylist(rows).to_batches())


def long_name(rows):
    rows[4]["CUSTOMER"] = "a very long name"
    return rows


RULES = {
    "required": ({"due": {"required": True}}, {"rejected": 1, "same": 9}),
    "length": ({"customer_name": {"max_length": 8}}, {"rejected": 1, "same": 9}),
    "length of what is not compared": ({"notes": {"max_length": 3}}, {"rejected": 1, "same": 9}),
    "none": ({"notes": {"description": "What the customer said."}}, {"rejected": 0, "same": 10}),
}


@pytest.mark.parametrize("rule", RULES)
def test_rows_are_looked_at_anew_by_a_rule_that_changes_no_hash(twice, rule):
    changes, counts = RULES[rule]
    rows = long_name(orders(so_1={"DUE": None}, so_2={"NOTES": "four"}))
    twice(headers_node(), rows)
    stricter = twice(with_fields(**changes), rows)
    some(stricter, **counts, updated=0, deleted=0, migrated=0)
    assert made(stricter) == (0 if rule == "none" else RECORDS)
    some(twice(headers_node(), rows), same=RECORDS, rejected=0)


def test_a_marker_declared_later_deletes_the_records_it_marks(twice):
    gone = [{"name": "gone", "type": "boolean", "column": "GONE", "compared": False}]
    rows = [{**row, "GONE": "yes" if n in {3, 8} else "no"} for n, row in enumerate(orders())]
    some(twice(with_fields(gone), rows), inserted=RECORDS)
    marked = with_fields(gone, deletes={"marker": "gone"})
    some(twice(marked, rows), deleted=2, updated=0)
    some(twice(marked, rows), deleted=0)
    back = [{**row, "GONE": "no"} for row in rows]
    some(twice(marked, back), inserted=2, same=8)


def test_another_type_of_a_field_that_is_not_compared_rejects_what_it_is_not(twice):
    rows = orders(so_1={"NOTES": "12"}, so_2={"NOTES": "twelve"})
    twice(headers_node(), rows)
    twice.execute(headers_node(), "alter table {} alter column notes type bigint using null")
    some(twice(with_fields(notes={"type": "integer"}), rows), rejected=1, same=9)


def test_rows_are_looked_at_anew_by_a_rule_that_changes_hashes(database, twice):
    rows = orders(so_3={"TOTAL": "3.456"})
    twice(headers_node(), rows)
    finer = with_fields(total={"scale": 3})
    result = twice(finer, rows)
    assert made(result) == RECORDS
    some(result, same=RECORDS, migrated=RECORDS, updated=0)
    assert made(twice(finer, rows)) == 0
    some(twice(finer, orders(so_3={"TOTAL": "3.455"})), updated=1, same=9)


def test_transforms_of_no_rows_at_all(twice):
    node = with_fields(
        customer_name={"transform": {"type": "concat", "columns": ["CUSTOMER", "NOTES"]}},
        total={"transform": {"type": "expression", "sql": "CAST(TOTAL AS DOUBLE) * 2"}},
        notes={"transform": {"type": "lookup", "values": {"a": "b"}, "otherwise": "null"}},
        more=[{"name": "kind", "transform": {"type": "constant", "value": "order"}}],
    )
    rows = orders(so_3={"NOTES": "a"})
    some(twice(node, rows), inserted=RECORDS, rejected=0)
    again = twice(node, rows)
    some(again, same=RECORDS)
    assert made(again) == 0
    some(twice(node, orders(so_3={"NOTES": "b"})), updated=1, same=9)


@pytest.fixture
def factor(tmp_path, monkeypatch):
    """A module with a function whose result depends on more than its columns."""
    name = f"factors_{tmp_path.name}".replace("-", "_")
    text = (
        "FACTOR = [1]\n\ndef times(frame):\n    return frame['TOTAL'].astype(float) * FACTOR[0]\n"
    )
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return __import__(name)


def test_what_a_function_makes_is_made_of_every_row_every_time(database, twice, factor):
    transform = {"type": "python", "function": f"{factor.__name__}:times", "columns": ["TOTAL"]}
    node = with_fields(total={"transform": transform})
    some(twice(node, orders()), inserted=RECORDS)
    assert set(row_hashes(database, node).values()) == {None}
    again = twice(node, orders())
    some(again, same=RECORDS)
    assert made(again) == RECORDS
    some(twice(node, orders(so_2={"TOTAL": "9"})), updated=1, same=9)
    factor.FACTOR[0] = 2
    some(twice(node, orders(so_2={"TOTAL": "9"})), updated=10)
    assert set(row_hashes(database, node).values()) == {None}
    # Without it, rows are known again from the next change on.
    plain = with_fields()
    twice(plain, orders())
    assert made(twice(plain, orders())) < RECORDS


LOST = {
    "none": "update {}_snapshot set row_hash = null",
    "other": "update {}_snapshot set row_hash = md5(business_key)::uuid",
}


@pytest.mark.parametrize("lost", LOST)
def test_row_hashes_are_renewed_a_tenth_at_a_time(database, lost):
    node, records = headers_node(), 20
    build(database, node, texts(orders(records)))
    right = row_hashes(database, node)
    database.execute(LOST[lost].format(node.table))
    before = state(database, node)
    unchanged = build(database, node, texts(orders(records)))
    assert made(unchanged) == records
    assert state(database, node) == before
    for total in range(10):
        rows = texts(orders(records, so_7={"TOTAL": f"{total + 100}"}))
        result = build(database, node, rows)
        some(result, updated=1, same=records - 1)
        now = row_hashes(database, node)
        good = sum(now[key] == right[key] for key in right)
        assert good == min(2 * (total + 1), records - 1)
    assert made(build(database, node, rows)) == 0


def test_a_record_written_without_a_row_hash_is_not_known_by_its_old_one(database):
    """As an earlier release does, to which somebody has gone back for a while."""
    node = headers_node()
    build(database, node, texts(orders()))
    right = snapshot(database, node)
    build(database, node, texts(orders(so_4={"TOTAL": "77"})))
    one = "where s.business_key = 'SO-04'"
    database.execute(f"create table kept as select * from order_list_delta_snapshot s {one}")
    some(build(database, node, texts(orders())), updated=1)
    database.execute(
        "update order_list_delta_snapshot s "
        f"set data_hash = k.data_hash, field_hashes = k.field_hashes from kept k {one}"
    )
    again = build(database, node, texts(orders()))
    some(again, updated=1, same=RECORDS - 1)
    assert snapshot(database, node) == right


def test_a_column_that_always_looks_different_renews_nothing(database):
    """It would be written anew with each build, for ever."""
    node = headers_node()
    build(database, node, texts(orders()))
    before = row_hashes(database, node)
    for day in range(3):
        seen_at = {f"so_{n}": {"NOTES": f"seen on day {day}"} for n in range(RECORDS)}
        changed = {**seen_at, "so_9": {"TOTAL": f"{day}"}}
        some(build(database, node, texts(orders(**changed))), updated=1, same=RECORDS - 1)
        now = row_hashes(database, node)
        assert {key for key in now if now[key] != before[key]} == {"SO-09"}


def test_a_row_marked_as_deleted_gives_its_hash_to_nobody(database):
    """It is the same as what is known, but its record is not there to be known again."""
    marker = {"name": "gone", "type": "boolean", "column": "GONE"}
    node = with_fields([marker], deletes={"marker": "gone"})
    rows = [{**row, "GONE": "false"} for row in orders(12)]
    build(database, node, texts(rows))
    rows[3]["GONE"] = "true"
    some(build(database, node, texts(rows)), deleted=1)
    database.execute("update order_list_delta_snapshot set row_hash = null")
    rows[5]["TOTAL"] = "77"
    some(build(database, node, texts(rows)), updated=1, same=11)
    hashes = [found for found in row_hashes(database, node).values() if found]
    assert len(hashes) == len(set(hashes)) == 2
    some(build(database, node, texts(rows)), same=12, rejected=0)
    some(build(database, node, texts(rows[:-1])), deleted=1)


def test_a_snapshot_without_row_hashes_gets_them(database):
    node = headers_node()
    build(database, node, texts(orders()))
    right, before = row_hashes(database, node), snapshot(database, node)
    database.execute("alter table order_list_delta_snapshot drop column row_hash")
    again = build(database, node, texts(orders()))
    some(again, same=RECORDS, updated=0)
    assert made(again) == RECORDS
    assert set(row_hashes(database, node).values()) == {None}
    assert snapshot(database, node) == before
    some(build(database, node, texts(orders(so_9={"TOTAL": "1"}))), updated=1, same=9)
    renewed = {key: found for key, found in row_hashes(database, node).items() if found}
    assert len(renewed) == 2
    assert all(found == right[key] for key, found in renewed.items() if key != "SO-09")


def test_the_double_knows_no_row_again(database, twice):
    """What all others are held against is of no use if it is the same."""
    node = headers_node()
    twice(node, orders())
    twice(node, orders())
    stages = database.fetch_all("select node, stages from batch order by batch_id")[-2:]
    rows = {
        row["node"]: stage["rows"]
        for row in stages
        for stage in row["stages"]
        if stage["name"] == "normalise"
    }
    assert rows == {node.name: 0, off(node).name: RECORDS}
