"""Due records as a step of Dagster: where it stands, and what it shows."""

from __future__ import annotations

import shutil

import partition_cases as cases
from dagster_cases import ORDER_LIST

from syncflow_dagster import definitions
from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.names import asset_key


def test_it_stands_between_a_node_and_its_consumers_in_both_jobs(tmp_path, variables):
    folder = tmp_path / "workflows"
    shutil.copytree(ORDER_LIST, folder)
    file = folder / "order_list.yaml"
    declared = "table: order_list_delta\n    due: {at: order_date}\n"
    text = file.read_text(encoding="utf-8").replace("table: order_list_delta\n", declared)
    file.write_text(text, encoding="utf-8")
    repository = definitions.build(folder).get_repository_def()
    nodes = {node.key.path[-1]: node for node in repository.asset_graph.asset_nodes}
    above = {key.path[-1] for key in nodes["monday_items"].parent_keys}
    assert {"order_headers", "order_headers_due"} <= above
    assert [key.path[-1] for key in nodes["order_headers_due"].parent_keys] == ["order_headers"]
    for job in ("order_list", "order_list_push"):
        steps = {node.name for node in repository.get_job(job).nodes}
        assert "order_headers_due__order_list" in steps


def test_a_run_says_which_records_have_times_that_cannot_be_read(shop, instance):
    text = cases.WHOLE.replace("key: [code]", "key: [code]\n    due: {every: title}")
    loaded = shop.load(text)
    run = execute_workflow(loaded, instance, store=shop.store)
    assert run.success, run.error
    numbers = run.numbers["customers_due"]
    assert (numbers["due"], numbers["unreadable"]) == (0, cases.CUSTOMERS)
    key = asset_key(loaded.workflow, "customers_due")
    shown = instance.get_latest_materialization_event(key).asset_materialization.metadata
    (first, *_) = shown["problems"].records
    assert "is not understood" in first.data["problem"]
