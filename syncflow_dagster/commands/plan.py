"""`syncflow plan`: what the next push would do, without doing it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.store.embedded import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.nodes.monday.push import PlanReport
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(slots=True)
class Plans:
    """The plans of a workflow's push nodes, by node."""

    workflow: str
    reports: dict[str, PlanReport] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the plans for a person."""
        lines = []
        for node, report in self.reports.items():
            lines.append(f"{self.workflow}.{node}: {report.rows} pending rows")
            lines += [f"  {count:>6}  {kind}" for kind, count in sorted(report.effects.items())]
            if report.settled:
                lines.append(f"  {report.settled:>6}  rows with nothing to write")
            lines += [f"  refused {record}: {reason}" for record, reason in report.rejected]
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the plans as one object."""
        return {
            "workflow": self.workflow,
            "nodes": {
                node: {
                    "rows": report.rows,
                    "effects": dict(Counter(report.effects)),
                    "settled": report.settled,
                    "rejected": dict(report.rejected),
                }
                for node, report in self.reports.items()
            },
        }


def plan_workflow(home: Path, loaded: LoadedWorkflow) -> Plans:
    """Plan every push node of a workflow against the board as it is, and write nothing."""
    plans = Plans(loaded.workflow.workflow)
    with open_store(home) as database:
        clock = DatabaseClock(database)
        for node in loaded.workflow.pushes:
            push = Push(database, clock, loaded.workflow, node, PushOptions(dry_run=True))
            try:
                push.prepare()
                plans.reports[node.name] = push.plan()
            finally:
                push.close()
    return plans
