"""Faults between a workflow and its board, planted one by one: each is named, at its place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from monday_world import BOARD, ITEM_MAPPING, SEED, SUB_BOARD, workflow

from syncflow_dagster.core.outcomes import Done, Reject, Retry, Stop, Unknown
from syncflow_dagster.ledger.ports import Effect
from syncflow_dagster.nodes.monday.contract import (
    Board,
    BoardColumn,
    BoardUnavailable,
    Contract,
    ContractBroken,
)
from syncflow_dagster.nodes.monday.preflight import (
    Severity,
    board_faults,
    call_faults,
    capacity_faults,
    place_of,
)
from syncflow_dagster.nodes.monday.preflight_pin import (
    as_pinned,
    pin_faults,
    pin_path,
    read_pin,
    write_pin,
)
from syncflow_dagster.nodes.monday.preflight_watch import CHANGED, ContractWatch
from syncflow_dagster.nodes.monday.proposal import column_lines, proposal_lines, propose
from syncflow_dagster.workflows.models.monday import ItemMapping

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


def faults(contract, node=NODE):
    return list(board_faults(node, AT, contract))


def without_labels(contract, column_id, *gone, subitems=False):
    board = contract.subitems if subitems else contract.board
    column = board.columns[column_id]
    left = tuple(label for label in column.labels if label not in gone)
    return with_column(contract, column_id, replace(column, labels=left), subitems=subitems)


ON_DELETE = {**ITEM_MAPPING, "on_delete": {"policy": "status", "column": "state", "label": "Lost"}}
#: What is planted, and how it is named: kind, place in the node, and words of the text.
PLANTED = [
    (
        lambda c: with_board(c, state="archived"),
        NODE,
        ("board_not_active", "board_id", "the board is archived; restore it"),
    ),
    (
        lambda c: replace(c, subitems=replace(c.subitems, state="deleted")),
        NODE,
        ("board_not_active", "board_id", "the subitems' board is deleted"),
    ),
    (
        lambda c: with_board(c, access="view"),
        NODE,
        ("view_only", "board_id", "the token's user may only view the board"),
    ),
    (
        lambda c: with_column(c, "due", None),
        NODE,
        ("no_column", "items.columns.2.column", "the board has no column 'due'"),
    ),
    (
        lambda c: with_column(c, "record_uuid", None),
        NODE,
        ("no_column", "items.key_column", "the board has no column 'record_uuid'"),
    ),
    (
        lambda c: with_column(c, "amount", BoardColumn("Amount", "text")),
        NODE,
        ("wrong_type", "items.columns.1.column", "is of type text, not numbers; write type: text"),
    ),
    (
        lambda c: with_column(c, "amount", BoardColumn("Amount", "formula")),
        NODE,
        ("not_writable", "items.columns.1.column", "a formula column cannot be written"),
    ),
    (
        lambda c: with_column(c, "state", BoardColumn("State", "dropdown", ("Open",))),
        NODE,
        ("wrong_type", "items.statuses.0.column", "dropdown, not status; name a status column"),
    ),
    (
        lambda c: without_labels(c, "state", "Done"),
        NODE,
        (
            "no_label",
            "items.statuses.0.labels.D",
            "column 'state' of the board has no label 'Done'",
        ),
    ),
    (
        lambda c: c,
        node_with(items=ON_DELETE),
        ("no_label", "items.on_delete.label", "has no label 'Lost'"),
    ),
    (
        lambda c: replace(c, subitems=None),
        NODE,
        ("no_subitem_board", "subitems", "add one subitem by hand"),
    ),
    (
        lambda c: with_column(c, "qty", None, subitems=True),
        NODE,
        ("no_column", "subitems.columns.0.column", "the subitems' board has no column 'qty'"),
    ),
    (
        lambda c: c,
        node_with(items={**ITEM_MAPPING, "key_column": "Title"}),
        ("no_column", "items.key_column", "'Title' is a title; the id is 'title'"),
    ),
]


def named(fault):
    return fault.kind, ".".join(map(str, fault.finding.loc[2:])), str(fault)


@pytest.mark.parametrize(("plant", "node", "expected"), PLANTED)
def test_each_planted_fault_is_named_at_its_place_and_nothing_else_is(plant, node, expected):
    (fault,) = faults(plant(fitting()), node)
    kind, place, text = named(fault)
    assert (kind, place) == expected[:2]
    assert expected[2] in text
    assert fault.severity is Severity.ERROR


def test_a_board_that_fits_has_no_faults():
    assert faults(fitting()) == []


def test_all_faults_are_told_at_once():
    """Ten of them, on one pair of boards."""
    contract = with_board(fitting(), state="archived", access="view")
    for name in ("title", "due", "record_uuid"):
        contract = with_column(contract, name, None)
    contract = with_column(contract, "amount", BoardColumn("Amount", "mirror"))
    contract = with_column(contract, "email", BoardColumn("E-mail", "text"))
    contract = without_labels(contract, "state", "Open", "Done")
    contract = with_column(contract, "qty", None, subitems=True)
    kinds = sorted(one.kind for one in faults(contract))
    assert len(kinds) == 10
    assert kinds == sorted(
        ["board_not_active", "view_only", "not_writable", "wrong_type"]
        + 4 * ["no_column"]
        + 2 * ["no_label"]
    )


def test_a_label_that_may_be_dropped_is_only_a_warning():
    status = {**ITEM_MAPPING["statuses"][0], "on_invalid": "drop"}
    node = node_with(items={**ITEM_MAPPING, "statuses": [status]})
    (fault,) = faults(without_labels(fitting(), "state", "Done"), node)
    assert (fault.kind, fault.severity) == ("no_label", Severity.WARNING)


@pytest.mark.parametrize(
    ("items", "new", "expected"),
    [
        (10_000, 1, (Severity.ERROR, "10,000 of 10,000 items, and 1 more are to be made: 1 too")),
        (9_990, 12, (Severity.ERROR, "2 too many")),
        (9_988, 12, (Severity.WARNING, "9,988 of 10,000 items; 12 more come")),
        (8_988, 12, None),
    ],
)
def test_room_on_the_board_is_compared_with_what_is_to_be_made(items, new, expected):
    contract = with_board(fitting(), items=items)
    found = list(capacity_faults(AT, contract, {"create_item": new, "create_subitem": 8_000}))
    assert [one.severity for one in found] == ([expected[0]] if expected else [])
    assert expected is None or expected[1] in str(found[0])


def test_the_subitems_board_has_a_room_of_its_own():
    contract = replace(fitting(), subitems=replace(fitting().subitems, items=9_999))
    (fault,) = capacity_faults(AT, contract, {"create_item": 2, "create_subitem": 2})
    assert fault.severity is Severity.ERROR
    assert "the subitems' board holds 9,999" in str(fault)
    unknown = with_board(fitting(), items=None, items_limit=None)
    assert list(capacity_faults(AT, unknown, {"create_item": 99_999})) == []


@pytest.mark.parametrize(
    ("left", "severities"),
    [(None, []), (40, []), (39, [Severity.WARNING]), (0, [Severity.ERROR])],
)
def test_daily_calls_are_compared_with_the_plan(left, severities):
    found = list(call_faults(AT, left, 40))
    assert [one.severity for one in found] == severities
    assert all("daily calls are left, and the plan needs at least 40" in str(one) for one in found)


# The pinned contract.


def pinned(contract=None, node=NODE):
    return as_pinned(node, contract or fitting())


DRIFTS = [
    (lambda c: with_column(c, "due", None), True, "column 'due' ('Due') is gone"),
    (
        lambda c: with_column(c, "amount", BoardColumn("Amount", "text")),
        True,
        "column 'amount' was of type numbers, now it is text",
    ),
    (lambda c: without_labels(c, "state", "Gone"), True, "label 'Gone' of column 'state' is gone"),
    (
        lambda c: with_column(c, "state", replace(c.board.columns["state"], labels=("Open",))),
        True,
        "label 'Done' of column 'state' is gone",
    ),
    (
        lambda c: replace(c, subitems=replace(c.subitems, board_id="9")),
        True,
        "the subitems' board was 501, now there is 9",
    ),
    (lambda c: replace(c, subitems=None), True, "the subitems' board was 501, now there is none"),
    (lambda c: with_board(c, name="Old"), False, "board 500 was called 'Orders', now 'Old'"),
    (
        lambda c: with_column(c, "due", BoardColumn("Due date", "date")),
        False,
        "column 'due' was titled 'Due', now 'Due date'",
    ),
    (
        lambda c: with_column(c, "new", BoardColumn("New", "text")),
        False,
        None,
    ),
]


@pytest.mark.parametrize(("change", "breaks", "text"), DRIFTS)
def test_a_drift_from_the_pin_is_named_and_only_what_breaks_is_an_error(change, breaks, text):
    found = list(pin_faults(NODE, AT, pinned(), change(fitting())))
    wanted = Severity.ERROR if breaks else Severity.WARNING
    texts = [one.finding.message for one in found if one.severity is wanted]
    assert texts[:1] == ([f"since it was pinned: {text}"] if text else [])
    assert {one.severity for one in found} <= {wanted}


def test_another_board_or_another_mapping_is_no_drift():
    assert list(pin_faults(NODE, AT, None, fitting())) == []
    moved = with_board(fitting(), board_id="600")
    (fault,) = pin_faults(NODE, AT, pinned(), moved)
    assert fault.severity is Severity.WARNING
    less = node_with(items={**ITEM_MAPPING, "columns": ITEM_MAPPING["columns"][:1]})
    assert list(pin_faults(less, AT, pinned(), fitting())) == []
    found = list(pin_faults(NODE, AT, pinned(node=less), fitting()))
    assert "column 'due' was not pinned" in "".join(map(str, found))
    assert {one.severity for one in found} == {Severity.WARNING}


def test_a_pin_is_read_as_it_was_written_and_holds_no_secret(tmp_path):
    path = pin_path(tmp_path / "orders.yaml")
    assert path.name == "orders.contract.json"
    assert read_pin(path) is None
    write_pin(path, "orders", {"push": pinned()})
    assert read_pin(path).nodes["push"] == pinned()
    text = path.read_text()
    assert "sandbox-personal" not in text
    assert "http" not in text
    columns = json.loads(text)["nodes"]["push"]["board"]["columns"]
    assert columns["state"] == {
        "title": "State",
        "type": "status",
        "labels": ["Open", "Done", "Gone"],
    }


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "workflow": "x", "nodes": {}}'])
def test_a_file_that_is_no_pin_is_said_to_be_none(tmp_path, text):
    path = tmp_path / "orders.contract.json"
    path.write_text(text)
    with pytest.raises(ContractBroken, match="is no pinned contract"):
        read_pin(path)


# The watch.


def effect(number=1, column="state", label="Open", **more):
    payload = {"columns": {column: {"label": label}}, "subitem": False} | more
    return Effect(number, f"key{number}", "set_status", "object", False, payload, "77", None)


def refused(code, column=None, column_type=None):
    data = {"column_id": column, "column_type": column_type} if column else {}
    return {"message": "no", "extensions": {"code": code, "error_data": data}}


class Reads:
    """Answers with one contract after the other, and counts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.times = 0

    def __call__(self):
        self.times += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


