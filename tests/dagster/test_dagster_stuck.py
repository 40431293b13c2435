"""What is stuck: told with state, number, oldest and examples, and by the sensor once a change."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster_cases import ORDER_LIST
from psycopg.errors import QueryCanceled
from psycopg.sql import SQL

from syncflow_dagster.assets.stuck import stuck_places, stuck_result
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.resources import stuck
from syncflow_dagster.resources.store import StoreResource
from syncflow_dagster.sensors.stuck_rows import _evaluation, evaluate, stuck_rows_sensor
from syncflow_dagster.store.database import Database, plain_url
from syncflow_dagster.workflows.loader import load_folder

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def workflow(database, variables):
    loaded = load_folder(ORDER_LIST).workflow("order_list")
    prepare(database, loaded.workflow.workflow, loaded.workflow.deltas)
    return loaded.workflow


@pytest.fixture
def places(workflow):
    return list(stuck_places(workflow))


def insert_row(database, key, state, hours, table="order_list_delta"):
    database.execute(
        f"insert into {table} (batch_id, record_uuid, generation, operation, state, state_since,"
        " bk_hash, business_key, customer) values (1, gen_random_uuid(), 1, 'INSERT', %s, %s,"
        " gen_random_uuid(), %s, 'ACME')",
        [state, NOON - timedelta(hours=hours), key],
    )


def insert_effect(database, key, state, hours, node="monday"):
    database.execute(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates,"
        " payload, state, state_since) values (%(key)s, 'order_list', %(node)s, 'monday:default',"
        " 'create_item', 1, %(key)s, true, '{}', %(state)s, %(since)s)",
        {"key": key, "node": node, "state": state, "since": NOON - timedelta(hours=hours)},
    )


def told(database, places, name):
    (place,) = [one for one in places if one.watched.node == name]
    return stuck_result(database, place, NOON)


def test_each_state_has_its_limit_and_is_told_with_oldest_and_examples(database, places):
    for number in range(5):
        insert_row(database, f"SO-{number}", "PENDING", 2 + number)
    insert_row(database, "SO-8", "PENDING", 0.5)
    insert_row(database, "SO-9", "WAITING", 23)
    insert_row(database, "SO-10", "SYNCED", 500)
    result = told(database, places, "order_headers")
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert result.description == (
        "5 PENDING for more than 1 h 0 min, the oldest since 2026-11-02 06:00:00+00:00: "
        "SO-4, SO-3, SO-2, …"
    )
    assert result.metadata["number"].value == 5
    assert result.metadata["samples"].records[0].data["what"] == "SO-4"


def test_only_waiting_for_a_parent_is_a_warning(database, places):
    insert_row(database, "SO-1 / M", "WAITING", 30, "order_list_lines_delta")
    result = told(database, places, "order_lines")
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told(database, places, "order_headers").passed


def test_effects_that_nobody_decides_are_told_at_the_last_pass(database, places):
    insert_effect(database, "k1", "NEEDS_PERSON", 2)
    insert_effect(database, "k2", "UNKNOWN", 3)
    insert_effect(database, "k3", "RETRY", 5)
    insert_effect(database, "k4", "DONE", 500)
    result = told(database, places, "monday")
    assert result.asset_key.path[-1] == "monday_statuses"
    assert "1 UNKNOWN for more than 1 h 0 min" in result.description
    assert "1 NEEDS_PERSON for more than 1 h 0 min" in result.description
    assert "RETRY" not in result.description


def test_the_sensor_tells_once_when_it_begins_and_once_when_it_ends(database, places):
    first = evaluate(database, places, None, NOON)
    assert (first.asset_events, first.skip_reason.skip_message) == (
        [],
        "Nothing is stuck. Nothing changed.",
    )
    insert_row(database, "SO-1", "PENDING", 2)
    begun = evaluate(database, places, first.cursor, NOON)
    (event,) = begun.asset_events
    assert (event.asset_key.path[-1], event.check_name) == ("order_headers", "no_stuck_rows")
    assert (event.passed, "SO-1" in event.description) == (False, True)
    insert_row(database, "SO-2", "PENDING", 3)  # more of the same is no change of state
    again = evaluate(database, places, begun.cursor, NOON)
    assert (again.asset_events, again.cursor) == ([], begun.cursor)
    assert "2 changes are stuck" in again.skip_reason.skip_message
    insert_row(database, "SO-3", "WAITING", 30)
    (event,) = evaluate(database, places, again.cursor, NOON).asset_events
    assert "WAITING" in event.description
    database.execute("update order_list_delta set state = 'SUPERSEDED'")
    over = evaluate(database, places, again.cursor, NOON)
    assert [(event.asset_key.path[-1], event.passed) for event in over.asset_events] == [
        ("order_headers", True)
    ]
    assert over.cursor == first.cursor


def test_the_sensor_reads_only_what_is_not_settled(database, places):
    database.execute(
        "insert into order_list_delta (batch_id, record_uuid, generation, operation, state,"
        " bk_hash, business_key) select 1, gen_random_uuid(), 1, 'INSERT', 'SYNCED',"
        " gen_random_uuid(), n::text from generate_series(1, 5000) n"
    )
    database.execute("analyze order_list_delta")
    (place,) = [one for one in places if one.watched.node == "order_headers"]
    statement = stuck._statement("count_found", place.watched, NOON)
    with database.transaction() as conn:
        plan = conn.execute(SQL("explain {}").format(statement)).fetchall()
    told = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "Index" in told
    assert "Seq Scan" not in told


def test_of_very_many_only_the_first_are_counted_and_the_rest_is_owned_up_to(
    database, places, monkeypatch
):
    monkeypatch.setattr(stuck, "MOST", 3)
    for number in range(5):
        insert_row(database, f"SO-{number}", "PENDING", 2)
        insert_effect(database, f"k{number}", "UNKNOWN", 3)
    insert_row(database, "SO-9", "WAITING", 30)
    found = stuck.find_stuck(database, [place.watched for place in places], NOON)
    assert [(one.state, one.number, one.more) for one in found] == [
        ("UNKNOWN", 3, True),
        ("WAITING", 1, False),
        ("PENDING", 3, True),
    ]
    told_of = told(database, places, "order_headers").description
    assert "more than 3 PENDING for more than 1 h 0 min, one since 2026-11-02 10:00" in told_of
    assert "1 WAITING" in told_of
    message = evaluate(database, places, None, NOON)
    assert len(message.asset_events) == 2


def test_a_question_that_takes_too_long_is_no_missing_database(
    database, workflow, instance, monkeypatch
):
    def too_slow(*args, **options):
        raise QueryCanceled("canceling statement due to statement timeout")

    monkeypatch.setattr("syncflow_dagster.sensors.stuck_rows.find_stuck", too_slow)
    store = StoreResource(database_url=plain_url(database.url))
    context = dg.build_sensor_context(instance, resources={"store": store})
    with pytest.raises(dg.Failure, match="could not be found in time"):
        stuck_rows_sensor([workflow]).evaluate_tick(context)


def test_what_a_run_found_stuck_between_two_ticks_becomes_green_again(
    database, places, workflow, instance
):
    (place,) = [one for one in places if one.watched.node == "order_headers"]
    cursor = evaluate(database, places, None, NOON).cursor
    insert_row(database, "SO-1", "PENDING", 2)
    red = stuck_result(database, place, NOON)
    database.execute("update order_list_delta set state = 'SUPERSEDED'")
    event = _evaluation(red)
    instance.report_runless_asset_event(event)
    store = StoreResource(database_url=plain_url(database.url))
    context = dg.build_sensor_context(instance, cursor=cursor, resources={"store": store})
    (green,) = stuck_rows_sensor([workflow]).evaluate_tick(context).asset_events
    assert (green.asset_key, green.passed) == (place.key, True)
    instance.report_runless_asset_event(green)
    again = stuck_rows_sensor([workflow]).evaluate_tick(context)
    assert "Nothing changed" in again.skip_message


def test_what_the_workflow_no_longer_has_stays_red_without_an_event_at_each_tick(database, places):
    insert_effect(database, "k1", "PLANNED", 0, node="old")
    (place,) = [one for one in places if one.watched.node == "monday"]
    red = [dg.AssetCheckKey(place.key, "no_stuck_rows")]
    assert evaluate(database, places, None, NOON, red).asset_events == []
    database.execute("update effect set state = 'CANCELLED'")
    (event,) = evaluate(database, places, None, NOON, red).asset_events
    assert event.passed


def test_the_sensor_skips_while_there_is_no_database(database, workflow, instance, monkeypatch):
    sensor = stuck_rows_sensor([workflow])
    store = StoreResource(database_url=plain_url(database.url))
    context = dg.build_sensor_context(instance, resources={"store": store})
    assert "Nothing is stuck" in sensor.evaluate_tick(context).skip_message
    monkeypatch.setattr(
        "syncflow_dagster.resources.store.Database",
        lambda url, max_size: Database(url, max_size=max_size, timeout=0.2),
    )
    nowhere = StoreResource(database_url="postgresql://nobody@127.0.0.1:1/none")
    context = dg.build_sensor_context(instance, resources={"store": nowhere})
    assert "database cannot be asked" in sensor.evaluate_tick(context).skip_message
