"""The planner, pure: what each delta row comes to, given what is known of the board."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from monday_world import BOARD, ITEM_MAPPING, SUBITEM_MAPPING, workflow
from plan_cases import ACME, ITEM, LINE, LIVE, ORDER, SUBITEM, VALUES, kinds, line, planner, row

from syncflow_dagster.nodes.monday.keys import group_key
from syncflow_dagster.nodes.monday.plan import (
    ITEMS,
    STATUSES,
    SUBITEMS,
    Planner,
    Presence,
)

# --- new records ---------------------------------------------------------------------------


def test_a_new_record_is_a_group_an_item_and_its_statuses():
    plan = planner().plan(row())
    group, item, status = plan.effects
    assert kinds(plan) == ["create_group", "create_item", "set_status"]
    assert [one.pass_number for one in plan.effects] == [ITEMS, ITEMS, STATUSES]
    assert [one.object_key for one in plan.effects] == [ACME, ITEM, ITEM]
    assert [one.creates for one in plan.effects] == [True, True, False]
    assert item.parent_key == ACME
    assert item.payload["name"] == "SO-1 Shirt"
    assert item.payload["columns"] == {
        "record_uuid": str(ORDER),
        "title": "Shirt",
        "amount": "12.5",
        "due": {"date": "2026-12-01"},
        "approved": {"checked": "true"},
        "email": {"email": "a@b.de", "text": "a@b.de"},
    }
    assert item.payload["shown"]["record_uuid"] == str(ORDER)
    assert status.payload["columns"] == {"state": {"label": "Open"}}
    assert status.payload["shown"] == {"state": "Open"}
    assert group.payload == {"title": "ACME", "label": "ACME", "board_id": BOARD}
    assert (group.delta_id, item.delta_id, item.delta_table) == (None, 7, "orders_delta")
    assert (plan.settled, plan.rejected, plan.retires) == (None, None, False)


@pytest.mark.parametrize("presence", [Presence.LIVE, Presence.COMING])
def test_a_group_that_is_there_or_on_its_way_is_not_made(presence):
    assert kinds(planner({ACME: presence}).plan(row())) == ["create_item", "set_status"]


def test_a_new_line_is_a_subitem_below_its_item():
    plan = planner(subitems=True).plan(line())
    create, status = plan.effects
    assert kinds(plan) == ["create_subitem", "set_status"]
    assert (create.pass_number, status.pass_number) == (SUBITEMS, STATUSES)
    assert create.parent_key == ITEM
    assert create.payload["subitem"] is True
    assert create.payload["columns"] == {"record_uuid": str(LINE), "qty": "5"}
    # A value without a label of its own is sent as it is.
    assert status.payload["columns"] == {"stage": {"label": "Cut"}}


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE"])
@pytest.mark.parametrize("empty", [None, ""])
def test_a_status_that_is_empty_from_the_start_is_no_effect(operation, empty):
    plan = planner().plan(row(operation, values={"status": empty}))
    assert kinds(plan) == ["create_group", "create_item"]


def test_a_change_of_something_that_never_arrived_makes_it_whole():
    plan = planner().plan(row("UPDATE", changed=["amount"]))
    assert kinds(plan) == ["create_group", "create_item", "set_status"]
    assert plan.effects[1].payload["columns"]["title"] == "Shirt"


def test_what_is_leaving_is_made_anew():
    plan = planner({ITEM: Presence.LEAVING, ACME: Presence.LIVE}, {ITEM: 1}).plan(row(generation=2))
    assert kinds(plan) == ["create_item", "set_status"]
    assert plan.effects[0].generation == 2
    assert plan.makes_item_again


def test_a_life_is_counted_by_whoever_counted_more():
    def generation(record, lived):
        plan = planner({ACME: Presence.LIVE}, {ITEM: lived}).plan(row(generation=record))
        return plan.effects[0].generation

    assert [generation(1, 0), generation(3, 0), generation(1, 4), generation(2, 1)] == [1, 3, 5, 2]


def test_a_first_life_has_no_children_to_bring_back():
    assert not planner().plan(row()).makes_item_again
    assert not planner(subitems=True).plan(line(generation=3)).makes_item_again
    assert not planner(LIVE).plan(row(generation=3)).makes_item_again


def test_a_group_that_is_gone_from_the_board_gets_another_life():
    group = planner(lives={ACME: 2}).plan(row()).effects[0]
    assert (group.kind, group.generation) == ("create_group", 3)


# --- changes -------------------------------------------------------------------------------


@pytest.mark.parametrize("presence", [Presence.LIVE, Presence.COMING])
def test_only_what_changed_is_written(presence):
    plan = planner({ITEM: presence, ACME: Presence.LIVE}).plan(row("UPDATE", changed=["amount"]))
    (change,) = plan.effects
    assert change.kind == "change_item"
    assert not change.creates
    assert change.payload["columns"] == {"amount": "12.5"}
    assert change.payload["shown"] == {"amount": "12.5"}


def test_a_field_of_the_name_renames():
    (change,) = planner(LIVE).plan(row("UPDATE", changed=["number"])).effects
    assert change.payload["columns"] == {"name": "SO-1 Shirt"}
    assert change.payload["shown"] == {"name": "SO-1 Shirt"}


def test_a_field_of_the_group_moves_and_makes_the_group():
    changed = row("UPDATE", changed=["customer_name"], values={"customer_name": "Beta"})
    plan = planner(LIVE).plan(changed)
    group, move = plan.effects
    assert kinds(plan) == ["create_group", "move_item"]
    assert group.object_key == move.parent_key == group_key(BOARD, "Beta")
    assert (move.object_key, move.pass_number) == (ITEM, ITEMS)


def test_a_move_to_a_group_that_is_there_is_only_a_move():
    presence = {**LIVE, group_key(BOARD, "Beta"): Presence.COMING}
    changed = row("UPDATE", changed=["customer_name"], values={"customer_name": "Beta"})
    assert kinds(planner(presence).plan(changed)) == ["move_item"]


def test_a_status_alone_is_one_effect_of_the_last_pass():
    changed = row("UPDATE", changed=["status"], values={"status": "D"})
    (status,) = planner(LIVE).plan(changed).effects
    assert (status.kind, status.pass_number) == ("set_status", STATUSES)
    assert status.payload["columns"] == {"state": {"label": "Done"}}


def test_a_status_taken_away_is_cleared():
    (status,) = (
        planner(LIVE).plan(row("UPDATE", changed=["status"], values={"status": None})).effects
    )
    assert status.payload["columns"] == {"state": None}
    assert status.payload["shown"] == {"state": ""}


def test_a_box_unchecked_is_cleared():
    changed = row("UPDATE", changed=["approved"], values={"approved": False})
    (change,) = planner(LIVE).plan(changed).effects
    assert change.payload["columns"] == {"approved": None}


def test_everything_at_once_keeps_its_order():
    values = {"customer_name": "Beta", "status": "D", "amount": Decimal(1)}
    plan = planner(LIVE).plan(row("UPDATE", changed=values, values=values))
    assert kinds(plan) == ["change_item", "create_group", "move_item", "set_status"]


def test_a_change_of_nothing_that_is_mapped_is_settled():
    plan = planner(LIVE).plan(row("UPDATE", changed=[]))
    assert (plan.effects, plan.settled) == ([], "no mapped field changed")
    plan = planner(LIVE, subitems=True).plan(line("UPDATE", changed=["customer_name"]))
    assert plan.settled


def test_a_line_that_changed_is_changed_on_the_board_of_subitems():
    (change,) = planner(LIVE, subitems=True).plan(line("UPDATE", changed=["qty"])).effects
    assert (change.kind, change.pass_number) == ("change_subitem", SUBITEMS)
    assert change.payload["columns"] == {"qty": "5"}
    assert change.payload["subitem"] is True


# --- records that go -----------------------------------------------------------------------

GONE = dict.fromkeys(VALUES) | {"number": "SO-1"}


def deleted(**others):
    return row("DELETE", changed=[], values=GONE, **others)


def deleted_line():
    return line("DELETE", changed=[], values={"qty": None, "stage": None})


@pytest.mark.parametrize("presence", [Presence.LIVE, Presence.COMING])
def test_a_record_that_goes_is_archived(presence):
    (archive,) = planner({ITEM: presence}).plan(deleted()).effects
    assert (archive.kind, archive.pass_number, archive.object_key) == ("archive_item", ITEMS, ITEM)


@pytest.mark.parametrize("presence", [{}, {ITEM: Presence.LEAVING}])
def test_what_is_not_there_need_not_go(presence):
    plan = planner(presence).plan(deleted())
    assert (plan.effects, plan.settled) == ([], "deleted before it reached the board")


def test_a_status_can_say_that_it_is_gone():
    rule = {"policy": "status", "column": "state", "label": "Gone"}
    plan = planner(LIVE, items={**ITEM_MAPPING, "on_delete": rule}).plan(deleted())
    (status,) = plan.effects
    assert (status.kind, status.pass_number) == ("set_status", STATUSES)
    assert status.payload["columns"] == {"state": {"label": "Gone"}}


def test_an_item_can_be_kept_as_it_is():
    mapping = {**ITEM_MAPPING, "on_delete": {"policy": "ignore"}}
    plan = planner(LIVE, items=mapping).plan(deleted())
    assert not plan.effects
    assert "keeps the item" in plan.settled


@pytest.mark.parametrize("parent", [Presence.LIVE, Presence.COMING, Presence.LEAVING])
def test_a_line_that_goes_is_archived_unless_its_item_is_quicker(parent):
    plan = planner({SUBITEM: Presence.LIVE, ITEM: parent}, subitems=True).plan(deleted_line())
    (archive,) = plan.effects
    assert (archive.kind, archive.pass_number) == ("archive_subitem", SUBITEMS)
    assert archive.payload["ends_with"] == ITEM
    assert not plan.retires


def test_a_line_whose_item_is_gone_is_gone_with_it():
    plan = planner({SUBITEM: Presence.LIVE}, subitems=True).plan(deleted_line())
    assert (plan.effects, plan.settled) == ([], "archived together with its item")
    assert plan.retires


# --- what can never be written ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"email": "nobody"}, "email → column email (email): 'nobody' is not an e-mail address"),
        ({"title": "x" * 251}, "the item's name has 256 characters; monday takes 255"),
        ({"title": None, "number": None}, "('{number} {title}') comes out empty"),
        ({"amount": Decimal("Infinity")}, "amount → column amount (numbers): "),
    ],
)
def test_what_cannot_be_written_is_dead_from_the_start_with_its_reason(values, reason):
    plan = planner().plan(row(values=values))
    (effect,) = plan.effects
    assert reason in plan.rejected
    assert effect.refused == plan.rejected
    assert (effect.kind, effect.object_key, effect.creates) == ("create_item", ITEM, True)
    assert effect.payload["label"] == "SO-1"


def test_a_refused_change_is_no_create():
    changed = row("UPDATE", changed=["email"], values={"email": "nobody"})
    (effect,) = planner(LIVE).plan(changed).effects
    assert (effect.kind, effect.creates) == ("change_item", False)
    assert effect.refused


def test_a_bad_value_that_did_not_change_stops_no_other_change():
    changed = row("UPDATE", changed=["amount"], values={"email": "nobody"})
    assert planner(LIVE).plan(changed).rejected is None


def test_a_refused_line_is_a_refused_subitem():
    mapping = {**SUBITEM_MAPPING, "name": "{stage}"}
    node = workflow(subitems=mapping).node("push")
    plan = Planner(node, node.subitems, {}).plan(line(values={"stage": None}))
    assert kinds(plan) == ["create_subitem"]
    assert "comes out empty" in plan.rejected


def test_a_name_of_255_emoji_is_not_too_long():
    plan = planner().plan(row(values={"number": "🧵" * 127, "title": "🪡" * 127}))
    assert plan.rejected is None
    assert len(plan.effects[1].payload["name"]) == 255


def test_a_moment_is_written_the_same_way_wherever_the_database_stands():
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    plan = planner().plan(row(values={"due": moment}))
    assert plan.effects[1].payload["columns"]["due"] == {"date": "2026-11-22", "time": "23:30:00"}
