"""The pinned contract: what a board looked like when a person said it was right, as a file.

It lies beside the workflow file and holds ids, titles, types and labels; no record, no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from syncflow_dagster.nodes.monday.contract import ContractBroken, type_name
from syncflow_dagster.nodes.monday.preflight import Fault, error, mappings, uses, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from syncflow_dagster.nodes.monday.contract import Board, Contract
    from syncflow_dagster.nodes.monday.preflight import Use
    from syncflow_dagster.workflows.models import MondayPushNode
    from syncflow_dagster.workflows.problems import Loc


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PinnedColumn(_Model):
    """A column the workflow writes; `labels` of status and dropdown columns only."""

    title: str
    type: str
    labels: tuple[str, ...] | None = None


class PinnedBoard(_Model):
    """A board, with the columns the workflow writes by their ids."""

    board_id: str
    name: str
    columns: dict[str, PinnedColumn]


class PinnedNode(_Model):
    """The boards of one push node."""

    board: PinnedBoard
    subitems: PinnedBoard | None = None


class PinnedContract(_Model):
    """The file: the boards of all push nodes of a workflow, by node."""

    format: Literal[1] = 1
    workflow: str
    nodes: dict[str, PinnedNode]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a board differs from what it was.

    Attributes:
        loc: Place in the workflow file that relies on it.
        breaks: Whether the workflow cannot be relied on to write to it.
        text: What differs.
    """

    loc: Loc
    breaks: bool
    text: str


def pin_path(workflow_file: Path) -> Path:
    """Return where the pinned contract of a workflow file lies."""
    return workflow_file.with_suffix(".contract.json")


def read_pin(path: Path) -> PinnedContract | None:
    """Read a pinned contract; None if there is none.

    Raises:
        ContractBroken: The file is there but is no pinned contract.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return PinnedContract.model_validate_json(text)
    except ValidationError as mistake:
        first = mistake.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        msg = f"{path} is no pinned contract: {where}: {first['msg']}; pin it again, or remove it"
        raise ContractBroken(msg) from mistake


def write_pin(path: Path, workflow: str, nodes: Mapping[str, PinnedNode]) -> None:
    """Write a pinned contract.

    Args:
        path: The file.
        workflow: The workflow's name.
        nodes: Its push nodes' boards as they are.
    """
    pin = PinnedContract(workflow=workflow, nodes=dict(nodes))
    text = pin.model_dump_json(indent=2, exclude_none=True)
    # A push that reads it meanwhile finds the old pin or the new one, never half of it.
    fresh = path.with_name(f".{path.name}")
    fresh.write_text(text + "\n", encoding="utf-8")
    fresh.replace(path)


def as_pinned(node: MondayPushNode, contract: Contract) -> PinnedNode:
    """Return what of the boards a node relies on."""
    boards: dict[str, PinnedBoard] = {}
    for mapping, _, is_subitems in mappings(node, ()):
        board = contract.of(subitems=is_subitems)
        if board is not None:
            used = {use.column for use in uses(mapping, ())}
            boards["subitems" if is_subitems else "board"] = _board(board, used)
    return PinnedNode.model_validate(boards)


def _board(board: Board, used: set[str]) -> PinnedBoard:
    return PinnedBoard(
        board_id=board.board_id,
        name=board.name,
        columns={
            name: PinnedColumn(title=one.title, type=one.type, labels=one.labels)
            for name, one in sorted(board.columns.items())
            if name in used
        },
    )


def differences(
    node: MondayPushNode, at: Loc, before: PinnedNode, now: PinnedNode
) -> Iterator[Difference]:
    """Return how the boards a node relies on have changed.

    Args:
        node: The push node.
        at: Its path in the workflow file.
        before: As they were.
        now: As they are.
    """
    board_id = (*at, "board_id")
    if before.board.board_id != now.board.board_id:
        ids = before.board.board_id, now.board.board_id
        yield Difference(board_id, False, "board {} was pinned, and {} is written to".format(*ids))
        return
    for mapping, place, is_subitems in mappings(node, at):
        was, here = (one.subitems if is_subitems else one.board for one in (before, now))
        if was is None:
            yield Difference(place, False, "subitems were not pinned")
        elif here is None or here.board_id != was.board_id:
            text = f"the subitems' board was {was.board_id}, now there is "
            yield Difference(place, True, text + ("none" if here is None else here.board_id))
        else:
            if here.name != was.name:
                text = f"board {was.board_id} was called {was.name!r}, now {here.name!r}"
                yield Difference(board_id, False, text)
            for use in _each_once(uses(mapping, place)):
                yield from _column(use, was.columns.get(use.column), here.columns.get(use.column))


def label_named(label: str, column: str) -> str:
    """Return how faults and reasons name a label; reasons are searched for it."""
    return f"label {label!r} of column {column!r}"


def _each_once(found: Iterator[Use]) -> Iterator[Use]:
    seen: set[str] = set()
    for use in found:
        if use.column not in seen:
            seen.add(use.column)
            yield use


def _column(use: Use, was: PinnedColumn | None, here: PinnedColumn | None) -> Iterator[Difference]:
    named = f"column {use.column!r}"
    if was is None:
        yield Difference(use.loc, False, f"{named} was not pinned")
        return
    if here is None:
        yield Difference(use.loc, True, f"{named} ({was.title!r}) is gone")
        return
    if here.title != was.title:
        yield Difference(use.loc, False, f"{named} was titled {was.title!r}, now {here.title!r}")
    if here.type != type_name(was.type):
        yield Difference(use.loc, True, f"{named} was of type {was.type}, now it is {here.type}")
        return
    labels, known = here.labels or (), was.labels or ()
    for label in known:
        if label not in labels:
            text = f"{label_named(label, use.column)} is gone"
            yield Difference(use.loc, not use.may_drop, text)
    for label in labels:
        if label not in known:
            yield Difference(use.loc, False, f"{named} has a new label {label!r}")


def pin_faults(
    node: MondayPushNode, at: Loc, pinned: PinnedNode | None, contract: Contract
) -> Iterator[Fault]:
    """Compare the boards with what is pinned; nothing is said where nothing is pinned.

    Args:
        node: The push node.
        at: Its path in the workflow file.
        pinned: Its part of the pinned contract.
        contract: The boards as read.
    """
    if pinned is None:
        return
    hint = "mend the board, or pin it as it is: syncflow preflight --pin"
    for one in differences(node, at, pinned, as_pinned(node, contract)):
        make = error if one.breaks else warning
        yield make("differs_from_pin", one.loc, f"since it was pinned: {one.text}", hint)
