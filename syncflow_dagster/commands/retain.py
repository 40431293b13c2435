"""`syncflow retain`: what is history moves to archive tables, or goes."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.store import command_store
from syncflow_dagster.ledger.worker import Busy
from syncflow_dagster.nodes.compliance.key import PrivacyKeyError
from syncflow_dagster.nodes.compliance.retention import retain_compliance
from syncflow_dagster.nodes.retention import RetainOptions, RetentionReport, TableReport, retain
from syncflow_dagster.store.clock import DatabaseClock

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.nodes.compliance.retention import ComplianceReport
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class RetainResult:
    """What retention did, or would do."""

    report: RetentionReport
    compliance: ComplianceReport | None = None

    def lines(self) -> list[str]:
        """Return the result for a person."""
        told = self.report
        verb = "would go" if told.dry_run else "gone"
        return [
            *(f"{told.workflow}: {self._line(one, verb)}" for one in told.tables),
            f"{told.workflow}: attempts {verb}: {told.attempts:,}",
            f"{told.workflow}: run summaries {verb}: {told.summaries:,}",
            *([f"{told.workflow}: texts of leads {verb}: {told.texts:,}"] if told.texts else []),
            *([f"{told.workflow}: {verb}: {self.compliance}"] if self.compliance else []),
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        compliance = None if self.compliance is None else asdict(self.compliance)
        return {**asdict(self.report), "compliance": compliance}

    def _line(self, one: TableReport, verb: str) -> str:
        where = f" to {one.archive}" if one.archive else ""
        oldest = f"; the oldest left is of {one.oldest:%Y-%m-%d}" if one.oldest else ""
        return (
            f"rows of {one.table} {verb}{where}: {one.rows:,}, with {one.effects:,} effects{oldest}"
        )


def retain_workflow(home: Path, loaded: LoadedWorkflow, *, dry_run: bool) -> RetainResult:
    """Do a workflow's retention now, in this process.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        dry_run: Only count what would go.

    Raises:
        CommandFailed: Another process does it at the moment, the database is not there, or the
            key for hashes of persons is not.
    """
    with command_store(home) as database:
        options = RetainOptions(home=home, dry_run=dry_run)
        try:
            clock = DatabaseClock(database)
            report = retain(database, clock, loaded.workflow, options)
            compliance = None
            if loaded.workflow.tags or loaded.workflow.linkedin_steps:
                compliance = retain_compliance(database, clock, loaded, os.environ, dry_run=dry_run)
        except Busy as error:
            msg = f"{error}; it needs no second one"
            raise CommandFailed(msg) from error
        except PrivacyKeyError as error:
            raise CommandFailed(str(error)) from error
    return RetainResult(report, compliance)