MISSING = refused("ColumnValueException", "state", "color")


def examined(read, error=MISSING, outcome=None, one=None):
    one = one or effect()
    watch = ContractWatch(NODE, fitting(), read)
    return watch.examine([one], {1: error}, {1: outcome or Reject("no")})[1]


def test_a_label_that_was_there_stops_the_push_by_its_name():
    read = Reads(without_labels(fitting(), "state", "Open"))
    assert examined(read) == Stop(f"{CHANGED}: label 'Open' of column 'state' is gone")
    assert read.times == 1


def test_a_label_that_never_was_there_is_the_record_s_own_and_nothing_is_read():
    read = Reads(fitting())
    assert examined(read, one=effect(label="Nonsense")) == Reject("no")
    assert read.times == 0


def test_a_label_that_may_be_dropped_stops_nothing():
    read = Reads(without_labels(fitting(), "state", "Open"))
    amended = Retry("dropped", payload={})
    assert examined(read, outcome=amended) == amended
    assert read.times == 0


@pytest.mark.parametrize(
    ("error", "now", "text"),
    [
        (
            refused("InvalidColumnIdException", "state"),
            lambda c: with_column(c, "state", None),
            "column 'state' ('State') is gone",
        ),
        (
            refused("ColumnValueException", "state", "dropdown"),
            lambda c: with_column(c, "state", BoardColumn("State", "dropdown", ())),
            "column 'state' was of type status, now it is dropdown",
        ),
        (
            refused("InvalidBoardIdException"),
            lambda c: with_board(c, state="archived"),
            "board 500 ('Orders') is archived",
        ),
        (
            refused("UserUnauthorizedException"),
            lambda c: with_board(c, access="view"),
            "the token's user may only view board 500 ('Orders')",
        ),
        (
            refused("InvalidGroupIdException"),
            lambda c: with_board(c, groups={}),
            "group 'Topics' (topics) is gone",
        ),
    ],
)
def test_each_change_of_the_board_stops_with_its_name(error, now, text):
    one = replace(effect(), parent_id="topics")
    outcome = examined(Reads(now(fitting())), error, one=one)
    assert outcome == Stop(f"{CHANGED}: {text}")


