"""Every column type on a board of the sandbox: written, read back and cleared over HTTP."""

from __future__ import annotations

import itertools
import uuid

import pytest
from column_cases import CASES, SUNDAY_WEEK, TAKEN
from column_parts import LIST

from syncflow_dagster.core.outcomes import Done, Reject, Retry
from syncflow_dagster.ledger.ports import Absent, Effect, Found
from syncflow_dagster.nodes.monday.client import Answer, MondayClient
from syncflow_dagster.nodes.monday.columns import KINDS, cell
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.workflows.models import LINKING_TYPES, MondayConnection

BOARD = "700"
LABELS = {
    "status": ["Open", "Done", "7 days"],
    "dropdown": ["Spring", "Été 夏", "A, B", "A", "B", "7"],
}
SEED = {
    "boards": [
        {
            "id": BOARD,
            "name": "Columns",
            "key_column": "record_uuid",
            "groups": [{"id": "topics", "title": "Topics"}],
            "columns": [
                {"id": "record_uuid", "title": "Record", "type": "text"},
                *(
                    {"id": kind, "title": kind, "type": kind}
                    | ({"labels": LABELS[kind]} if kind in LABELS else {})
                    for kind in KINDS
                ),
            ],
            # What relations and dependencies link; the sandbox's first items have fixed ids.
            "items": [{"name": "One"}, {"name": "Two"}],
        }
    ]
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def control():
    with SandboxServer() as server:
        control = ControlClient(server.urls["control"])
        control.seed(SEED)
        # What is read may not depend on the zone of the account or the user who asks.
        control.settings(account_timezone="America/New_York")
        control.monday_url = server.urls["monday"]
        yield control
        control.close()


@pytest.fixture(scope="module")
def destination(control):
    connection = MondayConnection(
        type="monday", token="sandbox-personal", url=control.monday_url, settle_s=0
    )
    client = MondayClient(connection)
    for name in ("urgent", "late"):
        client.execute(f'mutation {{create_or_get_tag(tag_name: "{name}") {{id}}}}')
    yield MondayDestination(connection, 10, client=client)
    client.close()


def effect(kind, columns=None, shown=None, target=None, **more):
    record = str(uuid.uuid4())
    key = {} if target else {"record_uuid": record}
    return Effect(
        effect_id=next(_numbers),
        effect_key=record,
        kind=kind,
        object_key=record,
        creates=target is None,
        payload={
            "board_id": BOARD,
            "name": "An item",
            "columns": {**key, **(columns or {})},
            "shown": shown or {},
            "subitem": False,
            "record_uuid": record,
            "key_column": "record_uuid",
            **more,
        },
        target_id=target,
        parent_id="topics",
    )


def sent(destination, one):
    return destination.send([one], uuid.uuid4()).outcomes[one.effect_id]


def finding(destination, one):
    return destination.lookup([one]).findings[one.effect_id]


def made(destination, columns=None):
    outcome = sent(destination, effect("create_item", columns))
    assert isinstance(outcome, Done), outcome
    return outcome.remote_id


def change(kind, written, target, **more):
    return effect("change_item", {kind: written.value}, {kind: written.shown}, target, **more)


@pytest.mark.parametrize(("kind", "value", "options"), [one[:3] for one in TAKEN])
def test_what_is_written_is_found_as_it_was_written(destination, kind, value, options):
    written = cell(kind, value, options)
    if kind in LINKING_TYPES:
        same = change(kind, written, made(destination))
        assert finding(destination, same) == Absent()
        assert isinstance(sent(destination, same), Done)
    else:
        same = change(kind, written, made(destination, {kind: written.value}))
    assert finding(destination, same) == Found()


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_cleared_column_is_empty_and_found_so(destination, kind):
    value, options, *_ = CASES[kind].taken[0]
    filled = change(kind, cell(kind, value, options), made(destination))
    empty = change(kind, cell(kind, None), filled.target_id)
    assert finding(destination, empty) == Found()
    assert isinstance(sent(destination, filled), Done)
    assert finding(destination, empty) == Absent()
    assert isinstance(sent(destination, empty), Done)
    assert finding(destination, empty) == Found()
    assert finding(destination, filled) == Absent()


def two_values(kind):
    """Two cells of a type that differ, if there are cases for two."""
    cells = [cell(kind, value, options) for value, options, *_ in CASES[kind].taken]
    return cells[0], next((one for one in cells if one.shown != cells[0].shown), None)


@pytest.mark.parametrize("kind", [one for one in CASES if two_values(one)[1] is not None])
def test_another_value_is_not_taken_for_it(destination, kind):
    one, other = two_values(kind)
    first = change(kind, one, made(destination))
    assert isinstance(sent(destination, first), Done)
    assert finding(destination, change(kind, other, first.target_id)) == Absent()
    assert isinstance(sent(destination, change(kind, other, first.target_id)), Done)
    assert finding(destination, first) == Absent()


def test_most_types_have_two_values_to_tell_apart():
    assert sum(two_values(kind)[1] is not None for kind in CASES) >= 15


def test_the_account_s_week_is_taken(destination, control):
    value, options, *_ = SUNDAY_WEEK
    week = change("week", cell("week", value, options), made(destination))
    outcome = sent(destination, week)
    assert isinstance(outcome, Reject)
    assert "first day of the week" in outcome.reason
    control.settings(week_starts="sunday")
    try:
        assert isinstance(sent(destination, week), Done)
        assert finding(destination, week) == Found()
    finally:
        control.settings(week_starts="monday")


def test_several_changes_are_read_by_their_own_columns(destination):
    target = made(destination)
    both = [
        change("dropdown", cell("dropdown", "A;B", LIST), target),
        change("hour", cell("hour", "16:42"), target),
    ]
    assert isinstance(sent(destination, both[0]), Done)
    findings = destination.lookup(both).findings
    assert [findings[one.effect_id] for one in both] == [Found(), Absent()]


# --- what only monday knows to be wrong --------------------------------------------------------


UNKNOWN_PERSON = cell("people", 7)


def refused_payload(**more):
    columns = {"people": UNKNOWN_PERSON.value, "text": "kept"}
    shown = {"people": UNKNOWN_PERSON.shown, "text": "kept"}
    return {"columns": columns, "shown": shown, **more}


def test_a_column_monday_refuses_is_dropped_where_the_rule_says_so(destination, control):
    target = made(destination)
    one = effect("change_item", target=target, **refused_payload(droppable=["text", "people"]))
    outcome = sent(destination, one)
    assert isinstance(outcome, Retry)
    assert outcome.payload["columns"] == outcome.payload["shown"] == {"text": "kept"}
    assert outcome.payload["droppable"] == ["text"]
    told = outcome.reason
    assert outcome.payload["remark"] == told
    assert told.startswith("column people dropped: monday refuses ")
    assert '"id": 7' in told
    assert "unable to assign person with id: 7" in told
    again = effect("change_item", target=target, **outcome.payload)
    assert isinstance(sent(destination, again), Done)
    assert finding(destination, again) == Found()


def test_what_was_adjusted_before_stays_told(destination):
    payload = refused_payload(droppable=["people"], remark="column notes truncated: too long")
    outcome = sent(destination, effect("change_item", target=made(destination), **payload))
    assert outcome.payload["remark"] == f"column notes truncated: too long; {outcome.reason}"


@pytest.mark.parametrize("droppable", [{}, {"droppable": ["text"]}])
def test_elsewhere_the_record_is_rejected_by_column_and_value(destination, droppable):
    payload = refused_payload(**droppable)
    outcome = sent(destination, effect("change_item", target=made(destination), **payload))
    assert isinstance(outcome, Reject)
    assert "unable to assign person with id: 7" in outcome.reason
    assert "column people" in outcome.reason


class Refuses:
    """A client whose first mutation monday refuses without a word on the column."""

    def __init__(self, **data):
        extensions = {"code": "ColumnValueException", "error_data": data}
        self.error = {"message": "invalid value", "path": ["e0"], "extensions": extensions}

    def execute(self, *_, **__):
        return Answer(200, {"e0": None}, [self.error], {})


@pytest.mark.parametrize("data", [{}, {"column_id": None}, {"column_id": "elsewhere"}])
def test_a_refusal_that_names_no_column_of_the_write_drops_none(data):
    connection = MondayConnection(type="monday", token="t", settle_s=0)
    silent = MondayDestination(connection, 10, client=Refuses(**data))
    payload = refused_payload(droppable=["people", "text"])
    outcome = sent(silent, effect("change_item", target="1", **payload))
    assert isinstance(outcome, Reject)
    assert "invalid value" in outcome.reason
