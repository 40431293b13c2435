"""Pushes to a board of every column type, and what becomes of values that do not fit."""

from __future__ import annotations

from collections import Counter

import pytest
from columns_world import (
    EMPTY,
    EMPTY_SHOWN,
    FULL,
    OTHER,
    OTHER_SHOWN,
    SEED,
    SHOWN,
    ColumnsWorld,
    thing,
)

from syncflow_dagster.nodes.monday.columns import KINDS
from syncflow_dagster.sandbox.control import ControlClient
from syncflow_dagster.sandbox.server import SandboxServer


@pytest.fixture(scope="module")
def push_server():
    with SandboxServer() as server:
        ControlClient(server.urls["control"]).seed(SEED)
        yield server


@pytest.fixture
def make(database, push_server, control):
    """Makes a world whose columns have these rules; its account is in New York."""
    control.settings(account_timezone="America/New_York", week_starts="sunday")
    made = []

    def make(rules=None, **items):
        made.append(ColumnsWorld(database, push_server.urls, rules, **items))
        return made[-1]

    yield make
    control.settings(account_timezone="UTC", week_starts="monday")
    for world in made:
        world.close()


def test_the_records_have_a_value_for_every_type():
    assert set(KINDS) == set(SHOWN) == set(OTHER_SHOWN) == set(FULL) - {"timeline_end"}


def test_every_type_is_made_changed_cleared_and_then_left_alone(make):
    world = make()
    for values, shown in ((FULL, SHOWN), (OTHER, OTHER_SHOWN), (EMPTY, EMPTY_SHOWN)):
        world.sync(thing("T-1", **values))
        assert world.row("T-1")["state"] == "SYNCED", world.row("T-1")["reason"]
        assert world.shown("T-1") == shown
        mark = world.mark()
        result = world.sync(thing("T-1", **values))
        assert (result.plan.rows, world.writes(after=mark)) == (0, [])
    world.sync(thing("T-1"))
    assert world.shown("T-1") == SHOWN


def test_a_new_record_without_values_is_one_item_and_nothing_else(make):
    world = make()
    mark = world.mark()
    world.sync(thing("T-1", **EMPTY))
    assert world.writes(after=mark) == ["create_item"]
    assert world.shown("T-1") == EMPTY_SHOWN


def test_links_come_in_the_last_pass_as_monday_drops_them_from_a_new_item(make):
    world = make()
    plan = world.sync(thing("T-1"), dry_run=True).plan
    (create,) = [one for one in plan.preview if one.kind == "create_item"]
    (links,) = [one for one in plan.preview if one.kind == "set_links"]
    assert not {"board_relation", "dependency"} & set(create.payload["columns"])
    assert set(links.payload["columns"]) == {"board_relation", "dependency"}


def test_a_change_of_the_last_day_alone_writes_the_timeline(make):
    world = make()
    world.sync(thing("T-1"))
    mark = world.mark()
    world.sync(thing("T-1", timeline_end="2026-10-20"))
    (write,) = world.control.log(after=mark)
    assert write["payload"]["column_values"] == {
        "timeline": {"from": "2026-10-01", "to": "2026-10-20"}
    }


@pytest.mark.parametrize("values", [FULL, EMPTY])
def test_a_change_whose_answer_is_lost_is_found_in_every_column_and_not_sent_again(make, values):
    world = make()
    world.sync(thing("T-1", **(OTHER if values is FULL else FULL)))
    mark = world.mark()
    fault = {"service": "monday", "op": "change_multiple_column_values", "kind": "lost_reply"}
    world.control.faults({**fault, "rate": 1, "times": 3, "forget_key": True})
    result = world.sync(thing("T-1", **values))
    assert world.row("T-1")["state"] == "SYNCED"
    # Columns, links and the status: each sent once, and found.
    assert world.writes(after=mark) == ["change_multiple_column_values"] * 3
    assert sum(one.outcomes["found"] for one in result.deliveries) == 3
    assert sum(one.outcomes["absent"] for one in result.deliveries) == 0


# --- values that do not fit --------------------------------------------------------------------

BAD = {
    "long_text": "x" * 2001,
    "email": "nobody",
    "hour": None,
    "country": "Utopia",
    "location": "Berlin",
}


def test_by_default_such_a_record_is_rejected_with_every_column_and_value_named(make):
    world = make()
    result = world.sync(thing("T-1", **BAD), thing("T-2"))
    row = world.row("T-1")
    assert row["state"] == "DEAD"
    for told in (
        "has 2001 characters; the column holds at most 2000",
        "email → column email (email): 'nobody' is not an e-mail address",
        "country → column country (country): 'Utopia' is not a country",
        "location → column location (location): 'Berlin' is not a place",
    ):
        assert told in row["reason"]
    assert world.shown("T-1") is None
    assert world.shown("T-2") == SHOWN
    assert result.plan.rejected == [("T-1", row["reason"])]
    assert result.plan.adjusted == 0


RULES = {
    "long_text": {"on_invalid": "truncate"},
    "text": {"on_invalid": "truncate", "max_length": 10},
    **{kind: {"on_invalid": "drop"} for kind in ("email", "country", "location")},
}


