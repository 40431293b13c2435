"""Runs outside a workflow's windows: they do nothing, say so, and are let in with a reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.names import asset_key
from syncflow_dagster.nodes.triggers.windows import overrides
from syncflow_dagster.workflows.models.triggers import Windows


def _closed_now(loaded):
    """Return the workflow with a window that opens in two hours."""
    opens = datetime.now(UTC) + timedelta(hours=2)
    span = f"{opens:%H:%M}-{opens + timedelta(hours=1):%H:%M}"
    workflow = loaded.workflow.model_copy(update={"windows": Windows(open=(span,))})
    return replace(loaded, workflow=workflow), f"closed until {opens:%a %Y-%m-%d %H:%M} UTC"


def test_a_run_outside_its_window_does_nothing_and_one_that_is_let_in_works(world, instance):
    loaded, closed = _closed_now(world.loaded)
    lines = []
    run = execute_workflow(loaded, instance, store=world.store, log=lines.append)
    assert run.success, run.error
    assert any(closed in line and "syncflow window open order_list" in line for line in lines)
    key = asset_key(loaded.workflow, "order_headers")
    assert (
        closed
        in instance.fetch_observations(key, limit=1)
        .records[0]
        .asset_observation.metadata["left"]
        .text
    )
    assert instance.get_latest_materialization_event(key) is None
    assert world.sandbox.stats()["monday"]["requests"] == 0

    chosen = {"outside_window": "the fair is tomorrow", "started_by": "ada", "limit": 1}
    again = execute_workflow(loaded, instance, store=world.store, **chosen)
    assert again.success, again.error
    assert world.writes().count("create_item") == 1
    (opened,) = overrides(world.database, "order_list")
    assert (opened.actor, opened.reason) == ("ada", "the fair is tomorrow")
    assert opened.run_id is not None
