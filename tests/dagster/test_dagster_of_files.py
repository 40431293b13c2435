"""A workflow over files has no query template, and Dagster shows it all the same."""

from __future__ import annotations

from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.testing.faults.adoption_board import WORKFLOW, plant
from syncflow_dagster.workflows.loader import load_file


def test_a_workflow_over_files_is_defined(tmp_path):
    plant(tmp_path, 1)
    environ = {"MONDAY_TOKEN": "token", "MONDAY_URL": "http://127.0.0.1:1/v2"}
    loaded = load_file(tmp_path / f"{WORKFLOW}.yaml", environ)
    built = workflow_definitions(loaded)
    keys = {key.path[-1] for asset in built.assets for key in asset.keys}
    assert {"pull_orders", "orders", "pull_lines", "lines"} <= keys
