"""A build that breaks off is gone on with: what is missing is read, the result is the same."""

from __future__ import annotations

import functools
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import psycopg
import pytest
from delta_cases import build, headers_node, lines_node
from resume_cases import PIECE, changed_rows, known_rows, marked
from source_cases import MarkedRows, build_from, outcome

from syncflow_dagster.nodes.delta import writing
from syncflow_dagster.nodes.delta.errors import DeleteGuard, MissingColumn
from syncflow_dagster.nodes.delta.parts import Part
from syncflow_dagster.nodes.delta.workspace import COVERED_STALE_AFTER_S, STALE_AFTER_S
from syncflow_dagster.nodes.pull.ports import SourceUnavailableError
from syncflow_dagster.nodes.rows import Piece
from syncflow_dagster.testing.crash import VARIABLE

WORKER = Path(__file__).with_name("resume_worker.py")
WHOLE = Part()


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (PIECE,))


@pytest.fixture
def node(database):
    """A node with known records."""
    made = headers_node()
    build_from(database, made, marked(known_rows()))
    return made


@pytest.fixture
def undisturbed(database):
    """What a build that is left alone makes of the same rows."""
    calm = headers_node(name="calm", table="calm")
    build_from(database, calm, marked(known_rows()))
    build_from(database, calm, marked())
    return outcome(database, calm)


def break_off(database, node, home, *, after=16, **options):
    """Build until the source answers no more; kept are all chunks but the last one given."""
    with pytest.raises(SourceUnavailableError):
        build_from(database, node, marked(breaks_after=after), home=home, threads=1, **options)
    assert folder_of(home, node, options.get("part", WHOLE)).is_dir()


def folder_of(home, node, part=WHOLE):
    return home / f"orders.{node.name}.{part.name}"


def go_on(database, node, home, **options):
    """Build again; return where the read began and how many chunks were there already."""
    source = marked()
    result = build_from(database, node, source, home=home, **options)
    assert not folder_of(home, node, options.get("part", WHOLE)).exists()
    return [position.after for position in source.asked], result.resumed


def test_a_source_that_breaks_off_is_read_on_from_its_last_mark(
    database, node, undisturbed, tmp_path
):
    break_off(database, node, tmp_path)
    folder = folder_of(tmp_path, node)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.glob("*.manifest"))) == 3
    source = marked()
    result = build_from(database, node, source, home=tmp_path)
    assert [position.after for position in source.asked] == [11]
    assert [row["N"] for row in source.given] == list(range(12, 24))
    assert result.resumed == 3
    assert result.counts["read"] == 24
    assert outcome(database, node) == undisturbed
    assert list(tmp_path.iterdir()) == []
    batches = database.fetch_all("select batch_id, status, resumed_from from batch order by 1")
    failed, done = batches[-2:]
    assert (failed["status"], done["status"]) == ("FAILED", "DONE")
    assert done["resumed_from"] == failed["batch_id"]


def test_a_build_that_breaks_off_again_and_again_gets_to_its_end(
    database, node, undisturbed, tmp_path
):
    begun = []
    for _ in range(4):
        source = marked(breaks_after=8)
        try:
            build_from(database, node, source, home=tmp_path, threads=1)
        except SourceUnavailableError:
            begun += [position.after for position in source.asked]
    begun += go_on(database, node, tmp_path)[0]
    assert begun == [None, 3, 7, 11, 15]
    assert outcome(database, node) == undisturbed


