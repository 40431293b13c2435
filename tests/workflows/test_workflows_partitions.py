"""Delta nodes that are split, fields named like the tables' own, workflows named like jobs."""

import pytest

from syncflow_dagster.workflows.loader import load_files

ENVIRON = {"ORDERS_DATABASE_URL": "sqlite:///x.db", "MONDAY_TOKEN": "t"}
SPLIT = "entity: order\n    partitions: 4\n"
LINES = "entity: order_line\n    partitions: {}\n"


@pytest.fixture
def spoil(example_text, problems):
    """Return the mistakes of the example with these replacements."""

    def spoil(*replacements):
        text = example_text
        for right, wrong in replacements:
            assert right in text
            text = text.replace(right, wrong, 1)
        return problems(text)

    return spoil


def _split(lines=""):
    both = [("entity: order\n", SPLIT)]
    return [*both, ("entity: order_line\n", LINES.format(lines))] if lines else both


@pytest.mark.parametrize("lines", ["", "1", "4"])
def test_nodes_split_alike_or_not_at_all_are_right(spoil, lines):
    assert spoil(*_split(lines)) == []


def test_another_number_of_partitions_is_told_at_its_place(spoil):
    (line,) = spoil(*_split("3"))
    assert "nodes.3.partitions: 3 partitions, but 'order_headers' has 4" in line
    assert "write 4, or leave it out" in line


def test_a_push_of_split_nodes_needs_the_trigger_that_starts_it(spoil):
    (line,) = spoil(*_split(), ("  - type: pending_rows\n", ""))
    assert line.startswith("workflows/x.yaml:46:5: nodes.2.partitions: ")
    assert "add '- {type: pending_rows}' under 'triggers'" in line
    (line,) = spoil(
        *_split(), ("- type: pending_rows\n", "- {type: pending_rows, enabled: false}\n")
    )
    assert "triggers.1.enabled: switched off, so nothing starts the push" in line


def test_a_number_that_is_none_is_told_once(spoil):
    (line,) = spoil(("entity: order\n", "entity: order\n    partitions: many\n"))
    assert "nodes.2.partitions" in line


def test_a_field_may_not_be_named_like_a_column_of_every_delta_table(spoil):
    renamed = ("{name: season}", "{name: reason, column: why}"), ("field: season", "field: reason")
    (line,) = spoil(*renamed)
    assert "nodes.2.fields.7.name: every delta table has a column 'reason' of its own" in line
    assert "for example {name: order_reason, column: why}" in line


@pytest.mark.parametrize("suffix", ["push", "parts", "retry_rejected"])
def test_a_workflow_may_not_be_called_like_another_one_s_job(folder, example_text, suffix):
    (folder / "a.yaml").write_text(example_text, encoding="utf-8")
    other = example_text.replace("workflow: order_list", f"workflow: order_list_{suffix}")
    (folder / "b.yaml").write_text(other.replace("_delta", "_other_delta"), encoding="utf-8")
    for files, told in (
        (["a.yaml", "b.yaml"], f"'order_list_{suffix}' is the name of a job of 'order_list'"),
        (["b.yaml", "a.yaml"], "would be the name of a job of 'order_list'"),
    ):
        loaded = load_files([folder / name for name in files], ENVIRON)
        assert len(loaded.workflows) == 1
        ((problem,),) = [broken.problems for broken in loaded.broken]
        assert told in problem.message
        assert f"workflows/{files[0]}:6" in problem.hint
