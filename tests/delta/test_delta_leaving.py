"""A build that has to leave while it reads: the next one reads on from there, nights later."""

from __future__ import annotations

import os
import time

import pytest
from delta_cases import headers_node
from resume_cases import PIECE, changed_rows, known_rows, marked
from source_cases import MarkedRows, build_from, outcome

from syncflow_dagster.nodes.delta.errors import ReadingLeft

_DAY_S = 24 * 3600
WHY = "the window of orders is over"


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr("syncflow_dagster.nodes.delta.source.cuts.__defaults__", (PIECE,))


def after(chunks):
    """Return what says so once that many chunks could be read."""
    asked = iter([None] * chunks)
    return lambda: next(asked, WHY)


def leave(database, node, home, source, chunks):
    with pytest.raises(ReadingLeft) as told:
        build_from(database, node, source, home=home, leave=after(chunks))
    return told.value


def wait(home, days):
    """Let what was read grow old."""
    then = time.time() - days * _DAY_S
    for path in home.glob("*/*"):
        os.utime(path, (then, then))


def test_it_goes_on_over_as_many_nights_as_it_takes_and_reads_nothing_twice(database, tmp_path):
    calm, node = headers_node(name="calm", table="calm"), headers_node()
    for one in (calm, node):
        build_from(database, one, marked(known_rows()))
    build_from(database, calm, marked())
    given = []
    for rows in (8, 16):
        source = marked()
        left = leave(database, node, tmp_path, source, chunks=2)
        assert left.in_words() == f"{WHY}; {rows} rows are read, and the next build reads on"
        given += source.given[: 2 * PIECE]
        wait(tmp_path, days=4)
    # Closed: nothing at all is read.
    source = marked()
    assert leave(database, node, tmp_path, source, chunks=0).rows == 16
    assert source.given == []
    wait(tmp_path, days=4)
    last = marked()
    result = build_from(database, node, last, home=tmp_path)
    assert (result.resumed, result.counts["read"]) == (4, 24)
    assert [row["N"] for row in given + last.given] == list(range(24))
    assert outcome(database, node) == outcome(database, calm)
    assert list(tmp_path.iterdir()) == []
    # What lay there for too long is read again.
    leave(database, node, tmp_path, marked(), chunks=2)
    wait(tmp_path, days=12)
    assert build_from(database, node, marked(), home=tmp_path).resumed == 0


def test_a_source_that_cannot_be_read_on_is_read_again_and_that_is_said(database, tmp_path):
    node = headers_node()
    rows = MarkedRows(changed_rows(), mark=None, piece=PIECE)
    left = leave(database, node, tmp_path, rows, chunks=2)
    assert left.rows == 0
    assert "the next build reads it again from its first row" in left.in_words()
    assert list(tmp_path.iterdir()) == []
    assert build_from(database, node, rows, home=tmp_path).counts["read"] == 24
