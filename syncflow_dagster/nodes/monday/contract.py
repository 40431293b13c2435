"""The destination's side of the contract: what the board looks like before anything is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Stop
from syncflow_dagster.nodes.monday.classify import alias_error, silence, whole_answer
from syncflow_dagster.nodes.monday.client import Answer, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.nodes.monday.client import MondayClient
    from syncflow_dagster.workflows.models import ItemMapping, MondayPushNode

_BOARD = """query ($ids: [ID!]) {
  complexity { query after reset_in_x_seconds }
  boards(ids: $ids) {
    id name state
    groups { id title archived }
    columns { id title type settings archived }
  }
}"""
#: monday's own name of a type, where it differs from the mapping's.
_TYPE_NAMES = {"status": {"status", "color"}, "numbers": {"numbers", "numeric"}}


class ContractBroken(RuntimeError):
    """The board does not fit the workflow; nothing was written. The text lists what to change."""


class BoardUnavailable(RuntimeError):
    """The board could not be read; the rows stay pending.

    Attributes:
        outcome: Whether to wait (`Retry`, `Unknown`) or to act (`Stop`, `Reject`).
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"monday's board cannot be read: {getattr(outcome, 'reason', outcome)}")
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Board:
    """A board as monday describes it.

    Attributes:
        groups: Group id by title; of groups with the same title, the first on the board.
        columns: Column type by column id.
        subitem_board: Id of the board its subitems live on, if there is one.
    """

    board_id: str
    name: str
    state: str
    groups: Mapping[str, str]
    columns: Mapping[str, str]
    subitem_board: str | None


@dataclass(frozen=True, slots=True)
class Contract:
    """The board and the board of its subitems, read together before a push."""

    board: Board
    subitems: Board | None
    answers: tuple[Answer, ...]


def read_contract(client: MondayClient, node: MondayPushNode) -> Contract:
    """Read the board a node pushes to.

    Raises:
        BoardUnavailable: monday did not answer, or refused.
        ContractBroken: the board is not there, or misses what the workflow writes to.
    """
    answer = _ask(client, node.board_id)
    board = _board(answer, node.board_id)
    answers = [answer]
    subitems = None
    if node.subitems is not None and board.subitem_board is not None:
        answers.append(_ask(client, board.subitem_board))
        subitems = _board(answers[-1], board.subitem_board)
    problems = list(_problems(node, board, subitems))
    if problems:
        listed = "\n  - ".join(problems)
        msg = (
            f"board {node.board_id} ({board.name!r}) does not fit node {node.name!r}:\n  - {listed}"
        )
        raise ContractBroken(msg)
    return Contract(board, subitems, tuple(answers))


def _ask(client: MondayClient, board_id: str) -> Answer:
    answer = client.execute(_BOARD, {"ids": [board_id]})
    if isinstance(answer, NoAnswer):
        raise BoardUnavailable(silence(answer))
    outcome = whole_answer(answer)
    if outcome is None and answer.errors:
        # Half an answer must not be read as a board that is not there.
        outcome = alias_error(answer.errors[0], answer)
    if outcome is not None:
        raise BoardUnavailable(outcome)
    return answer


def _board(answer: Answer, board_id: str) -> Board:
    boards = (answer.data or {}).get("boards") or []
    found = next((one for one in boards if one and str(one["id"]) == board_id), None)
    if found is None:
        reason = f"board {board_id} does not exist, or the token's user cannot see it"
        raise BoardUnavailable(Stop(reason))
    groups: dict[str, str] = {}
    for group in found["groups"] or []:
        if not group["archived"]:
            groups.setdefault(group["title"], group["id"])
    columns = {one["id"]: one for one in found["columns"] or [] if not one["archived"]}
    return Board(
        board_id=board_id,
        name=found["name"],
        state=found["state"],
        groups=groups,
        columns={name: one["type"] for name, one in columns.items()},
        subitem_board=_subitem_board(columns.values()),
    )


def _subitem_board(columns: Any) -> str | None:
    for column in columns:
        if column["type"] == "subtasks":
            settings = column["settings"] or {}
            settings = json.loads(settings) if isinstance(settings, str) else settings
            ids = settings.get("boardIds") or [None]
            return None if ids[0] is None else str(ids[0])
    return None


def _problems(node: MondayPushNode, board: Board, subitems: Board | None) -> Iterator[str]:
    if board.state != "active":
        yield f"the board is {board.state}; restore it"
    yield from _missing(node.items, board, "board")
    if node.subitems is None:
        return
    if subitems is None:
        yield (
            "it has no subitems yet, so their columns cannot exist: add one subitem by hand, then "
            "the columns the workflow writes"
        )
        return
    yield from _missing(node.subitems, subitems, "subitems' board")


def _missing(mapping: ItemMapping, board: Board, where: str) -> Iterator[str]:
    wanted = [(mapping.key_column, "text")]
    wanted += [(column.column, column.type) for column in mapping.columns]
    wanted += [(status.column, "status") for status in mapping.statuses]
    if mapping.on_delete.policy == "status":
        wanted.append((mapping.on_delete.column, "status"))
    for column, column_type in wanted:
        is_type = board.columns.get(column)
        if is_type is None:
            known = ", ".join(sorted(board.columns))
            yield f"the {where} has no column {column!r} (it has: {known})"
        elif is_type not in _TYPE_NAMES.get(column_type, {column_type}):
            yield f"column {column!r} of the {where} is of type {is_type}, not {column_type}"
