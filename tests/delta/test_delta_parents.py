"""Children that wait for their parent: let go in order, and told apart by why they wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from family_cases import SINCE, family, prepared, put, record, states
from psycopg import sql

from syncflow_dagster.nodes.delta.cycles import find_cycles
from syncflow_dagster.nodes.delta.parents import awaited, release_waiting
from syncflow_dagster.nodes.delta.waiting import Cause, Waiting, waiting

PLACES = ("customer", "order", "line", "part", "step")


def _release(database, node, parent):
    with database.transaction() as conn:
        return release_waiting(conn, node, parent)


def test_a_chain_of_five_nodes_is_let_go_in_order_once_its_root_is_there(database):
    workflow = prepared(database, family(*PLACES))
    nodes = [workflow.node(name) for name in PLACES]
    for place, node in enumerate(nodes[1:]):
        put(database, node, [record(f"{node.name} 1", f"{PLACES[place]} 1", minutes=place)])
    pairs = [(node, nodes[place]) for place, node in enumerate(nodes[1:])]
    assert [_release(database, *pair) for pair in pairs] == [0, 0, 0, 0]
    found = waiting(database, workflow, nodes[4])
    (row,) = found.rows
    assert (row.cause, row.family.depth, found.statistics.depth) == (Cause.WAITING, 4, 4)
    assert row.path == ("part 1", "line 1", "order 1", "customer 1")
    assert row.reason == "part part 1 waits itself; customer customer 1 was never seen"
    assert found.statistics.first_causes == {Cause.NEVER_SEEN: 1}
    put(database, nodes[0], [record("customer 1", state="PENDING")])
    # The last of the chain does not overtake the others.
    assert [_release(database, *pair) for pair in reversed(pairs)] == [0, 0, 0, 1]
    assert [_release(database, *pair) for pair in pairs] == [0, 1, 1, 1]
    assert waiting(database, workflow, nodes[4]) == Waiting()


def test_a_tree_in_one_table_is_let_go_down_to_its_leaves(database):
    workflow = prepared(database, family("tree", own=["tree"]))
    tree = workflow.node("tree")
    chain = [record(f"c{n}", f"c{n - 1}") for n in range(1, 5)]
    ring = [record("a", "b"), record("b", "c"), record("c", "a"), record("below", "a")]
    put(database, tree, [*reversed(chain), *ring, record("self", "self")])
    assert _release(database, tree, tree) == 0
    put(database, tree, [record("c0", state="SYNCED")])
    with database.transaction() as conn:
        assert release_waiting(conn, tree, tree) == 4
        assert release_waiting(conn, tree, tree) == 0
    left = {key for key, state in states(database, tree).items() if state == "WAITING"}
    assert left == {"a", "b", "c", "below", "self"}
    rows = database.fetch_all("select parent_uuid from tree_delta where state = 'PENDING'")
    known = database.fetch_all("select record_uuid from tree_delta where number <> 'c4'")
    assert {row["parent_uuid"] for row in rows} < {row["record_uuid"] for row in known}


def test_equal_keys_of_two_nodes_are_two_records(database):
    workflow = prepared(database, family("order", "line"))
    order, line = workflow.node("order"), workflow.node("line")
    put(database, order, [record("1", state="SYNCED")])
    put(database, line, [record("1", "1"), record("2", "1"), record("3", "2")])
    assert _release(database, line, order) == 2
    (row,) = waiting(database, workflow, line).rows
    assert (row.business_key, row.cause) == ("3", Cause.NEVER_SEEN)


def test_every_cause_is_told_with_its_parent_since_and_tries(database):
    workflow = prepared(database, family("order", "line"))
    order, line = workflow.node("order"), workflow.node("line")
    parents = [
        record("gone", state="SYNCED", deleted=True),
        record("dead", state="DEAD"),
        record("known", state="PUSHING"),
    ]
    put(database, order, parents, minutes=3)
    children = [
        record("l1", "none", minutes=1),
        record("l2", "gone", minutes=2),
        record("l3", "broken", minutes=4),
        record("l4", "dead", minutes=5),
        record("l5", "known", minutes=6),
        record("l6", "none", minutes=7),
    ]
    put(database, line, children, minutes=6)
    _reject(database, "order", "broken", "total: not a number", resolved=False)
    _reject(database, "order", "none", "mended since", resolved=True)
    found = waiting(database, workflow, line)
    told = [(row.business_key, row.cause, row.reason, row.tries) for row in found.rows]
    assert told == [
        ("l1", "never_seen", "order none was never seen", 2),
        ("l2", "deleted", "order gone is deleted", 2),
        ("l3", "rejected", "order broken is rejected: total: not a number", 1),
        ("l4", "dead", "order dead is dead: told dead", 1),
        ("l5", "coming", "order known is there or on its way", 0),
        ("l6", "never_seen", "order none was never seen", 0),
    ]
    assert found.rows[0].since == found.statistics.oldest == SINCE + timedelta(minutes=1)
    numbers = found.statistics
    assert (numbers.rows, numbers.families, numbers.depth) == (6, 5, 1)
    assert numbers.causes == {
        "never_seen": 2, "deleted": 1, "rejected": 1, "dead": 1, "coming": 1,
    }  # fmt: skip
    first = found.families[0]
    assert (first.key, first.children, first.path) == ("none", 2, ("none",))
    assert len(waiting(database, workflow, line, limit=2).rows) == 2


def test_what_was_let_go_and_waits_at_the_destination_has_the_ledger_s_reason(database):
    workflow = prepared(database, family("order", "line"))
    line = workflow.node("line")
    put(database, workflow.node("order"), [record("1", state="FAILED")])
    put(database, line, [record("l", "1")])
    database.execute("update line_delta set parent_uuid = record_uuid")
    (row,) = waiting(database, workflow, line).rows
    assert (row.cause, row.reason) == (Cause.COMING, "told l")


def test_cycles_are_told_with_their_way_round(database):
    workflow = prepared(database, family("tree", "leaf", own=["tree"]))
    tree, leaf = workflow.node("tree"), workflow.node("leaf")
    put(database, tree, [record("a", "b"), record("b", "c"), record("c", "a"), record("d", "a")])
    put(database, tree, [record("self", "self"), record("e", "d")])
    put(database, leaf, [record("l", "e")])
    found = waiting(database, workflow, tree)
    ways = {row.business_key: (row.cause, row.path) for row in found.rows}
    assert ways == {
        "a": ("cycle", ("a", "b", "c", "a")),
        "b": ("cycle", ("b", "c", "a", "b")),
        "c": ("cycle", ("c", "a", "b", "c")),
        "d": ("waiting", ("a", "b", "c", "a")),
        "e": ("waiting", ("d", "a", "b", "c", "a")),
        "self": ("cycle", ("self", "self")),
    }
    assert found.statistics.causes == {Cause.CYCLE: 4, Cause.WAITING: 2}
    assert found.statistics.first_causes == {Cause.CYCLE: 2}
    (below,) = waiting(database, workflow, leaf).rows
    assert below.cause is Cause.WAITING
    assert below.reason == "tree e waits itself, and the parents go round in a cycle"
    assert below.path == ("e", "d", "a", "b", "c", "a")
    assert below.family.depth is None


def test_cycles_of_records_that_wait_no_more_are_found_too(database):
    workflow = prepared(database, family("tree", "leaf", own=["tree"]))
    tree = workflow.node("tree")
    done = [record("a", "b"), record("b", "a"), record("long 00", "long 11"), record("below", "a")]
    done += [record(f"long {n:02}", f"long {n - 1:02}") for n in range(1, 12)]
    done += [record("root"), record("child", "root"), record("orphan", "nobody")]
    done += [record("x", "y", deleted=True), record("y", "x")]
    put(database, tree, [(*one[:2], "SYNCED", *one[3:]) for one in done])
    found = find_cycles(database, tree)
    assert (found.cycles, found.records) == (2, 14)
    long, short = found.samples
    assert len(long) == 12
    assert long[-1] == "…"
    assert short in {("a", "b", "a"), ("b", "a", "b")}
    assert len(find_cycles(database, tree, limit=1).samples) == 1
    assert find_cycles(database, workflow.node("leaf")).cycles == 0


@pytest.mark.parametrize("own", [(), ("part",)])
def test_a_parent_of_thousands_is_one_family(database, own):
    children = 5_000
    names = PLACES if not own else ("part", "step")
    workflow = prepared(database, family(*names, own=own))
    step, part = workflow.node("step"), workflow.node("part")
    if own:
        put(database, part, [record(f"p{n}", f"p{n + 1}") for n in range(4)])
    else:
        for place in range(1, 4):
            node = workflow.node(PLACES[place])
            put(database, node, [record(f"p{3 - place}", f"p{4 - place}")])
    put(database, step, [record(f"s{n}", "p0", minutes=n) for n in range(children)])
    found = waiting(database, workflow, step, limit=10)
    depth = 5 if own else 4
    assert (found.statistics.rows, found.statistics.depth) == (children, depth)
    assert found.statistics.families == 1
    assert found.families[0].children == children
    assert [row.business_key for row in found.rows] == [f"s{n}" for n in range(10)]
    root = part if own else workflow.node("customer")
    put(database, root, [record("p4" if own else "p3", state="PENDING")])
    pairs = [(part, part)] if own else []
    pairs += [
        (node, workflow.node(node.parent.node))
        for node in workflow.deltas
        if node.parent and not node.is_own_parent
    ]
    assert [_release(database, *pair) for pair in pairs][-1] == children
    assert waiting(database, workflow, step) == Waiting()


def test_a_parent_is_looked_up_once_for_all_its_children(database):
    workflow = prepared(database, family("customer", "order", "line"))
    order, line = workflow.node("order"), workflow.node("line")
    put(database, order, [record("o", "nobody")])
    put(database, line, [record(f"l{n}", "o") for n in range(1_000)])
    with database.transaction() as conn:
        explain = sql.SQL("explain (analyze, format json) {}").format(awaited(line, order))
        (found,) = conn.execute(explain).fetchone()["QUERY PLAN"]
    steps = list(_steps(found["Plan"]))
    times = {
        step["Relation Name"]: step["Actual Loops"] for step in steps if "Relation Name" in step
    }
    assert times["line_delta"] == times["order_delta"] == times["order_delta_snapshot"] == 1


def _steps(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _steps(inner)


def _reject(database, node, key, reason, *, resolved):
    database.execute(
        "insert into rejected_record (workflow, node, fingerprint, row_number, column_name, rule,"
        " reason, record, first_batch, last_batch, bk_hash, resolved_at)"
        " select 'family', %(node)s, md5(%(key)s)::uuid, 1, 'total', 'number', %(reason)s, '{}',"
        " max(batch_id), max(batch_id), md5(%(key)s)::uuid,"
        " case when %(resolved)s then now() end from batch",
        {"node": node, "key": key, "reason": reason, "resolved": resolved},
    )
