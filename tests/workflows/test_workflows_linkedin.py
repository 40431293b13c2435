"""LinkedIn steps in a workflow file: each mistake is named once, at its place.

The table of single mistakes in `linkedin.yaml` is `linkedin_mistakes.yaml`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from syncflow_dagster.workflows.check import check

HERE = Path(__file__).parent
EXAMPLE = (HERE / "linkedin.yaml").read_text(encoding="utf-8")
MISTAKES = yaml.safe_load((HERE / "linkedin_mistakes.yaml").read_text(encoding="utf-8"))
ENVIRON = {"UNIPILE_TOKEN": "sesame", "UNIPILE_ANNA": "acc_anna", "UNIPILE_BEN": "acc_ben"}
NODE = EXAMPLE[EXAMPLE.index("  - type: linkedin_step") :]


@pytest.fixture
def mistakes(tmp_path, monkeypatch):
    """Return what is said of a text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.sql.j2").write_text("select 1 as person_key", encoding="utf-8")

    def mistakes(text):
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        return [line for line in check([path], ENVIRON).lines() if ": ok, " not in line]

    return mistakes


def test_the_example_is_right(mistakes):
    assert mistakes(EXAMPLE) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_is_one_line_at_its_place(name, mistakes):
    case = MISTAKES[name]
    assert EXAMPLE.count(case["right"]) == 1
    marked = EXAMPLE.replace(case["right"], case["wrong"])
    before, _, after = marked.partition("^")
    found = mistakes(before + after)
    assert len(found) == 1, found
    assert [part for part in case["says"] if part not in found[0]] == []
    column = len(before) - before.rfind("\n")
    assert found[0].startswith(f"x.yaml:{before.count(chr(10)) + 1}:{column}: ")


def _sequence(*steps):
    return EXAMPLE[: EXAMPLE.index("    sequence:")] + "    sequence:\n" + "\n".join(steps) + "\n"


def test_a_sequence_has_to_send_something(mistakes):
    (line,) = mistakes(_sequence("      - {type: delay, hours: 2.5}"))
    assert "this sequence sends nothing" in line
    assert mistakes(_sequence("      - {type: inmail, subject: New, text: Hello}")) == []


def test_a_note_is_too_long_for_an_account_before_anything_is_filled_in(mistakes):
    def note(length):
        return mistakes(
            _sequence(f'      - {{type: invite, note: "{"x" * length}{{{{first_name}}}}"}}')
        )

    assert note(200) == []
    (line,) = note(201)
    assert "has 201 characters before any token is filled" in line
    assert "notes of 'ben' (tier free) may have 200" in line


def test_a_node_that_sends_is_right_but_somebody_should_know(mistakes):
    (line,) = mistakes(
        EXAMPLE.replace("    lawful_basis:", "    dry_run: false\n    lawful_basis:")
    )
    assert line.startswith("warning: x.yaml:42:5: nodes.2.dry_run: this node sends")
    assert "LinkedIn's terms forbid" in line


def test_a_record_s_changes_go_to_one_node_and_an_account_has_one_name(mistakes):
    again = NODE.replace("name: champion_outreach", "name: other_outreach")
    (line,) = mistakes(EXAMPLE + again)
    assert "records of 'champions' go to 'champion_outreach' already" in line
    renamed = again.replace("name: ben", "name: benjamin")
    assert any(
        "another node calls this account 'ben'" in one for one in mistakes(EXAMPLE + renamed)
    )
    swapped = again.replace("UNIPILE_BEN", "UNIPILE_CARA")
    found = mistakes(EXAMPLE + swapped.replace("${UNIPILE_CARA}", "acc_cara"))
    assert any("another node calls another account 'ben'" in one for one in found)
