"""The benchmark's own arithmetic: its rows hold the changes it says, and its answer the fields."""

from __future__ import annotations

import pytest

from syncflow_dagster.testing import bench_delta


@pytest.mark.process
def test_the_benchmark_measures_what_it_says(database_url):
    result = bench_delta.run(1000, database_url)
    counts = {name: result["counts"][name] for name in ("inserted", "updated", "deleted", "same")}
    assert counts == {"inserted": 10, "updated": 20, "deleted": 10, "same": 970}
    assert result["name"] == "delta"
    assert result["rows"] == 1000
    assert result["rows_per_s"] == pytest.approx(1000 / result["seconds"], rel=0.01)
    assert result["floor_ratio"] > 1
    assert result["peak_mb"] > 10
    assert result["peak_mb_4x"] > 10
    assert result["peers"]["pandas_apply"] > 0
    assert len(result["stages"]) == 9
