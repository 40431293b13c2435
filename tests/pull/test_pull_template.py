"""Query templates: every value is bound, no text is touched, mistakes name file and line."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from syncflow_dagster.nodes.pull.ports import Query
from syncflow_dagster.nodes.pull.quotes import enclosures
from syncflow_dagster.nodes.pull.statement import statement
from syncflow_dagster.nodes.pull.template import QueryTemplateError, Variable, render, variables


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "q.sql.j2"

    def write(text):
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("text", "given_values", "sql", "bound"),
    [
        ("select {{ a }}", {"a": 1}, "select :p1", [1]),
        ("select {{ a }}, {{ a }}", {"a": "x"}, "select :p1, :p2", ["x", "x"]),
        ("in {{ xs }}", {"xs": [1, "b", None]}, "in (:p1, :p2, :p3)", [1, "b", None]),
        ("in {{ xs }}", {"xs": (True,)}, "in (:p1)", [True]),
        # Constants are folded at compile time by Jinja unless prevented.
        (
            "select {{ 'x' }}, {{ 1 + 1 }}, {{ 'a' ~ 'b' }}",
            {},
            "select :p1, :p2, :p3",
            ["x", 2, "ab"],
        ),
        ("select {{ none }}, {{ true }}", {}, "select :p1, :p2", [None, True]),
        ("select {{ a | safe }}, {{ a | upper }}", {"a": "<i>"}, "select :p1, :p2", ["<i>", "<I>"]),
        ("{% set b = a ~ '!' %}select {{ b }}", {"a": "x"}, "select :p1", ["x!"]),
        ("{% for x in xs %}{{ x }},{% endfor %}", {"xs": [1, 2]}, ":p1,:p2,", [1, 2]),
        ("{% raw %}{{ x }}{% endraw %}", {}, "{{ x }}", []),
        ("select {{ a }}::date", {"a": "2026-01-01"}, "select :p1::date", ["2026-01-01"]),
        ("limit{{ n }}and{{ n }}x", {"n": 3}, "limit :p1 and :p2 x", [3, 3]),
        ("{{ n }}0", {"n": 3}, ":p1 0", [3]),
        ("{{ a }}{{ b }}", {"a": 1, "b": 2}, ":p1 :p2", [1, 2]),
        ("from {{ t | identifier }}", {"t": "erp.orders"}, "from erp.orders", []),
        ("{{ ('x' | identifier) ~ '; drop' }}", {}, ":p1", ["x; drop"]),
        ("{{ ('x' | identifier) | upper }}", {}, ":p1", ["X"]),
        ("where a = ':p1' and b = {{ b }}", {"b": 1}, "where a = ':p1' and b = :p_1", [1]),
        (
            "select {{ d }}, {{ n }}",
            {"d": date(2026, 1, 2), "n": Decimal("1.5")},
            "select :p1, :p2",
            [date(2026, 1, 2), Decimal("1.5")],
        ),
    ],
)
def test_every_expression_becomes_a_bound_parameter(template, text, given_values, sql, bound):
    query = render(template(text), given_values)
    assert query.text == sql
    assert list(query.parameters.values()) == bound
    assert all(f":{name}" in query.text for name in query.parameters)


INJECTIONS = [
    "'; drop table orders; --",
    "1 or 1=1",
    "{{ 7 * 7 }}",
    "\\'; select pg_sleep(9); --",
    ":p1",
    "\x001\x00",
    "$$;drop table x;$$",
    "/* */",
    "a\nb",
]


@pytest.mark.parametrize("evil", INJECTIONS)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v, v], Markup])
def test_no_value_becomes_text(template, evil, wrap):
    query = render(template("select * from t where a in {{ v }} or b = {{ v }}"), {"v": wrap(evil)})
    # Whatever the value, the text is one of two.
    assert query.text in {
        "select * from t where a in :p1 or b = :p2",
        "select * from t where a in (:p1, :p2) or b = (:p3, :p4)",
    }
    assert {type(value) for value in query.parameters.values()} == {str}
    assert set(query.parameters.values()) == {evil}


@given(text=st.text(alphabet=st.characters(blacklist_categories=["Cs"])))
def test_any_value_is_bound_whole(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.sql.j2"
    path.write_text("select {{ v }}")
    assert render(path, {"v": text}) == Query("select :p1", {"p1": text}, path)


@pytest.mark.parametrize(
    "name", ["", "a b", "a;b", 'a"b', "1a", "a.b.c.d", "a.", "ä", "x--", "a\n", None, 5, "a" * 64]
)
def test_identifier_lets_only_names_through(template, name):
    with pytest.raises(QueryTemplateError, match="takes a name of letters"):
        render(template("select\n * from {{ t | identifier }}"), {"t": name})


@pytest.mark.parametrize(
    ("text", "values", "line", "fragment"),
    [
        ("select\n{{ missing }}", {}, 2, "'missing' is undefined"),
        ("select\n\n{{ xs }}", {"xs": []}, 3, "the list is empty"),
        ("select\n{{ x }}", {"x": {}}, 2, "type dict cannot be bound"),
        ("select\n{{ x }}", {"x": [[1]]}, 2, "type list cannot be bound"),
        ("select {{ range }}", {}, 1, "cannot be bound"),
        ("select\n{{ ''.__class__.__mro__ }}", {}, 2, "unsafe"),
        ("select\n{{ 1 / 0 }}", {}, 2, "division by zero"),
        ("select\n{{ range(10 ** 9) | list }}", {}, 2, "Range too big"),
        ("select\n '{{ x }}'", {"x": 1}, 2, "inside quotes"),
        ('select\n "{{ x }}"', {"x": 1}, 2, "inside quotes"),
        ("select $a$\n {{ x }} $a$", {"x": 1}, 2, "inside quotes"),
        ("select 1 -- {{ x }}\n", {"x": 1}, 1, "in a comment"),
        ("select 1 /*\n {{ x }} */", {"x": 1}, 2, "in a comment"),
        ("select {% if x %}'{% endif %}{{ x }}'", {"x": 1}, 1, "inside quotes"),
        ("select\n{% if x %}", {}, 2, "end of template"),
        ("select\n{{ x | nofilter }}", {}, 2, "No filter named 'nofilter'"),
        ("\n{% macro m() %}{% endmacro %}", {}, 2, "{% macro %} is not supported"),
        ("{% set x %}a{% endset %}", {}, 1, "is not supported"),
        ("{% filter upper %}a{% endfilter %}", {}, 1, "is not supported"),
        ("{% include 'a' %}", {}, 1, "is not supported"),
        ("{% import 'a' as a %}", {}, 1, "is not supported"),
        ("{% extends 'a' %}", {}, 1, "is not supported"),
        ("  \n", {}, 1, "the file is empty"),
        ("a\0b", {}, 1, "NUL"),
    ],
)  # fmt: skip
def test_mistakes_name_file_and_line(template, text, values, line, fragment):
    path = template(text)
    with pytest.raises(QueryTemplateError) as caught:
        render(path, values, "postgresql")
    assert (caught.value.path, caught.value.line) == (path, line)
    assert fragment in caught.value.message
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_a_template_that_is_not_there_or_not_text_is_a_plain_error(tmp_path):
    with pytest.raises(QueryTemplateError, match="cannot be read: No such file"):
        render(tmp_path / "no.sql.j2", {})
    path = tmp_path / "latin.sql.j2"
    path.write_bytes(b"select\n'\xe9'")
    with pytest.raises(QueryTemplateError, match="not UTF-8") as caught:
        variables(path)
    assert caught.value.line == 2


def test_needed_variables_come_with_their_place(template):
    path = template("select {{ b }}\nwhere {{ a }}\n{% for x in xs %}{{ x }}{{ a }}{% endfor %}")
    assert variables(path) == [
        Variable("b", 1, 11, unasked=1), Variable("a", 2, 10, unasked=2), Variable("xs", 3, 13),
    ]  # fmt: skip


def test_optional_variables_are_not_needed(template):
    path = template("a {% if c is defined %}{{ c }}{% endif %} {{ d | default(1) }}")
    assert [(one.name, one.needed) for one in variables(path)] == [("c", False), ("d", False)]
    assert render(path, {}) == Query("a  :p1", {"p1": 1}, path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("select 1\nwhere a > {{ x }}", 2),
        ("{% if y %}\n{{ x }}{% endif %}", 2),
        ("{% if x %}{{ x }}{% endif %}\n{{ x }}\n{{ x }}", 2),
        ("{% for y in z %}\n{{ x }}{% endfor %}", 2),
        ("{% if x %}{{ x }}{% endif %}", None),
        ("{% if x is not none %}{% if y %}{{ x }}{% endif %}{% endif %}", None),
        ("{% if x is none %}a{% else %}{{ x }}{% endif %}", None),
        ("{% if y %}a{% elif x is not none %}{{ x }}{% endif %}", None),
        ("{{ x or 0 }} {{ x | default(0, true) }} {{ x if x is not none else 0 }}", None),
    ],
)
def test_values_that_are_written_unasked_are_found(template, text, line):
    (found,) = [variable for variable in variables(template(text)) if variable.name == "x"]
    assert found.unasked == line


@pytest.mark.parametrize(
    ("sql", "inside"),
    [
        ("a 'b' c", ["'b'"]),
        ("'it''s'", ["'it'", "'s'"]),
        ("a -- b\nc", ["-- b\n"]),
        ("/* a 'b' */ 'c'", ["/* a 'b' */", "'c'"]),
        ("$t$ 'a' $$ $t$ x", ["$t$ 'a' $$ $t$"]),
        ("'open", ["'open"]),
        ("a - b / c $1", []),
    ],
)
def test_quotes_and_comments_are_found(sql, inside):
    assert [sql[span.start : span.end] for span in enclosures(sql, "postgresql")] == inside


def test_only_the_querys_own_parameters_are_parameters_to_sqlalchemy():
    query = Query("select '12:30', a::text, ':x', :p1::date, arr[1:n], :p10", {"p1": 1})
    compiled = statement(query).compile()
    assert list(compiled.params) == ["p1"]
    assert str(compiled) == "select '12:30', a::text, ':x', :p1::date, arr[1:n], :p10"