@pytest.mark.process
def test_a_killed_build_is_read_on_from_its_last_mark(database, database_url, tmp_path):
    # What was kept when it was killed, and where the next read begins.
    cases = {
        "delta.chunk_kept:3": (3, [11]),
        "delta.write_delta": (6, []),
    }
    nodes = {point: headers_node(name=f"t{n}", table=f"t{n}") for n, point in enumerate(cases)}
    for node in nodes.values():
        build_from(database, node, marked(known_rows()))

    def kill(point):
        environment = {**os.environ, VARIABLE: point}
        command = [sys.executable, WORKER, database_url, nodes[point].table, tmp_path]
        return subprocess.run(command, env=environment, capture_output=True, check=False)

    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(kill, cases))
    found = []
    for (point, (kept, begun)), run in zip(cases.items(), killed, strict=True):
        assert run.returncode == -signal.SIGKILL, (point, run.stderr)
        source = marked()
        result = build_from(database, nodes[point], source, home=tmp_path)
        assert [position.after for position in source.asked] == begun, point
        assert result.resumed == kept, point
        found.append(outcome(database, nodes[point]))
    calm = headers_node(name="calm", table="calm")
    build_from(database, calm, marked(known_rows()))
    build_from(database, calm, marked())
    assert found == [outcome(database, calm)] * len(found)
    assert list(tmp_path.iterdir()) == []


def truncate(folder):
    path = folder / "000001.records"
    path.write_bytes(path.read_bytes()[:-1])


HARM = {
    "cut off": (truncate, 3, 1),
    "no file": (lambda folder: (folder / "000000.rejected").unlink(), None, 0),
    "half": (lambda folder: (folder / "000002.manifest").write_text('{"number": 2'), 7, 2),
    "begun": (lambda folder: (folder / "000003.manifest.part").write_text('{"numb'), 11, 3),
    "gone": (lambda folder: (folder / "build.json").unlink(), None, 0),
}


def test_what_is_not_whole_is_not_used(database, node, tmp_path):
    for case, (harm, begun, kept) in HARM.items():
        # Each time other rows than before, so that a chunk that is used wrongly is seen.
        build_from(database, node, marked(known_rows()))
        break_off(database, node, tmp_path)
        harm(folder_of(tmp_path, node))
        assert go_on(database, node, tmp_path) == ([begun], kept), case
        counts = build_from(database, node, marked()).counts
        assert (counts["same"], counts["rejected"]) == (18, 6), case


def test_what_is_built_otherwise_begins_anew(database, node, tmp_path):
    build(database, headers_node(name="other", table="other"), [])
    fields = [{**each.model_dump(), "max_length": 9} for each in node.fields]

    def again(node, source=None, **options):
        source = source or marked()
        result = build_from(database, node, source, home=tmp_path, **options)
        return [position.after for position in source.asked], result.resumed

    break_off(database, node, tmp_path)
    assert again(node, marked(fingerprint="another query")) == ([None], 0)
    break_off(database, node, tmp_path)
    assert again(headers_node(fields=fields)) == ([None], 0)
    break_off(database, node, tmp_path)
    assert again(node, complete=False) == ([None], 0)


def test_an_old_build_or_one_that_another_overtook_begins_anew(database, node, tmp_path):
    break_off(database, node, tmp_path)
    build_from(database, node, marked(known_rows()))
    assert go_on(database, node, tmp_path) == ([None], 0)
    break_off(database, node, tmp_path)
    make_old(tmp_path, node, STALE_AFTER_S + 1)
    assert go_on(database, node, tmp_path) == ([None], 0)
    # A source that says up to when it shows every change is read on later too, but not for ever.
    sure = functools.partial(marked, covered=datetime(2026, 5, 1, tzinfo=UTC))
    for age, resumed in ((STALE_AFTER_S + 1, 3), (COVERED_STALE_AFTER_S + 1, 0)):
        with pytest.raises(SourceUnavailableError):
            build_from(database, node, sure(breaks_after=16), home=tmp_path, threads=1)
        make_old(tmp_path, node, age)
        assert build_from(database, node, sure(), home=tmp_path).resumed == resumed


def make_old(home, node, seconds):
    long_ago = time.time() - seconds
    for path in folder_of(home, node).iterdir():
        os.utime(path, (long_ago, long_ago))


def test_each_part_goes_on_with_its_own(database, node, tmp_path):
    first, second = Part(0, 2), Part(1, 2)
    break_off(database, node, tmp_path, part=first)
    # Another range of the keys says nothing about this one; the whole does.
    assert go_on(database, node, tmp_path, part=second) == ([None], 0)
    assert go_on(database, node, tmp_path, part=first) == ([11], 3)
    break_off(database, node, tmp_path, part=second)
    assert go_on(database, node, tmp_path) == ([None], 0)
    assert go_on(database, node, tmp_path, part=second) == ([None], 0)


