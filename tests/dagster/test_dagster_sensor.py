"""The dispatcher and waiting rows: a push starts, never twice at once, patient after failures."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster_cases import SHIPMENTS

from syncflow_dagster.assets import names
from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.resources.dispatch import MOST_COUNTED, Pending, outlook
from syncflow_dagster.resources.observe import Work
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sensors.dispatcher import dispatcher_sensor, evaluate, serves
from syncflow_dagster.sensors.in_flight import IN_FLIGHT
from syncflow_dagster.workflows.loader import load_folder

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def _tick(world, instance, now=None):
    workflow = world.loaded.workflow
    return evaluate(instance, [workflow], world.store, now or datetime.now(UTC))


def _insert_rows(world, *, state="PENDING", number=1):
    workflow = world.loaded.workflow
    prepare(world.database, workflow.workflow, workflow.deltas)
    with world.database.transaction() as conn:
        conn.execute(
            "insert into batch (workflow, node, started_at) values ('order_list', 'x', now())"
        )
        for _ in range(number):
            conn.execute(
                "insert into order_list_delta (batch_id, record_uuid, generation, operation, "
                "state, bk_hash, business_key) select max(batch_id), gen_random_uuid(), 1, "
                "'INSERT', %s, gen_random_uuid(), 'SO-1' from batch",
                [state],
            )


def _insert_effect(world, key, *, state="PLANNED", parent=None, creates=True, **columns):
    values = {
        "effect_key": f"{key}:{state}:{creates}",
        "workflow": "order_list",
        "node": "monday",
        "account": "monday:default",
        "kind": "create_item",
        "pass": 1,
        "object_key": key,
        "parent_key": parent,
        "creates": creates,
        "payload": "{}",
        "state": state,
        **columns,
    }
    listed = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    world.database.execute(f"insert into effect ({listed}) values ({marks})", values)


def _run(instance, status, workflow="order_list", job_name="order_list_push"):
    job = dg.JobDefinition(graph_def=dg.GraphDefinition(name=job_name), name=job_name)
    # A queued run has to say where its code is.
    location = GrpcServerCodeLocationOrigin(host="localhost", port=1)
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job.name)
    return instance.create_run_for_job(
        job,
        status=status,
        tags={"workflow": workflow},
        remote_job_origin=origin,
        job_code_origin=None,
    )


def test_waiting_rows_start_the_push_with_its_tags(world, instance):
    _insert_rows(world, number=2)
    (request,) = _tick(world, instance).run_requests
    assert request.job_name == "order_list_push"
    assert request.run_key is None
    assert request.tags == {
        "owner": "operations",
        "workflow": "order_list",
        "turn": "operations",
        "dagster/priority": "10",
        "started_by": "2 new rows",
    }


def test_nothing_waits_before_the_first_delta_and_after_everything_is_synced(world, instance):
    assert _tick(world, instance).skip_message == "Nothing is to be done."
    _insert_rows(world, state="SYNCED")
    _insert_rows(world, state="WAITING")
    assert _tick(world, instance).skip_message == "Nothing is to be done."


@pytest.mark.parametrize("status", IN_FLIGHT, ids=lambda status: status.value)
def test_a_run_under_way_is_never_doubled(world, instance, status):
    _insert_rows(world)
    run = _run(instance, status)
    assert f"run {run.run_id[:8]} is under way" in _tick(world, instance).skip_message


def test_what_is_materialised_in_the_asset_graph_counts_too(world, instance):
    _insert_rows(world)
    key = names.asset_key(world.loaded.workflow, "order_lines")
    other = dg.AssetKey(["operations", "order_list_2", "order_lines"])
    for keys in ([other], [other, key]):
        assert len(_tick(world, instance).run_requests) == 1
        run = dg.DagsterRun(
            "__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, asset_selection=frozenset(keys)
        )
        instance.add_run(run)
    assert f"run {run.run_id[:8]} is under way" in _tick(world, instance).skip_message


@pytest.mark.parametrize("status", list(BulkActionStatus), ids=lambda status: status.value)
def test_a_backfill_that_is_not_at_its_end_counts_between_its_runs(world, instance, status):
    _insert_rows(world)
    backfill = PartitionBackfill(
        "backfill-1",
        status,
        from_failure=False,
        tags={},
        backfill_timestamp=NOON.timestamp(),
        asset_selection=[names.asset_key(world.loaded.workflow, "order_lines")],
    )
    instance.add_backfill(backfill)
    tick = _tick(world, instance)
    if status.value in {"REQUESTED", "CANCELING", "FAILING"}:
        assert "backfill backfill-1 is under way" in tick.skip_message
    else:
        assert len(tick.run_requests) == 1


def test_another_workflows_run_does_not_hold_it_up(world, instance):
    _insert_rows(world)
    _run(instance, dg.DagsterRunStatus.STARTED, workflow="another")
    assert len(_tick(world, instance).run_requests) == 1


def test_a_failed_run_backs_off_and_the_rows_are_tried_again(world, instance):
    _insert_rows(world)
    for _ in range(2):
        failed = _run(instance, dg.DagsterRunStatus.STARTED)
        instance.report_run_failed(failed)
    now = datetime.now(UTC)
    assert "next try in" in _tick(world, instance, now).skip_message
    assert "next try in" in _tick(world, instance, now + timedelta(seconds=50)).skip_message
    later = _tick(world, instance, now + timedelta(seconds=61))
    assert len(later.run_requests) == 1
    assert later.run_requests[0].run_key is None


def test_a_failure_of_the_whole_job_does_not_hold_up_what_waits(world, instance):
    _insert_rows(world)
    failed = _run(instance, dg.DagsterRunStatus.STARTED, job_name="order_list")
    instance.report_run_failed(failed)
    assert len(_tick(world, instance).run_requests) == 1


def test_a_push_that_gets_nowhere_backs_off_although_its_run_succeeded(world, instance):
    _insert_rows(world)
    stalled = _run(instance, dg.DagsterRunStatus.SUCCESS)
    instance.add_run_tags(stalled.run_id, {names.STALLED_TAG: "3 changes wait: no answer"})
    told = _tick(world, instance).skip_message
    assert "the last run brought nothing to an end (3 changes wait: no answer)" in told
    # A pass of the same run that got on is reason enough to go on at once.
    instance.add_run_tags(stalled.run_id, {names.MOVED_TAG: "yes"})
    assert len(_tick(world, instance).run_requests) == 1


def test_effects_count_when_the_push_could_take_them_up(world):
    _insert_rows(world)
    world.database.execute(
        "insert into remote_object (object_key, remote_id) values ('group', '1')"
    )
    past, future = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    _insert_effect(world, "takes", parent="group")
    _insert_effect(world, "due", state="RETRY", not_before=past)
    _insert_effect(world, "asks", state="UNKNOWN", not_before=past)
    _insert_effect(world, "released", state="WAITING", parent="group")
    _insert_effect(world, "abandoned", state="SENT", lease_owner=987654, lease_until=future)
    # None of these can go: not yet, no parent, behind another, nothing left to do.
    _insert_effect(world, "early", state="RETRY", not_before=future)
    _insert_effect(world, "early question", state="UNKNOWN", not_before=future)
    _insert_effect(world, "orphan", state="WAITING", parent="nobody")
    _insert_effect(world, "early", creates=False)
    _insert_effect(world, "over", state="DONE")
    _insert_effect(world, "refused", state="DEAD")
    # Nor can these: nothing delivers them any more.
    _insert_effect(world, "renamed node", node="monday_before")
    _insert_effect(world, "renamed node's question", node="monday_before", state="UNKNOWN")
    _insert_effect(world, "removed pass", **{"pass": 9})
    workflow = world.loaded.workflow
    mine = Work(names.delta_tables(workflow), names.push_places(workflow))
    work = {"order_list": mine, "other": Work()}
    found = outlook(world.database, work, NOON, most=MOST_COUNTED)
    assert found.pending == {"order_list": Pending(rows=1, effects=5)}
    # To know whether there is anything, nobody has to count.
    assert outlook(world.database, work, NOON).pending == {"order_list": Pending(rows=1, effects=1)}


def test_a_living_workers_effects_are_its_own(world):
    from syncflow_dagster.ledger.worker import worker

    future = NOON + timedelta(hours=1)
    with worker(world.database) as alive:
        _insert_effect(world, "mine", state="SENT", lease_owner=alive.number, lease_until=future)
        mine = Work(places=[("monday", 1)])
        assert outlook(world.database, {"order_list": mine}, NOON).pending == {}


def test_a_database_that_is_down_skips_the_tick(world, instance, monkeypatch):
    monkeypatch.setattr(
        "syncflow_dagster.resources.store.Database",
        lambda url, max_size: _short_wait(url, max_size),
    )
    store = StoreResource(database_url="postgresql://nobody@127.0.0.1:1/none")
    result = evaluate(instance, [world.loaded.workflow], store, NOON)
    assert "database cannot be asked" in result.skip_message


def _short_wait(url, max_size):
    from syncflow_dagster.store.database import Database

    return Database(url, max_size=max_size, timeout=0.2)


def test_rows_start_only_workflows_that_ask_for_it(world, instance, variables):
    (shipments,) = load_folder(SHIPMENTS).workflows
    assert serves(world.loaded.workflow)
    assert not serves(shipments.workflow)
    _insert_rows(world)
    quiet = world.loaded.workflow.model_copy(update={"triggers": ()})
    assert isinstance(evaluate(instance, [quiet], world.store, NOON), dg.SkipReason)
    context = dg.build_sensor_context(instance, resources={"store": world.store})
    tick = dispatcher_sensor([workflow_definitions(world.loaded)]).evaluate_tick(context)
    assert [one.job_name for one in tick.run_requests] == ["order_list_push"]


def test_a_dry_run_leaves_the_rows_to_the_sensor_and_the_push_takes_them_away(world, instance):
    assert execute_workflow(
        world.loaded, instance, dry_run=True, customer="NOBODY", store=world.store
    ).success
    assert world.writes() == []
    (request,) = _tick(world, instance).run_requests
    assert "new rows" in request.tags["started_by"]
    assert execute_workflow(world.loaded, instance, only_push=True, store=world.store).success
    assert _tick(world, instance).skip_message == "Nothing is to be done."


def test_what_waits_is_told_in_words():
    assert Pending(1, 0).in_words() == "1 new row"
    assert Pending(3, 1).in_words() == "3 new rows and 1 unfinished change"
    assert Pending(1000, 0).in_words() == "1,000 or more new rows"
    assert Pending(due=2).in_words() == "2 due records"
