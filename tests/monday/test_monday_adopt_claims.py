"""What items say of their records, and what is left to write to an adopted one: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from monday_world import BOARD, ITEM_MAPPING, SUBITEM_MAPPING, workflow

from syncflow_dagster.core.adoption import claim
from syncflow_dagster.nodes.monday.adoption.board_items import BoardItem
from syncflow_dagster.nodes.monday.adoption.claims import Claims
from syncflow_dagster.nodes.monday.adoption.planning import (
    Mismatch,
    StandingItem,
    adoption_planner,
    plan_adopted,
)
from syncflow_dagster.nodes.monday.adoption.report import MappingReport
from syncflow_dagster.nodes.monday.columns import Options
from syncflow_dagster.nodes.monday.keys import group_key
from syncflow_dagster.nodes.monday.plan import DeltaRow, Presence

RECORD = UUID("0194c1d2-0000-8000-8000-000000000001")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def board_item(name="SO-1 Shirt", parent=None, **cells):
    return BoardItem("1", name, NOON, "ACME", parent, cells)


def items_claims(fields=(), **mapping):
    """The claims of orders' items; `fields` take the place of the node's of their names."""
    mine = {**ITEM_MAPPING, "columns": [{"field": "number", "column": "number"}], **mapping}
    loaded = workflow(items=mine)
    node = loaded.node("orders")
    changed = {one.name: one for one in fields}
    rules = [changed.get(rule.name, rule) for rule in node.fields]
    return Claims(node.model_copy(update={"fields": rules}), loaded.node("push").items, False)


def lines_claims(**mapping):
    columns = [*SUBITEM_MAPPING["columns"], {"field": "size", "column": "size"}]
    loaded = workflow(subitems={**SUBITEM_MAPPING, "columns": columns, **mapping})
    return Claims(loaded.node("lines"), loaded.node("push").subitems, True)


def says(claims, item, parent=None):
    (one,) = claims.of_items([item], [parent])
    return one if isinstance(one, str) else (one.how, one.says)


def test_the_record_id_counts_before_all_and_one_that_is_none_says_nothing():
    claims = items_claims()
    told = board_item(record_uuid=f" {str(RECORD).upper()} ", number="SO-9")
    assert says(claims, told) == ("id", claim("id", None, [RECORD.bytes]))
    odd = says(claims, board_item(record_uuid="row 17", number="SO-1"))
    assert odd == "its record id is 'row 17', which is none"


@pytest.mark.parametrize("shown", ["so-1", "  SO-1 ", "So-1\u00a0"])
def test_a_key_is_normalised_as_the_source_s_is(shown):
    number = items_claims().node.field("number").model_copy(update={"case": "upper"})
    claims = items_claims([number])
    assert says(claims, board_item(number=shown)) == ("key", claim("key", None, ["SO-1"]))


@pytest.mark.parametrize(
    ("kind", "shown", "value"),
    [
        ("integer", "0042", 42),
        ("decimal", "12.5", Decimal("12.50")),
        ("date", "2026-12-01", date(2026, 12, 1)),
        ("datetime", "2026-12-01 09:30", datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_key_of_any_type_meets_what_the_database_holds(kind, shown, value):
    changes = {"type": kind, "timezone": "Europe/Berlin", "scale": 3}
    number = items_claims().node.field("number").model_copy(update=changes)
    claims = items_claims([number])
    found = {"record_uuid": RECORD, "parent_uuid": None, "number": value}
    assert says(claims, board_item(number=shown)) == (
        "key",
        dict(claims.of_record(found, None))["key"],
    )


def test_a_transform_is_not_done_again_to_what_it_made():
    lookup = {"type": "lookup", "values": {"1": "SO-1"}, "otherwise": "reject"}
    field = {**items_claims().node.field("number").model_dump(), "transform": lookup}
    number = type(items_claims().node.field("number")).model_validate(field)
    assert says(items_claims([number]), board_item(number="SO-1"))[0] == "key"


def test_an_item_without_a_key_says_why_and_its_name_only_where_that_is_allowed():
    bare = board_item(name="SO-1  Shirt")
    assert says(items_claims(), bare) == "it carries no record id, and number tell no key"
    unmapped = says(items_claims(columns=[]), bare)
    assert unmapped == "it carries no record id, and no column shows number"
    named = says(items_claims(adopt={"by_name": True}), bare)
    assert named == ("name", claim("name", None, ["SO-1 Shirt"]))


def test_other_columns_and_the_name_can_show_the_key():
    other = items_claims(adopt={"match": {"number": "theirs"}})
    assert says(other, board_item(theirs="SO-1")) == ("key", claim("key", None, ["SO-1"]))
    name = items_claims(adopt={"match": {"number": "name"}})
    assert says(name, board_item(name="SO-1")) == ("key", claim("key", None, ["SO-1"]))


def test_a_subitem_shows_the_rest_of_its_key_and_needs_a_record_above():
    claims = lines_claims()
    assert claims.key == ["size"]
    child = board_item(parent="7", size="M")
    assert says(claims, child, RECORD) == ("key", claim("key", RECORD, ["M"]))
    assert says(claims, child) == "the item above it is not known to stand for a record"
    found = {"record_uuid": RECORD, "parent_uuid": RECORD, "size": "M"}
    assert dict(claims.of_record(found, None))["key"] == claim("key", RECORD, ["M"])


def test_a_record_whose_name_cannot_be_made_has_none():
    claims = items_claims(adopt={"by_name": True}, name="{title}")
    found = {"record_uuid": RECORD, "parent_uuid": None, "number": "SO-1"}
    assert [how for how, _ in claims.of_record(found, {"title": None})] == ["id", "key"]
    assert dict(claims.of_record(found, {"title": "A  B"}))["name"] == claim("name", None, ["A B"])


VALUES = {
    "number": "SO-1",
    "customer_name": "ACME",
    "title": "Shirt",
    "amount": Decimal("12.5"),
    "due": date(2026, 12, 1),
    "approved": True,
    "email": "buyer@example.com",
    "status": "O",
}
CELLS = {
    "record_uuid": str(RECORD),
    "title": "Shirt",
    "amount": "12.5",
    "due": "2026-12-01",
    "approved": "v",
    "email": "buyer@example.com",
    "state": "Open",
}
ROW = DeltaRow(
    "orders_delta", 1, RECORD, None, 1, "INSERT", frozenset(VALUES), None, "SO-1", VALUES
)
ITEM = StandingItem("17", "SO-1 Shirt", "ACME", None, CELLS)


def adopted(row=ROW, item=ITEM, groups=(), keep_board=False, **push):
    there = {group_key(BOARD, title): Presence.LIVE for title in groups}
    planner = adoption_planner(workflow(**push).node("push"), False, there, Options())
    return plan_adopted(planner, row, item, keep_board=keep_board)


def written(found):
    return {one.kind: set(one.payload.get("columns", ())) for one in found.effects}


def test_an_item_that_shows_its_record_needs_nothing():
    found = adopted()
    assert (found.effects, found.mismatches, found.state) == ([], [], "SYNCED")


@pytest.mark.parametrize("keep_board", [False, True])
def test_only_the_record_id_is_written_where_only_that_is_missing(keep_board):
    item = replace(ITEM, cells={**CELLS, "record_uuid": ""})
    found = adopted(item=item, keep_board=keep_board)
    (effect,) = found.effects
    assert effect.payload["columns"] == {"record_uuid": str(RECORD)}
    assert effect.payload["shown"] == {"record_uuid": str(RECORD)}
    assert (effect.kind, found.fills_key, found.mismatches) == ("change_item", True, [])
    assert found.state == "PUSHING"


def test_what_differs_is_told_and_only_that_is_written():
    cells = {**CELLS, "amount": "9", "state": "", "email": "other@example.com"}
    item = replace(ITEM, name="SO-1 Skirt", group="Beta", cells=cells)
    found = adopted(item=item, groups=["ACME"])
    assert found.mismatches == [
        Mismatch("group", "Beta", "ACME"),
        Mismatch("amount", "9", "12.5"),
        Mismatch("email", "other@example.com", "buyer@example.com"),
        Mismatch("name", "SO-1 Skirt", "SO-1 Shirt"),
        Mismatch("state", "", "Open"),
    ]
    changed = {
        "change_item": {"amount", "email", "name"},
        "move_item": set(),
        "set_status": {"state"},
    }
    assert written(found) == changed
    kept = adopted(item=item, groups=["ACME"], keep_board=True)
    assert (kept.mismatches, kept.effects, kept.state) == (found.mismatches, [], "SYNCED")


def test_a_group_that_looks_the_same_is_the_same_and_a_new_one_is_made():
    assert adopted(item=replace(ITEM, group=" ACME ")).effects == []
    assert set(written(adopted(item=replace(ITEM, group="Beta")))) == {"create_group", "move_item"}


def test_a_record_the_board_cannot_take_is_dead_as_in_a_push():
    found = adopted(row=replace(ROW, values={**VALUES, "email": "nobody"}))
    assert found.state == "DEAD"
    assert "is not an e-mail address" in found.rejected
    assert [one.refused for one in found.effects] == [found.rejected]


def test_a_value_that_is_dropped_is_remembered_by_the_row():
    columns = [
        {**one, "on_invalid": "drop"} if one["column"] == "email" else one
        for one in ITEM_MAPPING["columns"]
    ]
    row = replace(ROW, values={**VALUES, "email": "nobody"})
    found = adopted(row=row, items={**ITEM_MAPPING, "columns": columns})
    assert (found.effects, found.state) == ([], "SYNCED")
    assert found.reason.startswith("column email dropped")
    item = replace(ITEM, cells={**CELLS, "amount": "9"})
    (effect,) = adopted(row=row, item=item, items={**ITEM_MAPPING, "columns": columns}).effects
    assert effect.payload["remark"] == found.reason


def test_findings_are_counted_and_the_first_are_shown():
    report = MappingReport("order", BOARD, items=3, keys_to_fill=2, values_to_write=1)
    report.tell("matched", record="SO-1", item="1", by="id")
    report.tell(
        "mismatch", record="SO-1", item="1", columns={"amount": {"board": "9", "record": "12.5"}}
    )
    report.tell("duplicate", record="SO-2", items=["2", "3"], chosen=None)
    report.tell("duplicate", record="SO-3", items=["4", "5"], chosen="4")
    assert list(report.lines(1)) == [
        "  order: 3 items on board 500",
        "         1  items taken over",
        "         1  items whose columns differ from their records",
        "            record SO-1; item 1; columns amount '9', not '12.5'",
        "         2  records with several items",
        "            record SO-2; items 2, 3",
        "            and 1 more",
        "  the next push writes 2 record ids and 1 differing values",
    ]
    told = report.as_json()
    assert (told["counts"]["duplicate"], told["counts"]["ambiguous"]) == (2, 0)
    assert told["found"]["duplicate"][1] == {"record": "SO-3", "items": ["4", "5"], "chosen": "4"}
    assert "matched" not in told["found"]
