"""Asset checks: what a person should look at although nothing failed."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.check_results import Maker, checks_of, result, unknown_outcomes
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.assets.stuck import CHECK as STUCK
from syncflow_dagster.assets.stuck import place_of_effects, place_of_rows, stuck_result
from syncflow_dagster.assets.waiting import orphans
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.delta.cycles import find_cycles
from syncflow_dagster.nodes.delta.rejections import shown_rejection
from syncflow_dagster.nodes.delta.waiting import waiting
from syncflow_dagster.nodes.monday.plan import ITEMS
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, MondayPushNode, Workflow

_DESCRIPTIONS = {
    "no_orphans": "No record waits for a parent that is not there. A warning lists those that do, "
    "with what stands in the parent's way: never seen, rejected, deleted, dead, waiting itself, or "
    "a cycle. They go on by themselves once the parent arrives.",
    "no_rejected_records": "Every row of the source became a record. A warning lists the others "
    "with the reason; they come back by themselves once the source is mended, and with the job "
    "`<workflow>_retry_rejected` once a rule of the workflow file is.",
    STUCK: "No change has been in one state for longer than `stuck_after` in the workflow file "
    "allows, and none belongs to a node or pass that the workflow no longer has. The sensor "
    "`stuck_rows` keeps this up to date between runs.",
    "no_refused_records": "The board took every record. A warning lists those it refused, and "
    "those that wait for one of them, with the reason.",
    "no_unknown_outcomes": "Of everything that was sent, the outcome is known. A warning while it "
    "is still being looked up, an error when a person has to decide.",
}


def delta_checks(loaded: LoadedWorkflow, node: DeltaNode) -> dg.AssetChecksDefinition:
    """Return the checks of a delta node: orphans, rejected rows, stuck rows."""
    workflow = loaded.workflow
    key = names.asset_key(workflow, node.name)
    checks = ["no_rejected_records"]
    if node.parent:
        checks.insert(0, "no_orphans")
    if node.table in names.delta_tables(workflow):
        checks.append(STUCK)

    def make(opened: OpenStep) -> dict[str, Maker]:
        observer = Observer(opened.database)
        place = (workflow.workflow, node.name)
        rows = place_of_rows(workflow, node.name, node.table)
        return {
            "no_orphans": lambda: _orphans(key, opened, workflow, node),
            "no_rejected_records": lambda: _rejected(
                key, [shown_rejection(node, row) for row in observer.rejected_rows(*place)]
            ),
            STUCK: lambda: stuck_result(opened.database, rows, opened.clock.now()),
        }

    return checks_of(loaded, key, _described(checks), make)


def pass_checks(
    loaded: LoadedWorkflow, node: MondayPushNode, number: int
) -> dg.AssetChecksDefinition:
    """Return the checks of one pass of a push: refused, unknown and stuck effects."""
    workflow = loaded.workflow
    key = names.pass_key(workflow, node, number)
    # Unknown outcomes and stuck effects are the account's business, asked once, at the end.
    is_last = number == names.passes(node)[-1]
    checks = ["no_refused_records", *(["no_unknown_outcomes", STUCK] if is_last else [])]

    def make(opened: OpenStep) -> dict[str, Maker]:
        observer = Observer(opened.database)
        place = (workflow.workflow, node.name)
        effects = place_of_effects(workflow, node)
        return {
            "no_refused_records": lambda: _refused(key, opened, workflow, node, number),
            "no_unknown_outcomes": lambda: unknown_outcomes(key, observer, *place),
            STUCK: lambda: stuck_result(opened.database, effects, opened.clock.now()),
        }

    return checks_of(loaded, key, _described(checks), make)


def _described(checks: Sequence[str]) -> dict[str, str]:
    return {name: _DESCRIPTIONS[name] for name in checks}


def _orphans(
    key: dg.AssetKey, opened: OpenStep, workflow: Workflow, node: DeltaNode
) -> dg.AssetCheckResult:
    # Asked by hand before the first build, it finds empty tables, not missing ones.
    prepare(opened.database, workflow.workflow, workflow.deltas)
    found = waiting(opened.database, workflow, node)
    return orphans(key, "no_orphans", found, find_cycles(opened.database, node))


def _rejected(key: dg.AssetKey, rows: Sequence[Mapping[str, Any]]) -> dg.AssetCheckResult:
    number = _total(rows)
    words = f"{number:,} rows are rejected" if number else "No row is rejected."
    columns = ["row_number", "business_key", "column_name", "value", "reason", "times"]
    return result("no_rejected_records", key, number, words, rows, columns)


def _refused(
    key: dg.AssetKey, opened: OpenStep, workflow: Workflow, node: MondayPushNode, number: int
) -> dg.AssetCheckResult:
    observer = Observer(opened.database)
    effects = observer.unfinished_effects(workflow.workflow, node.name, number)
    dead, waiting = (effects[0]["dead"], effects[0]["waiting"]) if effects else (0, 0)
    rows: list[dict[str, Any]] = [*effects]
    if number == ITEMS:
        for table in names.delta_tables(workflow):
            refused = observer.refused_rows(table)
            dead += _total(refused)
            rows += [
                {"what": "planning", "record": one["business_key"], "state": "DEAD", **one}
                for one in refused
            ]
    words = f"{dead:,} refused, {waiting:,} waiting for something that is not on the board"
    columns = ["what", "record", "customer", "state", "reason"]
    return result("no_refused_records", key, dead + waiting, words, rows, columns)


def _total(rows: Sequence[Mapping[str, Any]]) -> int:
    return int(rows[0]["total"]) if rows else 0
