from __future__ import annotations

import ast
import re
import typing
from functools import cache

import docs_pages
import pytest
from pydantic import BaseModel

from syncflow_dagster.assets import (
    board_check,
    checks,
    files,
    identity,
    preflight_check,
    tag_checks,
)
from syncflow_dagster.assets.failures import WHAT_TO_DO
from syncflow_dagster.cli import main
from syncflow_dagster.core import outcomes
from syncflow_dagster.core.states import DELTA_TRANSITIONS, EFFECT_TRANSITIONS
from syncflow_dagster.ledger import ports
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.nodes.monday import classify
from syncflow_dagster.sandbox import faults
from syncflow_dagster.sandbox.monday import spellings
from syncflow_dagster.sandbox.monday.field_errors import FIELD_ERRORS
from syncflow_dagster.sandbox.monday.settings import Settings
from syncflow_dagster.sandbox.salesforce import drawn, people_cases
from syncflow_dagster.sandbox.salesforce import settings as salesforce_settings
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.testing.crash import (
    ADOPT_POINTS,
    DELTA_POINTS,
    DUE_POINTS,
    IDENTITY_POINTS,
    INBOX_POINTS,
    PULL_POINTS,
    PUSH_POINTS,
    RETENTION_POINTS,
    TRIGGER_POINTS,
)
from syncflow_dagster.testing.faults.run import FaultOutcome, FaultResult
from syncflow_dagster.workflows.models import Workflow

REFERENCE = docs_pages.REFERENCE
MACHINES = {"Delta row": DELTA_TRANSITIONS, "Effect": EFFECT_TRANSITIONS}


def _edges(machine):
    return {(str(old), str(new)) for old, news in machine.items() for new in news}


@pytest.mark.parametrize("title", MACHINES)
def test_states_are_drawn_as_the_code_has_them(title):
    section = docs_pages.sections(REFERENCE / "states.md")[title]
    diagram = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", section, re.DOTALL)[1]
    drawn = re.findall(r"^\s+(\w+) --> (\w+)$", diagram, flags=re.MULTILINE)
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == _edges(MACHINES[title])
    ends = set(re.findall(r"(\w+) --> \[\*\]", diagram))
    assert ends == {str(state) for state, news in MACHINES[title].items() if not news}


@pytest.mark.parametrize("title", MACHINES)
def test_every_state_and_edge_is_explained(title):
    cells = docs_pages.rows(docs_pages.sections(REFERENCE / "states.md")[title])
    explained = [tuple(first.split(" → ")) for first, when in cells if "→" in first and when]
    assert len(explained) == len(set(explained))
    assert set(explained) == _edges(MACHINES[title])
    states = {first for first, what in cells if "→" not in first and what}
    assert states == {str(state) for state in MACHINES[title]}


def _commands():
    page = docs_pages.sections(REFERENCE / "cli.md")
    return {title.split()[1]: text for title, text in page.items() if title.startswith("syncflow ")}


def test_every_command_is_listed_and_no_other():
    assert set(_commands()) == set(main.commands)


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_option_is_listed_and_no_other(name):
    command = main.commands[name]
    options = {
        max(parameter.opts, key=len)
        for one in getattr(command, "commands", {"": command}).values()
        for parameter in one.params
        if parameter.param_type_name == "option" and "--help" not in parameter.opts
    }
    assert set(docs_pages.first_codes(_commands()[name])) == options


def test_every_crash_point_is_listed_in_the_order_of_passing():
    sections = docs_pages.sections(REFERENCE / "crash-points.md")
    assert tuple(docs_pages.first_codes(sections["Triggers"])) == TRIGGER_POINTS
    assert tuple(docs_pages.first_codes(sections["Pull"])) == PULL_POINTS
    assert tuple(docs_pages.first_codes(sections["Delta"])) == DELTA_POINTS
    assert tuple(docs_pages.first_codes(sections["Push"])) == PUSH_POINTS
    assert tuple(docs_pages.first_codes(sections["Due records"])) == DUE_POINTS
    assert tuple(docs_pages.first_codes(sections["Adoption"])) == ADOPT_POINTS
    assert tuple(docs_pages.first_codes(sections["Retention"])) == RETENTION_POINTS
    assert tuple(docs_pages.first_codes(sections["Identity"])) == IDENTITY_POINTS
    assert tuple(docs_pages.first_codes(sections["Inbox"])) == INBOX_POINTS


_NAME = re.compile(
    r"\b(?:SYNCFLOW|MONDAY|ORDERS|ORDER_LIST|SALESFORCE|CHAMPION|DAGSTER|SANDBOX|UNIPILE|OUTREACH|LINKEDIN_OUTREACH)_[A-Z][A-Z_]*[A-Z]\b"
)


@cache
def _variables_in_use():
    code = []
    for path in (docs_pages.ROOT / "syncflow_dagster").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        code += [one.value for one in ast.walk(tree) if isinstance(one, ast.Constant)]
    text = "\n".join(one for one in code if isinstance(one, str))
    for path in [
        *(docs_pages.ROOT / "workflows").rglob("*.yaml"),
        docs_pages.ROOT / "dagster.yaml",
        docs_pages.ROOT / "Makefile",
    ]:
        text += path.read_text(encoding="utf-8")
    return set(_NAME.findall(text))


def test_every_environment_variable_is_listed_and_no_other():
    page = (REFERENCE / "environment.md").read_text(encoding="utf-8")
    assert set(docs_pages.first_codes(page)) == _variables_in_use()


