"""Files into workflows: single files, folders, clashes between files, secrets, the check report."""

import json
import shutil
from pathlib import Path

import pytest

from syncflow_dagster.workflows.check import check
from syncflow_dagster.workflows.environment import Environment, UnresolvedError
from syncflow_dagster.workflows.loader import BrokenFile, LoadedWorkflow, load_file, load_folder
from syncflow_dagster.workflows.models import Workflow

ENVIRON = {"ORDERS_DATABASE_URL": "postgresql://me:hunter2@db/orders", "MONDAY_TOKEN": "tok-12345"}
SHIPMENTS = {"FREIGHT_DATABASE_URL": "sqlite:////f.db", "LOGISTICS_MONDAY_TOKEN": "tok"}


def test_the_example_loads(load, example_text, folder):
    loaded = load(example_text)
    assert isinstance(loaded, LoadedWorkflow)
    workflow = loaded.workflow
    assert (workflow.workflow, workflow.owner) == ("order_list", "operations")
    assert [delta.name for delta in workflow.deltas] == ["order_headers", "order_lines"]
    monday = workflow.connections["monday"]
    assert (monday.settle_s, monday.url) == (65, "https://api.monday.com/v2")
    assert monday.token.get_secret_value() == "tok-12345"
    assert workflow.pushes[0].board_id == "9000000001"
    assert loaded.queries == {
        "pull_headers": folder / "order_list" / "headers.sql.j2",
        "pull_lines": folder / "order_list" / "lines.sql.j2",
    }


def test_numbers_may_come_from_the_environment(load, example_text):
    loaded = load(example_text, ENVIRON | {"MONDAY_SETTLE_S": "1.5", "MONDAY_BOARD_ID": "77"})
    assert loaded.workflow.connections["monday"].settle_s == 1.5
    assert loaded.workflow.pushes[0].board_id == "77"


def test_a_second_workflow_needs_no_code():
    loaded = load_folder(Path(__file__).parent / "examples" / "shipments", SHIPMENTS)
    assert loaded.broken == []
    (shipments,) = loaded.workflows
    assert shipments.workflow.workflow == "shipments"
    assert shipments.workflow.pulls[0].parameters["modes"] == ["sea", "air"]
    assert loaded.workflow("shipments") is shipments
    with pytest.raises(KeyError, match="no workflow 'orders'; there are: shipments"):
        loaded.workflow("orders")


def test_one_broken_file_stops_nobody_else(folder, example_text):
    (folder / "a_bad.yaml").write_text("workflow: bad\nowner: me")
    (folder / "b_good.yaml").write_text(example_text)
    (folder / "c_worse.yml").write_bytes(b"\xff\xfe")
    (folder / ".hidden.yaml").write_text("nothing")
    (folder / "order_list" / "notes.txt").write_text("nothing")
    found = load_folder(folder, ENVIRON)
    assert [one.workflow.workflow for one in found.workflows] == ["order_list"]
    assert [(one.path.name, one.name) for one in found.broken] == [
        ("a_bad.yaml", "bad"),
        ("c_worse.yml", "c_worse"),
    ]


def test_names_and_tables_are_taken_once_among_all_files(folder, example_text):
    (folder / "a.yaml").write_text(example_text)
    (folder / "b.yaml").write_text(example_text)
    renamed = example_text.replace("workflow: order_list\n", "workflow: other\n")
    (folder / "c.yaml").write_text(renamed.replace("table: order_list_delta", "table: fresh"))
    found = load_folder(folder, ENVIRON)
    assert [one.path.name for one in found.workflows] == ["a.yaml"]
    second, third = found.broken
    headers, lines = _line(example_text, 1), _line(example_text, 2)
    assert [problem.message for problem in second.problems] == [
        "the workflow name 'order_list' is taken by workflows/a.yaml:6",
        f"the delta table 'order_list_delta' is taken by workflows/a.yaml:{headers}",
        f"the delta table 'order_list_lines_delta' is taken by workflows/a.yaml:{lines}",
    ]
    (clash,) = third.problems
    assert (clash.line, clash.column) == (_line(example_text, 2), 5)


def _line(text, number):
    lines = [i for i, line in enumerate(text.splitlines(), start=1) if "    table: " in line]
    return lines[number - 1]


def test_what_is_no_file_is_a_broken_file(tmp_path):
    for path, message in [
        (tmp_path, "this is a folder, not a file"),
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path / "bad\0name", "the file cannot be read"),
        (tmp_path / ("x" * 5000), "the file cannot be read"),
    ]:
        result = load_file(path, {})
        assert isinstance(result, BrokenFile)
        assert message in result.problems[0].message
    (broken,) = load_folder(tmp_path / "none", {}).broken
    assert broken.problems[0].message == "there is no such folder"


