"""`syncflow preflight`: do org and board fit the workflow, before anything is read or written?"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syncflow_dagster.commands import CommandFailed
from syncflow_dagster.commands.places import placed
from syncflow_dagster.commands.preflight_reads import check_reads
from syncflow_dagster.commands.preflight_tags import check_tags
from syncflow_dagster.commands.store import command_store
from syncflow_dagster.nodes.delta.build import prepare
from syncflow_dagster.nodes.monday.client import MondayClient
from syncflow_dagster.nodes.monday.contract import read_contract
from syncflow_dagster.nodes.monday.preflight_pin import as_pinned, pin_path, write_pin
from syncflow_dagster.nodes.monday.preflight_report import Preflight, preflight
from syncflow_dagster.nodes.monday.proposal import column_lines, proposal_lines, propose
from syncflow_dagster.nodes.monday.push import Push
from syncflow_dagster.store.clock import DatabaseClock
from syncflow_dagster.workflows.models import DeltaNode, MondayConnection
from syncflow_dagster.workflows.problems import display_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from syncflow_dagster.commands.org_check import OrgCheck
    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.nodes.monday.contract import Board, Contract
    from syncflow_dagster.nodes.monday.preflight import Fault
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.loader import LoadedWorkflow
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode
    from syncflow_dagster.workflows.problems import Problem


@dataclass(slots=True)
class PreflightReport:
    """The preflights of a workflow's Salesforce nodes and of its push nodes.

    Attributes:
        workflow: Its name.
        orgs: What was found of each Salesforce pull node and tag node.
        nodes: What each found.
        problems: Its faults with their places in the workflow file, by node.
        pinned: The file the boards were pinned to, if they were.
    """

    workflow: str
    orgs: list[OrgCheck] = field(default_factory=list)
    nodes: list[Preflight] = field(default_factory=list)
    problems: dict[str, list[tuple[Fault, Problem]]] = field(default_factory=dict)
    pinned: Path | None = None

    @property
    def success(self) -> bool:
        """Whether everything may begin."""
        return all(one.passed for one in self.orgs) and all(one.passed for one in self.nodes)

    def lines(self) -> list[str]:
        """Return the report for a person."""
        lines = [line for org in self.orgs for line in org.lines(self.workflow)]
        for one in self.nodes:
            lines += [f"{self.workflow}.{one.node}: {_board_line(one)}", f"  {_plan_line(one)}"]
            found = self.problems[one.node]
            lines += [f"  {fault.severity:<7} {problem}" for fault, problem in found]
            lines.append(f"  {_verdict(one)}")
        if self.pinned is not None:
            lines.append(f"pinned to {display_path(self.pinned)}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        return {
            "workflow": self.workflow,
            "ok": self.success,
            "pinned": display_path(self.pinned) if self.pinned else None,
            "orgs": {one.node: one.as_json() for one in self.orgs},
            "nodes": {one.node: self._node_json(one) for one in self.nodes},
        }

    def _node_json(self, one: Preflight) -> dict[str, Any]:
        board = one.contract.board if one.contract else None
        return {
            "ok": one.passed,
            "board_id": one.board_id,
            "items": board.items if board else None,
            "items_limit": board.items_limit if board else None,
            "rows": one.rows,
            "changes": dict(one.changes),
            "requests": one.requests,
            "daily_calls_left": one.calls.left,
            "faults": [
                {
                    "severity": str(fault.severity),
                    "kind": fault.kind,
                    "path": display_path(problem.path),
                    "line": problem.line,
                    "column": problem.column,
                    "where": problem.where,
                    "message": problem.message,
                    "hint": problem.hint,
                }
                for fault, problem in self.problems[one.node]
            ],
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """YAML to paste into a workflow file.

    Attributes:
        yaml: Its lines.
        success: Always: what cannot be read raises.
    """

    yaml: list[str]
    success: bool = True

    def lines(self) -> list[str]:
        """Return it."""
        return self.yaml

    def as_json(self) -> dict[str, Any]:
        """Return it as one object."""
        return {"yaml": "\n".join(self.yaml) + "\n"}


def answer_preflight(
    home: Path, loaded: LoadedWorkflow, *, pin: bool, columns: bool, propose: str | None
) -> PreflightReport | Shown:
    """Do what the command was asked for; see `preflight_workflow` for `home`, `loaded`, `pin`.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        pin: Pin the boards as they are.
        columns: Print the boards' columns instead.
        propose: Print a mapping for this push node instead.

    Raises:
        BoardUnavailable: A board cannot be read.
        CommandFailed: More than one of the three is asked for, or there is nothing to compare.
    """
    if pin + columns + (propose is not None) > 1:
        msg = "--pin, --columns and --propose are three different things: ask for one at a time"
        raise CommandFailed(msg)
    boards_only = pin or columns or propose is not None
    has_org = bool(loaded.workflow.salesforce_pulls or loaded.workflow.tags)
    if not loaded.workflow.pushes and (boards_only or not has_org):
        msg = f"{loaded.workflow.workflow} has no push node, so there is no board to compare"
        raise CommandFailed(msg)
    if columns:
        return show_columns(loaded)
    if propose is not None:
        return propose_mapping(loaded, propose)
    return preflight_workflow(home, loaded, pin=pin)


def preflight_workflow(home: Path, loaded: LoadedWorkflow, *, pin: bool) -> PreflightReport:
    """Compare a workflow with its orgs and boards; write nothing there.

    Args:
        home: SyncFlow's home folder.
        loaded: The workflow.
        pin: Take the boards as they are for right, and write them down beside the workflow file.

    Raises:
        CommandFailed: The database is not there.
        AccountPaused: Nothing may be asked on the account, and the boards shall be pinned.
        BoardUnavailable: Boards that shall be pinned cannot be read.
    """
    workflow = loaded.workflow
    report = PreflightReport(workflow.workflow, check_reads(loaded))
    if not (workflow.pushes or workflow.tags):
        return report
    path = pin_path(loaded.path)
    with command_store(home) as database:
        # Before the first run there are no tables to plan from.
        prepare(database, workflow.workflow, workflow.deltas)
        clock = DatabaseClock(database)
        if pin:
            _pin(database, clock, loaded, path)
            report.pinned = path
        report.orgs += check_tags(database, clock, loaded)
        for node in workflow.pushes:
            report.nodes.append(preflight(database, clock, workflow, node, path))
    report.problems = {
        one.node: list(
            zip(one.faults, placed(loaded.path, (f.finding for f in one.faults)), strict=True)
        )
        for one in report.nodes
    }
    return report


def show_columns(loaded: LoadedWorkflow) -> Shown:
    """Return the columns of a workflow's boards, to paste into a mapping.

    Raises:
        BoardUnavailable: A board cannot be read.
    """
    lines: list[str] = []
    for node in loaded.workflow.pushes:
        contract = _read(loaded, node)
        lines += column_lines(contract.board, "board")
        if contract.subitems is not None:
            lines += column_lines(contract.subitems, "subitems' board")
    return Shown(lines)


def propose_mapping(loaded: LoadedWorkflow, name: str) -> Shown:
    """Return a mapping for a push node, by the titles of its board's columns.

    Args:
        loaded: The workflow.
        name: The push node.

    Raises:
        BoardUnavailable: The board cannot be read.
        CommandFailed: There is no such push node.
    """
    node = next((one for one in loaded.workflow.pushes if one.name == name), None)
    if node is None:
        known = ", ".join(one.name for one in loaded.workflow.pushes) or "none"
        msg = f"{loaded.workflow.workflow} has no push node {name!r}; there are: {known}"
        raise CommandFailed(msg)
    contract = _read(loaded, node)
    parts = [(node.items, contract.board, "items")]
    if node.subitems is not None and contract.subitems is not None:
        parts.append((node.subitems, contract.subitems, "subitems"))
    return Shown([line for part in parts for line in _proposed(loaded, *part)])


def _proposed(
    loaded: LoadedWorkflow, mapping: ItemMapping, board: Board, part: str
) -> Iterator[str]:
    source = loaded.workflow.node(mapping.source)
    assert isinstance(source, DeltaNode)
    fields = {one.name: one.type for one in source.fields}
    yield from proposal_lines(part, mapping, propose(mapping, fields, board), board)


def _read(loaded: LoadedWorkflow, node: MondayPushNode) -> Contract:
    # A workflow is written before there is a database, and the account's budgets are in it.
    connection = loaded.workflow.connections[node.connection]
    assert isinstance(connection, MondayConnection)
    with closing(MondayClient(connection)) as client:
        return read_contract(client, node)


def _pin(database: Database, clock: Clock, loaded: LoadedWorkflow, path: Path) -> None:
    workflow = loaded.workflow
    boards = {}
    for node in workflow.pushes:
        with closing(Push(database, clock, workflow, node)) as push:
            boards[node.name] = as_pinned(node, push.read_board())
    write_pin(path, workflow.workflow, boards)


def _verdict(one: Preflight) -> str:
    if not one.passed:
        return "nothing will be pushed"
    return "the board fits" if one.contract is not None else "not known whether the board fits"


def _board_line(one: Preflight) -> str:
    if one.contract is None:
        return f"board {one.board_id} cannot be compared"
    board = one.contract.board
    items = "?" if board.items is None else f"{board.items:,}"
    limit = "?" if board.items_limit is None else f"{board.items_limit:,}"
    return f"board {board.board_id} {board.name!r} ({board.state}), {items} of {limit} items"


def _plan_line(one: Preflight) -> str:
    left = one.calls.left
    calls = f"{left:,} daily calls left" if left is not None else "daily calls left: not known"
    if one.calls.unknown is not None:
        calls += f" ({'by our own count' if left is not None else one.calls.unknown})"
    if one.rows is None:
        return calls
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(one.changes.items()) if count)
    told = kinds or "nothing to send"
    return f"{one.rows:,} rows wait; {told}; {one.requests:,} requests at least; {calls}"
