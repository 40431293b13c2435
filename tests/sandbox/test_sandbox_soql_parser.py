"""The sandbox's SOQL parser takes and refuses what Salesforce's own parser does."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soql_parser import judge

from syncflow_dagster.sandbox.salesforce import soql
from syncflow_dagster.sandbox.salesforce.soql.dates import FORMULAS

# What Salesforce's parser says of each query; the last test holds the file to it.
VERDICTS = json.loads((judge.FOLDER / "verdicts.json").read_text(encoding="utf-8"))
ACCEPTED, GAPS, REFUSED = (
    VERDICTS[name] for name in ("accepted", "accepted_but_not_in_sandbox", "refused")
)
WHERE = "SELECT Id FROM Contact WHERE "


@pytest.fixture(scope="module")
def salesforce():
    with judge.salesforce_parser() as parser:
        yield parser


def _parses(query):
    try:
        soql.parse(query)
    except soql.NotInSandboxError:
        return None
    except soql.SoqlError:
        return False
    return True


def test_what_salesforce_takes_is_taken():
    assert [query for query in ACCEPTED if _parses(query) is not True] == []


def test_what_the_sandbox_does_not_know_is_told_apart():
    assert [query for query in GAPS if _parses(query) is not None] == []


def test_what_salesforce_refuses_is_refused():
    assert [query for query in REFUSED if _parses(query)] == []
    for query in REFUSED:
        with pytest.raises(soql.SoqlError) as refused:
            soql.parse(query)
        assert refused.value.error_code == "MALFORMED_QUERY", query


@pytest.mark.parametrize(
    "condition",
    [
        "A = 1 AND B = 2 OR C = 3",
        "A = 1 AND NOT B = 2",
        "NOT A = 1 AND B = 2",
        "NOT NOT A = 1",
        "Name NOT LIKE 'x%'",
        "A IN ()",
        "A = 1e20",
        "A = 'it''s'",
        'A = "x"',
        r"A = 'a\qb'",
        r"A = '10\%'",
        "A = 1 ALL ROWS",
        "A = 1 FOR UPDATE",
        "A = 1 -- why",
        "A = 2024-01-01T00:00:00",
        "A = 2024-01-01 00:00:00Z",
        "A IS NULL",
        "A == 1",
        "A = 1;",
    ],
)
def test_fragments_that_salesforce_refuses(condition):
    with pytest.raises(soql.SoqlError, match="MALFORMED_QUERY"):
        soql.parse(WHERE + condition)


@pytest.mark.parametrize(
    "condition",
    [
        "(A = 1 AND B = 2) OR C = 3",
        "A = 1 AND (NOT B = 2)",
        "(NOT Name LIKE 'x%')",
        r"A LIKE '10\%'",
        "A = 2024-01-01T00:00:00+0000",
        # The grammar takes these; the schema does not.
        "A = 2024-02-30",
        "A = LAST_N_DAYS",
        "A..B = 1",
        "A = '2024-01-01T00:00:00Z'",
    ],
)
def test_fragments_that_salesforce_takes(condition):
    soql.parse(WHERE + condition)


def test_all_date_formulas_are_known():
    assert len(FORMULAS) == 44
    for name, formula in FORMULAS.items():
        soql.parse(f"{WHERE}A = {name.lower()}{':3' if formula.needs_number else ''}")


def test_a_word_of_the_language_may_name_a_field_where_salesforce_lets_it():
    query = soql.parse("SELECT Order, Group g FROM Case order ORDER BY Order LIMIT 1")
    assert [one.what.text for one in query.select] == ["Order", "Group"]
    assert (query.alias, query.order_by[0].what.text, query.limit) == ("order", "Order", 1)


def test_escapes_give_their_characters():
    query = soql.parse(rf"{WHERE}A = '\n\r\t\b\"\'\\ \u00e9 \uD83D\uDE00 \uD83D'")
    assert query.where.value.text == "\n\r\t\b\"'\\ é 😀 �"
    # After LIKE the wildcards' escapes stay, for the pattern to read them.
    assert soql.parse(rf"{WHERE}A LIKE 'a\'\%\_\\'").where.value.text == r"a'\%\_\\"


def test_too_long_and_too_deep_queries_are_refused():
    long = f"{WHERE}Name = '{'x' * 100_000}'"
    assert "100000 characters" in _message(long)
    assert "empty" in _message(" \n")
    deep = WHERE + "(" * 5_000 + "A = 1" + ")" * 5_000
    with pytest.raises(soql.SoqlError, match="QUERY_TOO_COMPLICATED"):
        soql.parse(deep)


def _message(query):
    with pytest.raises(soql.SoqlError) as refused:
        soql.parse(query)
    return refused.value.message


@pytest.mark.parametrize("group", list(VERDICTS))
def test_the_verdicts_are_salesforces(salesforce, group):
    expected = group != "refused"
    wrong = [query for query in VERDICTS[group] if salesforce.judge(query).accepted != expected]
    assert wrong == []


_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|[A-Za-z0-9_.]+|\s+|.", re.DOTALL)
_PIECES = ["AND", "OR", "NOT", "(", ")", "'x'", "1", "null", "IN", "LIKE", ",", "=", "!=", "<"]
_PIECES += ["Id", "Order", "GROUP", "BY", "LIMIT", "OFFSET", "SELECT", "FROM", "WHERE", "COUNT"]
_PIECES += ["COUNT()", "TODAY", "LAST_N_DAYS", ":", "5", "-", "+", ".", "2024-01-01", "10:00:00Z"]
_PIECES += ["2024-01-01T00:00:00Z", "INCLUDES", "ASC", "DESC", "NULLS", "FIRST", "x", "FOR", "VIEW"]
_PIECES += ["WITH", "FIELDS", "Case", r"'\n'", r"'\%'", "AS", "é", ";", '"', "*", "_"]


@st.composite
def _nearly_queries(draw):
    """A query Salesforce takes, with a few tokens dropped, added or replaced."""
    tokens = _TOKEN.findall(draw(st.sampled_from(ACCEPTED)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(tokens)))
        piece = draw(st.sampled_from(["", *_PIECES]))
        tokens[at : at + draw(st.integers(0, 1))] = [f" {piece} "]
    return "".join(tokens)


@settings(max_examples=200, deadline=None)
@given(query=_nearly_queries())
def test_both_parsers_agree_on_queries_that_are_nearly_right(salesforce, query):
    found = _parses(query)
    if found is not None:
        assert found == salesforce.judge(query).accepted
