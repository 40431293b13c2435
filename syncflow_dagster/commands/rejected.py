"""`syncflow rejected` and `syncflow retry`: rows of the source that could not become records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.instance import command_instance
from syncflow_dagster.commands.run import RunResult
from syncflow_dagster.commands.store import command_store
from syncflow_dagster.resources.observe import Observer
from syncflow_dagster.supervisor.reaper import process_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import DeltaNode

_SHOWN = ("business_key", "customer", "column_name", "value", "rule", "reason", "since", "times")


@dataclass(slots=True)
class RejectedReport:
    """The rejected rows of a workflow.

    Attributes:
        workflow: Its name.
        totals: How many rows are rejected, by delta node.
        rows: Some of them, by delta node; the newest batch's first.
    """

    workflow: str
    totals: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[DictRow]] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the report for a person."""
        return [line for node in self.rows for line in self._lines(node)]

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        nodes = {
            node: {
                "rejected": self.totals[node],
                "rows": [{name: row[name] for name in ("row_number", *_SHOWN)} for row in rows],
            }
            for node, rows in self.rows.items()
        }
        return {"workflow": self.workflow, "nodes": nodes}

    def _lines(self, node: str) -> Iterator[str]:
        rows, total = self.rows[node], self.totals[node]
        word = "row is" if total == 1 else "rows are"
        yield f"{self.workflow}.{node}: {total:,} {word} rejected"
        for row in rows:
            record = row["business_key"] or f"row {row['row_number']:,}"
            customer = f" ({row['customer']})" if row["customer"] else ""
            value = f" {row['value']!r}" if row["value"] else ""
            since = row["since"].isoformat(sep=" ", timespec="seconds") if row["since"] else "?"
            often = "once" if row["times"] == 1 else f"{row['times']:,} times"
            yield (
                f"  {record}{customer}: {row['column_name']}{value}: {row['reason']} "
                f"(rule {row['rule']}, since {since}, seen {often})"
            )
        if total > len(rows):
            yield f"  and {total - len(rows):,} more"


def rejected_report(
    home: Path, loaded: LoadedWorkflow, *, node: str | None, limit: int
) -> RejectedReport:
    """Ask the database which rows of a workflow's sources are rejected.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        node: The delta node that is asked about; all if None.
        limit: Rows of a node at most.

    Raises:
        CommandFailed: There is no such node, or the database is not there.
    """
    nodes = _chosen(loaded, node)
    report = RejectedReport(loaded.workflow.workflow)
    with command_store(home) as database:
        observer = Observer(database)
        for one in nodes:
            rows = observer.rejected_rows(report.workflow, one.name, limit)
            report.rows[one.name] = rows
            report.totals[one.name] = rows[0]["total"] if rows else 0
    return report


def retry_workflow(
    home: Path,
    loaded: LoadedWorkflow,
    *,
    node: str | None,
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Try a workflow's rejected rows again, without reading its sources.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        node: The delta node whose rows are tried; all nodes' if None.
        say: Told the run's log lines.

    Raises:
        CommandFailed: There is no such node, or the database is not there.
    """
    from syncflow_dagster.assets.execute import retry_rejected_rows

    _chosen(loaded, node)
    with command_instance(home) as instance:
        run = retry_rejected_rows(loaded, instance, node=node, tags=process_tags(), log=say)
    return RunResult(loaded.workflow.workflow, run)


def _chosen(loaded: LoadedWorkflow, name: str | None) -> list[DeltaNode]:
    workflow = loaded.workflow
    found = [node for node in workflow.deltas if name in {None, node.name}]
    if not found:
        known = ", ".join(node.name for node in workflow.deltas)
        msg = f"{workflow.workflow} has no delta node {name!r}; there are: {known}"
        raise CommandFailed(msg)
    return found