def test_a_changed_parent_types_keys_otherwise(database, tmp_path):
    child = lines_node()
    parent = headers_node()
    rows = [{"N": n, "ORDER_NO": f"SO-{n}", "SIZE": "M", "QTY": n} for n in range(12)]
    upper = [{**each.model_dump(), "case": "upper"} for each in parent.fields]
    options = {"home": tmp_path, "threads": 1}
    with pytest.raises(SourceUnavailableError):
        build_from(database, child, marked(rows, breaks_after=8), parent=parent, **options)
    assert len(list(tmp_path.rglob("*.manifest"))) == 1
    source = marked(rows)
    build_from(database, child, source, parent=headers_node(fields=upper), **options)
    assert [position.after for position in source.asked] == [None]


def test_what_the_rows_are_to_blame_for_is_read_again(database, node, tmp_path):
    few = marked(known_rows()[:4])
    with pytest.raises(DeleteGuard):
        build_from(database, node, few, home=tmp_path)
    assert list(tmp_path.iterdir()) == []
    without = [{name: row[name] for name in ("N", "ORDER_NO")} for row in known_rows()]
    with pytest.raises(MissingColumn):
        build_from(database, node, marked(without), home=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert go_on(database, node, tmp_path) == ([None], 0)


def test_a_source_without_marks_is_read_again(database, node, undisturbed, tmp_path):
    source = marked(breaks_after=16)
    source.mark = None
    with pytest.raises(SourceUnavailableError):
        build_from(database, node, source, home=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert go_on(database, node, tmp_path) == ([None], 0)
    assert outcome(database, node) == undisturbed


def test_a_read_that_came_to_its_end_is_not_repeated(
    database, node, undisturbed, tmp_path, monkeypatch
):
    source = marked()
    source.mark = None
    with monkeypatch.context() as patched, pytest.raises(psycopg.OperationalError):
        lost = psycopg.OperationalError("the server is gone")
        patched.setattr(writing.Writer, "write", Mock(side_effect=lost))
        build_from(database, node, source, home=tmp_path)
    assert go_on(database, node, tmp_path) == ([], 6)
    assert outcome(database, node) == undisturbed


def test_rows_that_the_database_refuses_are_read_again(database, node, tmp_path, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(psycopg.DataError):
        refused = psycopg.DataError("timestamp too large")
        patched.setattr(writing.Writer, "write", Mock(side_effect=refused))
        build_from(database, node, marked(), home=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_marks_of_some_pieces_only(database, node, undisturbed, tmp_path):
    class Sparse(MarkedRows):
        def read(self, position):
            for piece in super().read(position):
                yield piece if piece.resume in {7, 23} else Piece(piece.batch)

    sparse = Sparse(changed_rows(), piece=PIECE, breaks_after=16)
    with pytest.raises(SourceUnavailableError):
        build_from(database, node, sparse, home=tmp_path, threads=1)
    assert go_on(database, node, tmp_path) == ([7], 2)
    assert outcome(database, node) == undisturbed


def test_nothing_is_left_to_read_behind_the_last_mark(database, node, tmp_path):
    """The rows behind it went away meanwhile."""
    break_off(database, node, tmp_path)
    source = marked(changed_rows()[:12])
    result = build_from(database, node, source, home=tmp_path)
    assert (result.resumed, result.counts["read"]) == (3, 12)


def test_where_a_source_has_lost_the_position_all_is_read_again(
    database, node, undisturbed, tmp_path
):
    break_off(database, node, tmp_path)
    source = marked(loses_position=True)
    result = build_from(database, node, source, home=tmp_path)
    assert [position.after for position in source.asked] == [11, None]
    assert result.resumed == 0
    assert result.counts["read"] == len(changed_rows())
    assert outcome(database, node) == undisturbed
