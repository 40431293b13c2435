"""Conditions of any shape, compiled, find in either null mode what their meaning says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from org_cases import BY_ID, CONTACTS, NOW, ORG, POOLS, TABLES, checked, condition, flat, group
from soql_parser import judge

from syncflow_dagster.core.soql import split
from syncflow_dagster.core.soql.date_literals import COUNTED, PLAIN, Calendar
from syncflow_dagster.core.soql.evaluate import matcher
from syncflow_dagster.core.soql.operators import ALLOWED, LISTED, NEGATIVE, PATTERNS, UNARY
from syncflow_dagster.core.soql.paths import find_field
from syncflow_dagster.core.soql.where import ALWAYS, NEVER
from syncflow_dagster.core.soql.write import Query
from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.objects import standard_schema

FILTERS = 200
FLAT = [flat(one) for one in CONTACTS]
_MODES = ("include", "exclude")


@pytest.fixture(scope="module")
def salesforce():
    """Salesforce's own parser where it is installed; the sandbox's is held to it anyway."""
    if judge.why_missing():
        yield None
        return
    with judge.salesforce_parser() as parser:
        yield parser


_LITERALS = st.one_of(
    st.sampled_from(PLAIN),
    st.builds(lambda name, n: f"{name}:{n}", st.sampled_from(COUNTED), st.integers(1, 400)),
)


@st.composite
def _conditions(draw):
    path = draw(st.sampled_from(list(POOLS)))
    info = find_field(path, ORG.object("Contact"), ORG, ()).field
    operator = draw(st.sampled_from(sorted(ALLOWED[info.type])))
    if operator in UNARY and path == "Is_Champion__c":
        operator = "equals"  # a checkbox is never empty, and checking says so
    value = st.sampled_from(POOLS[path])
    if operator in PATTERNS:
        texts = value.map(lambda text: text[draw(st.integers(0, 2)) :][:6])
        value = (
            texts
            if operator in {"starts_with", "ends_with", "contains"}
            else texts.map(lambda text: f"%{text}" if draw(st.booleans()) else f"{text}_")
        )
    elif info.type in {"date", "datetime"}:
        value = st.one_of(value, _LITERALS)
    if operator in UNARY:
        given_value = None
    else:
        given_value = draw(st.lists(value, max_size=4) if operator in LISTED else value)
    null = operator in NEGATIVE and draw(st.booleans())
    return condition(path, operator, given_value, null=null)


_TREES = st.recursive(
    _conditions(),
    lambda inner: st.builds(
        lambda kind, parts: group(kind, *parts),
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=8,
)


def _found(text, mode):
    plan = soql.check(soql.parse(text), standard_schema(), lambda *_: False)
    rows = soql.run(plan, TABLES.get, lambda *key: BY_ID.get(key), now=NOW, null_ne=mode)
    return [row["Id"] for row in rows]


@settings(max_examples=FILTERS, deadline=None)
@given(tree=_TREES)
def test_soql_finds_what_the_conditions_mean(salesforce, tree):
    where, mistakes = checked(tree)
    assert [one for one in mistakes if not one.warning] == []
    wanted = matcher(where, Calendar(NOW))
    right = [one["Id"] for one in FLAT if wanted(one)]
    query = Query("Contact", ("Id",), where)
    if where in (ALWAYS, NEVER):
        assert right == ([one["Id"] for one in FLAT] if where == ALWAYS else [])
        assert query.is_empty is (where == NEVER)
        return
    text = query.text()
    for mode in _MODES:
        assert _found(text, mode) == right, text
    window = query.text("SystemModstamp >= 2026-01-01T00:00:00Z", tail="ORDER BY Id")
    for asked in (text, window, query.count_text()) if salesforce is not None else ():
        assert salesforce.judge(asked).accepted, asked


@settings(max_examples=40, deadline=None)
@given(tree=_TREES, most=st.integers(120, 400))
def test_parts_of_a_query_find_what_the_whole_finds(tree, most):
    where, _ = checked(tree)
    query = Query("Contact", ("Id",), where)
    wanted = matcher(where, Calendar(NOW))
    right = [one["Id"] for one in FLAT if wanted(one)]

    def over(part):
        return len(Query("Contact", ("Id",), part).text()) / most

    try:
        parts = split._split(query, over)
    except split.TooLongError:
        return  # a part that nothing can cut, such as a long NOT IN
    found = [one for part in parts.queries for one in _found(part.text(), "include")]
    assert sorted(set(found)) == sorted(right)
    assert len(found) == len(right) or not parts.is_disjoint
    assert all(len(one.text()) <= most for one in parts.queries)
