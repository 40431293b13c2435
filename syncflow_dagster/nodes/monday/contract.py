"""The destination's side of the contract: what the board looks like before anything is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Stop
from syncflow_dagster.nodes.monday.classify import alias_error, silence, whole_answer
from syncflow_dagster.nodes.monday.client import Answer, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from syncflow_dagster.core.outcomes import Outcome
    from syncflow_dagster.nodes.monday.client import MondayClient
    from syncflow_dagster.workflows.models import MondayPushNode

# Boards that are not active are left out unless asked for, and then cannot be named.
_BOARD = """query ($ids: [ID!]) {
  complexity { query after reset_in_x_seconds }
  boards(ids: $ids, state: all) {
    id name state access_level items_count items_limit
    groups { id title archived }
    columns { id title type settings archived }
  }
}"""
#: Column types whose cells choose from labels of the column.
LABELLED_TYPES = frozenset({"status", "dropdown"})
#: Names that monday's errors and older API versions give column types, with those of today.
_OLD_NAMES = {"color": "status", "numeric": "numbers"}


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


def unseen(board_id: str) -> BoardUnavailable:
    """Return what is wrong where monday shows no board of an id."""
    reason = f"board {board_id} does not exist, or the token's user cannot see it"
    return BoardUnavailable(Stop(reason))


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A column of a board.

    Attributes:
        type: monday's name of its type, of today.
        labels: Labels a cell can take, of status and dropdown columns; None of all others.
    """

    title: str
    type: str
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """A board as monday describes it.

    Attributes:
        state: `active`, `archived` or `deleted`.
        groups: Group id by title; of groups with the same title, the first on the board.
        columns: Columns by their ids, in the board's order.
        subitem_board: Id of the board its subitems live on, if there is one.
        access: What the token's user may do: `edit` or `view`.
        items: Active items on it; None where monday does not say.
        items_limit: Items it can hold; None where monday does not say.
    """

    board_id: str
    name: str
    state: str
    groups: Mapping[str, str]
    columns: Mapping[str, BoardColumn]
    subitem_board: str | None
    access: str = "edit"
    items: int | None = None
    items_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """The board and the board of its subitems, read together."""

    board: Board
    subitems: Board | None
    answers: tuple[Answer, ...] = ()

    def of(self, *, subitems: bool) -> Board | None:
        """Return the board that items, or subitems, live on."""
        return self.subitems if subitems else self.board


def type_name(given: str) -> str:
    """Return today's name of a column type, by which types are compared."""
    return _OLD_NAMES.get(given, given)


def read_contract(client: MondayClient, node: MondayPushNode) -> Contract:
    """Read the board a node pushes to, whether it fits or not.

    Raises:
        BoardUnavailable: monday did not answer or refused, or the board is not there.
    """
    board, answer = read_board(client, node.board_id)
    if node.subitems is None or board.subitem_board is None:
        return Contract(board, None, (answer,))
    subitems, second = read_board(client, board.subitem_board)
    return Contract(board, subitems, (answer, second))


def read_board(client: MondayClient, board_id: str) -> tuple[Board, Answer]:
    """Read one board.

    Raises:
        BoardUnavailable: monday did not answer or refused, or the board is not there.
    """
    answer = _ask(client, board_id)
    return _board(answer, board_id), answer


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
        raise unseen(board_id)
    groups: dict[str, str] = {}
    for group in found["groups"] or []:
        if not group["archived"]:
            groups.setdefault(group["title"], group["id"])
    columns = [one for one in found["columns"] or [] if not one["archived"]]
    return Board(
        board_id=board_id,
        name=found["name"],
        state=found["state"],
        groups=groups,
        columns={one["id"]: _column(one) for one in columns},
        subitem_board=_subitem_board(columns),
        access=found.get("access_level") or "edit",
        items=found.get("items_count"),
        items_limit=found.get("items_limit"),
    )


def _column(given: Mapping[str, Any]) -> BoardColumn:
    kind = type_name(given["type"])
    labels = tuple(_labels(_settings(given))) if kind in LABELLED_TYPES else None
    return BoardColumn(given["title"], kind, labels)


def _settings(column: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = column["settings"] or {}
    return json.loads(settings) if isinstance(settings, str) else settings


def _labels(settings: Mapping[str, Any]) -> Iterator[str]:
    """Return the labels that can be chosen; older API versions list them by their ids."""
    listed = settings.get("labels") or ()
    for one in listed.values() if isinstance(listed, dict) else listed:
        label = (one.get("label") or one.get("name")) if isinstance(one, dict) else one
        if label and not (isinstance(one, dict) and one.get("is_deactivated")):
            yield str(label)


def _subitem_board(columns: Iterable[Mapping[str, Any]]) -> str | None:
    for column in columns:
        if column["type"] == "subtasks":
            ids = _settings(column).get("boardIds") or [None]
            return None if ids[0] is None else str(ids[0])
    return None
