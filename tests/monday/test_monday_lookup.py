"""Looking up whether effects happened: against the sandbox, and with answers that lack a part."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace

import pytest
from monday_world import BOARD, SEED, SUB_BOARD

from syncflow_dagster.core.outcomes import Done
from syncflow_dagster.ledger.ports import Absent, Ambiguous, Effect, Found, Unreadable
from syncflow_dagster.nodes.monday.client import Answer, MondayClient, NoAnswer
from syncflow_dagster.nodes.monday.destination import MondayDestination
from syncflow_dagster.nodes.monday.lookup import LookupRun
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer
from syncflow_dagster.workflows.models import MondayConnection

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server():
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed(SEED)
        yield server


@pytest.fixture
def control(server):
    control = ControlClient(server.urls["control"])
    control.reset()
    yield control
    control.clear_faults()


@pytest.fixture
def destination(server, control):
    connection = MondayConnection(
        type="monday", token="sandbox-personal", url=server.urls["monday"], settle_s=0
    )
    destination = MondayDestination(connection, 100, SUB_BOARD, MondayClient(connection))
    yield destination
    destination.close()


def create(subitem=False, parent="topics", record=None):
    record = record or str(uuid.uuid4())
    columns = {"record_uuid": record}
    return Effect(
        effect_id=next(_numbers),
        effect_key=f"create:{next(_numbers)}",
        kind="create_subitem" if subitem else "create_item",
        object_key=record,
        creates=True,
        payload={
            "board_id": BOARD,
            "name": "An order",
            "columns": columns,
            "shown": columns,
            "subitem": subitem,
            "record_uuid": record,
            "key_column": "record_uuid",
        },
        target_id=None,
        parent_id=parent,
    )


def group(title):
    return Effect(
        effect_id=next(_numbers),
        effect_key=f"group:{title}:{next(_numbers)}",
        kind="create_group",
        object_key=title,
        creates=True,
        payload={"board_id": BOARD, "title": title, "label": title},
        target_id=None,
        parent_id=None,
    )


def later(kind, made, target, shown=None, parent=None):
    payload = {**made.payload, "columns": shown or {}, "shown": shown or {}}
    return replace(
        made,
        effect_id=next(_numbers),
        kind=kind,
        creates=False,
        payload=payload,
        target_id=target,
        parent_id=parent,
    )


def sent(destination, *effects):
    outcomes = destination.send(effects, uuid.uuid4()).outcomes
    assert all(isinstance(outcomes[one.effect_id], Done) for one in effects), outcomes
    return [outcomes[one.effect_id].remote_id for one in effects]


def finding(destination, effect):
    return destination.lookup([effect]).findings[effect.effect_id]


def test_a_group_is_found_by_its_title(destination):
    made = group("Ünïçode 客户 🏷")
    assert finding(destination, made) == Absent()
    (remote_id,) = sent(destination, made)
    assert finding(destination, made) == Found(remote_id)


def test_of_two_groups_with_one_title_one_is_taken(destination):
    twins = [group("ACME"), group("ACME")]
    ids = sent(destination, *twins)
    found = finding(destination, twins[0])
    assert isinstance(found, Found)
    assert found.remote_id in ids


def test_a_group_of_almost_the_same_title_is_another(destination):
    sent(destination, group("ACME"))
    assert finding(destination, group("Acme")) == Absent()
    assert finding(destination, group("ACM")) == Absent()


def test_a_subitem_is_found_on_the_board_of_subitems(destination):
    (parent,) = sent(destination, create())
    child, other = create(subitem=True, parent=parent), create(subitem=True, parent=parent)
    (remote_id,) = sent(destination, child)
    findings = destination.lookup([child, other]).findings
    assert findings == {child.effect_id: Found(remote_id), other.effect_id: Absent()}


def test_an_item_that_is_there_twice_is_for_a_person(destination):
    one = create()
    twin = create(record=one.payload["record_uuid"])
    ids = sent(destination, one, twin)
    found = finding(destination, one)
    assert isinstance(found, Ambiguous)
    assert all(remote_id in found.reason for remote_id in ids)


def test_an_item_whose_key_only_begins_alike_is_another(destination):
    one = create(record="abc")
    sent(destination, create(record="abcd"))
    assert finding(destination, one) == Absent()


def test_a_change_is_judged_by_all_it_shows(destination):
    made = create()
    (item,) = sent(destination, made)
    change = later("change_item", made, item, {"title": "New", "name": "Renamed"})
    assert finding(destination, change) == Absent()
    sent(destination, later("change_item", made, item, {"title": "New"}))
    assert finding(destination, change) == Absent()
    sent(destination, change)
    assert finding(destination, change) == Found()


def test_a_move_is_judged_by_the_group(destination):
    made = create()
    (item,), (acme,) = sent(destination, made), sent(destination, group("ACME"))
    move = later("move_item", made, item, parent=acme)
    assert finding(destination, move) == Absent()
    sent(destination, move)
    assert finding(destination, move) == Found()


def test_an_archiving_is_judged_by_the_state(destination):
    made = create()
    (item,) = sent(destination, made)
    archive = later("archive_item", made, item)
    assert finding(destination, archive) == Absent()
    sent(destination, archive)
    assert finding(destination, archive) == Found()


def test_a_change_of_an_item_that_is_nowhere_did_not_happen(destination):
    assert finding(destination, later("change_item", create(), "987654", {"title": "x"})) == (
        Absent()
    )


@pytest.mark.parametrize(("unknowns", "requests"), [(1, 1), (100, 1), (101, 2), (250, 3), (500, 5)])
def test_many_unknowns_take_few_requests(destination, control, unknowns, requests):
    effects = [create() for _ in range(unknowns)]
    if there := effects[: unknowns // 4]:
        sent(destination, *there)
    before = control.stats()["monday"]["requests"]
    lookup = destination.lookup(effects)
    assert control.stats()["monday"]["requests"] - before == lookup.requests == requests
    assert requests <= unknowns / 100 + 1
    found = [isinstance(lookup.findings[one.effect_id], Found) for one in effects]
    assert found == [number < unknowns // 4 for number in range(unknowns)]


def test_a_mixture_of_kinds_is_sorted_out(destination):
    parent, acme = create(), group("ACME")
    item, group_id = sent(destination, parent, acme)
    child = create(subitem=True, parent=item)
    change = later("change_item", parent, item, {"title": "New"})
    effects = [child, change, acme, parent, create()]
    findings = destination.lookup(effects).findings
    assert list(map(findings.get, [one.effect_id for one in effects])) == [
        Absent(),
        Absent(),
        Found(group_id),
        Found(item),
        Absent(),
    ]


def test_a_look_up_costs_no_more_than_was_reserved_for_it(destination, control):
    effects = [create() for _ in range(150)]
    used = control.stats()["monday"]["budget_used"].get("sandbox-personal")
    before = used["complexity"]["writes"]["total"] if used else 0
    destination.lookup(effects)
    total = control.stats()["monday"]["budget_used"]["sandbox-personal"]
    spent = total["complexity"]["writes"]["total"] - before
    assert 0 < spent <= destination.lookup_cost(effects)["complexityMinute"]


@pytest.mark.parametrize(
    ("fault", "after_s"),
    [
        ({"kind": "partial", "op": "items_page_by_column_values", "rate": 1}, None),
        ({"kind": "throttle", "rate": 1, "retry_in_s": 9}, 9),
        ({"kind": "error_before", "rate": 1}, None),
        ({"kind": "html_error", "rate": 1}, None),
        ({"kind": "lost_reply", "rate": 1}, None),
        ({"kind": "down"}, None),
    ],
)
def test_an_answer_that_lacks_a_part_is_never_read_as_absent(destination, control, fault, after_s):
    made = create()
    sent(destination, made)
    control.faults(fault)
    found = finding(destination, made)
    assert isinstance(found, Unreadable)
    assert found.reason
    assert found.after_s == after_s


class Script:
    """A client with answers of our own."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def execute(self, document, variables=None, idempotency_key=None):
        return self.answers.pop(0)


