"""Quotes and comments as each database reads them; what may be read in two ways is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.nodes.pull.quotes import enclosures, without_end
from syncflow_dagster.nodes.pull.template import QueryTemplateError, render, variables

X = "{{ x }}"
CASES = [
    # database, template, what the refusal says; None: the expression is bound
    ("postgresql", rf"E'it\'s {X}'", "inside quotes"),
    ("postgresql", rf"E'it\'s' || {X}", None),
    ("postgresql", rf"e'\\' || {X}", None),
    ("postgresql", f"E'a'\n-- c\n  'b\\' {X}'", "inside quotes"),
    ("postgresql", rf"like 'a\%' escape '\' and b = {X}", None),
    ("postgresql", rf"typE'\' || {X}", None),
    ("postgresql", f"/* /* */ {X} */", "in a comment"),
    ("postgresql", f"/* /* */ it's */ {X}", None),
    ("postgresql", f"a$b$ = {X} $b$", None),
    ("postgresql", f"$é$ ' $é$ || {X} || '", None),
    ("postgresql", f"a #> {X}", None),
    ("mysql", f"/* it's */ `it's` = {X}", None),
    ("mysql", f"`a {X}`", "inside quotes"),
    ("mysql", f"a # it's\n = {X}", None),
    ("mysql", f"a # {X}\n", "in a comment"),
    ("mysql", f"5 --{X}", None),
    ("mysql", f"5 -- {X}", "in a comment"),
    ("mysql", rf"'\\' = {X}", None),
    ("mysql", rf"'it\'s' = {X}", "a backslash before a quote; write the quote twice"),
    ("mysql", rf"'a\' = {X} or b = '", "a backslash before a quote"),
    ("mariadb", rf'"a\"b" = {X}', "a backslash before a quote"),
    ("mysql", rf"{X} = 'it\'s'", None),
    ("mysql", f"/*! it's */ {X}", "which some versions run"),
    ("mariadb", f"/*M!100100 {X} */", "which some versions run"),
    ("mysql", f"/* a /* b */ {X}", "a comment inside a comment"),
    ("mysql", f"$a$ = {X}", "quote in some versions"),
    ("mysql", f"a$b$ = {X}", None),
    ("oracle", f"q'[it's {X}]'", "inside quotes"),
    ("oracle", f"nQ'[it's]' || Q'!it's!' || q'<'>' || {X}", None),
    ("oracle", f"x$a$b = {X}", None),
    ("oracle", rf"'\' || {X}", None),
    ("oracle", f"/* /* */ {X} = '*/'", None),
    ("mssql", f"[it]]'s] = {X}", None),
    ("mssql", f"[a {X}]", "inside quotes"),
    ("mssql", f"/* /* */ {X} */", "in a comment"),
    ("mssql", f"from #t where a = {X}", None),
    ("sqlite", f"[it's] = `it's` or {X}", None),
    ("sqlite", f"/* /* */ {X}", None),
    ("else", f"'it''s' = {X} -- it's\n", None),
    ("else", rf"'it\'s' = {X}", "a backslash before a quote"),
    ("else", f"a # {X}", "begins a comment in some databases"),
    ("else", f"`a` = {X}", "a backtick"),
    ("else", f"$$a$$ = {X}", "quote in some versions"),
    ("else", f"q'[a]' = {X}", "not all databases have"),
]  # fmt: skip


@pytest.mark.parametrize(("database", "text", "says"), CASES)
def test_an_expression_is_bound_only_where_it_stands_surely_outside(tmp_path, database, text, says):
    path = tmp_path / "q.sql.j2"
    path.write_text(f"select 1\nwhere {text}", encoding="utf-8")
    if says is None:
        assert len(render(path, {"x": 5}, database).parameters) == 1
        variables(path, database)
        return
    line = 2 + text[: text.index(X)].count("\n")
    for read in (lambda: render(path, {"x": 5}, database), lambda: variables(path, database)):
        with pytest.raises(QueryTemplateError, match=says) as caught:
            read()
        assert str(caught.value).startswith(f"{path}:{line}: an expression stands ")


def test_what_only_some_databases_read_so_waits_until_the_database_is_known(tmp_path):
    path = tmp_path / "q.sql.j2"
    path.write_text(rf"select E'it\'s' = {X}", encoding="utf-8")
    assert [one.name for one in variables(path)] == ["x"]
    path.write_text(f"select '{X}'", encoding="utf-8")
    with pytest.raises(QueryTemplateError, match="inside quotes"):
        variables(path)


PIECES = st.sampled_from(
    ["'", '"', "`", "\\", "/*", "*/", "--", "#", "$$", "$a$", "[", "]", "E'", "q'", "a", " ", "\n"]
)  # fmt: skip
DATABASES = st.sampled_from(["postgresql", "mysql", "oracle", "mssql", "sqlite", "else"])


@given(st.lists(PIECES, max_size=14).map("".join), DATABASES)
def test_enclosures_part_a_statement_in_order(sql, database):
    spans = enclosures(sql, database)
    ends = [0, *(span.end for span in spans)]
    assert all(end <= span.start < span.end for end, span in zip(ends, spans, strict=False))
    assert sql.startswith(without_end(sql, database))


@pytest.mark.parametrize(
    ("database", "sql", "left"),
    [
        ("postgresql", "select 1 /* /* ; */ ; */", "select 1"),
        ("oracle", "select q'[--]' from dual; -- it's", "select q'[--]' from dual"),
        ("sqlite", "select [a;] ;", "select [a;]"),
    ],
)
def test_what_stands_behind_a_statement_is_left_out(database, sql, left):
    assert without_end(sql, database) == left
