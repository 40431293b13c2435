"""Checks of a LinkedIn step: stuck leads, ends that are ends, limits, and open questions."""

from typing import Any

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.check_results import (
    ERROR,
    WARN,
    Maker,
    checks_of,
    result,
    unknown_outcomes,
)
from syncflow_dagster.assets.outreach import outreach_run
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.nodes.linkedin.report import Statistics
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.resources.outreach import false_completions
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import LinkedInStepNode

_DESCRIPTIONS = {
    "no_stuck_leads": "Every lead that should go on does, or waits for a named reason. "
    "`syncflow outreach stuck` lists those that do not.",
    "completed_is_completed": "A lead is completed exactly when its last step is confirmed. The "
    "database refuses anything else: an error means that somebody has written to it by hand.",
    "within_limits": "No account has done more than its limits allow. A warning also says which "
    "kind of action is shut off for a while, and why.",
    "no_unknown_outcomes": "Of everything that was sent, the outcome is known. A warning while it "
    "is still being looked up, an error when a person has to decide.",
    "accounts_ready": "Every account is connected at Unipile, and its risk is acknowledged where "
    "the node is not in dry run.",
}


def outreach_checks(loaded: LoadedWorkflow, node: LinkedInStepNode) -> dg.AssetChecksDefinition:
    """Return the checks of a LinkedIn step."""
    workflow = loaded.workflow
    key = names.outreach_key(workflow, node, "statistics")

    def make(opened: OpenStep) -> dict[str, Maker]:
        found = outreach_run(opened, node.name, opened.clock).statistics()
        observer, place = Observer(opened.database), (workflow.workflow, node.name)
        return {
            "no_stuck_leads": lambda: _stuck(key, found),
            "completed_is_completed": lambda: _completed(key, opened, node),
            "within_limits": lambda: _limits(key, found),
            "no_unknown_outcomes": lambda: unknown_outcomes(key, observer, *place),
            "accounts_ready": lambda: _accounts(key, found, node),
        }

    return checks_of(loaded, key, _DESCRIPTIONS, make, [node.connection], part=node.name)


def _stuck(key: dg.AssetKey, found: Statistics) -> dg.AssetCheckResult:
    columns = ["lead_id", "state", "account", "since", "reason"]
    words = f"{len(found.stuck):,} leads are stuck" if found.stuck else "None is stuck."
    return result("no_stuck_leads", key, len(found.stuck), words, found.stuck, columns, ERROR)


def _completed(key: dg.AssetKey, opened: OpenStep, node: LinkedInStepNode) -> dg.AssetCheckResult:
    rows = false_completions(opened.database, opened.loaded.workflow.workflow, node.name)
    words = f"{len(rows):,} leads are not what their last step says" if rows else "All are."
    columns = ["lead_id", "state", "current_step", "n_steps", "reason"]
    return result("completed_is_completed", key, len(rows), words, rows, columns, ERROR)


def _limits(key: dg.AssetKey, found: Statistics) -> dg.AssetCheckResult:
    over = [one for one in found.usage if one.used > one.allowed]
    shut = [one for one in found.usage if one.open_until is not None]
    rows: list[dict[str, Any]] = [
        {
            "account": one.account,
            "bucket": one.bucket,
            "window": one.window,
            "used": one.used,
            "allowed": one.allowed,
            "reason": one.reason or "more than it may",
        }
        for one in (*over, *shut)
    ]
    words = f"{len(over):,} limits are exceeded, {len(shut):,} are shut off" if rows else "All are."
    columns = ["account", "bucket", "window", "used", "allowed", "reason"]
    return result("within_limits", key, len(over) + len(shut), words, rows, columns)


def _accounts(key: dg.AssetKey, found: Statistics, node: LinkedInStepNode) -> dg.AssetCheckResult:
    rows = [
        {**one, "reason": why}
        for one in found.accounts
        if (why := _not_ready(one, node)) is not None
    ]
    words = f"{len(rows):,} accounts cannot act" if rows else "All are."
    return result(
        "accounts_ready", key, len(rows), words, rows, ["account", "status", "reason"], WARN
    )


def _not_ready(account: dict[str, Any], node: LinkedInStepNode) -> str | None:
    if account["status"] not in {"OK", "UNKNOWN"}:
        return f"{account['status']} at Unipile: connect it anew there"
    if not node.dry_run and account["acknowledged_at"] is None:
        return "its risk is not acknowledged: syncflow outreach acknowledge"
    return None
