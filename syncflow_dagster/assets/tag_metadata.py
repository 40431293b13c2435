"""What a tag node tells about itself: its plans, what became of each change, and why."""

from collections import Counter
from datetime import datetime
from typing import Any

import dagster as dg

from syncflow_dagster.assets import tables
from syncflow_dagster.assets.plots import bars
from syncflow_dagster.nodes.tag.plan_report import TagPlanReport
from syncflow_dagster.nodes.tag.plans import SHORT
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import Database

_MOST_REASONS = 50


def told_plan(plan: TagPlanReport, *, dry_run: bool = False) -> str:
    """Return what planning came to, in a line."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(plan.changes.items()))
    settled = plan.settled.total()
    parts = [f"planned {plan.rows:,} rows: {kinds or 'nothing to write'}"]
    parts += [f"{settled:,} with nothing to do"] if settled else []
    parts += [f"{plan.refusals:,} refused"] if plan.refusals else []
    parts += [f"{plan.postponed:,} postponed"] if plan.postponed else []
    parts += [str(one) for one in plan.plans]
    told = "; ".join(parts)
    return f"dry run, nothing is written: {told}" if dry_run else told


def of_plan(plan: TagPlanReport) -> dict[str, Any]:
    """Return what was planned: who, what, why, from what to what."""
    metadata: dict[str, Any] = {
        "planned_rows": plan.rows,
        "planned_changes": plan.changes.total(),
        "nothing_to_do": plan.settled.total(),
        "refused_rows": plan.refusals,
        "postponed": plan.postponed,
    }
    if plan.plans:
        metadata["plans"] = tables.table(
            [
                {
                    "plan": one.plan_hash[:SHORT],
                    "status": str(one.status),
                    "changes": one.changes,
                    "reason": one.reason,
                }
                for one in plan.plans
            ],
            ["plan", "status", "changes", "reason"],
        )
    if plan.preview:
        metadata["plan_preview"] = tables.table(
            plan.rows_of_preview(), ["record", "before", "after", "why", "what"]
        )
    if plan.settled:
        metadata["nothing_to_do_because"] = tables.table(
            [{"reason": why, "rows": count} for why, count in plan.settled.most_common()],
            ["reason", "rows"],
        )
    if plan.refused:
        metadata["refused_records"] = tables.table(
            [{"record": label, "reason": reason} for label, reason in plan.refused],
            ["record", "reason"],
        )
    if plan.differences:
        metadata["changed_since_approval"] = dg.MetadataValue.md(
            "\n".join(f"- {tables.markdown(one)}" for one in plan.differences)
        )
    return metadata


def of_outcomes(
    database: Database, workflow: str, node: str, policy: str, run_id: str, since: datetime
) -> dict[str, Any]:
    """Return what became of a run's changes, and what the consent gate decided about them.

    Args:
        database: The ledger and the gate's log.
        workflow: The workflow's name.
        node: The tag node's name.
        policy: The policy's name.
        run_id: The run.
        since: When its step began.
    """
    given = {"workflow": workflow, "node": node, "since": since, "limit": _MOST_REASONS}
    effects = database.fetch_all(sql.load("tag")["outcomes"], given)
    decided = database.fetch_all(
        sql.load("consent")["summary"], {"policy": policy, "run_id": run_id}
    )
    metadata: dict[str, Any] = {}
    if effects:
        columns = ["kind", "state", "reason", "effects"]
        metadata["changes_by_outcome"] = tables.table(effects, columns)
    if decided:
        metadata["consent"] = tables.table(decided, ["purpose", "decision", "reason", "decisions"])
        metadata["decisions"] = bars(
            _breakdown(decided), "decisions of the consent gate, by reason"
        )
    return metadata


def _breakdown(decided: list[dict[str, Any]]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for one in decided:
        why = f": {one['reason']}" if one["reason"] else ""
        counts[f"{one['decision']}{why}"] += one["decisions"]
    return dict(counts.most_common())
