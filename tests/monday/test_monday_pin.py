"""The pinned contract: what drifted from it is named, and only what breaks is an error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from monday_world import ITEM_MAPPING
from preflight_cases import (
    AT,
    NODE,
    fitting,
    node_with,
    with_board,
    with_column,
    without_labels,
)

from syncflow_dagster.nodes.monday.contract import (
    BoardColumn,
    ContractBroken,
)
from syncflow_dagster.nodes.monday.preflight import (
    Severity,
)
from syncflow_dagster.nodes.monday.preflight_pin import (
    as_pinned,
    pin_faults,
    pin_path,
    read_pin,
    write_pin,
)


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


def test_a_pin_by_a_type_s_old_name_is_no_drift():
    columns = dict(pinned().board.columns)
    columns["amount"] = columns["amount"].model_copy(update={"type": "numeric"})
    before = pinned()
    before = before.model_copy(
        update={"board": before.board.model_copy(update={"columns": columns})}
    )
    assert list(pin_faults(NODE, AT, before, fitting())) == []


def test_a_pin_that_cannot_be_written_to_its_end_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "orders.contract.json"
    write_pin(path, "orders", {"push": pinned()})

    def full(self, text, **_):
        with self.open("w") as file:
            file.write(text[:20])
        raise OSError("disk full")

    monkeypatch.setattr(type(path), "write_text", full)
    with pytest.raises(OSError, match="disk full"):
        write_pin(path, "orders", {})
    monkeypatch.undo()
    assert read_pin(path).nodes["push"] == pinned()
