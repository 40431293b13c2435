"""The command line as its user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from syncflow_dagster.cli import main

EXAMPLES = Path(__file__).resolve().parents[1] / "workflows" / "examples"

FIVE_MISTAKES = """\
workflow: broken
description: five different mistakes
owner: operations
connections:
  source: {type: sql, url: "sqlite:///x.db"}
  monday: {type: monday, token: "${NO_SUCH_VARIABLE}"}
triggers:
  - {type: cron, name: often, cron: "61 * * * *"}
nodes:
  - type: pull
    name: rows
    description: rows
    connection: sources
    query: rows.sql.j2
    batch_row: 10
  - type: delta
    name: records
    description: records
    source: rows
    entity: record
    table: record_delta
    key: [missing]
    fields:
      - {name: id}
"""


def invoke(*arguments, **variables):
    return CliRunner().invoke(main, list(arguments), env=variables or None)


def test_five_different_mistakes_are_five_lines_with_their_places(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(FIVE_MISTAKES, encoding="utf-8")
    (tmp_path / "rows.sql.j2").write_text("select 1 as id", encoding="utf-8")
    result = invoke("check", str(path))
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if f"{path.name}:" in line]
    places = [line.split(f"{path.name}:")[1].split(":")[0] for line in lines]
    assert places == ["6", "8", "13", "15", "22"], result.output
    for text in ("NO_SUCH_VARIABLE", "61", "source", "batch_rows", "id"):
        assert any(text in line for line in lines)


def test_check_as_json_is_one_object_on_the_last_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(FIVE_MISTAKES, encoding="utf-8")
    result = invoke("check", str(path), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1])


def test_a_workflow_that_is_not_there_is_named_with_those_that_are(monkeypatch):
    variables = {
        "SYNCFLOW_WORKFLOWS": str(Path("workflows").resolve()),
        "MONDAY_TOKEN": "x",
        "ORDERS_DATABASE_URL": "sqlite:///x.db",
    }
    result = invoke("plan", "order_lists", **variables)
    assert result.exit_code == 1
    assert "did you mean 'order_list'?" in result.output
    assert "Traceback" not in result.output


def test_a_broken_workflow_is_refused_with_its_mistakes(tmp_path):
    (tmp_path / "broken.yaml").write_text(FIVE_MISTAKES, encoding="utf-8")
    result = invoke("plan", "broken", SYNCFLOW_WORKFLOWS=str(tmp_path))
    assert result.exit_code == 1
    assert "broken.yaml:8" in result.output


def test_the_schema_is_json_schema():
    result = invoke("schema")
    assert result.exit_code == 0
    assert json.loads(result.output)["properties"]["workflow"]


@pytest.mark.parametrize("command", ["demo", "dev", "check", "run", "plan", "sandbox", "fault"])
def test_every_command_explains_itself(command):
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 3


@pytest.mark.process
def test_the_sandbox_prints_where_it_is_and_runs_until_it_is_told_to_stop():
    process = subprocess.Popen(
        [sys.executable, "-m", "syncflow_dagster.cli", "sandbox", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SYNCFLOW_WORKFLOWS": str(Path("workflows").resolve())},
    )
    try:
        urls = json.loads(process.stdout.readline())
        token = urls["tokens"]["monday"]["personal"]
        answer = requests.post(
            urls["monday"],
            json={"query": "{ boards(ids: [9000000001]) { name } }"},
            headers={"Authorization": token},
            timeout=10,
        )
        assert answer.json()["data"]["boards"] == [{"name": "Order list"}]
    finally:
        process.terminate()
        assert process.wait(timeout=15) == 0
