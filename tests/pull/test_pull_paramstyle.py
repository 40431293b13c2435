"""Parameters in a driver's style: only the query's own, and never inside quotes or comments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.nodes.pull.paramstyle import rewritten
from syncflow_dagster.nodes.pull.ports import Query

VALUES = {"p1": 1, "p10": 2, "name": 3}


@pytest.mark.parametrize(
    ("text", "expected", "names"),
    [
        ("a = :p1 and b = :p10 or a = :p1", "a = ? and b = ? or a = ?", ["p1", "p10", "p1"]),
        ("a = ':p1' and b = :p1", "a = ':p1' and b = ?", ["p1"]),
        ('":p1" = :p1', '":p1" = ?', ["p1"]),
        ("'it''s :p1' || :p1", "'it''s :p1' || ?", ["p1"]),
        ("/* :p1 */ :p1 -- :p1\n, :name", "/* :p1 */ ? -- :p1\n, ?", ["p1", "name"]),
        ("a::p1, x:p1, :p12, :P1, :other", "a::p1, x:p1, :p12, :P1, :other", []),
        ("'12:30' as t, :p1::date", "'12:30' as t, ?::date", ["p1"]),
    ],
)
def test_what_is_a_parameter(text, expected, names):
    assert rewritten(Query(text, VALUES), "postgresql", lambda _: "?") == (expected, names)


@pytest.mark.parametrize(
    ("database", "text", "expected"),
    [
        ("postgresql", r"E'it\'s :p1' || :p1", r"E'it\'s :p1' || ?"),
        ("oracle", r"'a\' || :p1 || ':p1'", r"'a\' || ? || ':p1'"),
        ("mysql", "`it's` = :p1 # :p1's\n, :p1", "`it's` = ? # :p1's\n, ?"),
        ("mssql", "/* /* :p1 */ :p1 */ [it's] = :p1", "/* /* :p1 */ :p1 */ [it's] = ?"),
        # Nobody knows: the server gets the name and refuses it.
        ("mysql", r"'it\'s' = :p1", r"'it\'s' = :p1"),
    ],
)
def test_what_is_a_parameter_in_one_database(database, text, expected):
    assert rewritten(Query(text, VALUES), database, lambda _: "?")[0] == expected


def test_signs_of_the_driver_are_escaped_everywhere_but_in_placeholders():
    query = Query("'5%' like :p1 and 7 % 4", {"p1": 1})
    text, _ = rewritten(query, "mysql", "%({})s".format, lambda sql: sql.replace("%", "%%"))
    assert text % {"p1": "X"} == "'5%' like X and 7 % 4"


def test_a_query_without_parameters_is_left_alone():
    assert rewritten(Query("select ':p1', :p1"), "mssql", lambda _: "?") == (
        "select ':p1', :p1",
        [],
    )


PIECES = st.sampled_from(
    [" ", ":p1", ":p10", "'a :p1'", '"b"', "-- :p1\n", "/* :name */", "%", "?", "x", "::", "\n"]
)


@given(st.lists(PIECES, max_size=12))
def test_putting_the_names_back_gives_the_query(pieces):
    text = " ".join(pieces)
    found, names = rewritten(Query(text, VALUES), "postgresql", lambda name: f"\0{name}\0")
    assert found.replace("\0p", ":p").replace("\0", "") == text
    assert found.count("\0") == 2 * len(names)
