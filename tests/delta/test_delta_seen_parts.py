"""Rows that are known again in parts, in wide rows, under parents, and in reads of changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from delta_cases import NOW, headers_node, line, lines_node, order, snapshot_rows, some, tree_node
from seen_cases import Twice, build, deltas, made, off, ordered, orders, rejected, snapshot, texts
from source_cases import ClockAt, MarkedRows

from syncflow_dagster.nodes.delta.parts import all_parts


@pytest.fixture(autouse=True)
def _chunks(monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (4,))


@pytest.fixture
def twice(database):
    return Twice(database)


def changed():
    """Most rows as they were, and changes of every kind."""
    rows = orders(26, so_3={"TOTAL": "1"}, so_4={"DUE": "soon"}, so_5=None, so_6={"NOTES": "n"})
    return [*rows, rows[10], {**rows[11], "TOTAL": "2"}, order(None), order(None), rows[24]]


def test_two_parts_do_what_one_does(database, twice):
    node, whole = headers_node(), headers_node(name="whole", table="whole")
    seen = 0
    for rows in (orders(24), changed(), changed(), orders(24)):
        twice(whole, rows)
        for part in reversed(all_parts(2)):
            result = twice(node, rows, part=part)
            seen += result.counts["records"] - made(result)
        assert snapshot(database, node) == snapshot(database, whole)
        assert alike(rejected(database, node)) == alike(rejected(database, whole))
        assert ordered(deltas(database, node)) == ordered(deltas(database, whole))
    assert seen >= 3 * 15
    some(twice(node, orders(24)), same=24)


def alike(told):
    return sorted(({**row, "first_batch": 0, "last_batch": 0} for row in told), key=str)


def wide(**changes):
    unpivot = {
        "columns": ["XS", "XL", "ONE"],
        "name_to": "SIZE",
        "value_to": "QTY",
        "labels": {"ONE": "One size"},
        **changes,
    }
    return lines_node(parent=None, unpivot=unpivot)


def test_wide_rows(twice):
    rows = [{"ORDER_NO": f"SO-{n}", "XS": "1", "XL": f"{n}", "ONE": None} for n in range(1, 8)]
    some(twice(wide(), rows), inserted=14)
    assert made(twice(wide(), rows)) == 0
    rows[1]["XS"], rows[2]["ONE"], rows[3]["XL"], rows[4]["XS"] = "9", "3", None, "many"
    result = twice(wide(), [*rows, rows[6]])
    # The rows of one order are known apart, and those of the last one came twice.
    some(result, updated=1, inserted=1, deleted=1, rejected=5, same=9)
    assert made(result) == 3
    # Another name of a size is another key; with it, another row.
    labelled = wide(labels={"ONE": "one"})
    result = twice(labelled, rows)
    some(result, inserted=1, deleted=1, rejected=1)
    assert made(result) == 2
    some(twice(wide(columns=["XS", "ONE"]), rows), deleted=7, inserted=1)


def lines(count, **changes):
    return [{**line(f"SO-{n:02}", "M", str(n)), **changes.get(f"so_{n}", {})} for n in range(count)]


def test_children_and_their_parents(database, twice):
    parent, child = headers_node(deletes={"max_share": 1}), lines_node(deletes={"max_share": 1})
    twice(parent, orders(6))
    some(twice(child, lines(8), parent=parent), inserted=8, waiting=2)
    again = twice(child, lines(8), parent=parent)
    some(again, same=8)
    assert made(again) == 0
    # What waited for a parent that comes later goes, though its own row was known again.
    twice(parent, orders(7))
    result = twice(child, lines(8, so_1={"QTY": "11"}), parent=parent)
    some(result, updated=1, same=7)
    assert made(result) == 1
    waiting = database.fetch_all(f"select business_key from {child.table} where state = 'WAITING'")
    assert waiting == [{"business_key": "SO-07 / M"}]
    # A parent that goes and comes back is the same.
    for rows in (orders(7, so_2=None), orders(8)):
        twice(parent, rows)
        result = twice(child, lines(8, so_1={"QTY": "11"}), parent=parent)
        some(result, same=8)
        assert made(result) == 0


def test_the_parent_s_rules_decide_on_its_children_s_rows(twice):
    fields = [each.model_dump() for each in headers_node().fields]
    upper = headers_node(fields=[{**fields[0], "case": "upper"}, *fields[1:]])
    child = lines_node()
    rows = [{**row, "ORDER_NO": row["ORDER_NO"].lower()} for row in lines(4)]
    twice(headers_node(), orders(4))
    some(twice(child, rows, parent=headers_node()), inserted=4, waiting=4)
    twice(upper, orders(4), full_resync=True)
    some(twice(child, rows, parent=upper), same=4)
    some(twice(child, rows, parent=upper), same=4)


def test_a_tree_whose_rows_are_known_again(twice):
    tree = tree_node()
    rows = [{"N": f"{n}", "P": f"{n // 2}" if n else None} for n in range(12)]
    rows[1]["P"] = "0"
    twice(tree, rows[2:], parent=tree)
    some(twice(tree, rows, parent=tree), inserted=2, same=10)
    rows[7]["P"] = "99"
    result = twice(tree, rows, parent=tree)
    some(result, updated=1, same=11, waiting=1)
    assert made(result) == 1


def versioned_node(strategy, **changes):
    fields = [each.model_dump() for each in headers_node().fields]
    version = {"name": "version", "column": "V", "type": "integer", "compared": False}
    return headers_node(
        fields=[*fields, version],
        detection={"strategy": strategy, "rowversion": "version", "overlap": 5},
        **changes,
    )


def versions(rows, **changes):
    return MarkedRows(
        [{"N": n, **row, "V": n + 1} for n, row in enumerate(rows)], version="V", **changes
    )


def cursors(database):
    rows = database.fetch_all("select node, rowversion, swept_at from delta_cursor")
    return {row.pop("node"): tuple(row.values()) for row in rows}


@pytest.mark.parametrize("strategy", ["rowversion", "auto"])
def test_a_read_knows_how_far_it_came_by_rows_known_again(database, twice, strategy):
    node = versioned_node(strategy)
    clock = ClockAt()
    twice(node, versions(orders(10)), clock=clock)
    overlapping = twice(node, versions(orders(10)), clock=clock)
    some(overlapping, read=5, same=5)
    assert made(overlapping) == 0
    assert cursors(database) == dict.fromkeys([node.name, off(node).name], ("integer:10", NOW))
    # In a read of all rows, too; and one without a version says that nobody knows.
    clock.time += timedelta(days=30)
    swept = twice(node, versions(orders(10), fingerprint="other"), clock=clock)
    some(swept, read=10, same=10)
    assert made(swept) == 0
    kept = ("integer:10", clock.time)
    assert cursors(database) == dict.fromkeys([node.name, off(node).name], kept)
    source = versions(orders(12))
    source.rows[11]["V"] = None
    for _ in range(2):
        result = twice(node, source, clock=clock)
        assert cursors(database)[node.name] == cursors(database)[off(node).name]
        assert cursors(database)[node.name][0] is None
    assert made(result) == 0


def test_parts_know_how_far_they_came(database):
    node = versioned_node("rowversion", name="versioned", table="versioned")
    twice = Twice(database)
    for _ in range(2):
        for part in all_parts(2):
            twice(node, versions(orders(12)), part=part)
        kept = database.fetch_all("select node, part, rowversion from delta_cursor order by 1, 2")
        marks = [(row["part"], row["rowversion"]) for row in kept]
        assert marks[:2] == marks[2:]
        assert "integer:12" in dict(marks).values()


def test_a_part_does_not_know_the_rows_of_another(database):
    """Each part alone gives the records of its own keys, whatever the other one knows."""
    node = headers_node()
    first, second = all_parts(2)
    build(database, node, texts(orders(24)), part=first)
    known = len(snapshot_rows(database, node))
    again = build(database, node, texts(orders(24)), part=first)
    some(again, same=known, inserted=0)
    assert made(again) == 0
    some(build(database, node, texts(orders(24)), part=second), inserted=24 - known, same=0)
