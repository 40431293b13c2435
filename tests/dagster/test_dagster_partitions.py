"""Delta nodes that are split: partitions, jobs and schedules, runs of all parts, tries again."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
import partition_cases as cases
import pytest

from syncflow_dagster import definitions
from syncflow_dagster.assets.execute import execute_workflow, retry_rejected_rows
from syncflow_dagster.assets.names import asset_key
from syncflow_dagster.assets.workflow import workflow_definitions
from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.rejected import rejected_report, retry_workflow
from syncflow_dagster.resources.store import Store
from syncflow_dagster.schedules.triggers import schedules

KEYS = ["1_of_2", "2_of_2"]
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def _repository(shop, text=cases.WORKFLOW):
    shop.load(text)
    return definitions.build(shop.folder).get_repository_def()


class Noon:
    """A store whose clock is behind every tick."""

    def __init__(self, database):
        self.database = database

    def now(self):
        return NOON

    @contextmanager
    def open(self):
        yield Store(self.database, self)


def _due(shop, instance, repository, moment):
    return dg.build_schedule_context(
        instance,
        scheduled_execution_time=moment,
        repository_def=repository,
        resources={"store": Noon(shop.database)},
    )


def test_split_nodes_are_partitioned_assets_of_a_job_of_their_own(shop):
    repository = _repository(shop)
    graph = repository.asset_graph
    nodes = {node.key.path[-1]: node for node in graph.asset_nodes}
    for name in ("pull_customers", "customers", "pull_orders", "orders"):
        assert nodes[name].partitions_def.get_partition_keys() == KEYS
    mapping = graph.get_partition_mapping(nodes["orders"].key, nodes["customers"].key)
    assert isinstance(mapping, dg.AllPartitionMapping)
    jobs = {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert jobs == {"shop_parts", "shop_retry_rejected", "shop_retention", "syncflow_housekeeping"}
    assert repository.get_job("shop_parts").partitions_def.get_partition_keys() == KEYS


def test_what_is_not_split_stays_in_the_workflow_s_job(shop):
    repository = _repository(shop, cases.MIXED)
    steps = {
        name: {node.name for node in repository.get_job(name).nodes}
        for name in ("shop", "shop_parts")
    }
    assert steps["shop"] == {"orders__shop", "check_orders__shop"}
    assert steps["shop_parts"] == {"customers__shop", "check_customers__shop"}


def test_a_run_builds_every_part_and_adds_up_the_numbers(shop, instance):
    run = execute_workflow(shop.load(), instance, store=shop.store)
    assert run.success, run.error
    assert len(set(run.run_ids)) == len(KEYS)
    tags = [instance.get_run_by_id(one).tags for one in run.run_ids]
    assert [one["dagster/partition"] for one in tags] == KEYS
    assert {one["workflow"] for one in tags} == {"shop"}

    customers, orders = run.numbers["customers"], run.numbers["orders"]
    assert (customers["inserted"], customers["rejected"]) == (cases.CUSTOMERS, 1)
    assert (orders["dagster/row_count"], orders["inserted"]) == (cases.ORDERS, cases.ORDERS)
    # Each part reads the whole source.
    assert run.numbers["pull_orders"]["dagster/row_count"] == cases.ORDERS * cases.PARTS
    newest = shop.database.fetch_one("select max(batch_id) as n from syncflow.batch")["n"]
    assert orders["batch"] == newest
    assert shop.count("shop_orders_snapshot") == cases.ORDERS
    # Parents lie in other parts than their children; the last part finds them all.
    assert shop.count("shop_orders", "state = 'WAITING'") == 0
    assert {(one.asset, one.check): one.passed for one in run.checks} == {
        ("customers", "no_rejected_records"): False,
        ("orders", "no_orphans"): True,
        ("orders", "no_rejected_records"): True,
    }

    again = execute_workflow(shop.load(), instance, store=shop.store)
    assert again.numbers["orders"]["same"] == cases.ORDERS
    assert shop.count("shop_orders") == cases.ORDERS


def test_materialising_partition_by_partition_as_the_ui_does(shop, instance):
    repository = _repository(shop)
    job = repository.get_implicit_global_asset_job_def()
    keys = {asset_key(shop.load().workflow, name) for name in ("pull_orders", "orders")}
    for partition in reversed(KEYS):
        subset = job.get_subset(asset_selection=keys)
        assert subset.execute_in_process(partition_key=partition, instance=instance).success
    assert shop.count("shop_orders_snapshot") == cases.ORDERS
    done = instance.get_materialized_partitions(asset_key(shop.load().workflow, "orders"))
    assert done == set(KEYS)
    parts = shop.database.fetch_all("select part, parts from syncflow.batch order by part")
    assert [(row["part"], row["parts"]) for row in parts] == [(0, 2), (1, 2)]


def test_a_part_that_fails_ends_the_run_and_is_named(shop, instance):
    (shop.folder / "orders.sql.j2").write_text("select buyer from orders", encoding="utf-8")
    run = execute_workflow(shop.load(), instance, store=shop.store)
    assert not run.success
    assert len(run.run_ids) == 1
    assert "number" in run.error


def test_a_tick_starts_a_run_for_each_part_unless_an_earlier_one_is_under_way(shop):
    built = workflow_definitions(shop.load(cases.MIXED))
    repository = definitions.build(shop.folder).get_repository_def()
    whole, parts = schedules(built)
    assert (whole.name, whole.job_name) == ("shop_often", "shop")
    assert (parts.name, parts.job_name) == ("shop_often_parts", "shop_parts")
    with dg.instance_for_test() as instance, _due(shop, instance, repository, NOON) as context:
        requests = parts.evaluate_tick(context).run_requests
        assert [one.partition_key for one in requests] == KEYS
        assert [one.tags["dagster/partition"] for one in requests] == KEYS
        assert {one.tags["workflow"] for one in requests} == {"shop"}
        # Each has a slot of its own, so that one of them can be made up for.
        assert len({one.tags["slot"] for one in requests}) == len(KEYS)
        instance.create_run_for_job(
            dg.JobDefinition(graph_def=dg.GraphDefinition(name="p"), name="p"),
            status=dg.DagsterRunStatus.STARTED,
            tags=requests[0].tags,
        )
        # The two schedules of a trigger are due at once, and do not keep each other away.
        (request,) = whole.evaluate_tick(context).run_requests
        assert request.partition_key is None
        with _due(shop, instance, repository, NOON.replace(minute=5)) as later:
            for schedule in (whole, parts):
                assert "still under way" in schedule.evaluate_tick(later).skip_message


def test_a_workflow_that_is_all_split_has_one_schedule(shop):
    (schedule,) = schedules(workflow_definitions(shop.load()))
    assert (schedule.name, schedule.job_name) == ("shop_often_parts", "shop_parts")


def test_rejected_rows_are_listed_and_tried_again_once_the_rule_is_mended(shop, instance, tmp_path):
    strict = shop.load(cases.WHOLE)
    assert execute_workflow(strict, instance, store=shop.store).success
    report = rejected_report(tmp_path, strict, node=None, limit=10)
    assert report.totals == {"customers": 1, "orders": 0}
    (row,) = report.as_json()["nodes"]["customers"]["rows"]
    assert (row["business_key"], row["column_name"], row["rule"]) == ("long", "title", "max_length")
    assert (row["value"], row["times"]) == ("a long title", 1)
    assert "longer than 10 characters" in report.lines()[1]

    still = retry_rejected_rows(strict, instance, store=shop.store)
    assert still.success, still.error
    numbers = still.numbers["customers"]
    assert (numbers["tried"], numbers["mended"], numbers["still_rejected"]) == (1, 0, 1)

    mended = shop.load(cases.WHOLE.replace("max_length: 10", "max_length: 20"))
    lines = []
    run = retry_rejected_rows(
        mended, instance, node="customers", store=shop.store, log=lines.append
    )
    assert run.success, run.error
    assert set(run.numbers) == {"customers"}
    assert (run.numbers["customers"]["mended"], run.numbers["customers"]["inserted"]) == (1, 1)
    assert any("1 rows read, 1 inserted" in line for line in lines)
    assert rejected_report(tmp_path, mended, node="customers", limit=10).totals == {"customers": 0}
    assert shop.count("shop_customers", "business_key = 'long' and state = 'PENDING'") == 1
    (run_id,) = run.run_ids
    assert instance.get_run_by_id(run_id).tags["workflow"] == "shop"


def test_a_node_that_is_not_there_is_told_by_name(shop, tmp_path):
    for command in (
        lambda loaded: rejected_report(tmp_path, loaded, node="order", limit=1),
        lambda loaded: retry_workflow(tmp_path, loaded, node="order"),
    ):
        with pytest.raises(
            CommandFailed, match="no delta node 'order'; there are: customers, orde"
        ):
            command(shop.load())
