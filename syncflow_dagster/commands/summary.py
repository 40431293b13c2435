"""`syncflow summary`: what became of each customer's records in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.store import command_store
from syncflow_dagster.nodes.run_summary import RunSummary, read_summaries
from syncflow_dagster.nodes.run_summary_page import as_markdown

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class SummaryReport:
    """What the pushes of one run came to.

    Attributes:
        workflow: The workflow's name.
        run_id: The run; None if no run has pushed anything yet.
        summaries: Of each of its push nodes.
    """

    workflow: str
    run_id: str | None
    summaries: list[RunSummary]

    def lines(self) -> list[str]:
        """Return the report for a person, as Markdown."""
        if self.run_id is None:
            return [f"{self.workflow}: no run has pushed anything yet"]
        return [line for one in self.summaries for line in as_markdown(one).splitlines()]

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        nodes = {one.node: one.as_json() for one in self.summaries}
        return {"workflow": self.workflow, "run_id": self.run_id, "nodes": nodes}


def summary_report(home: Path, workflow: str, run: str | None) -> SummaryReport:
    """Ask the database what a run came to.

    Args:
        home: SyncFlow's home folder.
        workflow: The workflow's name.
        run: How the run's id begins; None: the newest run that pushed anything.

    Raises:
        CommandFailed: No run's id begins so, or those of several do, or the database is not there.
    """
    with command_store(home) as database:
        runs, summaries = read_summaries(database, workflow, run or "")
    if run and len(runs) != 1:
        found = f"{len(runs)} runs have" if runs else "no run has"
        msg = (
            f"{found} an id that begins with {run!r} and a summary of {workflow}: name more of "
            "the id, or none for the newest; a run that found nothing to push has no summary"
        )
        raise CommandFailed(msg)
    return SummaryReport(workflow, runs[0] if runs else None, summaries)
