"""The benchmark of idling: its workflows load, and its figures add up."""

from __future__ import annotations

from datetime import UTC, datetime

from syncflow_dagster.testing.bench.idle import folder, report
from syncflow_dagster.testing.bench.idle.run import as_json
from syncflow_dagster.workflows.loader import load_folder

VARIABLES = {"MONDAY_TOKEN": "t", "MONDAY_URL": "https://x"}


def test_the_workflows_are_of_all_kinds_and_have_boards(tmp_path):
    folder.write(tmp_path / "w", 8, datetime(2026, 11, 22, 15, 30, tzinfo=UTC))
    loaded = load_folder(tmp_path / "w", VARIABLES)
    assert loaded.broken == []
    workflows = [one.workflow for one in loaded.workflows]
    kinds = {trigger.type for workflow in workflows for trigger in workflow.triggers}
    assert kinds == {"cron", "interval", "phrase", "pending_rows"}
    shut = {one.workflow for one in workflows if one.windows is not None}
    assert shut == {folder.name(n) for n in range(8) if not folder.opens_at_once(n)}
    assert len(shut) == 2
    assert {one.pushes[0].board_id for one in workflows} == {
        board["id"] for board in folder.seed(8)["boards"]
    }


def test_shares_add_up_and_the_worst_latency_is_told():
    shares = {
        "full": {"daemon": 0.05, "postgresql": 0.06},
        "empty": {"daemon": 0.04, "postgresql": 0.05},
    }
    result = as_json(50, 120, shares, [2.5, 12.25, 4.0])
    assert (result["core_share"], result["core_share_empty"]) == (0.11, 0.09)
    assert result["core_share_added"] == 0.02
    assert (result["latency_ms_median"], result["latency_ms_worst"]) == (4_000, 12_250)
    told = list(report.lines(result, ratios_only=True))
    assert "2.0%" in told[1]
    assert len(told) == 4
    assert any("postgresql" in line for line in report.lines(result, ratios_only=False))
