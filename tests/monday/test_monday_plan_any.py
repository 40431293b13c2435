"""The planner for any record, and which titles are one group."""

from __future__ import annotations

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monday_world import BOARD
from plan_cases import ACME, ITEM, LINE_VALUES, SUBITEM, VALUES, kinds, line, planner, row

from syncflow_dagster.nodes.monday.keys import group_key, group_title
from syncflow_dagster.nodes.monday.plan import Presence


@pytest.mark.parametrize("blank", [None, "", "   ", "\u2003\n"])
def test_a_record_without_a_customer_stands_in_the_other_group(blank):
    plan = planner().plan(row(values={"customer_name": blank}))
    assert plan.effects[0].payload["title"] == "Nobody"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Caf\u00e9", "Cafe\u0301"),
        ("ACME  Ltd", " ACME Ltd "),
        ("ACME\u00a0Ltd", "ACME Ltd"),
        ("x" * 255 + "1", "x" * 255 + "2"),
    ],
)
def test_titles_that_look_the_same_are_one_group(one, other):
    assert group_key(BOARD, one) == group_key(BOARD, other)


@pytest.mark.parametrize(("one", "other"), [("ACME", "Acme"), ("ACME", "ACME."), ("A B", "AB")])
def test_titles_that_look_different_are_two_groups(one, other):
    assert group_key(BOARD, one) != group_key(BOARD, other)


@given(st.text(max_size=400))
def test_a_title_that_was_written_is_known_again_when_it_is_read(title):
    written = group_title(title)
    assert len(written) <= 255
    assert group_title(written) == written


texts = st.none() | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300
)
records = st.fixed_dictionaries(
    {
        "number": texts,
        "customer_name": texts | st.sampled_from(["عميل", "客户", "Zoë 🧵", "\u202eevil", "{x}"]),
        "title": texts,
        "amount": st.none() | st.decimals(),
        "due": st.none() | st.dates() | st.datetimes(timezones=st.just(UTC)),
        "approved": st.none() | st.booleans(),
        "email": st.none() | st.just("a@b.de") | texts,
        "status": texts,
    }
)
rows = st.builds(
    row,
    st.sampled_from(["INSERT", "UPDATE", "DELETE"]),
    st.sets(st.sampled_from(sorted(VALUES))),
    records,
    generation=st.integers(1, 5),
)
lines = st.builds(
    line,
    st.sampled_from(["INSERT", "UPDATE", "DELETE"]),
    st.sets(st.sampled_from(sorted(LINE_VALUES))),
    st.fixed_dictionaries(
        {"number": texts, "size": texts, "qty": st.none() | st.integers(), "stage": texts}
    ),
)
presences = st.dictionaries(st.sampled_from([ITEM, SUBITEM, ACME]), st.sampled_from(Presence))


@given(
    st.booleans(),
    rows,
    lines,
    presences,
    st.dictionaries(st.sampled_from([ITEM, SUBITEM]), st.integers(1, 9)),
)
def test_whatever_the_record_the_plan_is_whole_and_the_same_each_time(
    subitems, order_row, line_row, presence, lives
):
    one = planner(presence, lives, subitems)
    given_row = line_row if subitems else order_row
    plan = one.plan(given_row)
    again = one.plan(given_row)
    assert plan == again
    keys = [effect.effect_key for effect in plan.effects]
    assert len(keys) == len(set(keys))
    # Exactly one of: something to do, nothing to do, never to be done.
    assert bool(plan.settled) != bool(plan.effects)
    for effect in plan.effects:
        json.dumps(dict(effect.payload))
        assert effect.generation >= 1
        assert effect.creates == effect.kind.startswith("create_")
        if effect.refused:
            continue
        if effect.kind in {"create_item", "create_subitem", "move_item"}:
            assert effect.parent_key
        if effect.kind == "create_subitem":
            assert effect.parent_key == ITEM
        if effect.kind in {"create_item", "create_subitem"}:
            assert 1 <= len(effect.payload["name"]) <= 255
            assert effect.payload["columns"]["record_uuid"] == str(given_row.record_uuid)
        if "columns" in effect.payload:
            assert set(effect.payload["columns"]) == set(effect.payload["shown"])


@given(rows, presences)
def test_a_row_never_makes_what_is_there_and_never_changes_what_is_not(given_row, presence):
    made = set(kinds(planner(presence).plan(given_row)))
    if presence.get(ITEM) in {Presence.LIVE, Presence.COMING}:
        assert "create_item" not in made
    else:
        assert made <= {"create_group", "create_item", "set_status"}
