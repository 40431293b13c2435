"""What can be wrong between a workflow and its board. Pure: from what was read to faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from syncflow_dagster.nodes.monday.columns import KINDS
from syncflow_dagster.nodes.monday.contract import ContractBroken
from syncflow_dagster.workflows.problems import Finding, Loc, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncflow_dagster.nodes.monday.contract import Board, BoardColumn, Contract
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode, Workflow

#: Share of a board's room from which on it counts as nearly full.
NEARLY_FULL = 0.9


class Severity(StrEnum):
    """What a fault does: an error keeps a push from beginning; the others only want to be seen."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not fit, or is worth knowing.

    Attributes:
        kind: Short name of the kind of fault.
        finding: Where in the workflow file, what is wrong, and what would be right.
    """

    severity: Severity
    kind: str
    finding: Finding

    def __str__(self) -> str:
        """Return what is wrong and what would be right, without the place."""
        return "; ".join(part for part in (self.finding.message, self.finding.hint) if part)


@dataclass(frozen=True, slots=True)
class Use:
    """A column of the board that the workflow writes.

    Attributes:
        loc: Where the workflow file names it.
        column: Its id.
        type: The type it is written as.
        labels: Labels the workflow file wants it to have, each with its place.
        may_drop: Whether a value it does not take is left out, by the column's rule.
    """

    loc: Loc
    column: str
    type: str
    labels: Mapping[str, Loc] = field(default_factory=dict)
    may_drop: bool = False


def place_of(workflow: Workflow, node: MondayPushNode) -> Loc:
    """Return the path of a push node in its workflow file."""
    return ("nodes", workflow.nodes.index(node))


def mappings(node: MondayPushNode, at: Loc) -> Iterator[tuple[ItemMapping, Loc, bool]]:
    """Return a node's mappings: each with its path, and whether it is of subitems."""
    yield node.items, (*at, "items"), False
    if node.subitems is not None:
        yield node.subitems, (*at, "subitems"), True


def uses(mapping: ItemMapping, at: Loc) -> Iterator[Use]:
    """Return every column a mapping writes."""
    yield Use((*at, "key_column"), mapping.key_column, "text")
    for number, column in enumerate(mapping.columns):
        place = (*at, "columns", number, "column")
        yield Use(place, column.column, column.type, may_drop=column.on_invalid == "drop")
    for number, status in enumerate(mapping.statuses):
        place = (*at, "statuses", number)
        labels = {label: (*place, "labels", value) for value, label in status.labels.items()}
        drop = status.on_invalid == "drop"
        yield Use((*place, "column"), status.column, "status", labels, drop)
    rule = mapping.on_delete
    if rule.policy == "status":
        labels = {rule.label: (*at, "on_delete", "label")}
        yield Use((*at, "on_delete", "column"), rule.column, "status", labels)


def error(kind: str, loc: Loc, message: str, hint: str = "") -> Fault:
    """Return a fault that keeps a push from beginning."""
    return Fault(Severity.ERROR, kind, Finding(loc, message, hint))


def warning(kind: str, loc: Loc, message: str, hint: str = "") -> Fault:
    """Return a fault that only wants to be seen."""
    return Fault(Severity.WARNING, kind, Finding(loc, message, hint))


def board_faults(node: MondayPushNode, at: Loc, contract: Contract) -> Iterator[Fault]:
    """Compare a node with the boards it writes to.

    Args:
        node: The push node.
        at: Its path in the workflow file.
        contract: The boards as read.
    """
    for mapping, place, is_subitems in mappings(node, at):
        board = contract.of(subitems=is_subitems)
        where = "subitems' board" if is_subitems else "board"
        if board is None:
            message = "it has no subitems yet, so their columns cannot exist"
            hint = "add one subitem by hand, then the columns the workflow writes"
            yield error("no_subitem_board", place, message, hint)
            continue
        yield from _standing(board, (*at, "board_id"), where)
        for use in uses(mapping, place):
            yield from _column_faults(use, board, where)


def _standing(board: Board, at: Loc, where: str) -> Iterator[Fault]:
    if board.state != "active":
        yield error("board_not_active", at, f"the {where} is {board.state}", "restore it")
    if board.access == "view":
        message = f"the token's user may only view the {where}"
        hint = "let an owner of the board give the user the right to edit, or use another token"
        yield error("view_only", at, message, hint)


