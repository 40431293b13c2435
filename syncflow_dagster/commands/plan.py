"""`syncflow plan`: what the next reads and pushes would do, without doing it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.plan_reads import plan_reads
from syncflow_dagster.commands.store import command_store, one_line
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.monday.contract import BoardUnavailable, ContractBroken
from syncflow_dagster.nodes.monday.preflight_pin import pin_path
from syncflow_dagster.nodes.monday.push import Push, PushOptions
from syncflow_dagster.store.clock import DatabaseClock

if TYPE_CHECKING:
    from pathlib import Path

    from syncflow_dagster.commands.plan_reads import ReadPlan
    from syncflow_dagster.nodes.monday.plan_report import PlanReport
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(slots=True)
class Plans:
    """The plans of a workflow's push nodes, by node, and of its reads from Salesforce."""

    workflow: str
    reads: list[ReadPlan] = field(default_factory=list)
    reports: dict[str, PlanReport] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the plans for a person."""
        lines = [line for read in self.reads for line in read.lines(self.workflow)]
        for node, report in self.reports.items():
            lines.append(f"{self.workflow}.{node}: {report.rows} pending rows")
            lines += [f"  {count:>6}  {kind}" for kind, count in sorted(report.effects.items())]
            if report.settled:
                lines.append(f"  {report.settled:>6}  rows with nothing to write")
            lines += [
                f"  {one.effects:>6}  {one.kind} by {one.lane}: {one.why}" for one in report.lanes
            ]
            if report.calls is not None and report.calls.needed:
                lines.append(f"  {report.calls.in_words()}")
            lines += [f"  refused {record}: {reason}" for record, reason in report.rejected]
            lines += [f"  adjusted {record}: {one}" for record, one in report.adjustments]
            if more := report.adjusted - len(report.adjustments):
                lines.append(f"  {more:>6}  more values adjusted")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the plans as one object."""
        return {
            "workflow": self.workflow,
            "reads": {read.node: read.as_json() for read in self.reads},
            "nodes": {
                node: {
                    "rows": report.rows,
                    "effects": dict(Counter(report.effects)),
                    "settled": report.settled,
                    "calls": None if report.calls is None else asdict(report.calls),
                    "lanes": [asdict(one) for one in report.lanes],
                    "rejected": dict(report.rejected),
                    "adjusted_total": report.adjusted,
                    "adjusted": [
                        {"record": record, **asdict(one)} for record, one in report.adjustments
                    ],
                }
                for node, report in self.reports.items()
            },
        }


def plan_workflow(home: Path, loaded: LoadedWorkflow) -> Plans:
    """Plan every read from Salesforce and every push of a workflow, and write nothing there.

    Raises:
        CommandFailed: The org or the board cannot be read or does not fit, or the database is not
            there.
    """
    try:
        return _plan(home, loaded)
    except BoardUnavailable as error:
        msg = f"the board cannot be read: {one_line(error)}; see to the token and the connection"
        raise CommandFailed(msg) from error
    except ContractBroken as error:
        msg = f"the board does not fit the workflow: {one_line(error)}"
        raise CommandFailed(msg) from error


def _plan(home: Path, loaded: LoadedWorkflow) -> Plans:
    workflow = loaded.workflow
    plans = Plans(workflow.workflow, plan_reads(loaded))
    if not workflow.pushes:
        return plans
    with command_store(home) as database:
        # Before the first run there are no tables to plan from.
        prepare(database, workflow.workflow, workflow.deltas)
        clock = DatabaseClock(database)
        for node in workflow.pushes:
            options = PushOptions(dry_run=True, pin=pin_path(loaded.path))
            push = Push(database, clock, workflow, node, options)
            try:
                push.prepare()
                plans.reports[node.name] = push.plan()
            finally:
                push.close()
    return plans
