"""The rows of the fault matrix, and the tables of the pages that show them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from syncflow_dagster.testing.faults import run, tables
from syncflow_dagster.testing.faults.board_cases import board_cases
from syncflow_dagster.testing.faults.cases import cases
from syncflow_dagster.testing.faults.jobs_cases import jobs_cases
from syncflow_dagster.testing.faults.load_cases import load_cases
from syncflow_dagster.testing.faults.results import RECOVERY_LIMIT_S, FaultResult

ROOT = Path(__file__).parents[2]
README, PAGE = ROOT / tables.README, ROOT / tables.PAGE
_FAILED = " **(failed)**"


def cells(text):
    """The cells of the rows between the marks."""
    block = text.partition(tables.BEGIN)[2].partition(tables.END)[0]
    rows = [line.strip("| ").split(" | ") for line in block.splitlines() if "|" in line]
    return rows[2:]


def test_no_two_rows_have_one_name():
    names = run.row_names()
    assert len(names) == len(set(names))
    numbered = [*cases(), *board_cases(), *jobs_cases(), *load_cases()]
    assert {case.number for case in numbered} <= tables.KINDS.keys()


def test_the_page_shows_every_row_of_the_matrix_and_no_other():
    text = PAGE.read_text("utf-8")
    shown = [fault.removesuffix(_FAILED) for _, fault, *_ in cells(text)]
    not_yet = re.findall(r"^- `(.+)`$", text.partition(tables.BEGIN)[0], re.MULTILINE)
    assert sorted([*shown, *not_yet]) == sorted(run.row_names())


def test_the_readme_shows_every_kind_with_the_number_of_its_rows():
    numbers = [number for number, *_ in cells(PAGE.read_text("utf-8"))]
    shown = {
        kind.removesuffix(_FAILED): int(rows) for kind, rows, *_ in cells(README.read_text("utf-8"))
    }
    assert shown == {
        f"{number} {tables.KINDS[number]}": numbers.count(number) for number in sorted(set(numbers))
    }


def test_every_kind_of_fault_has_its_rows_its_tests_or_a_reason():
    text = PAGE.read_text("utf-8").partition("## Which faults there are")[2].partition("\n## ")[0]
    listed = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| F")]
    assert [number for number, *_ in listed] == [f"F{n}" for n in range(1, 32)]
    with_rows = {number: what.replace("`", "") for number, what, held in listed if "rows" in held}
    assert with_rows == dict(tables.KINDS)
    for _, _, held in listed:
        assert "rows" in held or held.startswith("not here: ")
        for path in re.findall(r"`(tests/\S+\.py)`", held):
            assert (ROOT / path).exists(), path


def results():
    return [
        FaultResult("b | c", "F3", extra_calls=2, recovery_s=1.5),
        FaultResult("a", "F1", extra_calls=7),
        FaultResult("d", "F3", duplicates=1, recovery_s=0.5),
    ]


def test_tables_take_the_place_of_older_ones_and_nothing_else_changes(tmp_path):
    for page in (tables.README, tables.PAGE):
        path = tmp_path / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"before\n\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    assert tables.write_tables(results(), tmp_path) == [tables.README, tables.PAGE]
    text = (tmp_path / tables.PAGE).read_text()
    assert text.startswith(f"before\n\n{tables.BEGIN}\n\n| number | fault |")
    assert text.endswith(f"|\n\n{tables.END}\nafter\n")
    assert cells(text)[1] == ["F3", "b \\| c", "0", "0", "0", "2", "1.5"]
    assert cells(text)[2][1] == "d" + _FAILED
    folded = cells((tmp_path / tables.README).read_text())
    assert folded == [
        ["F1 kill -9 at every step boundary", "1", "0", "0", "0", "7", "0.0"],
        ["F3 reply lost after apply" + _FAILED, "2", "1", "0", "0", "2", "1.5"],
    ]
    assert sorted(one.name for one in tmp_path.rglob("*.md*")) == ["README.md", "faults.md"]


def test_a_page_without_the_marks_is_told(tmp_path):
    (tmp_path / tables.README).write_text("no table here\n")
    with pytest.raises(ValueError, match="fault table: begin"):
        tables.write_tables(results(), tmp_path)


def test_only_the_whole_matrix_writes_the_pages(monkeypatch, tmp_path):
    written = []
    given = {name: FaultResult(name, "F1") for name in ("kill", "cut")}

    def broken(wanted):
        yield from (one for name, one in given.items() if wanted(name))

    monkeypatch.setattr(run, "parts", lambda: [run.Part(given, broken)])
    monkeypatch.setattr(run, "write_tables", lambda rows, root: written.append(rows) or [])
    given["cut"].broken.append("I3: one was sent too early")
    told = []
    outcome = run.run_faults(tmp_path / "b" / "f.json", only=["cut"], say=told.append)
    assert written == []
    assert [one.fault for one in outcome.results] == ["cut"]
    assert "too early" in told[0]
    outcome = run.run_faults(tmp_path / "b" / "f.json", say=told.append, root=tmp_path)
    assert written == [outcome.results]
    assert [one.passed for one in outcome.results] == [True, False]
    rows = json.loads((tmp_path / "b" / "f.json").read_text())
    assert [row["number"] for row in rows] == ["F1", "F1"]
    assert len(outcome.lines()) == 4


def test_a_recovery_that_takes_too_long_is_no_pass():
    assert FaultResult("a", "F1", recovery_s=RECOVERY_LIMIT_S).passed
    assert not FaultResult("a", "F1", recovery_s=RECOVERY_LIMIT_S + 0.1).passed
