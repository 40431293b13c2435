"""Mistakes in workflow files: each is named once, at its place, with what would be right.

The table of single mistakes is `mistakes.yaml`.
"""

from pathlib import Path

import pytest
import yaml

from syncflow_dagster.workflows import messages
from syncflow_dagster.workflows.models import Workflow

HEADERS = "query: order_list/headers.sql.j2"
MISTAKES = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_is_one_line_at_its_place(name, example_text, problems):
    case = MISTAKES[name]
    assert case["right"] in example_text
    marked = example_text.replace(case["right"], case["wrong"], 1)
    before, mark, _ = marked.partition("^")
    found = problems(marked.replace("^", "", 1) if mark else marked)
    assert len(found) == 1, found
    if mark:
        place = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        assert found[0].startswith(f"workflows/x.yaml:{place}: ")
    assert [part for part in case["says"] if part not in found[0]] == []


def test_five_different_mistakes_are_five_lines(example_text, problems):
    text = example_text
    for right, wrong in [
        ("token: ${MONDAY_TOKEN}", "^token: ${NO_TOKEN}"),
        ('cron: "*/15 * * * *"', "^cron: every now and then"),
        (HEADERS, "^sqol: order_list/headers.sql.j2"),
        ("key: [order_number]\n    customer", "key: [^order_no]\n    customer"),
        ("source: pull_lines", "^source: pull_line"),
    ]:
        assert right in text
        text = text.replace(right, wrong, 1)
    places = []
    while "^" in text:
        before, _, after = text.partition("^")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        places.append(f"workflows/x.yaml:{line}:{column}")
        text = before + after
    found = problems(text)
    assert [line.split(": ")[0] for line in found] == places
    assert [line.split(": ")[1] for line in found] == [
        "connections.monday.token",
        "triggers.0.cron",
        "nodes.0.sqol",
        "nodes.2.key.0",
        "nodes.3.source",
    ]
    assert "did you mean 'query', which is missing?" in found[2]


NOT_A_WORKFLOW = {
    "empty": (b"", "1:1: file: the file is empty"),
    "blank": (b"\n  \n", "1:1: file: the file is empty"),
    "only comments": (b"# nothing\n", "1:1: file: a workflow is a mapping"),
    "list": (b"- a\n- b\n", "1:1: file: a workflow is a mapping of keys to values, but this is"),
    "text": (b"hello", "but this is a text"),
    "not UTF-8": (b"a: b\nc: \xff", "2:4: file: the file is not UTF-8 text"),
    "NUL": (b"a: b\nc: \0", "2:4: file: the character U+0000 is not allowed in YAML"),
    "tab": (b"a:\n\tb: c", "2:1: file: the file is no valid YAML: found character '\\t'"),
    "two documents": (b"a: b\n---\nc: d", "2:1: file: the file is no valid YAML: but found"),
    "colon in a text": (b"a: b: c", "1:5: file: the file is no valid YAML: mapping values"),
    "open bracket": (b"a: [1, 2", "1:9: file: the file is no valid YAML"),
    "at sign": (b"a: @b", "1:4: file: the file is no valid YAML"),
    "unknown alias": (b"a: *b", "1:4: file: the file is no valid YAML: found undefined alias"),
    "itself inside": (b"a: &x [*x]", "1:4: file: an alias stands inside the very part it repeats"),
    "deep": (b"[" * 200 + b"]" * 200, "file: parts are nested more than 50 deep"),
    "deeper": (b"[" * 5000, "file: the file is nested too deeply"),
    "huge": (b"a: " + b"x" * 1_000_001, "1:1: file: the file is larger than 1,000,000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_A_WORKFLOW)
def test_what_is_no_workflow_is_one_plain_line(name, problems):
    text, start = NOT_A_WORKFLOW[name]
    (line,) = problems(text)
    assert start in line
    assert "\n" not in line


def test_aliases_that_multiply_are_refused(problems):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    (line,) = problems("\n".join(lines))
    assert "holds more than 100,000 values, aliases included" in line


def test_tags_and_keys_yaml_allows_but_we_do_not(problems):
    found = problems("? [a]\n: b\nworkflow: !mine {a: b}\n<<: 5\n")
    assert any("a key must be a text" in line for line in found)
    assert any("3:11: workflow: the YAML tag !mine is not supported" in line for line in found)
    assert any("'<<' cannot be merged" in line for line in found)


def test_aliases_merges_and_a_byte_order_mark_are_fine(example_text, load):
    items = "items:\n      source: order_headers"
    text = example_text.replace(items, items.replace("source", "<<: {batch: 1}\n      source"))
    (problem,) = load("\ufeff" + text).problems
    assert problem.message == "unknown key 'batch'"
    shared = example_text.replace(
        "parameters: {company: US01}", "parameters: &p {company: US01}", 1
    )
    shared = shared.replace("parameters: {company: US01}", "parameters: *p", 1)
    loaded = load("\ufeff" + shared)
    assert [pull.parameters for pull in loaded.workflow.pulls] == [{"company": "US01"}] * 2


def test_mistakes_in_a_template_have_the_templates_place(folder, example_text, problems):
    template = folder / "order_list" / "headers.sql.j2"
    template.write_text("select 1\nfrom order_list\nwhere company = {{ compny }} and {{ other }}")
    one, two = problems(example_text)
    assert one == (
        "workflows/order_list/headers.sql.j2:3:20: query: uses 'compny', which is no parameter of "
        "the node; did you mean 'company'? add it under 'parameters' of 'pull_headers'"
    )
    assert two.startswith("workflows/order_list/headers.sql.j2:3:37: query: uses 'other', which")
    template.write_text("select 1\n{% if x %}\n")
    (line,) = problems(example_text)
    assert line.startswith("workflows/order_list/headers.sql.j2:")
    assert "end of template" in line


def test_every_pattern_of_the_models_has_words_of_its_own():
    def patterns(part):
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str):
                yield part["pattern"]
            for value in part.values():
                yield from patterns(value)
        elif isinstance(part, list):
            for value in part:
                yield from patterns(value)

    found = set(patterns(Workflow.model_json_schema()))
    assert found
    assert found <= set(messages._PATTERNS)