@pytest.mark.parametrize(
    "answer",
    [
        NoAnswer("cut", sent=True),
        Answer(200, {"q0": None}, [{"message": "broken"}], {}),
        Answer(200, {"q0": None}, [], {}),
        Answer(200, {}, [], {}),
        Answer(200, None, [{"message": "expired"}], {}),
        Answer(500, {"q0": {"items": []}}, [], {}),
    ],
)
def test_creates_stay_unknown_when_the_search_says_nothing(answer):
    effect = create()
    found = LookupRun(Script(answer), SUB_BOARD).run([effect]).findings[effect.effect_id]
    assert isinstance(found, Unreadable)


@pytest.mark.parametrize(
    "data",
    [{}, {"q0": None}, {"q0": []}, {"q0": [None]}, {"q0": [{"groups": None}]}],
)
def test_a_board_that_is_not_shown_says_nothing_of_its_groups(data):
    effect = group("ACME")
    run = LookupRun(Script(Answer(200, data, [], {})), SUB_BOARD).run([effect])
    assert isinstance(run.findings[effect.effect_id], Unreadable)


@pytest.mark.parametrize("data", [{}, {"q0": None}])
def test_changes_stay_unknown_when_no_items_are_shown(data):
    effect = later("change_item", create(), "1", {"title": "x"})
    run = LookupRun(Script(Answer(200, data, [], {})), SUB_BOARD).run([effect])
    assert isinstance(run.findings[effect.effect_id], Unreadable)


@pytest.mark.parametrize("said", [{"q1": None}, {}])
def test_an_unreadable_part_leaves_the_other_parts_readable(said):
    item, title = create(), group("ACME")
    groups = [{"groups": [{"id": "g1", "title": "ACME", "archived": False}]}]
    error = {"message": "no board", "path": ["q1", "items"]}
    answer = Answer(200, {"q0": groups, **said}, [error] if said else [], {})
    found = LookupRun(Script(answer), SUB_BOARD).run([item, title])
    assert found.findings[title.effect_id] == Found("g1")
    assert isinstance(found.findings[item.effect_id], Unreadable)
    assert found.requests == 1
