"""Filters over nulls give what a slow, three-valued reading of them gives, in both modes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from soql_cases import account, answer, contact

TEXTS = ["a", "B", "ab"]
# Every mixture of values and nulls that the conditions below can tell apart.
ACCOUNTS = [account(n, Name=text) for n, text in enumerate([*TEXTS, None])]
PARENTS = [*(one["Id"] for one in ACCOUNTS), None]
CONTACTS = [
    contact(0, Email=text, Visits__c=number, Flag__c=flag, AccountId=parent, Tags__c=tags)
    for text in [*TEXTS, None]
    for number in [1, 2, None]
    for flag, tags in [(True, "x;y"), (False, "y"), (False, None)]
    for parent in PARENTS
]
NAMES = {one["Id"]: one["Name"] for one in ACCOUNTS}
#: By the field as a query names it: its value in a record, and values to compare with.
FIELDS = {
    "Email": (lambda one: one["Email"], TEXTS),
    "Account.Name": (lambda one: NAMES.get(one["AccountId"]), TEXTS),
    "Visits__c": (lambda one: one["Visits__c"], [1, 2, 3]),
}
COMPARE = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
}


def _written(value):
    return f"'{value}'" if isinstance(value, str) else str(value)


def _plain(value):
    return value.lower() if isinstance(value, str) else value


@st.composite
def _leaves(draw):
    """A condition's text, and what it is for a record: true, false, or None for unknown."""
    name = draw(st.sampled_from(list(FIELDS)))
    read, values = FIELDS[name]
    value = draw(st.sampled_from(values))
    kind = draw(st.sampled_from([*COMPARE, "in", "not in", "= null", "!= null", "like"]))
    if kind in COMPARE:
        return f"{name} {kind} {_written(value)}", _known(
            read, lambda found: COMPARE[kind](_plain(found), _plain(value))
        )
    if kind.endswith("in"):
        some = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2))
        wanted = {_plain(one) for one in some}
        text = f"{name} {kind.upper()} ({', '.join(map(_written, some))})"
        return text, _known(read, lambda found: (_plain(found) in wanted) == (kind == "in"))
    if kind == "like" and isinstance(value, str):
        return f"{name} LIKE '{value}%'", _known(
            read, lambda found: _plain(found).startswith(_plain(value))
        )
    if kind.endswith("null"):
        return f"{name} {kind}", lambda one: (read(one) is None) == (kind == "= null")
    if draw(st.booleans()):
        return "Flag__c = TRUE", lambda one: one["Flag__c"]
    word = draw(st.sampled_from(["INCLUDES", "EXCLUDES"]))
    return f"Tags__c {word} ('x', 'z')", _known(
        lambda one: one["Tags__c"], lambda found: ("x" in found) == (word == "INCLUDES")
    )


def _known(read, test):
    return lambda one: None if read(one) is None else test(read(one))


def _not(part):
    text, holds = part
    return f"(NOT {text})", lambda one: None if holds(one) is None else not holds(one)


def _joined(word, parts):
    ends = word == "OR"

    def holds(one):
        found = [part(one) for _, part in parts]
        return ends if ends in found else None if None in found else not ends

    return f"({f' {word} '.join(text for text, _ in parts)})", holds


CONDITIONS = st.recursive(
    _leaves(),
    lambda inner: st.one_of(
        inner.map(_not),
        st.builds(_joined, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=6,
)


def _found(condition, mode):
    query = f"SELECT Id FROM Contact WHERE {condition}"
    return [row.record for row in answer(query, CONTACTS, ACCOUNTS, null_ne=mode)]


@settings(max_examples=150, deadline=None)
@given(condition=CONDITIONS)
def test_excluding_nulls_is_the_three_valued_logic_of_sql(condition):
    text, holds = condition
    assert _found(text, "exclude") == [one for one in CONTACTS if holds(one) is True]


@settings(max_examples=100, deadline=None)
@given(condition=CONDITIONS)
def test_including_nulls_makes_not_the_exact_opposite(condition):
    text, _ = condition
    found, others = _found(text, "include"), _found(f"(NOT {text})", "include")
    assert len(found) + len(others) == len(CONTACTS)
    assert [one for one in CONTACTS if one not in found] == others


@settings(max_examples=50, deadline=None)
@given(condition=CONDITIONS)
def test_the_modes_differ_in_rows_with_unknown_answers_only(condition):
    text, holds = condition
    included, excluded = _found(text, "include"), _found(text, "exclude")
    certain = [one for one in CONTACTS if holds(one) is not None]
    assert [one for one in certain if one in included] == excluded
