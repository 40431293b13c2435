"""What `syncflow plan` and `syncflow run` say when something is missing, and what they leave."""

from __future__ import annotations

import socket

import pytest
from dagster_cases import ORDER_LIST

from syncflow_dagster.assets.execute import execute_workflow
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
    monkeypatch.setattr("syncflow_dagster.nodes.monday.patience._wait", lambda *_: 301.0)
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
