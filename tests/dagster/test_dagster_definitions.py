"""The code location: what it holds, and that nothing in a file can take it down."""

import difflib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_cases import ORDER_LIST, ROOT, SHIPMENTS

from syncflow_dagster import definitions
from syncflow_dagster.assets.files import CHECK, KEY
from syncflow_dagster.sensors.workflow_files import report_workflow_files
from syncflow_dagster.workflows.loader import load_folder

#: `UPDATE_SNAPSHOTS=1 pytest tests/dagster` writes the file anew; read the difference before you
#: commit it.
SNAPSHOT = Path(__file__).with_name("definitions.json")
UPDATE = "UPDATE_SNAPSHOTS" in os.environ


def _described(repository: dg.RepositoryDefinition) -> dict[str, Any]:
    graph = repository.asset_graph
    return {
        "assets": {
            node.key.to_user_string(): {
                "group": node.group_name,
                "kinds": sorted(node.kinds),
                "owners": sorted(node.owners),
                "tags": {k: v for k, v in sorted(node.tags.items()) if "kind" not in k},
                "after": sorted(key.to_user_string() for key in node.parent_keys),
                "pools": sorted(node.pools or ()),
                "description": node.description,
                "columns": _columns(node.metadata),
                "checks": sorted(key.name for key in node.check_keys),
            }
            for node in sorted(graph.asset_nodes, key=lambda one: one.key)
        },
        "checks": {
            f"{key.asset_key.to_user_string()}: {key.name}": {
                "blocking": graph.get_check_spec(key).blocking,
                "description": graph.get_check_spec(key).description,
            }
            for key in sorted(graph.asset_check_keys, key=str)
        },
        "jobs": {
            job.name: {
                "executor": job.executor_def.name,
                "tags": dict(job.tags),
                "description": job.description,
                "steps": sorted(node.name for node in job.nodes),
            }
            for job in sorted(repository.get_all_jobs(), key=lambda one: one.name)
            if not job.name.startswith("__")
        },
        "schedules": {
            one.name: {
                "job": one.job_name,
                "cron": one.cron_schedule,
                "timezone": one.execution_timezone,
                "status": one.default_status.value,
                "description": one.description,
            }
            for one in repository.schedule_defs
        },
        "sensors": {
            one.name: {
                "jobs": sorted(target.job_name for target in one.targets),
                "status": one.default_status.value,
                "every_s": one.minimum_interval_seconds,
                "description": one.description,
            }
            for one in sorted(repository.sensor_defs, key=lambda one: one.name)
        },
        "resources": sorted(repository.get_top_level_resources()),
    }


def _columns(metadata: Any) -> list[str]:
    schema = metadata.get("dagster/column_schema")
    if schema is None:
        return []
    return [
        f"{column.name} ({column.type}) {column.description or ''}".strip()
        for column in schema.columns
    ]


@pytest.mark.usefixtures("variables")
def test_all_definitions_are_the_ones_we_agreed_on(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = {
        folder.name: _described(definitions.build(folder).get_repository_def())
        for folder in (ORDER_LIST, SHIPMENTS)
    }
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if UPDATE:
        SNAPSHOT.write_text(text, encoding="utf-8")
    kept = SNAPSHOT.read_text(encoding="utf-8")
    changes = difflib.unified_diff(
        kept.splitlines(), text.splitlines(), "kept", "found", lineterm="", n=2
    )
    assert kept == text, "definitions changed; see the comment at SNAPSHOT:\n" + "\n".join(changes)


@pytest.mark.usefixtures("variables")
@pytest.mark.parametrize("folder", [ORDER_LIST, SHIPMENTS], ids=lambda folder: folder.name)
def test_definitions_load_without_network_and_every_job_runs_in_its_process(folder):
    loaded = definitions.build(folder)
    dg.Definitions.validate_loadable(loaded)
    jobs = loaded.get_repository_def().get_all_jobs()
    assert {job.executor_def.name for job in jobs} == {"in_process"}


@pytest.mark.usefixtures("variables")
def test_no_secret_is_in_the_definitions(monkeypatch):
    monkeypatch.setenv("SYNCFLOW_WORKFLOWS", str(ORDER_LIST))
    repository = definitions.defs().get_repository_def()
    told = json.dumps(_described(repository))
    for name, resource in repository.get_top_level_resources().items():
        schema = resource.config_schema
        told += f"{name} {schema.default_value_as_json_str if schema.default_provided else ''}"
    for job in repository.get_all_jobs():
        told += str(job.get_job_snapshot())
    assert "s3cret" not in told
    assert "MONDAY_TOKEN" in told


@pytest.mark.usefixtures("variables")
def test_a_broken_file_leaves_the_others_and_shows_red(tmp_path, instance):
    for source in (ORDER_LIST / "order_list.yaml", ORDER_LIST / "order_list"):
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / source.name)
    text = (ORDER_LIST / "order_list.yaml").read_text()
    broken = text.replace("workflow: order_list", "workflow: other").replace("cron:", "corn:")
    (tmp_path / "other.yaml").write_text(broken)

    loaded = definitions.build(tmp_path)
    repository = loaded.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"order_list", "order_list_push"}
    assert "other" not in {job.name for job in repository.get_all_jobs()}
    node = repository.asset_graph.get(KEY)
    assert "other.yaml" in node.description
    assert "corn" in node.description

    job = repository.get_implicit_global_asset_job_def().get_subset(
        asset_check_selection={dg.AssetCheckKey(KEY, CHECK)}
    )
    result = job.execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    records = evaluation.metadata["what_to_mend"].records
    assert any("other.yaml:" in str(record.data["place"]) for record in records)

    report_workflow_files(instance, load_folder(tmp_path))
    assert not _reported(instance).passed
    (tmp_path / "other.yaml").unlink()
    report_workflow_files(instance, load_folder(tmp_path))
    assert _reported(instance).passed


def _reported(instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
    record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(KEY, CHECK))
    return record.event.dagster_event.asset_check_evaluation_data


@pytest.mark.usefixtures("variables")
def test_the_files_sensor_reports_only_changes(tmp_path, instance):
    shutil.copy(ORDER_LIST / "order_list.yaml", tmp_path)
    sensor = definitions.build(tmp_path).get_repository_def().get_sensor_def("workflow_files")
    first = sensor.evaluate_tick(dg.build_sensor_context(instance))
    made, checked = first.asset_events
    assert made.metadata["broken"].value == 1
    assert not checked.passed  # its queries are not there
    again = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=first.cursor))
    assert again.asset_events == []
    assert "No workflow file was touched" in again.skip_message
    (tmp_path / "order_list.yaml").touch()
    read = sensor.evaluate_tick(dg.build_sensor_context(instance, cursor=first.cursor))
    assert read.asset_events == []
    assert "0 in use, 1 broken" in read.skip_message
    assert read.cursor != first.cursor
