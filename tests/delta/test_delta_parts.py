"""A delta split into ranges of keys: together they do what one build does, in any order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from delta_cases import (
    build,
    delta_rows,
    headers_node,
    line,
    lines_node,
    order,
    rejected_rows,
    seen,
    snapshot_rows,
    tree_node,
)
from source_cases import MarkedRows, build_from, outcome

from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.delta.errors import DeleteGuard, DeltaBusy
from syncflow_dagster.nodes.delta.locks import claim
from syncflow_dagster.nodes.delta.parts import Part, all_parts, named

COUNTED = ("records", "inserted", "updated", "deleted", "same", "rejected", "superseded")


def known_rows():
    return [order(f"SO-{n:02}") for n in range(40)]


def changed_rows():
    """Changes of every kind, keys read twice, rows that break a rule, rows without a key."""
    rows = [order(f"SO-{n:02}", total=str(n % 11)) for n in range(2, 45)]
    rows += [order("SO-30"), order("SO-31 "), order("SO-31"), order("SO-41", total="2")]
    rows += [order(None), order(None), order("  ", total="7"), order(None, due="x")]
    rows[20] = order("SO-22", due="31/02/2026")
    return rows


def expected(database):
    """What one build after the other makes of them."""
    node = headers_node(name="whole", table="whole")
    build(database, node, known_rows())
    counts = build(database, node, changed_rows()).counts
    return outcome(database, node), {name: counts[name] for name in COUNTED}


def summed(results):
    return {name: sum(each.counts[name] for each in results) for name in COUNTED}


def test_parts_have_names_and_say_what_a_wrong_one_is():
    assert [part.name for part in all_parts(3)] == ["1_of_3", "2_of_3", "3_of_3"]
    assert [named(part.name) for part in all_parts(3)] == all_parts(3)
    for wrong in ("0_of_3", "4_of_3", "1", "1_of_", "a_of_b", "1_of_2_of_3", "-1_of_2"):
        with pytest.raises(ValueError, match="1_of_4"):
            named(wrong)


class Together(MarkedRows):
    """A source whose readers wait for each other before the first row."""

    def __init__(self, rows, readers):
        super().__init__(rows, mark=None)
        self.barrier = threading.Barrier(readers, timeout=60)

    def read(self, position):
        self.barrier.wait()
        yield from super().read(position)


def test_two_workers_at_once_do_what_one_does(database):
    node = headers_node()
    for rows in (known_rows(), changed_rows()):
        source = Together(rows, 2)
        with ThreadPoolExecutor(2) as pool:
            work = [
                pool.submit(build_from, database, node, source, part=part) for part in all_parts(2)
            ]
            results = [each.result() for each in work]
    assert all(each.counts["inserted"] > 0 for each in results)
    assert (outcome(database, node), summed(results)) == expected(database)
    assert {each.counts["read"] for each in results} == {len(changed_rows())}


def test_the_number_of_parts_may_change_between_runs(database):
    node = headers_node()
    results = [build(database, node, known_rows(), part=part) for part in all_parts(2)]
    assert summed(results)["inserted"] == 40
    results = [build(database, node, changed_rows(), part=part) for part in all_parts(3)]
    assert (outcome(database, node), summed(results)) == expected(database)
    results = [build(database, node, known_rows())]
    results += [build(database, node, known_rows(), part=part) for part in all_parts(7)]
    assert summed(results[1:]) == {**dict.fromkeys(COUNTED, 0), "records": 40, "same": 40}
    mended = [row for row in rejected_rows(database) if row["node"] == node.name]
    assert len(mended) > 5
    assert all(row["resolved_at"] is not None for row in mended)


def test_rows_without_a_key_are_the_first_part_s(database):
    node = headers_node()
    rows = changed_rows()
    for part in reversed(all_parts(3)):
        result = build(database, node, rows, part=part)
        keyless = [told for told in result.rejected if told.business_key is None]
        assert len(keyless) == (4 if part.number == 0 else 0)
    # Another part closes neither them nor the rejections of other keys.
    keyed = {row["bk_hash"] for row in rejected_rows(database)} - {None}
    assert len(keyed) == 4
    for part in reversed(all_parts(3)):
        build(database, node, known_rows(), part=part)
        first, last = part.span
        there = rejected_rows(database)
        still_open = {row["bk_hash"] for row in there if row["resolved_at"] is None}
        assert not any(first <= key.int >> 64 <= last for key in still_open - {None})
        assert (None in still_open) is (part.number > 0)


def test_a_parent_is_found_in_whatever_part_it_is(database):
    parent, child = headers_node(), lines_node()
    prepare(database, "orders", [parent, child])
    lines = [line(f"SO-{n:02}", "M", n + 1) for n in range(40)]
    for part in all_parts(3):
        build(database, parent, known_rows()[:30], part=part)
    results = [build(database, child, lines, parent=parent, part=part) for part in all_parts(2)]
    assert sum(each.counts["waiting"] for each in results) == 10
    assert {key for key, found in _parents(database, child) if found is None} == {
        f"SO-{n:02} / M" for n in range(30, 40)
    }
    for part in all_parts(3):
        build(database, parent, known_rows(), part=part)
    # Whichever part is built next lets them all go.
    build(database, child, lines, parent=parent, part=Part(1, 2))
    known = {row["business_key"]: row["record_uuid"] for row in snapshot_rows(database, parent)}
    assert {(key.partition(" ")[0], found) for key, found in _parents(database, child)} == {
        *known.items()
    }
    states = {row["state"] for row in delta_rows(database, child)}
    assert states == {"PENDING"}


def _parents(database, child):
    return seen(delta_rows(database, child), "business_key", "parent_uuid")


def test_a_tree_in_parts_is_tied_together_by_the_last_one(database):
    tree = tree_node()
    rows = [{"N": f"{n}", "P": f"{n // 2}" if n else None} for n in range(20)]
    rows[1]["P"] = "0"
    for part in all_parts(3):
        build(database, tree, rows, parent=tree, part=part)
    found = {
        row["number"]: (row["state"], row["parent_uuid"]) for row in delta_rows(database, tree)
    }
    ids = {row["business_key"]: row["record_uuid"] for row in snapshot_rows(database, tree)}
    assert found == {row["N"]: ("PENDING", ids.get(row["P"])) for row in rows}


def test_a_rule_that_changes_changes_in_one_part_after_the_other(database):
    node = headers_node()
    build(database, node, known_rows())
    fields = [{**each.model_dump(), "scale": 0} for each in node.fields]
    coarse = headers_node(fields=fields)
    rows = [order(f"SO-{n:02}", total="10.4" if n % 4 else "10") for n in range(40)]
    first, second = (build(database, coarse, rows, part=part) for part in all_parts(2))
    # By the rule of then, 10.4 is another total; by the one of now it is not.
    assert first.counts["updated"] + second.counts["updated"] == 30
    assert first.counts["migrated"] + second.counts["migrated"] == 10
    assert min(first.counts["migrated"], second.counts["migrated"]) > 0
    versions = database.fetch_all("select hash_version from order_list_delta_version")
    assert versions == [{"hash_version": 2}]


def test_cursors_are_kept_for_each_part(database):
    fields = [each.model_dump() for each in headers_node().fields]
    node = headers_node(
        fields=[*fields, {"name": "v", "type": "integer", "column": "V", "compared": False}],
        detection={"strategy": "rowversion", "rowversion": "v"},
    )
    rows = [{**order(f"SO-{n:02}"), "V": n} for n in range(40)]
    source = MarkedRows(rows, mark=None, version="V")
    since = []
    for parts in (2, 2, 3):
        for part in all_parts(parts):
            build_from(database, node, source, part=part)
            since.append(source.asked[-1].changed_since)
    kept = database.fetch_all("select part, rowversion from delta_cursor where parts = 2")
    marks = {row["part"]: int(row["rowversion"].removeprefix("integer:")) for row in kept}
    assert since == [None, None, marks[0], marks[1], None, None, None]
    assert max(marks.values()) == 39


def test_a_part_that_holds_nothing_any_more_is_no_empty_source(database):
    node = headers_node(deletes={"max_share": 1})
    build(database, node, known_rows())
    first, last = Part(1, 4).span
    rows = [
        order(row["business_key"])
        for row in snapshot_rows(database, node)
        if not first <= row["bk_hash"].int >> 64 <= last
    ]
    results = [build(database, node, rows, part=part) for part in all_parts(4)]
    assert summed(results)["deleted"] == 40 - len(rows) > 0
    with pytest.raises(DeleteGuard, match="no record at all"):
        build(database, node, [], part=Part(0, 4))


@pytest.mark.parametrize(
    ("part", "beside", "said"),
    [
        (Part(), Part(1, 2), "right now; try"),
        (Part(1, 2), Part(), r"right now \(part 2_of_2 of it\)"),
        (Part(0, 2), Part(0, 2), r"\(part 1_of_2 of it\)"),
        # Of two splits, such as those of a file whose number of partitions was changed.
        (Part(0, 2), Part(0, 3), r"\(part 1_of_2 of it\)"),
        (Part(1, 3), Part(1, 2), r"\(part 2_of_3 of it\)"),
        (Part(63, 64), Part(2, 3), r"\(part 64_of_64 of it\)"),
        (Part(0, 2), Part(1, 2), None),
        (Part(0, 2), Part(2, 3), None),
        (Part(32, 64), Part(0, 2), None),
    ],
)
def test_ranges_with_a_key_in_common_are_not_built_at_once(database, part, beside, said):
    node = headers_node()
    prepare(database, "orders", [node])

    class Reading(MarkedRows):
        def read(self, position):
            build(database, node, known_rows(), part=beside, lock_wait_ms=20)
            yield from super().read(position)

    source = Reading(known_rows(), mark=None)
    if said is None:
        build_from(database, node, source, part=part)
        return
    with pytest.raises(DeltaBusy, match=rf"builds the delta of orders\.order_delta .*{said}"):
        build_from(database, node, source, part=part)
    build(database, node, known_rows(), part=beside, lock_wait_ms=20)


def test_of_many_who_come_at_once_none_share_a_key(database):
    node = headers_node()
    prepare(database, "orders", [node])
    wanted = [Part(), *all_parts(2), *all_parts(3)]
    together = threading.Barrier(len(wanted), timeout=60)

    def come(part):
        with database.connect() as conn:
            together.wait()
            try:
                claim(conn, "orders", node, part, 300)
            except DeltaBusy:
                part = None
            together.wait()
            return part

    with ThreadPoolExecutor(len(wanted)) as pool:
        spans = sorted(part.span for part in pool.map(come, wanted) if part)
    assert spans
    assert all(one[1] < next_one[0] for one, next_one in pairwise(spans))


def test_a_range_that_becomes_free_is_taken_by_who_waits(database):
    node = headers_node()
    prepare(database, "orders", [node])
    with ThreadPoolExecutor(1) as pool, database.connect() as waiting:
        with database.connect() as dying:
            claim(dying, "orders", node, Part(0, 2), 0)
            taken = pool.submit(claim, waiting, "orders", node, Part(0, 3), 60_000)
        taken.result()
        with database.connect() as late, pytest.raises(DeltaBusy, match="1_of_3"):
            claim(late, "orders", node, Part(0, 2), 0)


def test_a_batch_that_died_is_closed_by_whoever_builds_its_keys_next(database):
    node = headers_node()
    prepare(database, "orders", [node])
    for part in [Part(), *all_parts(2)]:
        database.execute(
            "insert into batch (workflow, node, part, parts, started_at)"
            " values ('orders', 'order_delta', %s, %s, now())",
            [part.number, part.parts],
        )
    build(database, node, known_rows(), part=Part(1, 2))
    status = "select part, parts, status from batch order by batch_id"
    assert [tuple(row.values()) for row in database.fetch_all(status)] == [
        (0, 1, "FAILED"),
        (0, 2, "RUNNING"),
        (1, 2, "FAILED"),
        (1, 2, "DONE"),
    ]
    build(database, node, known_rows())
    assert database.fetch_all("select 1 from batch where status = 'RUNNING'") == []