def test_an_unchanged_board_leaves_the_outcomes_and_is_not_read_again_for_the_same():
    """An old name of a type is learnt by one look at the board."""
    read = Reads(fitting())
    watch = ContractWatch(NODE, fitting(), read)
    error = refused("ColumnValueException", "due", "daterange")
    for number in range(3):
        one = effect(number, "due", None, columns={"due": {"date": "x"}})
        assert watch.examine([one], {number: error}, {number: Reject("bad")}) == {
            number: Reject("bad")
        }
    assert read.times == 1
    retyped = refused("ColumnValueException", "due", "text")
    read.answers = [with_column(fitting(), "due", BoardColumn("Due", "text"))]
    one = effect(9, "due", None, columns={"due": {"date": "x"}})
    assert isinstance(watch.examine([one], {9: retyped}, {9: Reject("bad")})[9], Stop)


def test_what_went_well_keeps_its_outcome_beside_what_stops():
    watch = ContractWatch(NODE, fitting(), Reads(without_labels(fitting(), "state", "Open")))
    outcomes = {1: Done("5"), 2: Reject("no"), 3: Reject("too long"), 4: Unknown("?")}
    errors = {2: MISSING, 3: refused("ItemNameTooLongException"), 4: refused("Whatever")}
    judged = watch.examine([effect(number) for number in outcomes], errors, outcomes)
    assert isinstance(judged.pop(2), Stop)
    assert judged == {number: outcomes[number] for number in (1, 3, 4)}


