"""What changes that were refused for a changed board keep a push from beginning for."""

from __future__ import annotations

import pytest
from monday_world import ITEM_MAPPING
from preflight_cases import NODE, WORKFLOW, fitting, node_with, without_labels

from syncflow_dagster.nodes.monday.preflight import Severity
from syncflow_dagster.nodes.monday.preflight_gate import Gate, labels_refused
from syncflow_dagster.nodes.monday.preflight_watch import CHANGED


def left(column, value, reason, changes=1, subitem=None):
    row = {"subitem": subitem, "column_id": column, "value": value}
    return {**row, "reason": f"{CHANGED}: {reason}", "changes": changes}


GONE = "label 'Open' of column 'state' is gone"


class Ledger:
    """Answers with what changes wait for."""

    def __init__(self, *rows):
        self.rows = rows

    def fetch_all(self, *_):
        return list(self.rows)


def test_only_labels_that_the_reason_names_are_counted():
    rows = [
        left("state", {"label": "Open"}, GONE, 3),
        left("state", {"label": "Open"}, f"{GONE}; and more", 2),
        # The same column, another label; and another column of the same change.
        left("state", {"label": "Never there"}, GONE),
        left("tags", {"labels": ["Odd", "New"]}, GONE),
        left("state", {"label": "Open"}, "board 500 ('Orders') is archived", 9),
        left("title", "text", GONE),
    ]
    assert labels_refused(rows) == {(False, "state", "Open"): 5}


def lost(contract, *rows, node=NODE, workflow=WORKFLOW):
    gate = Gate(Ledger(*rows), workflow, node, None)
    return [one for one in gate.faults(contract) if one.kind == "label_lost"]


def test_a_label_the_board_never_had_does_not_keep_the_push_from_beginning():
    rows = [left("state", {"label": "Nonsense"}, "the token's user may only view board 500")]
    assert lost(fitting(), *rows) == []


@pytest.mark.parametrize(
    ("label", "words"),
    [
        # `Open` is named by the workflow file, `Gone` by records alone.
        ("Open", "name another label in the workflow file, take the board"),
        ("Gone", "and the records that want the label are refused"),
    ],
)
def test_a_lost_label_says_what_helps_for_it(label, words):
    contract = without_labels(fitting(), "state", label)
    reason = f"label {label!r} of column 'state' is gone"
    (fault,) = lost(contract, left("state", {"label": label}, reason, 1_200))
    assert fault.severity is Severity.ERROR
    assert str(fault).startswith(f"1,200 changes wait for label {label!r} of column 'state', ")
    assert words in str(fault)
    assert ("--full-resync" in str(fault)) is (label == "Open")


def test_a_lost_label_that_may_be_dropped_is_only_a_warning():
    status = {**ITEM_MAPPING["statuses"][0], "on_invalid": "drop"}
    node = node_with(items={**ITEM_MAPPING, "statuses": [status]})
    workflow = WORKFLOW.model_copy(update={"nodes": [node]})
    contract = without_labels(fitting(), "state", "Open")
    (fault,) = lost(contract, left("state", {"label": "Open"}, GONE), node=node, workflow=workflow)
    assert fault.severity is Severity.WARNING
