"""What a run leaves: a summary by customer, and history that retention takes away again."""

import json
from pathlib import Path

import dagster as dg
import pytest
from dagster_cases import ORDER_LIST

from syncflow_dagster.assets import names
from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.retain import retain_workflow
from syncflow_dagster.commands.summary import summary_report
from syncflow_dagster.nodes.run_summary import RunSummary
from syncflow_dagster.resources.run_options import RESOURCE, RunOptionsResource
from syncflow_dagster.schedules.upkeep import retention_schedule
from syncflow_dagster.workflows.loader import load_folder

OLD = "interval '200 days'"


def _metadata(instance, key):
    return instance.get_latest_materialization_event(key).asset_materialization.metadata


def _retain(world, instance):
    built = workflow_definitions(world.loaded)
    definitions = dg.Definitions(
        assets=built.assets,
        jobs=[built.retention_job],
        resources={"store": world.store, RESOURCE: RunOptionsResource(), **built.resources},
    )
    job = definitions.resolve_job_def("order_list_retention")
    return job.execute_in_process(instance=instance)


def test_a_run_is_summed_up_and_what_is_history_goes_without_a_trace_on_the_board(
    world, instance, monkeypatch
):
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", world.database.url)
    home = Path(world.environment["SYNCFLOW_HOME"])
    workflow = world.loaded.workflow
    (node,) = workflow.pushes
    run = execute_workflow(world.loaded, instance, store=world.store)
    assert run.success, run.error

    report = summary_report(home, "order_list", run.run_id[:6])
    (summary,) = report.summaries
    writes = world.writes()
    made = sum(op.startswith("create_") for op in writes)
    assert summary.totals["created"] == made
    assert summary.totals["updated"] == 0  # what was made in this run is not told twice
    assert (summary.totals["failed"], summary.totals["left"]) == (1, 0)
    assert (summary.totals["waiting"], summary.totals["rejected"]) == (19, 11)
    assert (summary.read, summary.unchanged) == (25, 0)
    reasons = [reason for one in summary.customers for reason, _ in one.reasons]
    assert any("order_number: " in reason for reason in reasons), reasons
    assert list(summary.passes) == ["items", "subitems", "statuses"]
    assert all(one["requests"] for one in summary.passes.values())
    assert {one["name"] for one in summary.budgets} >= {"complexityMinute"}

    metadata = _metadata(instance, names.pass_key(workflow, node, 3))
    page = Path(metadata["run_summary_file"].value)
    assert page.is_relative_to(home / "summaries")
    assert "\n".join(report.lines()) + "\n" == page.read_text()
    kept = json.loads(page.with_suffix(".json").read_text())
    assert RunSummary.from_json(kept) == summary
    assert kept["totals"] == summary.totals
    rows = [one.data for one in metadata["run_summary"].records]
    assert rows[0]["customer"] == "all"
    assert rows[0]["created"] == made
    with pytest.raises(CommandFailed, match="no run has an id that begins with 'none'"):
        summary_report(home, "order_list", "none")

    for table in ("order_list_delta", "order_list_lines_delta"):
        world.database.execute(f"update {table} set state_since = state_since - {OLD}")
    world.database.execute(
        f"update effect set planned_at = planned_at - {OLD}, finished_at = finished_at - {OLD}"
    )
    # Those of the one that was refused stay.
    attempts = world.database.fetch_one(
        "select count(*) as n from attempt join effect using (effect_id) where state = 'DONE'"
    )["n"]
    dry = retain_workflow(home, world.loaded, dry_run=True)
    assert dry.report.rows == 0  # of each record there is one row yet
    assert dry.lines()[0].startswith(
        "order_list: rows of order_list_delta would go: 0, with 0 effects; the oldest left is of "
    )
    assert f"order_list: attempts would go: {attempts}" in dry.lines()
    assert dry.as_json()["attempts"] == attempts
    again = _retain(world, instance)
    assert again.success
    told = _metadata(instance, names.retention_key(workflow))
    assert (told["rows"].value, told["attempts"].value) == (0, attempts)
    assert told["tables"].records[0].data["archive"] == "order_list_delta_archive"
    idle = execute_workflow(world.loaded, instance, store=world.store)
    assert idle.success
    assert world.writes() == writes
    # An idle run has no summary: the newest is that of the first.
    assert summary_report(home, "order_list", None).run_id == run.run_id


def test_the_schedule_of_retention_starts_runs_that_hold_no_push_up(variables):
    loaded = load_folder(ORDER_LIST).workflow("order_list")
    schedule = retention_schedule(workflow_definitions(loaded))
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("17 3 * * *", "UTC")
    with dg.instance_for_test() as instance, dg.build_schedule_context(instance) as context:
        request = schedule.evaluate_tick(context).run_requests[0]
        assert request.tags["retention"] == "order_list"
        assert "workflow" not in request.tags
