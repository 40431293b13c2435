"""`syncflow adopt`: take over a board that was filled by other means, without sending it again."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.store import command_store, one_line
from syncflow_dagster.ledger.pauses import AccountPaused
from syncflow_dagster.ledger.worker import Busy, only_one
from syncflow_dagster.nodes.delta.build import DeltaOptions, build_delta, prepare
from syncflow_dagster.nodes.delta.errors import DeltaError
from syncflow_dagster.nodes.monday.adoption.adopt import Adoption, AdoptionOptions
from syncflow_dagster.nodes.monday.adoption.gate import close_gate, is_closed, open_gate
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.pull.ports import QueryFailedError, SourceUnavailableError
from syncflow_dagster.nodes.pull.template import QueryTemplateError
from syncflow_dagster.nodes.sources import open_source
from syncflow_dagster.store.builds import builds_folder
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.workflows.models import DeltaNode, MondayConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from syncflow_dagster.nodes.monday.adoption.report import MappingReport
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import MondayPushNode

__all__ = ["AdoptionOptions", "AdoptionResult", "abandon_adoption", "adopt_workflow"]

#: Findings of each kind that are shown to a person.
_SHOWN = 10


@dataclass(slots=True)
class AdoptionResult:
    """What the adoption of a workflow's boards came to.

    Attributes:
        workflow: The workflow's name.
        dry_run: Nothing was taken over.
        nodes: What was found, by push node and delta node.
        closed: Push nodes that push nothing until their adoption is finished or given up.
    """

    workflow: str
    dry_run: bool = False
    nodes: dict[str, dict[str, MappingReport]] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the result for a person."""
        lines = []
        if not self.nodes:
            lines.append(f"{self.workflow}: given up; the next push makes what is missing")
        for node, parts in self.nodes.items():
            told = "would be adopted" if self.dry_run else "adopted"
            lines.append(f"{self.workflow}.{node}: {told}; nothing was written to the board")
            for report in parts.values():
                lines += report.lines(_SHOWN)
        lines += [
            f"{self.workflow}.{node} pushes nothing until `syncflow adopt {self.workflow}` has run "
            "without --dry-run, or with --abandon"
            for node in self.closed
        ]
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        return {
            "workflow": self.workflow,
            "dry_run": self.dry_run,
            "nodes": {
                node: {name: report.as_json() for name, report in parts.items()}
                for node, parts in self.nodes.items()
            },
            "closed": self.closed,
        }


