"""What waits for a parent, as the command line, the checks and the sensor see it."""

from __future__ import annotations

import json

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner
from family_cases import SINCE, family, prepared, put, record

from syncflow_dagster.assets.waiting import orphans, waiting_metadata
from syncflow_dagster.cli import main
from syncflow_dagster.nodes.delta.cycles import find_cycles
from syncflow_dagster.nodes.delta.parents import release_waiting
from syncflow_dagster.nodes.delta.waiting import Waiting, waiting
from syncflow_dagster.resources.dispatch import MOST_COUNTED, outlook
from syncflow_dagster.resources.observe import Observer, Work

KEY = dg.AssetKey("tree")


@pytest.fixture
def tree(database):
    """A tree of records: an orphan, its child, and two records that are each other's parents."""
    workflow = prepared(database, family("tree", "leaf", own=["tree"]))
    rows = [record("child", "nobody"), record("grandchild", "child", minutes=1)]
    rows += [record("a", "b", minutes=2), record("b", "a", minutes=3)]
    put(database, workflow.node("tree"), rows)
    return workflow


def test_the_check_tells_causes_samples_and_cycles(database, tree):
    node = tree.node("tree")
    found, cycles = waiting(database, tree, node), find_cycles(database, node)
    result = orphans(KEY, "no_orphans", found, cycles)
    assert not result.passed
    assert result.description == (
        "4 records wait for their parent: 2 cycle, 1 never seen, 1 waiting; "
        "records that are their own ancestors: 2 (cycles: 1)"
    )
    assert result.metadata["number"].value == 4
    samples = [record.data for record in result.metadata["samples"].records]
    assert [(one["business key"], one["cause"], one["way"]) for one in samples] == [
        ("child", "never_seen", "nobody"),
        ("grandchild", "waiting", "child → nobody"),
        ("a", "cycle", "a → b → a"),
        ("b", "cycle", "b → a → b"),
    ]
    assert samples[1]["reason"] == "tree child waits itself; tree nobody was never seen"
    assert len(result.metadata["cycle_samples"].records) == 1


def test_records_that_wait_no_more_but_go_round_are_a_warning_too(database, tree):
    node = tree.node("tree")
    database.execute("update tree_delta set state = 'PENDING'")
    found, cycles = waiting(database, tree, node), find_cycles(database, node)
    result = orphans(KEY, "no_orphans", found, cycles)
    assert (found, result.passed) == (Waiting(), False)
    assert result.description == "records that are their own ancestors: 2 (cycles: 1)"
    leaf = tree.node("leaf")
    assert orphans(KEY, "no_orphans", Waiting(), find_cycles(database, leaf)).passed


def test_a_materialisation_has_numbers_and_the_largest_families(database, tree):
    put(database, tree.node("leaf"), [record(f"l{n}", "child") for n in range(3)])
    metadata = waiting_metadata(waiting(database, tree, tree.node("leaf")))
    numbers = [metadata[f"waiting_{name}"] for name in ("rows", "parents", "depth")]
    assert numbers == [3, 1, 2]
    assert metadata["waiting_since"].value == SINCE.timestamp()
    (shown,) = metadata["largest_families"].records
    assert (shown.data["parent"], shown.data["children"]) == ("child", 3)
    assert waiting_metadata(Waiting()) == {
        "waiting_rows": 0, "waiting_parents": 0, "waiting_depth": 0,
    }  # fmt: skip


def test_the_command_shows_levels_numbers_families_and_rows(database, tree, tmp_path):
    put(database, tree.node("leaf"), [record("l", "child")])
    nodes = []
    for delta in yaml.safe_load(tree.model_dump_json(exclude_unset=True))["nodes"]:
        pull = {"type": "pull", "name": delta["source"], "description": "rows"}
        nodes += [{**pull, "connection": "source", "query": "rows.sql.j2"}, delta]
    text = {
        "workflow": "family",
        "description": "made",
        "owner": "somebody",
        "connections": {"source": {"type": "sql", "url": "sqlite:///x.db"}},
        "nodes": nodes,
    }
    (tmp_path / "family.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    (tmp_path / "rows.sql.j2").write_text("select 1 as number", encoding="utf-8")
    variables = {"SYNCFLOW_WORKFLOWS": str(tmp_path), "SYNCFLOW_DATABASE_URL": database.url}
    result = CliRunner().invoke(main, ["waiting", "family", "--json"], env=variables)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["levels"] == [["tree"], ["leaf"]]
    of_tree, of_leaf = told["nodes"]["tree"], told["nodes"]["leaf"]
    assert of_tree["statistics"]["causes"] == {"cycle": 2, "never_seen": 1, "waiting": 1}
    assert (of_tree["cycles"]["cycles"], of_leaf["cycles"]["cycles"]) == (1, 0)
    assert of_leaf["parent"] == "tree"
    (row,) = of_leaf["rows"]
    assert (row["family"], row["path"], row["tries"]) == ("child", ["child", "nobody"], 0)
    numbers = "since 2026-05-01 12:00:00+00:00; parents in tree: 1; depth: 2"
    for line in (
        "family, level 2: leaf",
        f"family.leaf: 1 record waits for its parent: 1 waiting; {numbers}",
        "         1 in the end because of: never seen",
        "         1 for tree child waits itself; tree nobody was never seen",
        "  a → b → a",
    ):
        assert line in result.output


def test_rows_whose_parent_is_there_by_now_start_a_push_and_no_others(database):
    workflow = prepared(database, family("order", "line", "part"))
    pairs = [(workflow.node(one), workflow.node(above)) for one, above in
             (("line", "order"), ("part", "line"))]  # fmt: skip
    put(database, pairs[0][0], [record("l1", "o1"), record("l2", "o1"), record("l3", "o2")])
    put(database, pairs[1][0], [record("p1", "l1"), record("p2", "l9")])
    observer = Observer(database)

    def seen():
        given = {"family": Work(children=pairs)}
        waits = outlook(database, given, SINCE, most=MOST_COUNTED).pending
        found = waits["family"].rows if waits else 0
        work = observer.pass_work("family", "push", 1, SINCE, Work(children=pairs))
        assert work.has_work == bool(found)
        return found

    assert seen() == 0
    put(database, pairs[0][1], [record("o1", state="SYNCED")])
    assert seen() == 2
    for expected in (1, 0):
        with database.transaction() as conn:
            assert sum(release_waiting(conn, *pair) for pair in reversed(pairs)) > 0
        assert seen() == expected
    nowhere = family("never", "built").deltas
    unbuilt = Work(children=[(nowhere[1], nowhere[0])])
    assert not outlook(database, {"family": unbuilt}, SINCE).pending
    assert not observer.pass_work("family", "push", 1, SINCE, unbuilt).has_work