def test_a_board_that_cannot_be_read_again_costs_no_record():
    gone = BoardUnavailable(Stop("board 500 does not exist"))
    assert examined(Reads(gone)) == Stop(f"{CHANGED}: board 500 does not exist")
    outcome = examined(Reads(BoardUnavailable(Unknown("HTTP 500"))))
    assert isinstance(outcome, Retry)
    assert outcome.payload is None
    stop = Stop("not allowed")
    error = refused("UserUnauthorizedException")
    assert examined(Reads(BoardUnavailable(Unknown("HTTP 500"))), error, stop) == stop


# Columns to paste, and the proposal.

FIELDS = {
    "due": "date",
    "amount": "decimal",
    "e_mail": "text",
    "state": "text",
    "approvd": "boolean",
    "title": "integer",
    "colour": "text",
}


def test_columns_are_printed_as_yaml_with_ids_types_and_labels():
    board = with_column(fitting(), "calc", BoardColumn("Calc", "formula")).board
    lines = column_lines(board, "board")
    text = yaml.safe_load("\n".join(lines))
    assert {"field": "FIELD", "column": "amount", "type": "numbers"} in text["columns"]
    assert text["statuses"] == [{"field": "FIELD", "column": "state"}]
    assert any("'State'; labels: 'Open', 'Done', 'Gone'" in line for line in lines)
    assert lines[-1] == "# not to be written: calc ('Calc', formula)"


def test_a_proposal_is_a_valid_mapping_that_says_what_is_only_close():
    board = fitting().board
    mapping = NODE.items
    lines = list(proposal_lines("items", mapping, propose(mapping, FIELDS, board), board))
    made = yaml.safe_load("\n".join(lines))["items"]
    proposed = ItemMapping.model_validate(made)
    assert {(one.field, one.column, one.type) for one in proposed.columns} == {
        ("due", "due", "date"),
        ("amount", "amount", "numbers"),
        ("e_mail", "email", "email"),
        ("approvd", "approved", "checkbox"),
        ("title", "title", "text"),
    }
    assert [(one.field, one.column) for one in proposed.statuses] == [("state", "state")]
    (close,) = [line for line in lines if line.endswith("is it meant?")]
    assert "approvd" in close
    assert lines[-1] == "  # no column for colour"


def test_a_field_whose_type_the_column_cannot_take_is_told_and_left_out():
    board = fitting().board
    mapping = NODE.items
    found = propose(mapping, {"amount": "text", "due": "date"}, board)
    assert [one.column for one in found.matches] == ["due"]
    assert [(one.column, kind) for one, kind in found.unfit] == [("amount", "text")]
    lines = list(proposal_lines("items", mapping, found, board))
    assert any("does not fit: field amount (text) and column amount" in line for line in lines)
    assert [one["field"] for one in yaml.safe_load("\n".join(lines))["items"]["columns"]] == ["due"]


def test_titles_of_any_text_stay_within_their_comment():
    board = fitting().board
    odd = dict(board.columns)
    odd["yes"] = BoardColumn("Two\nlines # {a: b}", "text")
    odd["Text 1"] = BoardColumn("colour", "text")
    board = replace(board, columns=odd)
    read = yaml.safe_load("\n".join(column_lines(board, "board")))
    assert {"field": "FIELD", "column": "yes", "type": "text"} in read["columns"]
    found = propose(NODE.items, {"colour": "text"}, board)
    lines = "\n".join(proposal_lines("items", NODE.items, found, board))
    assert yaml.safe_load(lines)["items"]["columns"] == [
        {"field": "colour", "column": "Text 1", "type": "text"}
    ]
