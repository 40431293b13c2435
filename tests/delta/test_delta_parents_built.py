"""Families as builds bring them: what waits, and what the next builds let go."""

from __future__ import annotations

from delta_cases import build
from family_cases import family, states

from syncflow_dagster.nodes.delta.waiting import Cause, waiting

PLACES = ("customer", "order", "line", "part", "step")


def _rows(*pairs):
    return [{"number": key, "belongs_to": parent} for key, parent in pairs]


def _build(database, workflow, name, *pairs):
    node = workflow.node(name)
    parent = workflow.node(node.parent.node) if node.parent else None
    return build(database, node, _rows(*pairs), parent=parent, workflow="family")


def test_builds_of_five_nodes_keep_a_chain_waiting_until_its_root_comes(database):
    workflow = family(*PLACES)
    _build(database, workflow, "customer", ("other", None))
    for place, name in enumerate(PLACES[1:], start=1):
        _build(database, workflow, name, (f"{name} 1", f"{PLACES[place - 1]} 1"))
        assert states(database, workflow.node(name)) == {f"{name} 1": "WAITING"}
    (row,) = waiting(database, workflow, workflow.node("step")).rows
    assert (row.cause, row.family.depth) == (Cause.WAITING, 4)
    assert row.path == ("part 1", "line 1", "order 1", "customer 1")
    _build(database, workflow, "customer", ("other", None), ("customer 1", None))
    for place, name in enumerate(PLACES[1:], start=1):
        _build(database, workflow, name, (f"{name} 1", f"{PLACES[place - 1]} 1"))
        assert states(database, workflow.node(name)) == {f"{name} 1": "PENDING"}


def test_a_build_of_a_tree_takes_the_records_of_one_batch_for_each_other_s_parents(database):
    workflow = family("tree", own=["tree"])
    rows = [("leaf", "branch"), ("branch", "root"), ("root", None), ("orphan", "nobody")]
    rows += [("under", "orphan"), ("a", "b"), ("b", "a")]
    result = _build(database, workflow, "tree", *rows)
    assert result.counts["waiting"] == 4
    tree = workflow.node("tree")
    expected = dict.fromkeys(("leaf", "branch", "root"), "PENDING")
    expected |= dict.fromkeys(("orphan", "under", "a", "b"), "WAITING")
    assert states(database, tree) == expected
    _build(database, workflow, "tree", *rows, ("later", "under"))
    assert states(database, tree)["later"] == "WAITING"
    causes = {row.business_key: row.cause for row in waiting(database, workflow, tree).rows}
    assert causes == {
        "orphan": "never_seen", "under": "waiting", "later": "waiting", "a": "cycle", "b": "cycle",
    }  # fmt: skip
    _build(database, workflow, "tree", *rows, ("later", "under"), ("nobody", None))
    left = {key for key, state in states(database, tree).items() if state == "WAITING"}
    assert left == {"a", "b"}