@pytest.mark.parametrize("secret", ["hunter2-äöü", "ab", 'it\'s "quoted"\n\tx', "pull_headers2"])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("owner: operations", "owner: ${SECRET}"),
        ("source: pull_lines", "source: ${SECRET}"),
        ("connection: monday", "connection: ${SECRET}"),
        ("query: order_list/lines.sql.j2", "query: ${SECRET}.sql.j2"),
        ('cron: "*/15 * * * *"', "cron: ${SECRET}"),
        ("timezone: America/New_York", "timezone: x${SECRET}x"),
        ("batch_size: 20", "batch_size: ${SECRET}"),
        ("type: sql", "type: ${SECRET}"),
        ('name: "{order_number} {style} {colour}"', 'name: "{${SECRET}}"'),
        ("url: ${ORDERS_DATABASE_URL}", "url: no-${SECRET}"),
        ("duplicates: reject", "duplicates: ${SECRET}"),
        ("key: [order_number]\n    customer", 'key: ["${SECRET}"]\n    customer'),
        ("workflow: order_list\n", "workflow: ${SECRET}\n"),
        ("name: pull_headers", "name: ${SECRET}"),
    ],
)  # fmt: skip
def test_no_mistake_shows_what_a_variable_holds(load, example_text, right, wrong, secret):
    assert right in example_text
    broken = load(example_text.replace(right, wrong, 1), ENVIRON | {"SECRET": secret})
    if not isinstance(broken, BrokenFile):
        # a variable may hold a usable value: that is no mistake and nothing is shown
        assert secret in {"ab", "pull_headers2"}
        return
    shown = "\n".join([broken.name, *map(str, broken.problems)])
    for form in (secret, repr(secret)[1:-1], " ".join(secret.split())):
        if len(form) > 3:
            assert form not in shown
        else:
            assert f" {form} " not in shown
            assert f"'{form}" not in shown


def test_variables_are_filled_in():
    environment = Environment({"A": "1", "EMPTY": "", "B": "${A}"})
    for text, filled in [
        ("${A}", "1"),
        ("x${A}y${A}", "x1y1"),
        ("${NO:-}", ""),
        ("${NO:-a b:/c}", "a b:/c"),
        ("${EMPTY:-d}", "d"),
        ("${A:-d}", "1"),
        ("$$ $${A} $A $", "$ ${A} $A $"),
        ("${B}", "${A}"),  # what a variable holds is not read again
    ]:
        assert environment.substitute(text) == filled
    for text, message in [
        ("${NO}", "variable is not set: NO"),
        ("${EMPTY}", "variable is not set: EMPTY"),
        ("${NO} ${NEITHER} ${NO}", "variables are not set: NO, NEITHER"),
        ("${1A}", "no reference to a variable"),
        ("${A", "no reference to a variable"),
        ("${A-b}", "no reference to a variable"),
    ]:
        with pytest.raises(UnresolvedError, match=message):
            environment.substitute(text)


def test_a_workflow_made_by_hand_says_that_its_parents_lead_nowhere(load, example_text):
    data = load(example_text).workflow.model_dump()
    lines = next(node for node in data["nodes"] if node["name"] == "order_lines")
    lines["parent"]["node"] = "nowhere"
    for connection in data["connections"].values():
        for key in ("url", "token"):
            if key in connection and not isinstance(connection[key], str):
                connection[key] = connection[key].get_secret_value()
    with pytest.raises(ValueError, match="lead nowhere"):
        _ = Workflow.model_validate(data).deltas


def test_the_check_report_has_a_line_for_everything(folder, example_text):
    (folder / "bad.yaml").write_text(example_text.replace("owner: operations", "owner: no"))
    (folder / "good.yaml").write_text(example_text)
    report = check([folder], ENVIRON)
    assert not report.ok
    good_line, bad_line = report.lines()
    assert good_line == "workflows/good.yaml: ok, workflow order_list of operations with 5 nodes"
    assert bad_line == (
        "workflows/bad.yaml:8:1: owner: must be a text, but YAML reads no as a true/false value; "
        'put it in quotes: "no"'
    )
    plain = json.loads(json.dumps(report.as_json()))
    assert plain["ok"] is False
    bad, good = plain["files"]
    assert (good["ok"], good["workflow"], good["problems"]) == (True, "order_list", [])
    (problem,) = bad["problems"]
    assert (problem["line"], problem["column"], problem["where"]) == (8, 1, "owner")
    assert problem["text"] == report.lines()[1]
    assert check([folder / "good.yaml", str(folder / "good.yaml")], ENVIRON).ok


def test_a_check_of_nothing_is_not_ok(tmp_path):
    report = check([tmp_path], {})
    assert not report.ok
    assert "the folder holds no workflow file" in report.lines()[0]
    assert not check([tmp_path / "none.yaml"], {}).ok
    assert not check([], {}).ok


def test_the_process_environment_is_the_default(folder, example_text, monkeypatch):
    path = folder / "x.yaml"
    path.write_text(example_text)
    assert isinstance(load_file(path), BrokenFile)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert isinstance(load_file(path), LoadedWorkflow)


def test_a_template_that_cannot_be_read_is_a_mistake_of_its_own(folder, example_text, load):
    shutil.rmtree(folder / "order_list")
    (folder / "order_list").mkdir()
    (folder / "order_list" / "headers.sql.j2").write_bytes(b"select '\xe9'")
    first, second = load(example_text).problems
    assert "there is no file workflows/order_list/lines.sql.j2" in first.message
    assert (second.path.name, second.message) == ("headers.sql.j2", "the file is not UTF-8 text")
