"""The pace at which Dagster's daemon reads definitions anew."""

from __future__ import annotations

from dagster._daemon import controller

from syncflow_dagster.supervisor.daemon import READ_EVERY_S, read_less_often


def test_dagster_still_goes_by_the_pace_that_is_set(monkeypatch):
    # If a new version knows no such constant any more, idling costs more, and this says so.
    monkeypatch.setattr(controller, "RELOAD_WORKSPACE_INTERVAL", 60)
    assert read_less_often()
    assert controller.RELOAD_WORKSPACE_INTERVAL == READ_EVERY_S
    assert "RELOAD_WORKSPACE_INTERVAL" in (
        controller.DagsterDaemonController.check_workspace_freshness.__code__.co_names
    )
    assert READ_EVERY_S < controller.DEFAULT_WORKSPACE_FRESHNESS_TOLERANCE
