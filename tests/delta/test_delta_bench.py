"""The benchmark: its rows hold the changes it says, and who finds others makes it fail."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import psycopg
import pytest

from syncflow_dagster.nodes.delta.normalise import ROW, Normaliser
from syncflow_dagster.testing.bench import child, data, delta, report
from syncflow_dagster.testing.bench.peers import measure, pandas_apply

ROWS = 250
MADE = data.Changes(inserted=3, updated=4, deleted=3)


def _frame(version, kind):
    tables = [pair[kind == "clean"] for pair in data.generate(ROWS, version)]
    return pl.concat([pl.DataFrame(pl.from_arrow(table)) for table in tables])


@pytest.mark.parametrize("version", ["stored", "read"])
def test_the_rows_are_normalised_to_those_the_peers_get(version):
    raw, clean = _frame(version, "raw"), _frame(version, "clean")
    chunk = Normaliser(data.node(), None)(raw.with_row_index(ROW, offset=1))
    assert chunk.valid.all()
    assert chunk.fields.cast(dict(clean.schema)).equals(clean)


def test_the_rows_hold_the_changes_they_say():
    stored, read = _frame("stored", "clean"), _frame("read", "clean")
    both = read.join(stored, on=data.KEY, suffix="_stored", nulls_equal=True)
    same = read.join(stored, on=stored.columns, nulls_equal=True)
    found = data.Changes(
        inserted=read.join(stored, on=data.KEY, how="anti").height,
        updated=both.height - same.height,
        deleted=stored.join(read, on=data.KEY, how="anti").height,
    )
    assert found == data.changes(ROWS) == MADE


def test_one_row_in_twenty_differs_in_looks_only():
    raw, clean = _frame("read", "raw"), _frame("read", "clean")
    assert raw.columns == clean.columns == [rule.name for rule in data.node().fields]
    assert raw.width == 20
    odd = raw["city"] != clean["city"]
    assert odd.sum() == 12
    for name in ("customer_name", "style", "status"):
        assert (raw[name] != clean[name]).to_list() == odd.to_list()
    assert raw.filter(odd)["share"].is_nan().any()
    assert "" in raw.filter(odd)["note"]


def test_the_benchmark_measures_what_it_says(postgres_url, tmp_path):
    nobody = tmp_path / "python"
    result = delta.run(1000, postgres_url, turns=1, peers_python=nobody, measure=child.perform)
    counts = {name: result["counts"][name] for name in ("inserted", "updated", "deleted", "same")}
    assert counts == {"inserted": 10, "updated": 20, "deleted": 10, "same": 970}
    assert (result["name"], result["rows"]) == ("delta", 1000)
    assert result["rows_per_s"] == pytest.approx(1000 / result["seconds"], rel=0.01)
    [ours], [floor] = result["turns_s"]["build"], result["turns_s"]["floor"]
    assert result["floor_ratio"] == pytest.approx(ours / floor, rel=0.2)
    assert result["floor_ratio"] > 1
    assert result["first_load_ratio"] > 1
    assert result["peak_mb"] > 10
    assert result["peak_mb_4x"] > 10
    peers = result["peers"]
    assert peers.pop("pandas_apply") > 0
    names = ("dlt_scd2", "dlt_scd2_adbc", "dbt_snapshot")
    names += ("dbt_snapshot_command", "dbt_snapshot_loaded")
    assert peers == dict.fromkeys(names, "not installed")
    assert set(result["reading"]) == {"postgresql", "postgresql_text", "csv", "parquet", "sqlite"}
    assert len(result["stages"]) == 9
    json.dumps(result)
    assert not any("rows/s" in line for line in report.lines(result, ratios_only=True))
    assert any("rows/s" in line for line in report.lines(result, ratios_only=False))


@pytest.mark.process
def test_a_measurement_runs_in_a_process_of_its_own(tmp_path):
    _frame("read", "clean").write_parquet(tmp_path / "rows")
    assert child.measure("plain", kind="parquet", place=tmp_path / "rows")["rows"] == ROWS


def test_the_hand_made_way_finds_the_changes():
    seconds, found = pandas_apply.seconds(ROWS)
    assert seconds > 0
    assert found == MADE


def test_a_peers_history_is_counted_by_its_second_run(database_url):
    rows = [
        ("same", 1, None),
        ("changed", 1, 2),
        ("changed", 2, None),
        ("gone", 1, 2),
        ("new", 2, None),
        ("new too", 2, None),
    ]
    with psycopg.connect(database_url) as conn:
        conn.execute("create schema peer")
        conn.execute("create table peer.history (order_number text, begun int, ended int)")
        conn.cursor().executemany("insert into peer.history values (%s, %s, %s)", rows)
    found = measure.changes_of_history(database_url, "begun", "ended")
    assert found == data.Changes(inserted=2, updated=1, deleted=1)


def test_other_changes_than_were_made_end_the_run():
    measure.check("somebody", MADE, MADE)
    with pytest.raises(measure.WrongChangesError, match=r"somebody found .*'deleted': 4"):
        measure.check("somebody", replace(MADE, deleted=4), MADE)