def test_rules_write_what_fits_and_everything_they_did_is_reported(make):
    world = make(RULES)
    rows = thing("T-1", **BAD, text="a text of many words"), thing("T-2")
    shown = world.sync(*rows, dry_run=True)
    result = world.sync(*rows)
    assert shown.plan.adjustments == result.plan.adjustments
    told = {one.column: (record, one.rule, one.value) for record, one in result.plan.adjustments}
    assert told == {
        "text": ("T-1", "truncate", "'a text of many words'"),
        "long_text": ("T-1", "truncate", repr("x" * 79 + "…")),
        "email": ("T-1", "drop", "'nobody'"),
        "country": ("T-1", "drop", "'Utopia'"),
        "location": ("T-1", "drop", "'Berlin'"),
    }
    assert world.shown("T-1") == {
        **SHOWN,
        "text": "a text of…",
        "long_text": "x" * 1999 + "…",
        "email": "",
        "hour": "",
        "country": "",
        "location": "",
    }
    row = world.row("T-1")
    assert row["state"] == "SYNCED"
    assert "column email dropped: 'nobody' is not an e-mail address" in row["reason"]
    assert "column text truncated: 'a text of many words' has 20 characters" in row["reason"]
    assert world.row("T-2")["reason"] is None
    mark = world.mark()
    assert world.sync(*rows).plan.rows == 0
    assert world.writes(after=mark) == []


def test_a_dropped_value_leaves_an_older_one_and_is_told_although_nothing_is_sent(make):
    world = make(RULES)
    world.sync(thing("T-1"))
    mark = world.mark()
    result = world.sync(thing("T-1", email="nobody"))
    assert world.writes(after=mark) == []
    assert world.shown("T-1")["email"] == "a@b.co"
    assert [one.column for _, one in result.plan.adjustments] == ["email"]
    row = world.row("T-1")
    assert (row["state"], row["reason"]) == (
        "SYNCED",
        "column email dropped: 'nobody' is not an e-mail address",
    )
    world.sync(thing("T-1", email="c@d.co"))
    assert world.shown("T-1")["email"] == "c@d.co"
    assert world.row("T-1")["reason"] is None


def test_a_name_that_is_too_long_is_cut_where_the_mapping_says_so(make):
    world = make(name="{number} {text}", long_name="truncate")
    result = world.sync(thing("T-1", text="x" * 300))
    name = "T-1 " + "x" * 250 + "…"
    assert world.shown(name)["text"] == "x" * 300
    assert [(one.column, one.rule) for _, one in result.plan.adjustments] == [("name", "truncate")]
    assert "the item's name has 304 characters; monday takes 255" in world.row("T-1")["reason"]


# --- what only monday knows to be wrong --------------------------------------------------------

REFUSED = {"dropdown": "Winter", "people": "7", "dependency": "1", "status": "Lost"}
DROP = {kind: {"on_invalid": "drop"} for kind in REFUSED}
#: What monday shows without these columns.
WITHOUT = {**SHOWN, "dropdown": "", "people": "", "dependency": [], "status": ""}


def test_columns_monday_refuses_are_dropped_one_by_one_and_told(make):
    world = make(DROP)
    result = world.sync(thing("T-1", **REFUSED), thing("T-2"))
    assert world.shown("T-1") == WITHOUT
    assert world.shown("T-2") == SHOWN
    row = world.row("T-1")
    assert row["state"] == "SYNCED"
    for told in (
        "column dropdown dropped: monday refuses ",
        "The dropdown label 'Winter' does not exist",
        "unable to assign person with id: 7",
        "column dependency dropped: ",
        "column status dropped: ",
        '"label": "Lost"',
    ):
        assert told in row["reason"]
    amended = [one for report in result.deliveries for one in report.amended]
    assert [record for record, _ in amended] == ["T-1"] * 4
    assert sum(report.outcomes["amended"] for report in result.deliveries) == 4
    assert world.row("T-2")["reason"] is None
    mark = world.mark()
    world.sync(thing("T-1", **REFUSED), thing("T-2"))
    assert world.writes(after=mark) == []


def test_without_the_rule_the_record_is_dead_by_column_and_value(make):
    world = make()
    world.sync(thing("T-1", dropdown="Winter"), thing("T-2"))
    row = world.row("T-1")
    assert row["state"] == "DEAD"
    assert '"labels": ["Winter"]' in row["reason"]
    assert "column dropdown" in row["reason"]
    assert world.shown("T-1") is None
    assert world.shown("T-2") == SHOWN


@pytest.mark.parametrize(
    ("lost", "found", "absent"),
    [
        # What monday refused is not on the board, and refused again when it is sent again.
        pytest.param(1, 0, 1, id="of the refusal"),
        # The second try, without the column, was applied.
        pytest.param(2, 1, 0, id="of the second try"),
    ],
)
def test_a_dropped_column_is_not_looked_for_where_the_answer_is_lost(make, lost, found, absent):
    world = make(DROP)
    world.sync(thing("T-1"))
    fault = {"service": "monday", "op": "change_multiple_column_values", "kind": "lost_reply"}
    world.control.faults({**fault, "nth": lost, "times": 1, "forget_key": True})
    mark = world.mark()
    result = world.sync(thing("T-1", people="7", text="new"))
    assert world.shown("T-1") == {**SHOWN, "text": "new"}
    assert world.row("T-1")["state"] == "SYNCED"
    assert "column people dropped" in world.row("T-1")["reason"]
    assert world.writes(after=mark) == ["change_multiple_column_values"]
    outcomes = sum((one.outcomes for one in result.deliveries), Counter())
    assert (outcomes["found"], outcomes["absent"], outcomes["amended"]) == (found, absent, 1)
