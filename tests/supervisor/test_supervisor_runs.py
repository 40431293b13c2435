"""Dead runs, old runs and pool limits, on a real Dagster instance on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psutil
import pytest
from sqlalchemy.exc import OperationalError

from syncflow_dagster.resources import retention
from syncflow_dagster.supervisor import pools, reaper
from syncflow_dagster.supervisor.housekeeping import Housekeeper

# Runs whose processes die in the middle of a step, as by kill -9 or a power cut.
_DYING_RUNS = """
import os, signal, sys
import dagster as dg

@dg.op
def die():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job(executor_def=dg.in_process_executor)
def dying():
    die()

for run_id in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        dying.execute_in_process(instance=dg.DagsterInstance.get(), run_id=run_id)
    os.waitpid(child, 0)
"""


@pytest.fixture
def dead_runs(instance, dagster_environment):
    """Two runs that are STARTED and whose processes are gone."""
    run_ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    done = subprocess.run(
        [sys.executable, "-c", _DYING_RUNS, *run_ids],
        env={**os.environ, **dagster_environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert _statuses(instance) == dict.fromkeys(run_ids, dg.DagsterRunStatus.STARTED)
    return run_ids


def _anywhere(run):
    return True


def _none(_runs):
    return ()


def _run_once(instance, function):
    @dg.op
    def work():
        print("some output")
        function()

    @dg.job(executor_def=dg.in_process_executor)
    def once():
        work()

    return once.execute_in_process(instance=instance, raise_on_error=False).run_id


def _statuses(instance):
    return {run.run_id: run.status for run in instance.get_runs()}


def test_url_of_the_storage_names_its_driver(dagster_environment):
    assert dagster_environment["DAGSTER_PG_URL"].startswith("postgresql+psycopg2://")


def test_dagster_home_follows_the_projects_configuration(dagster_environment, home):
    copy = Path(dagster_environment["DAGSTER_HOME"]) / "dagster.yaml"
    project = Path(__file__).parents[2] / "dagster.yaml"
    assert copy.read_text() == project.read_text()


def test_instance_has_the_projects_policies(instance):
    limits = instance.get_concurrency_config().run_queue_config.tag_concurrency_limits
    assert [(each["key"], each["limit"]) for each in limits] == [("turn", 1)]
    assert instance.run_monitoring_enabled
    assert instance.run_retries_enabled
    assert instance.scheduler.max_tick_retries == 60
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled


def test_dead_run_is_ended_as_failed_or_as_canceled_where_a_person_was_at_it(instance, dead_runs):
    failed, canceled = dead_runs
    instance.report_run_canceling(instance.get_run_by_id(canceled))
    assert sorted(reaper.reap(instance, _anywhere)) == sorted(dead_runs)
    assert _statuses(instance) == {
        failed: dg.DagsterRunStatus.FAILURE,
        canceled: dg.DagsterRunStatus.CANCELED,
    }
    assert reaper.reap(instance, _anywhere) == []


def test_run_that_was_made_and_never_queued_is_ended(instance):
    made = instance.create_run_for_job(
        dg.JobDefinition(graph_def=dg.GraphDefinition(name="made"), name="made")
    )
    # It may be on its way to the queue yet.
    assert reaper.reap(instance, _anywhere) == []
    assert reaper.reap(instance, _anywhere, submitted_within_s=0) == [made.run_id]
    assert instance.get_run_by_id(made.run_id).status == dg.DagsterRunStatus.FAILURE


def test_run_at_work_is_left_alone(instance):
    reaped = []
    run_id = _run_once(instance, lambda: reaped.append(reaper.reap(instance, _anywhere)))
    assert reaped == [[]]
    assert _statuses(instance) == {run_id: dg.DagsterRunStatus.SUCCESS}


def test_run_of_another_machine_is_left_alone_and_one_of_a_command_known_by_its_tags(
    instance, dead_runs
):
    elsewhere = reaper.on_this_machine("/home/sockets", single_host=False)
    assert reaper.reap(instance, elsewhere) == []
    ours, command = dead_runs
    instance.add_run_tags(ours, {".dagster/grpc_info": '{"socket": "/home/sockets/0"}'})
    instance.add_run_tags(command, {**reaper.process_tags(), "syncflow/host": "another-machine"})
    assert reaper.reap(instance, elsewhere) == [ours]
    assert reaper.reap(instance, reaper.begun_here) == []
    instance.add_run_tags(command, reaper.process_tags())
    assert reaper.reap(instance, elsewhere) == [command]


def test_command_that_died_before_its_first_event_is_known_by_its_tag(instance):
    @dg.job(executor_def=dg.in_process_executor)
    def silent():
        pass

    gone = subprocess.Popen(["true"])
    gone.wait()
    runs = {
        pid: instance.create_run_for_job(
            silent,
            status=dg.DagsterRunStatus.STARTED,
            tags={**reaper.process_tags(), "syncflow/pid": str(pid)},
        ).run_id
        for pid in (gone.pid, os.getpid())
    }
    assert reaper.reap(instance, reaper.begun_here) == [runs[gone.pid]]


def test_process_that_only_has_the_number_is_not_the_runs():
    hour = 3600.0
    other = subprocess.Popen(["sleep", "60"])
    worker = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "multiprocessing.spawn"]
    )
    while not psutil.Process(worker.pid).cmdline():
        time.sleep(0.01)  # not wholly begun yet
    try:
        assert reaper._is_alive(other.pid, time.time())
        assert not reaper._is_alive(other.pid, time.time() - hour)
        # A worker stays alive to us when the machine's clock is set forward by an hour.
        assert reaper._is_alive(worker.pid, time.time() - hour)
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        assert not reaper._is_alive(other.pid, time.time())
    finally:
        for process in (other, worker):
            process.kill()
            process.wait()
    assert not reaper._is_alive(other.pid, time.time())


def test_old_finished_runs_are_deleted_with_their_output(instance, home):
    @dg.job(executor_def=dg.in_process_executor)
    def never_begun():
        pass

    waiting = instance.create_run_for_job(never_begun).run_id
    finished = [_run_once(instance, lambda: None) for _ in range(3)]
    folders = [home / "dagster" / "storage" / run_id for run_id in finished]
    assert all(folder.is_dir() for folder in folders)
    later = datetime.now(UTC) + timedelta(seconds=1)

    assert retention.delete_old_runs(instance, later - timedelta(days=1), _none) == 0
    assert retention.delete_old_runs(instance, later, _none, batch_size=2) == 3
    assert _statuses(instance) == {waiting: dg.DagsterRunStatus.NOT_STARTED}
    assert instance.all_logs(finished[0]) == []
    assert not any(folder.exists() for folder in folders)


def test_oldest_runs_go_first_and_the_work_can_be_cut_short(instance):
    finished = [_run_once(instance, lambda: None) for _ in range(3)]
    answers = iter([False, True])
    later = datetime.now(UTC) + timedelta(seconds=1)
    deleted = retention.delete_old_runs(instance, later, _none, lambda: next(answers))
    assert deleted == 1
    assert set(_statuses(instance)) == set(finished[1:])


def test_runs_that_are_to_be_kept_do_not_hold_up_those_behind_them(instance):
    finished = [_run_once(instance, lambda: None) for _ in range(4)]
    kept = {finished[0], finished[2]}
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert retention.delete_old_runs(instance, later, kept.intersection, batch_size=1) == 2
    assert set(_statuses(instance)) == kept


@pytest.mark.parametrize(("text", "days"), [("", 30), ("7", 7), ("0", None)])
def test_days_to_keep_runs(text, days):
    assert retention.days_from_environment({retention.VARIABLE: text}) == days


def test_days_to_keep_runs_that_are_no_number():
    with pytest.raises(retention.RetentionError, match="'a week'; right would be"):
        retention.days_from_environment({retention.VARIABLE: "a week"})


def test_pool_limits_are_set_where_they_differ(instance):
    assert pools.apply_limits(instance, {"monday:main": 2}) == ["monday:main"]
    assert pools.apply_limits(instance, {"monday:main": 2}) == []
    assert pools.apply_limits(instance, {"monday:main": 3, "unipile:ana": 1}) == [
        "monday:main",
        "unipile:ana",
    ]
    present = {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}
    assert present["monday:main"] == 3


def test_pool_limits_of_the_environment():
    read = pools.limits_from_environment({pools.VARIABLE: " monday:main=2, unipile:ana = 1,"})
    assert read == {"monday:main": 2, "unipile:ana": 1}
    assert pools.limits_from_environment({"OTHER": "x"}) == {}


@pytest.mark.parametrize("text", ["monday", "monday=", "=2", "monday=0", "monday=-1", "a=b"])
def test_pool_limits_that_are_not_understood(text):
    with pytest.raises(pools.PoolLimitError, match="pool=number"):
        pools.limits_from_environment({pools.VARIABLE: text})


class _Server:
    """Counts how often it is looked after."""

    def __init__(self) -> None:
        self.checks = 0

    def ensure_running(self) -> None:
        self.checks += 1


def test_housekeeper_does_what_is_due(instance, monkeypatch):
    reaped = []
    monkeypatch.setattr(reaper, "reap", lambda *_: reaped.append(seconds[0]))
    monkeypatch.setenv(pools.VARIABLE, "salesforce:main=4")
    seconds = [0.0]
    server = _Server()
    keeper = Housekeeper(instance, server, "/sockets", lambda: False, lambda: seconds[0])
    keeper.begin()
    present = {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}
    assert present["salesforce:main"] == 4
    for seconds[0] in (4.9, 5.0, 9.9, 10.0, 59.0, 60.0):
        keeper.tick()
    assert server.checks == 3
    assert reaped == [0.0, 60.0]


def test_housekeeper_outlives_a_database_that_is_away(instance, monkeypatch, caplog):
    def away(*_):
        raise OperationalError("select", {}, ConnectionError("server closed the connection"))

    keeper = Housekeeper(instance, None, "/sockets", lambda: False, lambda: 0.0)
    monkeypatch.setattr(instance, "get_runs", away)
    keeper.tick()
    monkeypatch.undo()
    assert "reap failed" in caplog.text
    assert "server closed the connection" in caplog.text
