"""Whole runs against a real database and the sandbox's board, and what they show."""

import base64
import re
from collections import Counter
from datetime import timedelta

import dagster as dg
import pytest

from syncflow_dagster.assets import board_check, hourly_check, names, push
from syncflow_dagster.assets.execute import execute_workflow
from syncflow_dagster.assets.names import asset_key, pass_key
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.worker import only_one
from syncflow_dagster.nodes.monday.push import PushOptions
from syncflow_dagster.resources.connections import connection_resources, with_resources
from syncflow_dagster.workflows.environment import UnresolvedError


def _execute(world, instance, **options):
    return execute_workflow(world.loaded, instance, store=world.store, **options)


def _metadata(instance, key):
    event = instance.get_latest_materialization_event(key)
    return event.asset_materialization.metadata


def _checks(run):
    return {(one.asset, one.check): one for one in run.checks}


def test_a_run_brings_the_order_book_to_the_board_and_says_what_it_could_not(world, instance):
    lines = []
    run = _execute(world, instance, log=lines.append)
    assert run.success, run.error
    writes = Counter(world.writes())
    assert (writes["create_item"], writes["create_subitem"]) == (7, 33)

    checks = _checks(run)
    board = checks["monday_subitems", "board_matches_ledger"]
    assert board.passed, board.description
    assert board.description == "40 on the board, 40 in the ledger"
    assert checks["monday_items", "board_fits_workflow"].description == "the board fits"
    yellow = {key: one.description for key, one in checks.items() if not one.passed}
    assert yellow == {
        ("order_headers", "no_rejected_records"): "5 rows are rejected",
        (
            "order_lines",
            "no_orphans",
        ): "19 records wait for their parent: 16 rejected, 3 never seen",
        ("order_lines", "no_rejected_records"): "6 rows are rejected",
        ("monday_statuses", "no_refused_records"): (
            "1 refused, 0 waiting for something that is not on the board"
        ),
    }
    assert {checks[key].severity for key in yellow} == {"WARN"}
    assert any("12 rows read, 7 inserted" in line for line in lines)
    assert any("33 done" in line and "requests" in line for line in lines)
    assert any("forecast: " in line and "no rate measured yet" in line for line in lines)
    assert any("forecast: " in line and "/s: done " in line for line in lines)
    _it_shows_counts_stages_plots_customers_budgets_and_forecasts(world, instance)

    before = world.sandbox.stats()["monday"]["requests"]
    again = _execute(world, instance)
    assert again.success
    # An idle workflow costs the account nothing: neither pushes nor checks ask the board.
    assert world.sandbox.stats()["monday"]["requests"] == before
    assert again.numbers["monday_items"]["requests"] == 0
    assert _checks(again)["monday_subitems", "board_matches_ledger"].description == (
        "40 on the board, 40 in the ledger"
    )
    assert again.numbers["monday_items"]["dagster/row_count"] == 7


def _it_shows_counts_stages_plots_customers_budgets_and_forecasts(world, instance):
    workflow = world.loaded.workflow

    delta = _metadata(instance, asset_key(workflow, "order_headers"))
    assert (delta["inserted"].value, delta["rejected"].value) == (7, 5)
    assert delta["dagster/row_count"].value == 12
    assert [record.data["stage"] for record in delta["stages"].records][:3] == [
        "extract",
        "normalise",
        "identify",
    ]
    assert len(delta["stages"].records) == 9
    reasons = {r.data["business key"]: r.data["reason"] for r in delta["rejected_records"].records}
    assert "SO-410367" in reasons
    assert delta["preview"].value.startswith("| delta\\_id | operation |")
    picture = re.fullmatch(r"!\[.*\]\(data:image/svg\+xml;base64,(.*)\)", delta["operations"].value)
    assert picture
    assert b"inserted" in base64.b64decode(picture[1])

    (node,) = workflow.pushes
    items = _metadata(instance, pass_key(workflow, node, 1))
    statuses = _metadata(instance, pass_key(workflow, node, 3))
    assert items["done"].value == 7 + _groups(world)
    customers = {r.data["customer"]: r.data for r in statuses["customers"].records}
    (refused,) = [one for one in customers.values() if one["failed"]]
    assert "label" in str(refused["reason"]).lower()
    assert {r.data["budget"] for r in items["budgets"].records} >= {
        "complexityMinute",
        "minuteRate",
    }
    assert 0 < items["used_share_complexityMinute"].value < 1
    assert " changes wait, " in items["expected"].value
    assert statuses["expected"].value == "nothing waits"


