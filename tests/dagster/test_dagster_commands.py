"""What `syncflow plan` and `syncflow run` say when something is missing, and what they leave."""

from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner
from dagster_cases import ORDER_LIST

from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.cli import main
from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.plan import plan_workflow
from syncflow_dagster.commands.run import run_workflow
from syncflow_dagster.supervisor.reaper import process_tags
from syncflow_dagster.workflows.loader import load_file


@pytest.fixture
def store(world, monkeypatch):
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", world.database.url)


def _loaded(world, **environment):
    return load_file(ORDER_LIST / "order_list.yaml", {**world.environment, **environment})


@pytest.mark.usefixtures("store")
def test_a_plan_before_the_first_run_finds_nothing_pending(world, tmp_path):
    plans = plan_workflow(tmp_path, world.loaded)
    assert plans.lines() == ["order_list.monday: 0 pending rows"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"MONDAY_TOKEN": "wrong"}, "the board cannot be read: .*token"),
        ({"MONDAY_URL": "http://127.0.0.1:1/v2"}, "the board cannot be read: "),
    ],
)
def test_a_board_that_cannot_be_read_is_one_line(world, tmp_path, monkeypatch, changed, told):
    monkeypatch.setattr("syncflow_dagster.nodes.monday.patience.full_jitter", lambda *_: 301.0)
    monkeypatch.setattr("syncflow_dagster.store.clock.DatabaseClock.sleep", lambda *_: None)
    with pytest.raises(CommandFailed, match=told) as raised:
        plan_workflow(tmp_path, _loaded(world, **changed))
    assert "\n" not in str(raised.value)


def test_a_database_that_is_away_is_one_line(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", "mysql://nobody@127.0.0.1:1/none")
    for command in (plan_workflow, lambda *given: run_workflow(*given, {})):
        with pytest.raises(CommandFailed, match="must start with postgresql://") as raised:
            command(tmp_path, world.loaded)
        assert "\n" not in str(raised.value)


def test_a_run_of_a_command_names_its_machine(world, instance):
    run = execute_workflow(
        world.loaded, instance, dry_run=True, store=world.store, tags=process_tags()
    )
    tags = instance.get_run_by_id(run.run_id).tags
    assert tags["syncflow/host"] == socket.gethostname()


def _preflight(world, *arguments):
    command = ["preflight", "order_list", *arguments]
    variables = {**world.environment, "SYNCFLOW_WORKFLOWS": str(ORDER_LIST)}
    result = CliRunner().invoke(main, command, env=variables)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@pytest.mark.usefixtures("store")
def test_preflight_ends_well_where_the_board_fits_and_with_1_where_it_does_not(world):
    good = _preflight(world)
    assert good.exit_code == 0, good.output
    assert "the board fits" in good.output
    world.sandbox.settings(view_only=["personal"])
    try:
        bad = _preflight(world, "--json")
    finally:
        world.sandbox.settings(view_only=[])
    assert bad.exit_code == 1
    told = json.loads(bad.output.splitlines()[-1])
    (fault, *_) = told["nodes"]["monday"]["faults"]
    assert (told["ok"], fault["kind"], fault["where"]) == (False, "view_only", "nodes.4.board_id")
    lines = (ORDER_LIST / "order_list.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[fault["line"] - 1].strip().startswith("board_id:")
    assert _preflight(world, "--columns", "--pin").exit_code == 1
    assert (
        "field: order_number, column: order_number"
        in _preflight(world, "--propose", "monday").output
    )
