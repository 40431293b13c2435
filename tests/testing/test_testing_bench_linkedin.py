"""The benchmark of outreach asks what sensors and turns ask, among leads it knows."""

from __future__ import annotations

from importlib import import_module

from syncflow_dagster.testing.bench.linkedin import report

# The package has a function of the same name.
bench = import_module("syncflow_dagster.testing.bench.linkedin.run")


def test_it_tells_what_finding_due_leads_costs(postgres_url, monkeypatch):
    monkeypatch.setattr(bench, "_ROUNDS", 1)
    monkeypatch.setattr(bench, "_IN_A_ROW", 3)
    monkeypatch.setattr(bench, "SMALL", 200)
    result = bench.run(2000, url=postgres_url)
    assert result["due"] == 400
    assert 0 < result["due_ms"] < 1000
    assert set(result["parts_ms"]) == set(report._SHOWN)
    told = list(report.lines(result, ratios_only=True))
    assert told[0] == "finding what is due among 2,000 leads, 400 of which are"
    assert len(told) == 2