def _groups(world):
    return Counter(world.writes())["create_group"]


def test_a_dry_run_shows_the_plan_and_writes_nothing(world, instance):
    run = _execute(world, instance, dry_run=True)
    assert run.success
    assert world.writes() == []
    assert run.numbers["monday_items"]["planned_rows"] == 40
    assert world.database.fetch_one("select count(*) as n from effect") == {"n": 0}
    assert [one for one in run.checks if one.asset.startswith("push")] == []
    (node,) = world.loaded.workflow.pushes
    key = pass_key(world.loaded.workflow, node, 1)
    assert instance.get_latest_materialization_event(key) is None
    record = instance.fetch_observations(key, limit=1).records[0]
    plan = record.asset_observation.metadata["plan"].records
    assert {one.data["change"] for one in plan} >= {"create_item", "create_subitem"}


def test_a_limit_counts_items_and_takes_their_subitems_along(world, instance):
    run = _execute(world, instance, limit=2)
    assert run.success
    writes = Counter(world.writes())
    assert writes["create_item"] == 2
    assert 0 < writes["create_subitem"] < 33
    # The rest follows, and nothing is made twice.
    assert _execute(world, instance, only_push=True).success
    assert Counter(world.writes())["create_item"] == 7


def test_the_same_options_reach_the_named_job_and_the_asset_graph(world, instance, monkeypatch):
    from syncflow_dagster import definitions
    from syncflow_dagster.resources.run_options import run_config

    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", world.database.url)
    repository = definitions.build(world.loaded.path.parent).get_repository_def()
    schema = repository.get_job("order_list").run_config_schema.config_type
    fields = schema.fields
    approval = {"approve_plan", "approved_by", "approval_reason", "started_by"}
    usual = {"dry_run", "limit", "full_resync", "customer", "outside_window"}
    assert set(fields) == usual | approval
    assert all(field.description for field in fields.values())
    assert "nothing to the board" in fields["dry_run"].description

    job = repository.get_job("order_list")
    named = job.execute_in_process(run_config=run_config(dry_run=True), instance=instance)
    assert named.success
    options = {"run_options": {"config": {"options": {"dry_run": True}}}}
    graph = repository.get_job("__ASSET_JOB")
    assert graph.execute_in_process(run_config={"resources": options}, instance=instance).success
    assert world.writes() == []


def test_a_push_in_other_hands_fails_in_plain_words(world, instance):
    with only_one(world.database, "push order_list.monday"):
        run = _execute(world, instance)
    assert not run.success
    assert "already being done by another process" in run.error
    assert "nothing is lost, the rows wait" in run.error
    assert world.writes() == []


def test_a_secret_typed_into_the_launchpad_is_refused(world, instance):
    resources = connection_resources(world.loaded, as_written=False)
    typed = type(resources["monday"])(token="eyJ-a-token")
    with pytest.raises(UnresolvedError, match="may not be typed into the launchpad") as raised:
        with_resources(world.loaded, {**resources, "monday": typed})
    assert "eyJ" not in f"{raised.value} {raised.value.hint}"
    # Nor can the account be another's: its budget and the ledger go by it.
    assert "account" not in type(typed).model_fields