def adopt_workflow(
    home: Path,
    loaded: LoadedWorkflow,
    options: AdoptionOptions,
    *,
    node: str | None = None,
    report: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> AdoptionResult:
    """Adopt the boards of a workflow's push nodes.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        options: How to adopt.
        node: The push node whose board is adopted; all if None.
        report: File that takes every finding, a line of JSON each.
        say: Told how far it is.

    Raises:
        CommandFailed: There is no such node, another process pushes, the source cannot be read,
            the account has to wait, or the database is not there.
        BoardUnavailable: monday did not answer, or refused.
        ContractBroken: The board is not active, or lacks a column.
        AdoptionUnfinished: The source's records changed meanwhile; nothing of it is lost.
    """
    pushes = _chosen(loaded, node)
    workflow = loaded.workflow
    result = AdoptionResult(workflow.workflow, options.dry_run)
    with command_store(home) as database, ExitStack() as stack:
        clock = DatabaseClock(database)
        _keep_others_off(stack, database, workflow.workflow, pushes)
        prepare(database, workflow.workflow, workflow.deltas)
        for push in pushes:
            # Before the build, that finds records new which are on the board already.
            close_gate(database, workflow.workflow, push, clock.now(), dry_run=options.dry_run)
        _build(home, database, loaded, pushes, say)
        file = None
        if report is not None:
            file = stack.enter_context(report.open("w", encoding="utf-8"))
        for push in pushes:
            parts = _adopt(database, clock, loaded, push, options, file, say)
            result.nodes[push.name] = parts
            if not options.dry_run:
                counts = {one.entity: dict(one.counts) for one in parts.values()}
                open_gate(database, workflow.workflow, push.name, clock.now(), counts)
        result.closed = _closed(database, workflow.workflow, pushes)
    return result


def abandon_adoption(home: Path, loaded: LoadedWorkflow, *, node: str | None) -> AdoptionResult:
    """Give up unfinished adoptions; the next push makes what is missing.

    Raises:
        CommandFailed: There is no such node, or none is unfinished, or the database is not there.
    """
    pushes = _chosen(loaded, node)
    name = loaded.workflow.workflow
    with command_store(home) as database:
        now = DatabaseClock(database).now()
        given_up = [one.name for one in pushes if open_gate(database, name, one.name, now, {})]
    if not given_up:
        msg = f"no adoption of {name} is unfinished"
        raise CommandFailed(msg)
    return AdoptionResult(name)


def _chosen(loaded: LoadedWorkflow, name: str | None) -> list[MondayPushNode]:
    workflow = loaded.workflow
    found = [push for push in workflow.pushes if name in {None, push.name}]
    if not found:
        known = ", ".join(push.name for push in workflow.pushes) or "none"
        msg = f"{workflow.workflow} has no push node {name!r}; there are: {known}"
        raise CommandFailed(msg)
    return found


def _keep_others_off(
    stack: ExitStack, database: Database, workflow: str, pushes: Sequence[MondayPushNode]
) -> None:
    for push in pushes:
        try:
            stack.enter_context(only_one(database, f"push {workflow}.{push.name}"))
        except Busy as error:
            msg = f"{workflow}.{push.name} is pushing; adopt when it is done"
            raise CommandFailed(msg) from error


def _build(
    home: Path,
    database: Database,
    loaded: LoadedWorkflow,
    pushes: Sequence[MondayPushNode],
    say: Callable[[str], None],
) -> None:
    """Build the deltas of the records that are pushed, and of those they belong to."""
    workflow = loaded.workflow
    wanted: set[str] = set()
    for push in pushes:
        for mapping in filter(None, (push.items, push.subitems)):
            source = workflow.node(mapping.source)
            assert isinstance(source, DeltaNode)
            wanted |= {one.name for one in workflow.lineage(source)}
    for node in workflow.deltas:
        if node.name not in wanted:
            continue
        parent = workflow.node(node.parent.node) if node.parent else None
        assert parent is None or isinstance(parent, DeltaNode)
        try:
            built = build_delta(
                database,
                workflow.workflow,
                node,
                open_source(loaded, node, database),
                parent=parent,
                clock=DatabaseClock(database),
                options=DeltaOptions(home=builds_folder(home, database)),
            )
        except (DeltaError, QueryFailedError, QueryTemplateError, SourceUnavailableError) as error:
            msg = f"the records of {node.name} cannot be had: {one_line(error)}"
            raise CommandFailed(msg) from error
        say(f"{node.name}: {built.counts['read']:,} rows read")


def _adopt(
    database: Database,
    clock: DatabaseClock,
    loaded: LoadedWorkflow,
    push: MondayPushNode,
    options: AdoptionOptions,
    file: IO[str] | None,
    say: Callable[[str], None],
) -> dict[str, MappingReport]:
    connection = loaded.workflow.connections[push.connection]
    assert isinstance(connection, MondayConnection)
    with closing(MondayClient(connection)) as client:
        adoption = Adoption(database, clock, loaded.workflow, push, client, options, file, say)
        try:
            return adoption.run()
        except AccountPaused as error:
            raise CommandFailed(str(error)) from error


def _closed(database: Database, workflow: str, pushes: Sequence[MondayPushNode]) -> list[str]:
    return [push.name for push in pushes if is_closed(database, workflow, push.name)]