def _column_faults(use: Use, board: Board, where: str) -> Iterator[Fault]:
    column = board.columns.get(use.column)
    if column is None:
        known = ", ".join(sorted(board.columns))
        message = f"the {where} has no column {use.column!r} (it has: {known})"
        yield error("no_column", use.loc, message, _near(use.column, board))
        return
    if column.type != use.type:
        message = f"column {use.column!r} of the {where} is of type {column.type}, not {use.type}"
        kind = "wrong_type" if column.type in KINDS else "not_writable"
        yield error(kind, use.loc, message, _right_type(use, column))
        return
    for label, loc in use.labels.items():
        if column.labels is None or label in column.labels:
            continue
        message = f"column {use.column!r} of the {where} has no label {label!r}"
        hint = f"add it on the board, or {suggestion(label, column.labels, 'name another')}"
        make = warning if use.may_drop else error
        yield make("no_label", loc, message, hint)


def _near(column_id: str, board: Board) -> str:
    """Return the column that was most likely meant, by its id or its title."""
    by_title = {one.title: name for name, one in board.columns.items()}
    found = by_title.get(column_id)
    if found is not None:
        return f"{column_id!r} is a title; the id is {found!r}"
    hint = suggestion(column_id, board.columns, "")
    return hint.partition("?")[0] + "?" if hint.startswith("did you mean") else ""


def _right_type(use: Use, column: BoardColumn) -> str:
    is_free = use.loc[-3:-2] == ("columns",)
    if column.type not in KINDS:
        return f"a {column.type} column cannot be written; name a {use.type} column"
    if is_free and column.type != "status":
        return f"write type: {column.type}, or name a {use.type} column"
    return f"name a {use.type} column"


def capacity_faults(at: Loc, contract: Contract, creates: Mapping[str, int]) -> Iterator[Fault]:
    """Compare the room on the boards with what is to be created.

    Args:
        at: Path of the push node.
        contract: The boards as read.
        creates: How many are to be made, by `create_item` and `create_subitem`.
    """
    rooms = [(contract.board, "create_item", "board"), (contract.subitems, "create_subitem", "")]
    for board, kind, where in rooms:
        if board is None or board.items is None or board.items_limit is None:
            continue
        named = where or "subitems' board"
        new = creates.get(kind, 0)
        told = f"the {named} holds {board.items:,} of {board.items_limit:,} items"
        over = board.items + new - board.items_limit
        if over > 0:
            message = f"{told}, and {new:,} more are to be made: {over:,} too many"
            hint = "archive what is finished, or write to another board"
            # A full board takes no more, but what is on it can still be changed.
            yield warning("no_room", (*at, "board_id"), message, hint)
        elif board.items + new > NEARLY_FULL * board.items_limit:
            hint = "archive what is finished before it is full"
            yield warning("little_room", (*at, "board_id"), f"{told}; {new:,} more come", hint)


def call_faults(at: Loc, left: int | None, needed: int) -> Iterator[Fault]:
    """Compare the account's daily calls with what the plan needs.

    Args:
        at: Path of the push node.
        left: Calls left until midnight UTC; None if nobody knows.
        needed: Requests the plan needs at least.
    """
    if left is None or needed <= left:
        return
    message = f"{left:,} daily calls are left, and the plan needs at least {needed:,}"
    more = "a larger batch_size needs fewer calls, as far as the points of a minute go"
    hint = f"the rest goes after midnight UTC; {more}"
    yield warning("few_calls", (*at, "batch_size"), message, hint)


def refuse(node: MondayPushNode, contract: Contract, faults: Iterable[Fault]) -> None:
    """Keep a push from beginning where a fault is an error.

    Raises:
        ContractBroken: there is at least one; the text lists all.
    """
    errors = [str(one) for one in faults if one.severity is Severity.ERROR]
    if errors:
        listed = "\n  - ".join(errors)
        board = contract.board
        named = f"board {board.board_id} ({board.name!r})"
        msg = f"{named} does not fit node {node.name!r}:\n  - {listed}"
        raise ContractBroken(msg)
