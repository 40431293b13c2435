"""The board's side of the contract: what is missing is said at once, before anything is written."""

from __future__ import annotations

import copy
import itertools

import pytest
from monday_world import ITEM_MAPPING, SEED, workflow

from syncflow_dagster.core.outcomes import Retry, Stop, Unknown
from syncflow_dagster.nodes.monday.client import Answer, MondayClient
from syncflow_dagster.nodes.monday.contract import (
    BoardUnavailable,
    ContractBroken,
    read_board,
    read_contract,
)
from syncflow_dagster.nodes.monday.preflight import board_faults, place_of, refuse
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer

_ids = itertools.count(70_000, 10)


@pytest.fixture(scope="module")
def sandbox():
    with SandboxServer() as server:
        yield server


@pytest.fixture
def control(sandbox):
    control = ControlClient(sandbox.urls["control"])
    yield control
    control.clear_faults()


@pytest.fixture
def seeded(control):
    """Puts up a board like the usual one, changed as told; returns its id."""

    def seed(change=lambda board: None):
        board = copy.deepcopy(SEED["boards"][0])
        board["id"] = str(next(_ids))
        board["subitems"]["board_id"] = str(int(board["id"]) + 1)
        change(board)
        control.seed({"boards": [board]})
        return board["id"]

    return seed


def contract(sandbox, board_id, token="sandbox-personal", **push):
    made = workflow(sandbox.urls["monday"], token, board_id=board_id, **push)
    client = MondayClient(made.connections["monday"])
    try:
        node = made.node("push")
        found = read_contract(client, node)
        refuse(node, found, board_faults(node, place_of(made, node), found))
        return found
    finally:
        client.close()


def without(*names):
    def change(board):
        board["columns"] = [one for one in board["columns"] if one["id"] not in names]

    return change


def test_a_board_that_fits_is_described(sandbox, seeded):
    board_id = seeded()
    found = contract(sandbox, board_id)
    assert found.board.board_id == board_id
    assert found.board.groups == {"Topics": "topics"}
    assert found.board.columns["amount"].type == "numbers"
    assert found.board.subitem_board == found.subitems.board_id == str(int(board_id) + 1)
    assert len(found.answers) == 2


def test_a_board_without_subitems_in_the_workflow_is_one_request(sandbox, seeded):
    found = contract(sandbox, seeded(), subitems=None)
    assert found.subitems is None
    assert len(found.answers) == 1


def test_everything_that_is_wrong_is_said_in_one_message(sandbox, seeded):
    def spoil(board):
        without("amount", "due")(board)
        board["columns"][-1]["type"] = "dropdown"
        board["subitems"]["columns"] = [
            one for one in board["subitems"]["columns"] if one["id"] != "qty"
        ]

    with pytest.raises(ContractBroken) as broken:
        contract(sandbox, seeded(spoil))
    told = str(broken.value)
    assert "'Orders'" in told
    assert "the board has no column 'amount' (it has: " in told
    assert "the board has no column 'due'" in told
    assert "column 'state' of the board is of type dropdown, not status" in told
    assert "the subitems' board has no column 'qty'" in told


def test_the_key_column_must_be_a_text_column(sandbox, seeded):
    with pytest.raises(ContractBroken, match="'amount' of the board is of type numbers, not text"):
        contract(sandbox, seeded(), items={**ITEM_MAPPING, "key_column": "amount"})


def test_the_column_of_deleted_records_is_part_of_the_contract(sandbox, seeded):
    mapping = {**ITEM_MAPPING, "on_delete": {"policy": "status", "column": "end", "label": "x"}}
    with pytest.raises(ContractBroken, match="no column 'end'"):
        contract(sandbox, seeded(), items=mapping)


def test_a_board_that_has_no_subitems_yet_says_what_to_do(sandbox, seeded):
    with pytest.raises(ContractBroken, match="add one subitem by hand"):
        contract(sandbox, seeded(lambda board: board.pop("subitems")))


def test_an_unknown_board_stops(sandbox):
    with pytest.raises(BoardUnavailable, match="board 4711 does not exist") as unknown:
        contract(sandbox, "4711")
    assert isinstance(unknown.value.outcome, Stop)


def test_the_board_of_subitems_is_no_board_to_push_to(sandbox, seeded):
    board_id = seeded()
    with pytest.raises(ContractBroken):
        contract(sandbox, str(int(board_id) + 1))


def test_a_bad_token_stops(sandbox, seeded):
    with pytest.raises(BoardUnavailable, match="check the connection's token") as refused:
        contract(sandbox, seeded(), token="nobody")
    assert isinstance(refused.value.outcome, Stop)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "throttle", "rate": 1}, Retry),
        ({"kind": "error_before", "rate": 1}, Unknown),
        ({"kind": "html_error", "rate": 1}, Unknown),
        ({"kind": "lost_reply", "rate": 1}, Unknown),
        ({"kind": "partial", "op": "boards", "rate": 1}, Unknown),
        ({"kind": "down"}, Retry),
    ],
)
def test_trouble_on_the_way_is_something_to_wait_for(sandbox, seeded, control, fault, kind):
    board_id = seeded()
    control.faults(fault)
    with pytest.raises(BoardUnavailable) as trouble:
        contract(sandbox, board_id)
    assert isinstance(trouble.value.outcome, kind)


def test_of_groups_with_one_title_the_first_on_the_board_counts(sandbox, seeded):
    def twins(board):
        board["groups"] = [
            {"id": "first", "title": "ACME"},
            {"id": "second", "title": "ACME"},
            {"id": "third", "title": "Beta"},
        ]

    found = contract(sandbox, seeded(twins))
    assert found.board.groups == {"ACME": "first", "Beta": "third"}


def test_an_archived_group_is_not_there(sandbox, seeded):
    board_id = seeded(
        lambda board: board.update(groups=[{"id": "a", "title": "A"}, {"id": "b", "title": "B"}])
    )
    made = workflow(sandbox.urls["monday"])
    client = MondayClient(made.connections["monday"])
    client.execute(f'mutation {{archive_group(board_id: {board_id}, group_id: "a") {{id}}}}')
    assert contract(sandbox, board_id).board.groups == {"B": "b"}


class OldVersion:
    """Answers as an older API version: with the names it gives types, and labels by their ids."""

    def execute(self, *_):
        columns = [
            {"id": "state", "title": "State", "type": "color", "settings": {"labels": {"0": "A"}}},
            {"id": "amount", "title": "Amount", "type": "numeric", "settings": None},
        ]
        for one in columns:
            one["archived"] = False
        board = {"id": "5", "name": "B", "state": "active", "groups": [], "columns": columns}
        return Answer(200, {"boards": [board]}, [], {})


def test_types_are_known_by_today_s_names_whatever_the_api_version_calls_them():
    board, _ = read_board(OldVersion(), "5")
    assert {name: one.type for name, one in board.columns.items()} == {
        "state": "status",
        "amount": "numbers",
    }
    assert board.columns["state"].labels == ("A",)
