"""What a pass of a push tells about itself: counts, customers, budgets, the plan of a dry run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from syncflow_dagster.assets import tables
from syncflow_dagster.assets.plots import bars
from syncflow_dagster.core.budget import Budget
from syncflow_dagster.ledger.delivery_report import DeliveryReport
from syncflow_dagster.nodes.monday.contract import Contract
from syncflow_dagster.nodes.monday.plan_report import PlanReport
from syncflow_dagster.nodes.run_summary import COUNTS, RunSummary

#: Outcomes after which an effect is over.
_ENDS = ("done", "found", "rejected", "ambiguous")
#: Outcomes that are a series of their own, so that they can be followed over time.
_SERIES = ("done", "found", "rejected", "amended", "retry", "unknown")


def ended(report: DeliveryReport) -> int:
    """Return how many effects a delivery brought to an end."""
    return sum(report.outcomes[name] for name in _ENDS)


def told_plan(plan: PlanReport, *, dry_run: bool = False) -> str:
    """Return a plan in one line."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(plan.effects.items()))
    refused = f"; {len(plan.rejected):,} refused" if plan.rejected else ""
    adjusted = f"; {plan.adjusted:,} values adjusted" if plan.adjusted else ""
    told = f"planned {plan.rows:,} delta rows: {kinds or 'nothing to send'}{refused}{adjusted}"
    return f"dry run, nothing is sent: {told}" if dry_run else told


def told_delivery(report: DeliveryReport, seconds: float) -> str:
    """Return a delivery in one line."""
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(report.outcomes.items()))
    jobs = f", {report.jobs:,} bulk jobs" if report.jobs else ""
    return (
        f"{outcomes or 'nothing was due'}; {report.requests:,} requests{jobs}, {report.lookups:,} "
        f"look-ups, {seconds:.1f} s of which {report.waited_s:.1f} s waiting; "
        f"{report.waiting:,} wait for a parent, {report.remaining:,} still to go{_held(report)}"
    )


def _held(report: DeliveryReport) -> str:
    if report.left is not None:
        return f"; left: {report.left}"
    if report.paused is None:
        return ""
    forecast = f"; {report.forecast.in_words()}" if report.forecast is not None else ""
    return f"; paused: {report.paused.in_words()}{forecast}"


def of_dry_run(plan: PlanReport | None, contract: Contract) -> dict[str, Any]:
    """Return the metadata of a run that only shows what it would do."""
    planned = of_plan(plan) if plan is not None else {}
    return {**planned, "dry_run": True, "board": contract.board.name}


def of_plan(plan: PlanReport) -> dict[str, Any]:
    """Return what was planned, and which records never can be."""
    metadata: dict[str, Any] = {
        "planned_rows": plan.rows,
        "planned_effects": plan.effects.total(),
        "nothing_to_do": plan.settled,
        "adjusted": plan.adjusted,
        "plan": tables.table(
            [{"change": kind, "number": count} for kind, count in plan.effects.most_common()],
            ["change", "number"],
        ),
    }
    if plan.calls is not None and plan.calls.needed:
        metadata["calls"] = plan.calls.in_words()
    if plan.lanes:
        metadata["lanes"] = tables.table(
            [asdict(one) for one in plan.lanes], ["lane", "kind", "effects", "why"]
        )
    if plan.preview:
        metadata["plan_preview"] = tables.table(
            [
                {
                    "change": one.kind,
                    "pass": one.pass_number,
                    "customer": one.customer,
                    "name": one.payload.get("name") or one.payload.get("label"),
                    "columns": ", ".join(one.payload.get("columns", {})),
                }
                for one in plan.preview
            ],
            ["change", "pass", "customer", "name", "columns"],
        )
    if plan.adjusted:
        metadata["adjusted_values"] = tables.table(
            ({"record": label, **asdict(one)} for label, one in plan.adjustments),
            ["record", "column", "value", "rule", "reason"],
        )
    if plan.rejected:
        metadata["refused_records"] = tables.table(
            [{"record": label, "reason": reason} for label, reason in plan.rejected],
            ["record", "reason"],
        )
    return metadata


def of_delivery(report: DeliveryReport, seconds: float) -> dict[str, Any]:
    """Return what a delivery did, and how fast.

    Args:
        report: The delivery.
        seconds: How long it took.
    """
    done = report.outcomes["done"] + report.outcomes["found"]
    asked = report.requests + report.lookups
    counts = {**{name: report.outcomes[name] for name in _SERIES}, "waiting": report.waiting}
    metadata: dict[str, Any] = {
        **counts,
        "remaining": report.remaining,
        "requests": report.requests,
        "bulk_jobs": report.jobs,
        "lookups": report.lookups,
        "waited_s": round(report.waited_s, 1),
        "seconds": round(seconds, 1),
        "effects_per_s": round(done / seconds, 1) if seconds else 0.0,
    }
    if report.paused is not None:
        metadata["paused"] = report.paused.in_words()
    if report.left is not None:
        waits = f"; {report.remaining:,} changes wait" if report.remaining else ""
        metadata["left"] = report.left + waits
    if report.forecast is not None:
        metadata["forecast"] = report.forecast.in_words()
    if done:
        metadata["requests_per_1000"] = round(1000 * asked / done, 1)
    if report.amended:
        metadata["amended_changes"] = tables.table(
            [{"record": label, "reason": reason} for label, reason in report.amended],
            ["record", "reason"],
        )
    if any(counts.values()):
        metadata["outcomes"] = bars(counts, "effects of this run")
    return metadata


def of_customers(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what became of each customer's effects in this run, and what waits from before."""
    columns = ["customer", "created", "updated", "archived", "waiting", "unknown", "failed"]
    return {"customers": tables.table(rows, [*columns, "reason"])} if rows else {}


def of_summary(summary: RunSummary, file: Path | None) -> dict[str, Any]:
    """Return what became of all customers' records in the run so far, over all its passes.

    Args:
        summary: The run's summary.
        file: Where it is kept as a page; None if it could not be written.
    """
    rows: list[dict[str, Any]] = [
        {
            "customer": one.customer,
            **one.counts,
            "reasons": "; ".join(f"{number:,} times {reason}" for reason, number in one.reasons),
        }
        for one in summary.customers
    ]
    rows.insert(0, {"customer": "all", **summary.totals, "reasons": ""})
    metadata: dict[str, Any] = {
        "run_summary": tables.table(rows, ["customer", *COUNTS, "reasons"]),
    }
    if file is not None:
        metadata["run_summary_file"] = dg.MetadataValue.path(file)
    return metadata


def of_budgets(budgets: Sequence[Budget]) -> dict[str, Any]:
    """Return the account's budgets: what the service told, and what it has not told yet."""
    metadata: dict[str, Any] = {
        f"used_share_{one.name}": round(one.taken / one.allowed, 4) for one in budgets
    }
    metadata["budgets"] = tables.table(
        [
            {
                "budget": one.name,
                "used": one.taken,
                "allowed": one.allowed,
                "window_s": one.window_s,
                "window_ends": one.window_ends_at,
            }
            for one in budgets
        ],
        ["budget", "used", "allowed", "window_s", "window_ends"],
    )
    return metadata
