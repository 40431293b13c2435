"""The Salesforce benchmark: everybody reads the same rows, and its figures add up."""

from __future__ import annotations

import json

import pytest

from syncflow_dagster.nodes.salesforce.client import SalesforceClient
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.testing.bench.salesforce import child, report
from syncflow_dagster.testing.bench.salesforce.org import COLUMNS, OBJECT, Org, query
from syncflow_dagster.testing.bench.salesforce.run import WrongRowsError, run

ROWS = 40


@pytest.fixture(scope="module")
def org(tmp_path_factory):
    seed = tmp_path_factory.mktemp("bench") / "org.json"
    many = {"object": OBJECT, "rows": 4 * ROWS}
    seed.write_text(json.dumps({"service": "salesforce", "bulk_rows": many}), encoding="utf-8")
    with SandboxServer([seed]) as sandbox:
        urls = sandbox.urls
        control = ControlClient(urls["control"])
        control.settings("salesforce", bulk_page_rows=6)
        control.close()
        yield Org(urls["salesforce"], urls["tokens"]["salesforce"]["session"], urls["control"])


def test_everybody_reads_all_rows_and_the_answer_reads(org):
    result = run(ROWS, turns=1, latency_s=0.0, org=org, measure=child.perform)
    json.dumps(result)
    assert (result["name"], result["rows"], result["rest_rows"]) == ("salesforce", ROWS, ROWS)
    assert result["peak_mb"] > 0
    assert result["whole_ratio"] > 0
    assert result["turns_s"]["bulk"] == [result["seconds"]]
    assert set(result["peers"]) == {
        "simple_salesforce_bulk2",
        "simple_salesforce_bulk2_records",
        "simple_salesforce_query_all",
    }
    told = "\n".join(report.lines(result, ratios_only=True))
    assert "simple_salesforce_query_all" in told
    assert "rows/s" not in told
    assert "rows/s" in "\n".join(report.lines(result, ratios_only=False))


def test_figures_come_from_the_middle_turn_and_count_per_row(org):
    taken = {"bulk": iter([9, 9, 9, 8, 2, 4, 1]), "floor": iter([7, 9, 9, 9, 2, 2, 1, 7])}
    others = {"rest": 3.0, "bulk2": 6.0, "bulk2_records": 8.0, "query_all": 10.0}

    def measure(task, _org, soql):
        rows = int(soql.partition(" LIMIT ")[2])
        if task in others:
            return {"rows": rows, "seconds": others[task]}
        seconds = next(taken[task])
        return {"rows": rows, "seconds": seconds, "pages_s": seconds / 2, "peak_mb": rows}

    result = run(400_000, turns=3, latency_s=0.0, org=org, measure=measure)
    assert result["seconds"] == 4
    assert result["rows_per_s"] == 100_000
    assert (result["floor_ratio"], result["floor_ratio_no_latency"]) == (2.0, 1.0)
    assert (result["peak_mb"], result["peak_mb_4x"]) == (400_000, 1_600_000)
    assert result["rest_rows"] == 100_000
    assert result["rest_ratio"] == 3.0
    assert result["peers"]["simple_salesforce_bulk2"] == 1.5
    assert result["peers"]["simple_salesforce_query_all"] == 10.0


def test_a_reader_that_loses_rows_is_told(org):
    def measure(_task, _org, _soql):
        return {"rows": ROWS - 1, "seconds": 1.0}

    with pytest.raises(WrongRowsError, match="floor read 39 rows of 40"):
        run(ROWS, turns=1, latency_s=0.0, org=org, measure=measure)


def test_the_columns_are_those_that_the_org_describes(org):
    client = SalesforceClient(org.connection)
    described = client.get(f"sobjects/{OBJECT}/describe").body["fields"]
    client.close()
    types = {one["name"]: one["type"] for one in described}
    assert {one.name: types[one.name] for one in COLUMNS} == {one.name: one.type for one in COLUMNS}
    assert query(5).endswith(" FROM Contact LIMIT 5")