def test_a_token_the_board_refuses_fails_and_says_what_to_do(world, instance, monkeypatch):
    monkeypatch.setenv("MONDAY_TOKEN", "wrong")
    resources = connection_resources(world.loaded, as_written=False)
    wrong = type(resources["monday"])(token="${MONDAY_TOKEN}")
    loaded = with_resources(world.loaded, {**resources, "monday": wrong})
    run = execute_workflow(loaded, instance, store=world.store)
    assert not run.success
    assert "token" in run.error
    assert "The rows wait for the next run" in run.error
    # The delta stands; only the push is left to do.
    assert run.numbers["order_headers"]["inserted"] == 7


def test_a_source_that_is_gone_fails_before_anything_is_written(world, instance, monkeypatch):
    monkeypatch.setenv("ORDERS_DATABASE_URL", "sqlite:////nowhere/orders.db")
    resources = connection_resources(world.loaded, as_written=False)
    gone = type(resources["orders"])(url="${ORDERS_DATABASE_URL}")
    loaded = with_resources(world.loaded, {**resources, "orders": gone})
    run = execute_workflow(loaded, instance, store=world.store)
    assert not run.success
    assert "cannot be reached" in run.error
    assert "Look after the source." in run.error


def test_the_delete_guard_is_explained(world, instance):
    assert _execute(world, instance).success
    before = len(world.writes())
    world.change("delete from order_list")
    run = _execute(world, instance)
    assert not run.success
    assert "the source gave no record at all" in run.error
    assert "Did the source really lose so many records?" in run.error
    assert len(world.writes()) == before


def test_an_item_removed_by_hand_turns_the_board_check_red(world, instance, monkeypatch):
    assert _execute(world, instance).success
    world.database.execute(
        "insert into remote_object (object_key, remote_id) values "
        "('monday:9000000001:item:00000000-0000-0000-0000-000000000001', '1')"
    )
    # The last count stands for an hour.
    again = _checks(_execute(world, instance))["monday_subitems", "board_matches_ledger"]
    assert again.description == "40 on the board, 40 in the ledger"
    monkeypatch.setattr(hourly_check, "_COUNT_EVERY", timedelta(0))
    run = _execute(world, instance)
    assert run.success
    board = _checks(run)["monday_subitems", "board_matches_ledger"]
    assert (board.passed, board.severity) == (False, "ERROR")
    assert board.description == "40 on the board, 41 in the ledger"


def test_an_account_that_has_to_wait_fails_no_run_for_its_checks(world, instance, monkeypatch):
    assert _execute(world, instance).success
    monkeypatch.setattr(hourly_check, "_COUNT_EVERY", timedelta(0))
    world.database.execute(
        "update budget set spent = allowed, window_ends_at = now() + interval '5 hours'"
        " where name = 'dailyCalls'"
    )
    before = world.sandbox.stats()["monday"]["requests"]
    run = _execute(world, instance)
    assert run.success, run.error
    board = _checks(run)["monday_subitems", "board_matches_ledger"]
    assert (board.passed, board.severity) == (False, "WARN")
    assert "Not counted: " in board.description
    assert "has used up its dailyCalls until" in board.description
    fits = _checks(run)["monday_items", "board_fits_workflow"]
    assert fits.severity == "WARN"
    assert world.sandbox.stats()["monday"]["requests"] == before


