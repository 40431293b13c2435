"""The monday benchmark: its books are workflows that load, and its figures add up."""

from __future__ import annotations

import json

import pytest

from syncflow_dagster.testing.bench.monday import books, report
from syncflow_dagster.testing.bench.monday.books import Book
from syncflow_dagster.testing.bench.monday.figures import figures
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

LIMIT = 10_000_000


class Control:
    """What a sandbox says after 1,000 creates in four windows, the last one begun only."""

    def __init__(self, peak=LIMIT):
        self.points = {"total": 30_100_000, "used": 1_000_000, "peak": peak, "windows_s": 180.0}

    def stats(self):
        spent = {"complexity_per_minute": LIMIT, "complexity": {"writes": self.points}}
        return {"monday": {"requests": 55, "throttled": 2, "budget_used": {"token": spent}}}

    def log(self):
        seconds = (0, 24)
        return [
            {"at": f"2026-11-01T10:00:{seconds[n > 0]:02}+00:00", "op": "create_item", "key": key}
            for n, key in enumerate([*(f"{n}" for n in range(999)), "998"])
        ]


@pytest.fixture
def found():
    return figures(Control(), "token", records=1_000, speed=8.0, peak_mb=7)


def test_a_book_is_a_workflow_with_its_rows(tmp_path):
    book = Book(2, 45)
    books.write(book, tmp_path)
    loaded = load_file(tmp_path / "bench_2.yaml", {"MONDAY_TOKEN": "t", "MONDAY_URL": "https://x"})
    assert isinstance(loaded, LoadedWorkflow), loaded.problems
    rows = (tmp_path / "bench_2" / "lines.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 45 * books.LINES
    assert book.records == 180
    boards = [board["id"] for board in books.seed([Book(1, 1), book])["boards"]]
    assert boards == ["710", "720"]


def test_what_was_used_productively_of_what_was_allowed(found):
    # 30,000,000 points for creates, of which 29.1/30.1 fell into the three windows that are over.
    assert found.budget_share == pytest.approx(30 * 29.1 / 30.1 / 30, abs=1e-4)
    assert found.as_json()["requests_per_1000"] == 55
    assert found.time_ratio == pytest.approx(24 / (2 * 60 / 8))


def test_a_record_created_twice_is_no_second_record(found):
    assert (found.writes, found.applied, found.doubled) == (1_000, 999, 1)


def test_what_is_above_the_limit_is_told():
    over = figures(Control(LIMIT + 5), "token", records=1, speed=1.0, peak_mb=0)
    assert over.as_json()["over_limit"] == 5


@pytest.mark.parametrize("peer", ["not installed", None])
def test_the_answer_reads_with_and_without_the_peer(found, peer):
    figures_ = found.as_json()
    result = {
        "rows": 1_000,
        "floor_ratio": 1.05,
        "peak_mb": 7,
        "peers": {"monday": peer or 3.1},
        **figures_,
        "two_processes": {"floor_ratio": 1.1, **figures_},
        "one_by_one": peer or figures_,
    }
    json.dumps(result)
    told = "\n".join(report.lines(result, ratios_only=True))
    assert told.count("requests for 1,000 mutations") == (2 if peer else 3)
    assert "memory" not in told
