"""`syncflow waiting`: which records wait for a parent, and what stands in its way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands.store import command_store
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.delta.cycles import Cycles, find_cycles
from syncflow_dagster.nodes.delta.waiting import shown_way, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from syncflow_dagster.nodes.delta.waiting import Waiting
    from syncflow_dagster.workflows.loader import LoadedWorkflow


@dataclass(frozen=True, slots=True)
class NodeWaiting:
    """What waits at one delta node.

    Attributes:
        parent: Its parent's node.
        found: Numbers, families, rows.
        cycles: Cycles among its records.
    """

    parent: str
    found: Waiting
    cycles: Cycles


@dataclass(slots=True)
class WaitingReport:
    """What waits in a workflow.

    Attributes:
        workflow: Its name.
        levels: Names of its delta nodes by depth, those without a parent first.
        nodes: By name, the delta nodes that have a parent.
    """

    workflow: str
    levels: list[list[str]]
    nodes: dict[str, NodeWaiting] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the report for a person."""
        lines = [
            f"{self.workflow}, level {number}: {', '.join(level)}"
            for number, level in enumerate(self.levels, start=1)
        ]
        for name, one in self.nodes.items():
            lines += _lines(f"{self.workflow}.{name}", one)
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        nodes = {
            name: {
                "parent": one.parent,
                "statistics": asdict(one.found.statistics),
                "families": [asdict(family) for family in one.found.families],
                "rows": [{**asdict(row), "family": row.family.key} for row in one.found.rows],
                "cycles": asdict(one.cycles),
            }
            for name, one in self.nodes.items()
        }
        return {"workflow": self.workflow, "levels": self.levels, "nodes": nodes}


def waiting_report(home: Path, loaded: LoadedWorkflow, limit: int) -> WaitingReport:
    """Ask the database what waits in a workflow.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        limit: Families and rows shown of each node.

    Raises:
        CommandFailed: The database is not there.
    """
    workflow = loaded.workflow
    levels = [[node.name for node in level] for level in workflow.delta_levels]
    report = WaitingReport(workflow.workflow, levels)
    with command_store(home) as database:
        # Before the first run there are no tables to look at.
        prepare(database, workflow.workflow, workflow.deltas)
        for node in workflow.deltas:
            if node.parent is not None:
                report.nodes[node.name] = NodeWaiting(
                    node.parent.node,
                    waiting(database, workflow, node, limit),
                    find_cycles(database, node, limit),
                )
    return report


def _lines(place: str, one: NodeWaiting) -> Iterator[str]:
    numbers = one.found.statistics
    if numbers.oldest is None:
        yield f"{place}: nothing waits"
    else:
        yield (
            f"{place}: {numbers.in_words()}; since {_moment(numbers.oldest)}; "
            f"parents in {one.parent}: {numbers.families:,}; depth: {numbers.depth}"
        )
        for cause, rows in numbers.first_causes.items():
            yield f"  {rows:>8,} in the end because of: {cause.replace('_', ' ')}"
        for family in one.found.families:
            yield f"  {family.children:>8,} for {family.reason}"
        for row in one.found.rows:
            yield (
                f"  {row.business_key}: {row.reason} (since {_moment(row.since)}, "
                f"{row.tries} tries)"
            )
    if one.cycles.cycles:
        yield f"{place}: {one.cycles.in_words()}"
        yield from (f"  {shown_way(sample)}" for sample in one.cycles.samples)


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
