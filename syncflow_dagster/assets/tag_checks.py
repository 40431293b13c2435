"""Checks of a tag node: what is refused, not known or not approved, and the org's quota."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names
from syncflow_dagster.assets.check_results import WARN, Maker, checks_of, result, unknown_outcomes
from syncflow_dagster.assets.steps import OpenStep
from syncflow_dagster.assets.stuck import CHECK as STUCK
from syncflow_dagster.assets.stuck import place_of_tags, stuck_result
from syncflow_dagster.ledger.budgets import Budgets
from syncflow_dagster.nodes.salesforce.quota import DAILY
from syncflow_dagster.nodes.tag.approval import plan_store
from syncflow_dagster.nodes.tag.caps import Caps
from syncflow_dagster.nodes.tag.plans import SHORT, PlanStatus
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import DeltaNode, SalesforceConnection, TagNode

_DESCRIPTIONS = {
    "no_refused_tags": "Every change was written. A warning lists those that were not, with the "
    "reason: consent, a suppression list, an erasure, data that changed since the approval, rows "
    "that cannot be planned, plans above a cap of the policy, or what the org itself said.",
    "no_unknown_outcomes": "Of everything that was sent, the outcome is known. A warning while it "
    "is still being looked up, an error when a person has to decide.",
    "no_plan_waits": "No plan waits for a person's approval. `syncflow tag plans` lists them, "
    "`syncflow tag approve` lets the next run apply one.",
    "quota": "Of the org's requests of a day no more are used than the connection's `org_share` "
    "allows, by whomever.",
    STUCK: "No change has been in one state for longer than `stuck_after` in the workflow file "
    "allows, and none belongs to a node or pass that the workflow no longer has.",
}


def tag_checks(loaded: LoadedWorkflow, node: TagNode) -> dg.AssetChecksDefinition:
    """Return the checks of a tag node."""
    workflow = loaded.workflow
    key = names.asset_key(workflow, node.name)

    def make(opened: OpenStep) -> dict[str, Maker]:
        effects = place_of_tags(workflow, node)
        observer, place = Observer(opened.database), (workflow.workflow, node.name)
        return {
            "no_refused_tags": lambda: _refused(key, opened, node),
            "no_unknown_outcomes": lambda: unknown_outcomes(key, observer, *place),
            "no_plan_waits": lambda: _waiting_plans(key, opened, node),
            "quota": lambda: _quota(key, opened, node),
            STUCK: lambda: stuck_result(opened.database, effects, opened.clock.now()),
        }

    return checks_of(loaded, key, _DESCRIPTIONS, make)


def _refused(key: dg.AssetKey, opened: OpenStep, node: TagNode) -> dg.AssetCheckResult:
    observer = Observer(opened.database)
    rows: list[Mapping[str, Any]] = []
    dead = 0
    for number in names.TAG_PASSES:
        found = observer.unfinished_effects(opened.loaded.workflow.workflow, node.name, number)
        dead += found[0]["dead"] if found else 0
        rows += found
    source = opened.loaded.workflow.node(node.source)
    assert isinstance(source, DeltaNode)
    # Rows that planning refused have no change in the ledger, and too large plans have no rows.
    planned = observer.refused_rows(source.table)
    dead += planned[0]["total"] if planned else 0
    rows += [
        {"what": "row", "record": one["business_key"], "state": "DEAD", **one} for one in planned
    ]
    large = Caps(opened.loaded.workflow.workflow, node.name).too_large(opened.database)
    dead += sum(one["changes"] for one in large)
    rows += [
        {
            "what": "plan",
            "record": one["plan_hash"][:SHORT],
            "state": "REFUSED",
            "customer": None,
            **one,
        }
        for one in large
    ]
    columns = ["what", "record", "customer", "state", "reason"]
    return result("no_refused_tags", key, dead, f"{dead:,} refused", rows, columns)


def _waiting_plans(key: dg.AssetKey, opened: OpenStep, node: TagNode) -> dg.AssetCheckResult:
    store = plan_store(opened.database, opened.loaded.workflow, node)
    waiting = store.of_status(PlanStatus.WAITING)
    rows = [
        {
            "plan": one.plan_hash[:SHORT],
            "changes": one.changes,
            "records": one.records,
            "planned_at": one.planned_at,
            "reason": one.reason,
        }
        for one in waiting
    ]
    words = f"{len(rows):,} plans wait for approval" if rows else "No plan waits."
    columns = ["plan", "changes", "records", "planned_at", "reason"]
    return result("no_plan_waits", key, len(rows), words, rows, columns)


def _quota(key: dg.AssetKey, opened: OpenStep, node: TagNode) -> dg.AssetCheckResult:
    workflow = opened.loaded.workflow
    connection = workflow.connections[node.connection]
    assert isinstance(connection, SalesforceConnection)
    budgets = Budgets(opened.database, opened.clock, names.org(workflow, node), {}).read()
    day = next((one for one in budgets if one.name == DAILY), None)
    if day is None:
        return dg.AssetCheckResult(
            asset_key=key,
            check_name="quota",
            passed=True,
            severity=WARN,
            description="The org has not told yet how many requests are used.",
        )
    share = day.spent / day.allowed
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="quota",
        passed=share <= connection.org_share,
        severity=WARN,
        description=f"{day.spent:,} of {day.allowed:,} requests of the day are used",
        metadata={"used": day.spent, "allowed": day.allowed, "share": round(share, 4)},
    )
