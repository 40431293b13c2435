"""Dagster's storage after years: what is young stays, and what the UI shows as the latest."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from syncflow_dagster.assets.housekeeping import housekeeping_asset, housekeeping_job
from syncflow_dagster.resources import retention
from syncflow_dagster.resources.dagster_tables import DagsterTables, UnknownTablesError
from syncflow_dagster.store.database import Database

SEEN = dg.AssetKey(["ana", "orders"])
CHECKED = dg.AssetCheckKey(SEEN, "no_stuck_rows")
#: What a workflow leaves in a year that is gone: events without a run, checks, ticks, backfills,
#: runs of a former definition, and events of runs whose deletion was cut short.
_YEARS = """
insert into event_logs (run_id, event, dagster_event_type, timestamp, asset_key, partition)
select '', '{}', 'ASSET_OBSERVATION', now() - interval '1 year' + n * interval '1 second',
    '["ana", "orders"]', case when n % 2 = 0 then 'north' end
from generate_series(1, 2000) as n;
insert into event_logs (run_id, event, dagster_event_type, timestamp)
select 'gone', '{}', 'STEP_START', now() - interval '1 year' from generate_series(1, 500);
insert into asset_event_tags (event_id, asset_key, key, value)
select id, asset_key, 'k', 'v' from event_logs where run_id = '';
insert into asset_check_executions
    (asset_key, check_name, run_id, execution_status, evaluation_event, create_timestamp)
select '["ana", "orders"]', 'seldom', n::text, case when n % 3 = 0 then 'SUCCEEDED' else 'PLANNED'
    end, '{}', now() - interval '1 year' from generate_series(1, 2000) as n;
insert into job_ticks (job_origin_id, selector_id, status, type, timestamp, tick_body)
select 'o', 's' || n % 2, 'SKIPPED', 'SENSOR', now() - interval '1 year' + n * interval '1 minute',
    '{}' from generate_series(1, 3000) as n;
insert into bulk_actions (key, status, timestamp, body)
select n::text, case n when 1 then 'REQUESTED' else 'COMPLETED_SUCCESS' end,
    now() - interval '1 year', '{}' from generate_series(1, 50) as n on conflict do nothing;
insert into backfill_tags (backfill_id, key, value) values ('1', 'k', 'v'), ('2', 'k', 'v');
"""
_TABLES = ("event_logs", "asset_check_executions", "job_ticks", "bulk_actions", "asset_event_tags")


@pytest.fixture
def database(instance, dagster_environment):
    """The instance's database, emptied."""
    with Database(dagster_environment["DAGSTER_PG_URL"]) as opened:
        for table in (*_TABLES, "snapshots"):
            opened.execute(f"truncate public.{table} cascade")
        yield opened


def _years_pass(database):
    with database.transaction() as conn:
        conn.execute("set local search_path = public")
        conn.execute(_YEARS)


def _sizes(database):
    return {
        table: database.fetch_one(
            "select pg_total_relation_size(%s::regclass) as bytes", [f"public.{table}"]
        )["bytes"]
        for table in _TABLES
    }


def _count(database, table):
    return database.fetch_one(f"select count(*) as number from public.{table}")["number"]


def _run(instance, *, passed=True, failing=False):
    """A run that makes the asset and its check; returns its id."""

    @dg.asset(key=SEEN, check_specs=[dg.AssetCheckSpec("no_stuck_rows", asset=SEEN)])
    def orders():
        if failing:
            raise RuntimeError
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name="no_stuck_rows", passed=passed)]
        )

    return dg.materialize([orders], instance=instance, raise_on_error=False).run_id


def _age(database, runs):
    """Make runs look a year old."""
    database.execute(
        "update public.runs set update_timestamp = now() - interval '1 year', "
        "create_timestamp = now() - interval '1 year' where run_id = any(%s)",
        [runs],
    )
    database.execute(
        "update public.asset_check_executions set create_timestamp = now() - interval '1 year' "
        "where run_id = any(%s)",
        [runs],
    )


