"""Builds that break off where rows were known again: gone on with, or begun anew."""

from __future__ import annotations

import json
from unittest.mock import Mock, patch

import psycopg
import pytest
from delta_cases import delta_rows, headers_node, order, some
from resume_cases import PIECE, known_rows, marked, numbered
from seen_cases import deltas, made, nothing_known_again, off, ordered, rejected, snapshot
from source_cases import build_from

from syncflow_dagster.nodes.delta import writing
from syncflow_dagster.nodes.delta.parts import Part, all_parts
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (PIECE,))


def some_changed():
    """24 rows in six pieces: most as they were, and one of each kind in both halves of the read."""
    rows = [order(f"SO-{n:02}") for n in range(24)]
    rows[2] = order("SO-02", total="2")
    rows[3] = order("SO-03", due="31/02/2026")
    rows[5] = order("SO-14")
    rows[8] = order("SO-19 ")
    rows[17] = order("SO-17", total="17")
    rows[18] = order("SO-01", total="x")
    return numbered(rows)


@pytest.fixture(params=["reject"])
def node(request, database):
    """A node with known records."""
    node = headers_node(duplicates=request.param)
    build_from(database, node, marked(known_rows()))
    return node


@pytest.fixture
def undisturbed(database, node):
    """What is made of the same rows where none is known again and nothing breaks off."""
    with nothing_known_again():
        build_from(database, off(node), marked(known_rows()))
        build_from(database, off(node), marked(some_changed()))
    return held(database, off(node))


def held(database, node):
    """All but the numbers of batches, of which a build that breaks off has one more."""
    told = rejected(database, node)
    for row in told:
        del row["first_batch"], row["last_batch"]
    return deltas(database, node), snapshot(database, node), told


def break_off(database, node, home, *, after=16, **options):
    """Build until the source answers no more; return how many rows were known again."""
    source = marked(some_changed(), breaks_after=after)
    with pytest.raises(SourceUnavailableError):
        build_from(database, node, source, home=home, threads=1, **options)
    manifests = [json.loads(path.read_text()) for path in home.rglob("*.manifest")]
    assert len(manifests) == after // PIECE - 1
    return sum(manifest["seen"] for manifest in manifests)


def go_on(database, node, home, **options):
    source = marked(some_changed())
    result = build_from(database, node, source, home=home, **options)
    return result, [position.after for position in source.asked]


def test_rows_known_again_before_are_gone_on_with(database, node, undisturbed, tmp_path):
    # Of the first twelve, all but the changed one, the broken one and one of other looks.
    assert break_off(database, node, tmp_path) == 9
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed) == ([11], 3)
    assert held(database, node) == undisturbed
    # Rows behind the twelve: four known before and unchanged, two more known, four new, two not.
    assert made(result) == 6


MOVES = {
    "clustered": "cluster {0}_snapshot using {0}_snapshot_pkey",
    "one row": "update {0}_snapshot set customer = customer where business_key = 'SO-07'",
    "vacuumed": "vacuum full {0}_snapshot",
}


@pytest.mark.parametrize("move", MOVES)
def test_a_build_goes_on_where_what_is_known_has_moved(database, node, undisturbed, tmp_path, move):
    # The first record leaves a hole behind: its row goes to the end of the table.
    database.execute(MOVES["one row"].format(node.table).replace("SO-07", "SO-00"))
    assert break_off(database, node, tmp_path) == 9
    before = places(database, node)
    database.execute(MOVES[move].format(node.table))
    moved = places(database, node) != before
    assert moved == (move != "vacuumed")
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed) == ([11], 3)
    assert held(database, node) == undisturbed
    assert list(tmp_path.iterdir()) == []


def test_chunks_are_read_again_where_their_rows_are_no_longer_known(
    database, node, undisturbed, tmp_path
):
    assert break_off(database, node, tmp_path) == 9
    database.execute(f"update {node.table}_snapshot set row_hash = null")
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed) == ([None], 0)
    assert held(database, node) == undisturbed


def test_what_an_earlier_release_of_a_library_left_is_not_gone_on_with(
    database, node, undisturbed, tmp_path
):
    with patch("syncflow_dagster.nodes.delta.seen.installed", return_value="0.1"):
        assert break_off(database, node, tmp_path) == 0
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed) == ([None], 0)
    assert held(database, node) == undisturbed


def places(database, node):
    of = f"{node.table}_snapshot"
    found = database.fetch_all(
        f"select bk_hash from {of} where business_key < 'SO-20' order by ctid"
    )
    return [row["bk_hash"] for row in found]


def test_a_read_that_came_to_its_end_is_not_repeated(
    database, node, undisturbed, tmp_path, monkeypatch
):
    with monkeypatch.context() as patched, pytest.raises(psycopg.OperationalError):
        lost = psycopg.OperationalError("the server is gone")
        patched.setattr(writing.Writer, "write", Mock(side_effect=lost))
        go_on(database, node, tmp_path)
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed, made(result)) == ([], 6, 0)
    assert held(database, node) == undisturbed


def test_where_all_is_sent_again_no_row_is_taken_as_known(database, node, tmp_path):
    assert break_off(database, node, tmp_path) == 9
    result, begun = go_on(database, node, tmp_path, full_resync=True)
    assert (begun, result.resumed, made(result)) == ([None], 0, 24)
    last = [row for row in delta_rows(database, node) if row["batch_id"] == result.batch_id]
    sent = {row["business_key"] for row in last if row["operation"] == "UPDATE"}
    whole = {f"SO-{n:02}" for n in range(20)} - {"SO-01", "SO-03", "SO-05", "SO-08", "SO-18"}
    assert sent == (whole - {"SO-14", "SO-19"} if node.duplicates == "reject" else whole)
    # And the other way round: what a full resync has made is as good as any other record.
    with pytest.raises(SourceUnavailableError):
        source = marked(some_changed(), breaks_after=16)
        build_from(database, node, source, home=tmp_path, threads=1, full_resync=True)
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed) == ([11], 3)
    some(result, updated=0, inserted=0, deleted=0)


def test_parts_that_break_off_are_gone_on_with(database, node, undisturbed, tmp_path):
    known = [break_off(database, node, tmp_path / str(n), part=Part(n, 2)) for n in range(2)]
    assert sum(known) == 9
    for part in all_parts(2):
        result, begun = go_on(database, node, tmp_path / str(part.number), part=part)
        # What the first part wrote moved what the second one had places in.
        assert (begun, result.resumed) in [([11], 3), ([None], 0)]
    # The changes are those of one build, in another order.
    mine, (changes, *others) = held(database, node), undisturbed
    assert ordered(mine[0]) == ordered(changes)
    assert [*mine[1:]] == others


def test_a_build_that_another_overtook_begins_anew(database, node, tmp_path):
    assert break_off(database, node, tmp_path) == 9
    other = known_rows()
    other[0] = {**other[0], "TOTAL": "77"}
    some(build_from(database, node, marked(other)), updated=1)
    result, begun = go_on(database, node, tmp_path)
    assert (begun, result.resumed) == ([None], 0)
    assert [row["business_key"] for row in delta_rows(database, node)].count("SO-00") == 3
