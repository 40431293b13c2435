"""The check that compares a board with the workflow, its pin, the plan and the account."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.hourly_check import COUNTED_AT, hourly_check, stands
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.monday.plan import ITEMS
from syncflow_dagster.nodes.monday.preflight_pin import pin_path
from syncflow_dagster.nodes.monday.preflight_report import Preflight, preflight
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import MondayPushNode, Workflow
from syncflow_dagster.workflows.problems import dotted

NAME = "board_fits_workflow"
_DESCRIPTION = (
    "Compares the board with the workflow file and its pinned contract: columns, types, labels, "
    "subitems, rights, room for what is planned, daily calls left. A warning lists what only wants "
    "to be seen, an error what keeps a push from beginning. Runs of the whole workflow compare at "
    "most once an hour while nothing is an error; run the check by hand to compare now."
)


def preflight_key(workflow: Workflow, node: MondayPushNode) -> dg.AssetCheckKey:
    """Return the key of a push node's check; it belongs to the first pass."""
    return dg.AssetCheckKey(names.pass_key(workflow, node, ITEMS), NAME)


def preflight_check(
    loaded: LoadedWorkflow, node: MondayPushNode, *, with_pool: bool = True
) -> dg.AssetChecksDefinition:
    """Return the check that compares the board of a push node."""
    key = preflight_key(loaded.workflow, node)
    return hourly_check(
        loaded,
        node,
        dg.AssetCheckSpec(key.name, asset=key.asset_key, description=_DESCRIPTION, blocking=False),
        f"check_{node.name}_fits",
        judge=lambda opened: _result(_compared(opened, node)),
        repeats=holds,
        with_pool=with_pool,
    )


def holds(last: dg.AssetCheckResult, now: datetime) -> bool:
    """Say whether a result can be shown again: warnings stand as long as praise does.

    Args:
        last: The last result.
        now: This machine's time, as the result's.
    """
    return last.severity is dg.AssetCheckSeverity.WARN and stands(last, now)


def _compared(opened: OpenStep, node: MondayPushNode) -> Preflight:
    workflow = opened.loaded.workflow
    prepare(opened.database, workflow.workflow, workflow.deltas)
    pin = pin_path(opened.loaded.path)
    # It belongs to a run that plans anyway: rows are counted, none is locked.
    return preflight(opened.database, opened.clock, workflow, node, pin, plans=False)


def _result(found: Preflight) -> dg.AssetCheckResult:
    board = found.contract.board if found.contract is not None else None
    numbers = {
        "items_on_board": board.items if board is not None else None,
        "room_on_board": board.items_limit if board is not None else None,
        "daily_calls_left": found.calls.left,
        "requests_planned": found.requests,
    }
    metadata: dict[str, Any] = {
        name: number for name, number in numbers.items() if number is not None
    }
    if board is not None:
        metadata[COUNTED_AT] = dg.MetadataValue.timestamp(datetime.now(UTC))
    if found.faults:
        rows = [
            {"severity": str(one.severity), "where": dotted(one.finding.loc), "what": str(one)}
            for one in found.faults
        ]
        metadata["faults"] = tables.table(rows, ["severity", "where", "what"])
    severity = dg.AssetCheckSeverity.WARN if found.passed else dg.AssetCheckSeverity.ERROR
    first = str(found.faults[0]) if found.faults else "the board fits"
    more = f"; and {len(found.faults) - 1} more" if len(found.faults) > 1 else ""
    return dg.AssetCheckResult(
        passed=not found.faults, severity=severity, description=first + more, metadata=metadata
    )
