"""Runs outside a workflow's windows: they do nothing, say so, and are let in with a reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.leaving import leaving
from syncflow_dagster.assets.names import asset_key
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.nodes.triggers.windows import overrides
from syncflow_dagster.resources.run_options import RunOptions
from syncflow_dagster.testing.clock import FakeClock
from syncflow_dagster.workflows.models.triggers import Windows


def _with_window(loaded, begin, end):
    windows = Windows(open=(f"{begin:%H:%M}-{end:%H:%M}",))
    return replace(loaded, workflow=loaded.workflow.model_copy(update={"windows": windows}))


def test_a_run_outside_its_window_does_nothing_and_says_until_when(world, instance):
    opens = datetime.now(UTC) + timedelta(hours=2)
    loaded = _with_window(world.loaded, opens, opens + timedelta(hours=1))
    lines = []
    run = execute_workflow(loaded, instance, store=world.store, log=lines.append)
    assert run.success, run.error
    closed = f"order_list is closed until {opens:%a %Y-%m-%d %H:%M} UTC; open it with `syncflow"
    assert any(closed in line for line in lines)
    key = asset_key(loaded.workflow, "order_headers")
    (seen,) = instance.fetch_observations(key, limit=1).records
    assert closed in seen.asset_observation.metadata["left"].text
    assert instance.get_latest_materialization_event(key) is None
    assert world.sandbox.stats()["monday"]["requests"] == 0
    push = execute_workflow(loaded, instance, store=world.store, only_push=True)
    assert (push.success, push.numbers) == (True, {"monday_items": {}})
    assert world.sandbox.stats()["monday"]["requests"] == 0
    _a_dry_run_and_one_with_a_reason_may_go(world, loaded, opens - timedelta(hours=2))


def _a_dry_run_and_one_with_a_reason_may_go(world, loaded, now):
    def may_go(run_id, **chosen):
        options = RunOptions.model_validate(chosen)
        opened = OpenStep(world.database, FakeClock(now), loaded, options)
        return leaving(opened, loaded.workflow, now, run_id)() is None

    assert may_go("run1", dry_run=True)
    assert overrides(world.database, "order_list") == []
    chosen = {"outside_window": "the fair is tomorrow", "started_by": "ada"}
    assert may_go("run2", **chosen)
    assert not may_go("run3")
    (one,) = overrides(world.database, "order_list")
    assert (one.run_id, one.actor, one.reason) == ("run2", "ada", "the fair is tomorrow")
