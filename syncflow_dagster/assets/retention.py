"""Retention as an asset of each workflow, with a job of its own."""

import os
from collections.abc import Iterator
from typing import Any

import dagster as dg

from syncflow_dagster.assets import names, tables
from syncflow_dagster.assets.failures import readable_failures
from syncflow_dagster.assets.progress import Progress
from syncflow_dagster.assets.steps import StepResources
from syncflow_dagster.nodes.compliance.retention import retain_compliance
from syncflow_dagster.nodes.retention import RetainOptions, RetentionReport, retain
from syncflow_dagster.store.location import default_home
from syncflow_dagster.workflows.loader import LoadedWorkflow
from syncflow_dagster.workflows.models import Workflow

_COLUMNS = ["table", "archive", "looked_at", "rows", "effects", "oldest"]


def retention_asset(loaded: LoadedWorkflow) -> dg.AssetsDefinition:
    """Return the asset of a workflow's retention."""
    workflow = loaded.workflow
    step = StepResources(loaded, [])
    key = names.retention_key(workflow)

    @dg.multi_asset(
        name=names.step_name(workflow, "retention"),
        description=_description(workflow),
        specs=[
            dg.AssetSpec(
                key,
                # Left out in a dry run: then nothing went.
                skippable=True,
                description=_description(workflow),
                group_name=names.group_name(workflow),
                owners=names.owners(workflow),
                tags=names.asset_tags(workflow, "retention"),
                kinds={"postgres"},
            )
        ],
        required_resource_keys=step.keys,
    )
    def retention(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        with readable_failures(), step.open(context) as opened:
            dry_run = opened.options.dry_run
            progress = Progress(context.log.info, "rows and attempts")
            report = retain(
                opened.database,
                opened.clock,
                workflow,
                RetainOptions(home=default_home(), dry_run=dry_run),
                progress.tell,
            )
            if workflow.tags or workflow.linkedin_steps:
                compliance = retain_compliance(
                    opened.database, opened.clock, loaded, os.environ, dry_run=dry_run
                )
                context.log.info("of persons: %s", compliance)
        metadata = retention_metadata(report, progress.elapsed_s)
        context.log.info(told_retention(report))
        if dry_run:
            context.log_event(dg.AssetObservation(key, description="Dry run.", metadata=metadata))
            return
        yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return retention


def retention_job(workflow: Workflow) -> Any:
    """Return the job that makes a workflow's retention asset."""
    return dg.define_asset_job(
        names.retention_job_name(workflow),
        selection=dg.AssetSelection.assets(names.retention_key(workflow)),
        description=f"Moves or deletes what is history. {workflow.description}",
        # Not tagged as a run of the workflow: those keep each other waiting, and this harms none.
        tags=names.retention_tags(workflow),
        executor_def=dg.in_process_executor,
    )


def told_retention(report: RetentionReport) -> str:
    """Return what retention did in one line."""
    verb = "would go" if report.dry_run else "gone"
    rows = ", ".join(
        f"{one.rows:,} rows of {one.table}" + (f" to {one.archive}" if one.archive else "")
        for one in report.tables
    )
    return (
        f"{verb}: {rows or 'no rows'}; {report.attempts:,} attempts, {report.summaries:,} summaries"
    )


def retention_metadata(report: RetentionReport, seconds: float) -> dict[str, Any]:
    """Return what retention did: numbers, and what became of each table.

    Args:
        report: See there.
        seconds: How long it took.
    """
    gone = report.rows + report.attempts
    return {
        "rows": report.rows,
        "effects": sum(one.effects for one in report.tables),
        "attempts": report.attempts,
        "summaries": report.summaries,
        "dry_run": report.dry_run,
        "seconds": round(seconds, 3),
        "rows_per_s": round(gone / seconds, 1) if seconds else 0.0,
        "tables": tables.table(
            [{name: getattr(one, name) for name in _COLUMNS} for one in report.tables], _COLUMNS
        ),
    }


def _description(workflow: Workflow) -> str:
    policy = workflow.retention
    goes = "move to `<table>_archive`" if policy.action == "archive" else "are deleted"
    return (
        f"Takes away what is history in `{workflow.workflow}`. Delta rows {goes} "
        f"{policy.delta_days} days after a newer one of the same record has arrived; the newest "
        "row of each record, and everything that is not settled, stays. Attempts go "
        f"{policy.attempts_days} days after their effect has ended. Killed at any moment, it goes "
        "on with the next run."
    )