def test_years_shrink_to_what_is_latest_and_stay_so(instance, database):
    runs = [_run(instance, passed=False), _run(instance), _run(instance, failing=True)]
    _age(database, runs)
    folder = Path(instance.storage_directory())
    stray = folder / str(uuid.uuid4())
    stray.mkdir(parents=True)
    os.utime(stray, (0, 0))
    sizes = []
    for _ in range(4):
        _years_pass(database)
        sizes.append(_sizes(database))
        tidied = retention.tidy(instance, 30, datetime.now(UTC))

    # The run with the latest materialisation and result, and the failed one the check is planned
    # in; the first, whose facts are no longer shown, went with all it had.
    assert {run.run_id for run in instance.get_runs()} == set(runs[1:])
    assert instance.get_latest_materialization_event(SEEN).run_id == runs[1]
    assert instance.fetch_materializations(SEEN, limit=9).records[0].run_id == runs[1]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECKED])
    assert latest[CHECKED].run_id == runs[2]
    (summary,) = instance.event_log_storage.get_asset_check_summary_records([CHECKED]).values()
    assert summary.last_completed_check_execution_record.run_id == runs[1]
    assert instance.all_logs(runs[0]) == []
    assert not stray.exists()

    # One observation of each partition, with its tag; the two last results of the check `seldom`
    # beside those of the runs; a tick of each sensor; the backfill that is not at its end.
    seldom = database.fetch_one(
        "select count(*) as number from public.asset_check_executions where check_name = 'seldom'"
    )
    assert seldom["number"] <= 2
    assert _count(database, "job_ticks") == 2
    assert _count(database, "asset_event_tags where key = 'k'") == 2
    assert _count(database, "bulk_actions") == 1
    assert _count(database, "backfill_tags where backfill_id = '2'") == 0
    assert _count(database, "event_logs where run_id = ''") == 2
    assert _count(database, "event_logs where run_id = 'gone'") == 0
    assert tidied.rows["event_logs"] == 2_500
    assert "2,500 of event_logs" in tidied.in_words()
    # The space is used again; that of indexes is, once the next vacuum has seen it.
    assert sizes[3] == pytest.approx(sizes[2], rel=0.05)


def test_snapshots_of_former_definitions_go_and_those_of_runs_stay(instance, database):
    former = [_job_of(f"step_{number}").execute_in_process(instance=instance) for number in "012"]
    former = [result.run_id for result in former]
    used = [instance.get_run_by_id(run).job_snapshot_id for run in former]
    _age(database, former[:2])
    assert _tidy_snapshots(instance) == 0  # every run is there
    instance.delete_run(former[0])
    assert _tidy_snapshots(instance) == 2  # of the job, and of its plan
    assert [instance.has_snapshot(one) for one in used] == [False, True, True]
    instance.delete_run(former[2])
    # Younger than what has been in use for a day: a run may just be made from it.
    assert _tidy_snapshots(instance) == 0


def _job_of(name):
    @dg.op(name=name)
    def work():
        pass

    @dg.job(name="changed", executor_def=dg.in_process_executor)
    def changed():
        work()

    return changed


def _tidy_snapshots(instance):
    return retention.tidy(instance, 10_000, datetime.now(UTC)).rows["snapshots"]


def test_nothing_is_deleted_from_tables_of_another_version(instance, database):
    _years_pass(database)
    before = _count(database, "job_ticks")
    database.execute("alter table public.job_ticks rename column status to state")
    try:
        with pytest.raises(UnknownTablesError, match=r"job_ticks has no column 'status'.*kept"):
            retention.tidy(instance, 30, datetime.now(UTC))
    finally:
        database.execute("alter table public.job_ticks rename column state to status")
    assert _count(database, "job_ticks") == before


def test_the_job_does_it_and_one_at_a_time(instance, database, monkeypatch):
    monkeypatch.setenv(retention.VARIABLE, "30")
    definitions = dg.Definitions(assets=[housekeeping_asset()], jobs=[housekeeping_job()])
    job = definitions.resolve_job_def("syncflow_housekeeping")
    with DagsterTables(database).turn() as ours:
        assert ours
        assert retention.tidy(instance, 30, datetime.now(UTC)).busy
    _years_pass(database)
    assert job.execute_in_process(instance=instance).success
    event = instance.get_latest_materialization_event(dg.AssetKey(["syncflow", "housekeeping"]))
    metadata = event.asset_materialization.metadata
    assert metadata["job_ticks"].value == 2_998
    assert (
        retention.tidy(instance, 30, datetime.now(UTC) - timedelta(days=999)).rows["job_ticks"] == 0
    )
