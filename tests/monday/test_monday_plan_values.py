"""What the planner does with values that do not fit, without a board."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from monday_world import BOARD, ITEM_MAPPING, SUBITEM_MAPPING, workflow
from plan_cases import LIVE, kinds, line, planner, row

from syncflow_dagster.nodes.monday.keys import group_key
from syncflow_dagster.nodes.monday.plan import ITEMS, STATUSES, Planner
from syncflow_dagster.nodes.monday.values import account_options

LINKS = {"field": "title", "column": "links", "type": "board_relation", "separator": ";"}


def mapped(*columns, **others):
    return {"items": {**ITEM_MAPPING, "columns": list(columns), **others}}


def dropping(column_type, field="email"):
    return {"field": field, "column": field, "type": column_type, "on_invalid": "drop"}


def test_a_dropped_value_is_left_out_and_remarked_on_the_row_s_own_effect():
    plan = planner(**mapped(dropping("email"))).plan(row(values={"email": "nobody"}))
    assert kinds(plan) == ["create_group", "create_item", "set_status"]
    group, item, status = plan.effects
    assert set(item.payload["columns"]) == set(item.payload["shown"]) == {"record_uuid"}
    told = "column email dropped: 'nobody' is not an e-mail address"
    assert item.payload["remark"] == plan.reason == told
    assert "remark" not in group.payload
    assert "remark" not in status.payload


def test_what_fits_may_still_be_dropped_later_by_monday():
    plan = planner(**mapped(dropping("email"), *ITEM_MAPPING["columns"][:2])).plan(row())
    (item,) = [one for one in plan.effects if one.kind == "create_item"]
    assert item.payload["droppable"] == ["email"]
    assert plan.reason is None
    assert all("droppable" not in one.payload for one in planner().plan(row()).effects)


def test_a_change_of_nothing_but_dropped_values_is_settled_with_its_reason():
    changed = row("UPDATE", changed=["email"], values={"email": "nobody"})
    plan = planner(LIVE, **mapped(dropping("email"))).plan(changed)
    assert plan.effects == []
    assert plan.settled
    assert plan.rejected is None
    assert plan.reason == "column email dropped: 'nobody' is not an e-mail address"


def test_a_move_tells_of_dropped_values_that_have_no_effect_of_their_own():
    changed = row("UPDATE", changed=["email", "customer_name"], values={"email": "nobody"})
    (move,) = planner(LIVE, **mapped(dropping("email"))).plan(changed).effects
    assert (move.kind, "dropped" in move.payload["remark"]) == ("move_item", True)


def test_one_rejected_column_outweighs_dropped_ones():
    email = {"field": "email", "column": "email", "type": "email"}
    plan = planner(**mapped(dropping("numbers", "title"), email)).plan(
        row(values={"email": "nobody"})
    )
    assert plan.reason == plan.rejected
    assert "'nobody' is not an e-mail address" in plan.rejected
    assert plan.adjustments == []


def test_links_are_an_effect_of_the_last_pass_of_their_own():
    plan = planner(**mapped(LINKS)).plan(row(values={"title": "5;6"}))
    assert kinds(plan) == ["create_group", "create_item", "set_links", "set_status"]
    create, links = plan.effects[1:3]
    assert (create.pass_number, links.pass_number) == (ITEMS, STATUSES)
    assert set(create.payload["columns"]) == {"record_uuid"}
    assert links.payload["columns"] == {"links": {"item_ids": [5, 6]}}
    assert links.object_key == create.object_key


def test_links_that_are_not_there_are_no_effect_of_a_new_item_but_clear_an_older_one():
    nothing = row(values={"title": None})
    assert "set_links" not in kinds(planner(**mapped(LINKS)).plan(nothing))
    cleared = row("UPDATE", changed=["title"], values={"title": None})
    (links,) = [
        one
        for one in planner(LIVE, **mapped(LINKS, name="{number}")).plan(cleared).effects
        if one.kind == "set_links"
    ]
    assert (links.payload["columns"], links.payload["shown"]) == ({"links": None}, {"links": ""})


def test_links_of_a_line_are_written_in_the_last_pass_too():
    column = {"field": "qty", "column": "links", "type": "dependency"}
    mapping = {**SUBITEM_MAPPING, "columns": [column]}
    node = workflow(subitems=mapping).node("push")
    plan = Planner(node, node.subitems, {}).plan(line())
    assert kinds(plan) == ["create_subitem", "set_links", "set_status"]


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE"])
def test_a_group_s_title_that_is_cut_is_told(operation):
    long = "x" * 256
    changed = row(operation, changed=["customer_name"], values={"customer_name": long})
    plan = planner(LIVE if operation == "UPDATE" else {}).plan(changed)
    assert plan.effects[0].object_key == group_key(BOARD, long)
    (told,) = plan.adjustments
    assert (told.column, told.rule) == ("group", "truncate")
    assert "the group's title has 256 characters; monday takes 255" in plan.reason


def test_a_title_that_fits_is_not_told():
    assert planner().plan(row(values={"customer_name": " x " * 200})).adjustments != []
    assert planner().plan(row(values={"customer_name": "x" * 255 + "  "})).adjustments == []


def test_a_moment_s_hour_is_the_account_s():
    made = workflow(
        monday={"timezone": "Asia/Tokyo", "week_starts": "sunday"},
        **mapped(
            {"field": "due", "column": "at", "type": "hour"},
            {"field": "due", "column": "week", "type": "week"},
        ),
    )
    node, account = made.node("push"), account_options(made.connections["monday"])
    moment = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
    plan = Planner(node, node.items, {}, {}, account).plan(row(values={"due": moment}))
    columns = plan.effects[1].payload["columns"]
    assert columns["at"] == {"hour": 3, "minute": 30}
    assert columns["week"]["week"] == {"startDate": "2026-11-22", "endDate": "2026-11-28"}


def test_a_name_is_cut_on_a_change_too():
    changed = row("UPDATE", changed=["title"], values={"title": "y" * 400})
    (change,) = planner(LIVE, **mapped(long_name="truncate")).plan(changed).effects
    assert len(change.payload["columns"]["name"]) == 255
    assert change.payload["columns"] == change.payload["shown"]
    assert "column name truncated" in change.payload["remark"]


def test_a_moment_of_no_year_rejects_its_record_and_no_other():
    # Once, an OverflowError ended the whole plan, in every run.
    column = {"field": "due", "column": "at", "type": "hour"}
    made = workflow(monday={"timezone": "Asia/Tokyo"}, **mapped(column))
    node, account = made.node("push"), account_options(made.connections["monday"])
    moment = datetime.max.replace(tzinfo=UTC)
    plan = Planner(node, node.items, {}, {}, account).plan(row(values={"due": moment}))
    assert "due → column at (hour): '9999-12-31 23:59+00:00' is not in the" in plan.rejected


def test_a_new_item_is_written_without_its_empty_columns_and_an_older_one_is_cleared():
    nothing = {"amount": None, "email": None, "approved": False, "due": None, "title": ""}
    columns = [
        {"field": "amount", "column": "amount", "type": "numbers"},
        {"field": "email", "column": "colour", "type": "color_picker"},
        {"field": "approved", "column": "approved", "type": "checkbox"},
        {"field": "title", "column": "notes", "type": "text"},
    ]
    given = mapped(*columns, name="{number}")
    (create,) = [one for one in planner(**given).plan(row(values=nothing)).effects if one.creates][
        1:
    ]
    assert set(create.payload["columns"]) == set(create.payload["shown"]) == {"record_uuid"}
    changed = row("UPDATE", changed=sorted(nothing), values=nothing)
    (change,) = planner(LIVE, **given).plan(changed).effects
    assert change.payload["columns"] == {
        "amount": None,
        "colour": None,
        "approved": None,
        "notes": "",
    }


def numbered(on_invalid):
    status = {"field": "status", "column": "status", "on_invalid": on_invalid}
    return mapped(statuses=[status])


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE"])
def test_a_status_of_digits_follows_its_column_s_rule(operation):
    changed = row(operation, changed=["status"], values={"status": "2"})
    presence = LIVE if operation == "UPDATE" else {}
    plan = planner(presence, **numbered("reject")).plan(changed)
    told = "'2' may be taken for the number of a label; give the label a letter"
    assert plan.rejected == f"status → column status (status): {told}"
    plan = planner(presence, **numbered("drop")).plan(changed)
    assert plan.rejected is None
    assert "set_status" not in kinds(plan)
    assert plan.reason == f"column status dropped: {told}"


def test_a_value_of_digits_that_has_a_label_is_a_status_like_any_other():
    status = {"field": "status", "column": "status", "labels": {"2": "Done"}}
    plan = planner(LIVE, **mapped(statuses=[status])).plan(
        row("UPDATE", changed=["status"], values={"status": "2"})
    )
    assert plan.effects[0].payload["columns"] == {"status": {"label": "Done"}}


def test_columns_name_links_and_statuses_that_are_wrong_are_named_together():
    given = mapped({"field": "email", "column": "email", "type": "email"}, LINKS, name="{number}")
    given["items"]["statuses"] = numbered("reject")["items"]["statuses"]
    wrong = {"email": "nobody", "title": "SO-2", "number": "x" * 256, "status": "5"}
    told = (
        "'nobody' is not an e-mail address; ",
        "the item's name has 256 characters; monday takes 255: ",
        "'SO-2' is not the id of a monday item: a whole number; ",
        "'5' may be taken for the number of a label",
    )
    for presence, operation in (({}, "INSERT"), (LIVE, "UPDATE")):
        rejected = planner(presence, **given).plan(row(operation, values=wrong)).rejected
        assert [part in rejected for part in told] == [True] * 4, rejected


def test_a_name_of_many_emoji_is_cut_so_that_it_fits_by_any_count():
    emoji = row(values={"number": "👍" * 200, "title": ""})
    plan = planner(**mapped(name="{number}", long_name="truncate")).plan(emoji)
    (name,) = [one.payload["name"] for one in plan.effects if one.kind == "create_item"]
    assert name == "👍" * 127 + "…"
    assert "the item's name has 400 characters; monday takes 255" in plan.reason


def test_all_that_is_wrong_is_named_at_once():
    plan = planner().plan(row(values={"email": "nobody", "amount": Decimal("NaN")}))
    assert plan.rejected == (
        "amount → column amount (numbers): 'NaN' is not a finite number; "
        "email → column email (email): 'nobody' is not an e-mail address"
    )