def test_a_person_who_runs_the_board_check_gets_a_count(world, instance, monkeypatch):
    from syncflow_dagster import definitions

    assert _execute(world, instance).success
    before = world.sandbox.stats()["monday"]["requests"]
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", world.database.url)
    repository = definitions.build(world.loaded.path.parent).get_repository_def()
    (node,) = world.loaded.workflow.pushes
    key = board_check.check_key(world.loaded.workflow, node)
    job = repository.get_job("__ASSET_JOB").get_subset(asset_check_selection={key})
    result = job.execute_in_process(instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert world.sandbox.stats()["monday"]["requests"] > before


def test_a_push_that_gets_nowhere_marks_its_run(world, instance, monkeypatch):
    assert _execute(world, instance, only_push=True).success
    world.sandbox.faults({"service": "monday", "kind": "throttle", "op": "create_group", "rate": 1})
    impatient = DeliveryOptions(patience_s=0.0)
    monkeypatch.setattr(
        push,
        "PushOptions",
        lambda *given, **more: PushOptions(*given, **more | {"delivery": impatient}),
    )
    run = _execute(world, instance)
    tags = instance.get_run_by_id(run.run_id).tags
    assert run.success, run.error
    assert "changes wait: " in tags[names.STALLED_TAG]
    assert names.MOVED_TAG not in tags
    assert run.numbers["monday_items"]["remaining"] > 0


def test_what_the_workflow_no_longer_has_is_shown_as_stuck(world, instance):
    assert _execute(world, instance).success
    world.database.execute(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates,"
        " payload, state) values ('x', 'order_list', 'old_push', 'monday:default', 'create_item',"
        " 1, 'k', true, '{}', 'PLANNED')"
    )
    stuck = _checks(_execute(world, instance))["monday_statuses", "no_stuck_rows"]
    assert (stuck.passed, stuck.description) == (
        False,
        "1 belong to what the workflow no longer has",
    )


def test_a_stuck_row_and_an_open_question_are_shown(world, instance):
    assert _execute(world, instance).success
    world.database.execute(
        "insert into effect (effect_key, workflow, node, account, kind, pass, object_key, creates,"
        " payload, state, state_since, not_before, reason) values ('x', 'order_list',"
        " 'monday', 'monday:default', 'create_item', 1, 'k', true, '{}', 'UNKNOWN',"
        " now() - interval '2 hours', now() + interval '1 hour', 'no answer')"
    )
    checks = _checks(_execute(world, instance, only_push=True))
    stuck = checks["monday_statuses", "no_stuck_rows"]
    assert (stuck.passed, stuck.severity) == (False, "ERROR")
    unknown = checks["monday_statuses", "no_unknown_outcomes"]
    assert (unknown.passed, unknown.severity) == (False, "WARN")
    assert unknown.description == "1 are being looked up, 0 need a person"


def test_variables_in_a_connection_are_read_when_the_run_begins(world, monkeypatch):
    resources = connection_resources(world.loaded)
    assert resources["orders"].url == "${ORDERS_DATABASE_URL}"
    assert resources["monday"].token == "${MONDAY_TOKEN}"
    monkeypatch.setenv("MONDAY_TOKEN", "renewed")
    changed = with_resources(world.loaded, resources).workflow.connections["monday"]
    assert changed.token.get_secret_value() == "renewed"
    assert changed.settle_s == 0


@pytest.mark.parametrize("job", ["order_list", "order_list_push"])
def test_runs_carry_owner_and_workflow(world, instance, job):
    run = _execute(world, instance, dry_run=True, only_push=job.endswith("_push"))
    recorded = instance.get_run_by_id(run.run_id)
    assert recorded.job_name == job
    assert (recorded.tags["owner"], recorded.tags["workflow"]) == ("operations", "order_list")
    assert recorded.status == dg.DagsterRunStatus.SUCCESS


def test_one_check_can_be_run_alone(world, instance, monkeypatch):
    from syncflow_dagster import definitions

    assert _execute(world, instance).success
    monkeypatch.setenv("SYNCFLOW_DATABASE_URL", world.database.url)
    repository = definitions.build(world.loaded.path.parent).get_repository_def()
    key = dg.AssetCheckKey(asset_key(world.loaded.workflow, "order_lines"), "no_orphans")
    job = repository.get_job("__ASSET_JOB").get_subset(asset_check_selection={key})
    result = job.execute_in_process(instance=instance)
    assert [one.check_name for one in result.get_asset_check_evaluations()] == ["no_orphans"]
