"""Boards that fit the workflow of this folder, and ways to spoil them."""

from __future__ import annotations

from dataclasses import replace

from monday_world import BOARD, SEED, SUB_BOARD, workflow

from syncflow_dagster.nodes.monday.contract import Board, BoardColumn, Contract
from syncflow_dagster.nodes.monday.preflight import place_of

WORKFLOW = workflow()
NODE = WORKFLOW.node("push")
AT = place_of(WORKFLOW, NODE)


def board_of(given, board_id, **changes):
    columns = {
        one["id"]: BoardColumn(one["title"], one["type"], tuple(one.get("labels", ())) or None)
        for one in given["columns"]
    }
    groups = {one["title"]: one["id"] for one in given.get("groups", ())}
    made = Board(board_id, "Orders", "active", groups, columns, SUB_BOARD, "edit", 12, 10_000)
    return replace(made, **changes)


def fitting():
    seed = SEED["boards"][0]
    return Contract(board_of(seed, BOARD), board_of(seed["subitems"], SUB_BOARD))


def with_column(contract, column_id, column, *, subitems=False):
    """The contract with another column of that id; None takes it away."""
    part = "subitems" if subitems else "board"
    board = getattr(contract, part)
    columns = {name: one for name, one in board.columns.items() if name != column_id}
    if column is not None:
        columns[column_id] = column
    return replace(contract, **{part: replace(board, columns=columns)})


def with_board(contract, **changes):
    return replace(contract, board=replace(contract.board, **changes))


def node_with(**push):
    return workflow(**push).node("push")


def without_labels(contract, column_id, *gone, subitems=False):
    board = contract.subitems if subitems else contract.board
    column = board.columns[column_id]
    left = tuple(label for label in column.labels if label not in gone)
    return with_column(contract, column_id, replace(column, labels=left), subitems=subitems)