def test_the_example_of_an_env_file_sets_only_variables_there_are():
    text = (docs_pages.ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", text, flags=re.MULTILINE))
    assert named
    assert named <= _variables_in_use()


def _names_of(union):
    return {one.__name__ for one in typing.get_args(union)}


def test_outcomes_and_findings_are_listed():
    page = REFERENCE / "errors.md"
    listed = docs_pages.first_codes(docs_pages.sections(page)["Errors"])
    assert set(listed) == _names_of(outcomes.Outcome)
    text = page.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in _names_of(ports.Finding))
    assert f"DEAD after {DeliveryOptions().most_tries} tries" in text


def test_monday_s_codes_are_listed_by_class():
    section = docs_pages.sections(REFERENCE / "errors.md")["monday.com"]
    listed = {cells[0]: set(docs_pages.codes(cells[1])) for cells in docs_pages.rows(section)}
    assert listed["limits"] == classify.LIMITS
    assert listed["stops"] == set(classify.STOPS)
    assert listed["rejects"] == classify.REJECTS


def test_failures_of_a_run_are_listed():
    section = docs_pages.sections(REFERENCE / "errors.md")["A run that fails"]
    listed = docs_pages.first_codes(section)
    assert set(listed) == {kind.__name__ for kind, _ in WHAT_TO_DO}


def test_every_asset_check_is_explained():
    page = docs_pages.ROOT / "docs" / "how-to" / "when-something-is-stuck.md"
    listed = docs_pages.first_codes(docs_pages.sections(page)["1. Look"])
    boards = {board_check._NAME, preflight_check.NAME}
    people = {*identity._DESCRIPTIONS, *tag_checks._DESCRIPTIONS}
    assert set(listed) == {*checks._DESCRIPTIONS, *boards, *people, files.CHECK}


def test_the_columns_of_the_fault_matrix_are_explained():
    section = docs_pages.sections(docs_pages.ROOT / "README.md")["Break it"]
    listed = docs_pages.first_codes(section)
    assert FaultOutcome([FaultResult("none")]).lines()[0].split() == listed
    [row] = FaultOutcome([FaultResult("none", error="why")]).as_json()
    assert set(row) - set(listed) == {"second_run_writes", "error"}
    assert all(f"`{name}`" in section for name in row)


def test_the_sandbox_s_endpoints_are_listed():
    section = docs_pages.sections(REFERENCE / "sandbox.md")["Control endpoints"]
    listed = {tuple(code.partition("?")[0].split()) for code in docs_pages.first_codes(section)}
    control = SandboxServer()._control.app
    there = {
        (method, route.path) for route in control.routes for method in route.methods - {"HEAD"}
    }
    assert listed == there


def test_faults_are_listed_with_their_settings():
    section = docs_pages.sections(REFERENCE / "sandbox.md")["Faults"]
    listed = {
        docs_pages.codes(kind)[0]: set(docs_pages.codes(settings))
        for kind, _, settings in docs_pages.rows(section)
    }
    assert listed == {kind: set(settings) for kind, settings in faults._SETTINGS.items()}


def test_the_wordings_of_the_sandbox_s_refusals_are_listed():
    section = docs_pages.sections(REFERENCE / "sandbox.md")["Wordings"]
    listed = {
        docs_pages.codes(of)[0] if "`" in of else of: docs_pages.codes(names)
        for _, of, names in docs_pages.rows(section)
    }
    there = {**spellings.LIMITS, **{str(code): names for code, names in spellings.STATUSES.items()}}
    assert listed == {of: list(names) for of, names in there.items()} | {
        "one field": list(FIELD_ERRORS)
    }


def test_the_sandbox_s_settings_are_listed():
    page = docs_pages.sections(REFERENCE / "sandbox.md")
    assert set(docs_pages.first_codes(page["Settings of monday"])) == set(Settings.model_fields)
    listed = docs_pages.first_codes(page["Settings of Salesforce"])
    assert set(listed) == set(salesforce_settings.Settings.model_fields)


def test_what_the_fake_org_knows_is_listed():
    page = docs_pages.sections(REFERENCE / "sandbox.md")

    def listed(title):
        return {code for row in docs_pages.rows(page[title]) for code in docs_pages.codes(row[0])}

    assert listed("Operations of Salesforce") == drawn.OPERATIONS
    assert listed("People") == set(people_cases.CASES)
    tokens = SandboxServer()._services["salesforce"].tokens
    assert listed("Logging in to Salesforce") == set(tokens)


def _models():
    found = {}
    waiting = [Workflow]
    while waiting:
        model = waiting.pop()
        found[model.__name__] = model
        for field in model.model_fields.values():
            waiting += [one for one in _parts(field.annotation) if one.__name__ not in found]
    return found


def _parts(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _parts(inner)]


def test_every_key_of_a_workflow_file_is_listed_with_its_default():
    sections = docs_pages.sections(REFERENCE / "workflow-file.md")
    for name, model in _models().items():
        listed = {
            docs_pages.codes(cells[0])[0]: cells[1] for cells in docs_pages.rows(sections[name])
        }
        assert set(listed) == set(model.model_fields), name
        for key, field in model.model_fields.items():
            assert (listed[key] == "required") == field.is_required(), f"{name}.{key}"
            default = field.default
            if isinstance(default, int | float | str) and str(default).strip():
                shown = str(default).lower() if isinstance(default, bool) else str(default)
                assert listed[key] == f"`{shown}`", f"{name}.{key}"
