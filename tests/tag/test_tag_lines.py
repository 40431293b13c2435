"""What rules want of cells, merged, reversed and hashed: pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tag_cases import CHAMPION, JUNCTION, MEMBER, STATUS, TOPIC, contact_id, row, rule, workflow

from syncflow_dagster.core.soql.date_literals import Calendar
from syncflow_dagster.core.soql.schema import FieldInfo
from syncflow_dagster.nodes.tag import lines as plan_lines
from syncflow_dagster.nodes.tag.cells import Back, ConflictingTagsError, Mix, Put, both, same
from syncflow_dagster.nodes.tag.compare import differences
from syncflow_dagster.nodes.tag.conditions import matchers
from syncflow_dagster.nodes.tag.lines import LinePlanner, Records, differing
from syncflow_dagster.nodes.tag.undo import Written, reverse, undo_lines
from syncflow_dagster.nodes.tag.wishes import BadRowError, junction_key, wishes_of
from syncflow_dagster.testing.clock import FakeClock

VALUES = st.frozensets(st.sampled_from("ABCDEF"))


def plan_hash(policy, plan, target=("org", "https://org", "Contact")):
    return plan_lines.plan_hash(policy, plan, target)


def always(_condition, _row):
    return True


def lines(rules, source, cells, lengths=None):
    node = workflow(rules).tags[0]
    fields = {
        name: FieldInfo(name, "string", length=most) for name, most in (lengths or {}).items()
    }
    planner = LinePlanner(node.name, Records(cells), fields)
    return planner.plan(source, wishes_of(node, source, always, {}))


@given(current=VALUES, add=VALUES, remove=VALUES)
def test_a_multi_picklist_keeps_the_rest_and_can_be_taken_back(current, add, remove):
    change = Mix(add, remove - add)
    after = frozenset(change.on(sorted(current)) or ())
    assert after == current - change.remove | add
    assert same(change.on(sorted(after)), sorted(after))
    undone = Mix(add=current - after, remove=after - current)
    assert frozenset(undone.on(sorted(after)) or ()) == current


@given(st.permutations(["b", "a", "c"]), st.permutations(["c", "b", "a"]))
def test_order_makes_no_difference_to_values_or_hashes(one, other):
    assert same(one, other)
    source = row(1)
    first = lines([CHAMPION], source, {contact_id(1): {"Champion_Tags__c": one}}).lines
    second = lines([CHAMPION], source, {contact_id(1): {"Champion_Tags__c": other}}).lines
    assert plan_hash("p", first) == plan_hash("p", second)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [(None, False, True), (None, "", True), ("a ", "a", True), ("A", "a", False),
     (None, True, False), ("False", None, False), ([], None, True),
     ({"b": 1, "a": 2.0}, {"a": 2, "b": 1}, True), (0, None, False), (False, 0, True)],
)  # fmt: skip
def test_what_salesforce_does_not_tell_apart_is_the_same(one, other, equal):
    assert same(one, other) is equal


def test_values_of_a_picklist_are_the_same_in_any_case():
    fields = {"Champion_Tags__c": FieldInfo("F", "multipicklist", picklist=("Champion", "Moved"))}
    tag = {**CHAMPION["tag"], "add": ["CHAMPION"], "remove": ["moved"]}
    node = workflow([rule("any", tag)]).tags[0]
    for shown, after in ((["Champion"], None), (["Moved"], ["Champion"])):
        planner = LinePlanner(
            node.name, Records({contact_id(1): {"Champion_Tags__c": shown}}), fields
        )
        found = planner.plan(row(1), wishes_of(node, row(1), always, {})).lines
        assert [line.after["Champion_Tags__c"] for line in found] == ([after] if after else [])


def test_several_rules_on_one_record_are_one_change():
    second = rule(
        "power", {"type": "multipicklist", "field": "Champion_Tags__c", "add": ["power_user"]}
    )
    plan = lines(
        [CHAMPION, second, STATUS], row(1), {contact_id(1): {"Champion_Tags__c": ["moved"]}}
    )
    (line,) = plan.lines
    assert line.rules == ("champion", "power", "status")
    assert line.before == {"Champion_Tags__c": ["moved"], "Champion_Status__c": None}
    assert line.after == {
        "Champion_Tags__c": ["champion", "moved", "power_user"],
        "Champion_Status__c": "Moved",
    }


def test_each_store_is_a_change_of_its_own_with_its_kind():
    plan = lines([CHAMPION, TOPIC, MEMBER, JUNCTION], row(1), {contact_id(1): {}})
    kinds = [line.kind for line in plan.lines]
    assert kinds == ["set_fields", "assign_topic", "add_member", "upsert_junction"]
    junction = plan.lines[-1].place
    assert junction.details["key"] == junction_key(contact_id(1), "champion", "champion_tracking")
    assert len({line.effect_key for line in plan.lines}) == 4


def test_a_tag_that_is_there_is_no_change():
    shown = {"Champion_Tags__c": ["champion", "moved"], "topic:Champions": True}
    plan = lines([CHAMPION, TOPIC], row(1), {contact_id(1): shown})
    assert (plan.lines, plan.settled) == ([], "every tag is there already")


@pytest.mark.parametrize(
    ("rules", "source", "cells", "word"),
    [
        ([CHAMPION], row(1), {}, "not there"),
        ([CHAMPION, rule("no", {**CHAMPION["tag"], "add": [], "remove": ["champion"]})],
         row(1), {contact_id(1): {}}, "takes out"),
        ([STATUS, rule("other", {**STATUS["tag"], "value": "Left"})],
         row(1), {contact_id(1): {}}, "different values"),
        ([rule("title", {"type": "text", "field": "Title", "value": "At {company}"})],
         row(1, company="x" * 20), {contact_id(1): {}}, "takes 10 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_with_its_reason(rules, source, cells, word):
    plan = lines(rules, source, cells, {"Title": 10})
    assert plan.lines == []
    assert word in plan.refused
    assert "Left" not in plan.refused
    assert "xxx" not in plan.refused


def test_an_id_of_15_characters_is_the_same_record():
    short = row(1, contact_id=contact_id(1)[:15])
    assert lines([CHAMPION], short, {contact_id(1): {}}).lines[0].place.record_id == contact_id(1)
    with pytest.raises(BadRowError, match="holds no id"):
        lines([CHAMPION], row(1, contact_id="nobody"), {})
    with pytest.raises(BadRowError, match="contact_id is empty"):
        lines([CHAMPION], row(1, contact_id=None), {})
    assert lines([CHAMPION], row(1, "DELETE", contact_id=None), {}).settled == "no rule applies"


def test_conditions_choose_rows_as_soql_would():
    conditional = {**CHAMPION, "when": {"attribute": "score", "operator": "greater", "value": 5}}
    flow = workflow([conditional])
    found, mistakes = matchers(flow.tags[0], flow.deltas[0], Calendar(FakeClock().now()))
    assert not mistakes
    assert [found["champion"]({"score": one}) for one in (5, 6, None)] == [False, True, False]
    wrong = workflow(
        [{**CHAMPION, "when": {"attribute": "scor", "operator": "equals", "value": 5}}]
    )
    _, mistakes = matchers(wrong.tags[0], wrong.deltas[0], Calendar(FakeClock().now()))
    assert mistakes[0].loc == ("rules", 0, "when", "attribute")
    assert "score" in mistakes[0].hint


def test_deleted_rows_do_nothing_unless_a_rule_takes_its_tag_back():
    shown = {
        contact_id(1): {"Champion_Tags__c": ["champion", "moved"], "Champion_Status__c": "Left"}
    }
    gone = row(1, "DELETE")
    assert lines([CHAMPION, STATUS], gone, shown).lines == []
    back = [{**CHAMPION, "on_delete": "remove"}, {**STATUS, "on_delete": "remove"}]
    (line,) = lines(back, gone, shown).lines
    # Somebody has set another status since, which is not ours to remove.
    assert line.after == {"Champion_Tags__c": ["moved"]}
    assert lines(back, gone, {}).refused is None


def test_changes_that_cannot_both_be_are_told():
    assert both(Put("a"), Put("a"), "x") == Put("a")
    with pytest.raises(ConflictingTagsError):
        both(Put("a"), Mix(frozenset("a")), "x")
    assert Back("a", None).on("b") == "b"


def test_the_hash_is_of_the_policy_and_every_line():
    plan = lines([CHAMPION, MEMBER], row(1), {contact_id(1): {}}).lines
    same_again = lines([MEMBER, CHAMPION], row(1), {contact_id(1): {}}).lines
    place = plan[1].place
    answered = replace(place, details={**place.details, "status": "Responded"})
    assert plan_hash("p", plan) == plan_hash("p", same_again)
    others = [
        plan_hash("q", plan),
        plan_hash("p", plan[:1]),
        plan_hash("p", [replace(plan[0], before={"Champion_Tags__c": ["x"]}), plan[1]]),
        plan_hash("p", [replace(plan[0], effect_key="other"), plan[1]]),
        # All that is written counts, and where.
        plan_hash("p", [plan[0], replace(plan[1], place=answered)]),
        plan_hash("p", [plan[0], replace(plan[1], rules=("other",))]),
        plan_hash("p", [plan[0], replace(plan[1], after={place.store: False})]),
        plan_hash("p", [plan[0], replace(plan[1], place=replace(place, purpose="other"))]),
        plan_hash("p", plan, ("production", "https://org", "Contact")),
        plan_hash("p", plan, ("org", "https://other", "Contact")),
        plan_hash("p", plan, ("org", "https://org", "Lead")),
    ]
    assert len({plan_hash("p", plan), *others}) == 12
    stored = [line.as_json() for line in plan]
    changed = lines(
        [CHAMPION, MEMBER], row(1), {contact_id(1): {"Champion_Tags__c": ["moved"]}}
    ).lines
    told = differences(stored, changed)
    # What fields hold is not for logs: only how much it is.
    assert told == [
        f"record {contact_id(1)} shows another Champion_Tags__c: 1 values, empty then",
        f"record {contact_id(1)} would get another Champion_Tags__c: 2 values, 1 values then",
    ]
    assert "is not as approved" in differences(stored, plan)[0]


def test_undo_takes_back_only_what_still_stands():
    cells = {contact_id(1): {"Champion_Tags__c": ["moved"], "topic:Champions": False}}
    plan = lines([CHAMPION, STATUS, TOPIC, JUNCTION], row(1), cells).lines
    effects = [line.effect("Contact", "salesforce:default", "h", "p") for line in plan]
    written = [Written(one.effect_key, one.kind, one.payload, 1) for one in effects]
    junction = plan[-1].place.store
    now = {
        "Champion_Tags__c": ["champion", "moved", "newsletter"],
        "Champion_Status__c": "Unknown",
        "topic:Champions": True,
        junction: {"Tag__c": "champion", "Purpose__c": "champion_tracking"},
    }
    undone, gone = undo_lines([reverse(one) for one in written], Records({contact_id(1): now}))
    assert [line.kind for line in undone] == ["set_fields", "remove_topic", "remove_junction"]
    assert undone[0].after == {"Champion_Tags__c": ["moved", "newsletter"]}
    assert undone[0].effect_key.endswith(":undo:2")
    assert gone == 0
    before = {"Champion_Tags__c": ["moved"], "topic:Champions": False, junction: {"Tag__c": "x"}}
    assert undo_lines([reverse(one) for one in written], Records({contact_id(1): before})) == (
        [],
        3,
    )
    assert undo_lines([reverse(one) for one in written], Records({})) == ([], 3)


def test_a_differing_cell_alone_is_written():
    before, after = differing({"a": 1, "b": None}, {"a": Put(1), "b": Put("x")})
    assert (before, after) == ({"b": None}, {"b": "x"})
