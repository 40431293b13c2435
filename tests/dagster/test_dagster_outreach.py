"""The example of outreach in Dagster: a dry run that sends nothing, and what its sensor starts."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster_cases import ORDER_LIST

from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.names import asset_key
from syncflow_dagster.demo.lists import write_list
from syncflow_dagster.demo.world import Databases, environment
from syncflow_dagster.ledger.decisions import By
from syncflow_dagster.nodes.linkedin.approval import acknowledge, approve
from syncflow_dagster.nodes.linkedin.preview import make_preview
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.sensors.dispatcher import evaluate
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.database import plain_url
from syncflow_dagster.workflows.loader import LoadedWorkflow, load_file

BY = By("Dana Reyes", "tested")


@pytest.fixture
def outreach(database, monkeypatch, tmp_path):
    """The example's tenant, its list, and a way to load the workflow and to run it."""
    seed = ORDER_LIST / "sandbox" / "linkedin_outreach.unipile.json"
    with SandboxServer([seed]) as sandbox:
        urls = sandbox.urls
        databases = Databases(database.url, "sqlite://", None, tmp_path / "lists")
        values = environment(databases, {**urls, "monday": "http://127.0.0.1"})
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        control = ControlClient(urls["control"])
        write_list(databases.lists, control.state("unipile")["people"])
        yield Outreach(database, control)
        control.close()


class Outreach:
    """One world."""

    def __init__(self, database, control):
        self.database = database
        self.control = control
        self.store = StoreResource(database_url=plain_url(database.url))

    def load(self):
        loaded = load_file(ORDER_LIST / "linkedin_outreach.yaml")
        assert isinstance(loaded, LoadedWorkflow), loaded.problems
        return loaded

    def run(self, instance, loaded):
        return execute_workflow(loaded, instance, store=self.store)


def _numbers(instance, loaded, part):
    key = asset_key(loaded.workflow, f"outreach_{part}")
    event = instance.get_latest_materialization_event(key)
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_a_dry_run_enrols_and_previews_and_sends_nothing(outreach, instance):
    loaded = outreach.load()
    run = outreach.run(instance, loaded)
    assert run.success, run.error
    assert outreach.control.log("unipile") == []
    enrolled = _numbers(instance, loaded, "enrolment")
    assert enrolled["enrolled"] + enrolled["not_enrolled"] == enrolled["changes"] == 120
    assert enrolled["waiting_for_approval"] > 90
    assert "blocked" in str(enrolled["reasons"])
    steps = _numbers(instance, loaded, "steps_anna")
    assert (steps["dry_run"], steps["sent"]) == (True, 0)
    statistics = _numbers(instance, loaded, "statistics")
    assert statistics["enrolled"] == enrolled["enrolled"]
    assert "data:image/svg+xml" in statistics["funnel"]
    checks = {one.check: one.passed for one in run.checks if one.asset == "outreach_statistics"}
    assert checks == {
        "no_stuck_leads": True,
        "completed_is_completed": True,
        "within_limits": True,
        "no_unknown_outcomes": True,
        "accounts_ready": True,
    }
    again = outreach.run(instance, loaded)
    assert again.success
    assert _numbers(instance, loaded, "enrolment")["changes"] == 0


def test_the_sensor_starts_what_is_due_and_waits_while_a_run_is_at_it(
    outreach, instance, monkeypatch
):
    monkeypatch.setenv("OUTREACH_DRY_RUN", "false")
    loaded = outreach.load()
    done = outreach.run(instance, loaded)
    assert done.success, done.error
    nothing = evaluate(instance, [loaded.workflow], outreach.store, datetime.now(UTC))
    assert isinstance(nothing, dg.SkipReason)
    _let_go(outreach, loaded)
    now = datetime.now(UTC) + timedelta(hours=1)
    started = evaluate(instance, [loaded.workflow], outreach.store, now)
    (request,) = started.run_requests
    assert request.job_name == "linkedin_outreach_outreach"
    parts = {key.path[-1] for key in request.asset_selection}
    assert {"outreach_inbox", "outreach_steps_anna", "outreach_statistics"} <= parts
    assert "outreach_enrolment" not in parts
    with instance_run(instance, loaded):
        held = evaluate(instance, [loaded.workflow], outreach.store, now)
        assert isinstance(held, dg.SkipReason)
        assert "under way" in held.skip_message


def _let_go(outreach, loaded):
    (node,) = loaded.workflow.linkedin_steps
    clock = DatabaseClock(outreach.database)
    for account in node.accounts:
        acknowledge(outreach.database, clock, loaded, account.name, BY)
        shown = make_preview(outreach.database, clock, loaded, node, account)
        if shown.leads:
            approve(outreach.database, clock, loaded, shown.batch_hash, BY)


class instance_run:  # noqa: N801 - used as a context
    """A run of the workflow that is at work."""

    def __init__(self, instance, loaded):
        self._instance = instance
        self._loaded = loaded

    def __enter__(self):
        self._run = self._instance.create_run_for_job(
            _job(),
            tags={"workflow": self._loaded.workflow.workflow},
            status=dg.DagsterRunStatus.STARTED,
        )

    def __exit__(self, *_):
        self._instance.delete_run(self._run.run_id)


def _job():
    @dg.op
    def nothing():
        pass

    @dg.job
    def some_job():
        nothing()

    return some_job
