"""Item name templates: strict to read, forgiving to fill."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.templates import TemplateError, parse


@pytest.mark.parametrize(
    ("text", "record", "name"),
    [
        ("{a} {b}", {"a": "x", "b": "y"}, "x y"),
        ("{a} {b} {c}", {"a": "x", "b": None, "c": "z"}, "x z"),
        ("{a}-{b}", {"a": 1, "b": Decimal("2.50")}, "1-2.50"),
        ("  {a}\n\t{a} ", {"a": "x  y\u00a0z"}, "x y z x y z"),
        ("{{{a}}}", {"a": "x"}, "{x}"),
        ("{{a}}", {}, "{a}"),
        ("{a}", {"a": None}, ""),
        ("{a}", {"a": "{b}"}, "{b}"),
        ("no field", {}, "no field"),
    ],
)
def test_a_template_is_filled(text, record, name):
    assert parse(text).render(record) == name


def test_fields_are_listed_once_in_order():
    assert parse("{b} {a} {b} {{c}}").fields == ("b", "a")


def test_a_field_the_record_does_not_have_is_an_error():
    with pytest.raises(KeyError, match="'b'"):
        parse("{a}{b}").render({"a": 1})


@pytest.mark.parametrize(
    ("text", "position", "fragment"),
    [
        ("{", 0, "'{' is never closed"),
        ("ab}", 2, "'}' closes nothing; write '}}'"),
        ("{a} {b", 4, "never closed"),
        ("{}", 0, "names no field"),
        ("x {A}", 3, "'A' is no field name"),
        ("{a b}", 1, "no field name"),
        ("{ a }", 1, "no blanks"),
        ("{a.b}", 1, "no field name"),
        ("{a!r}", 1, "no field name"),
        ("{a:>3}", 1, "no field name"),
        ("{a[0]}", 1, "no field name"),
        ("{0}", 1, "no field name"),
        ("{{{a}}", 5, "'}' closes nothing"),
    ],
)
def test_mistakes_have_a_position(text, position, fragment):
    with pytest.raises(TemplateError) as caught:
        parse(text)
    assert fragment in str(caught.value)
    assert f"(character {caught.value.position + 1})" in str(caught.value)
    assert caught.value.position == position


@given(st.text())
def test_any_text_can_be_escaped(text):
    escaped = text.replace("{", "{{").replace("}", "}}")
    assert parse(escaped).render({}) == " ".join(text.split())


@given(st.text(alphabet="{}ab "))
def test_reading_never_fails_otherwise(text):
    try:
        template = parse(text)
    except TemplateError as error:
        assert 0 <= error.position < len(text)
    else:
        assert template.render(dict.fromkeys(template.fields, "x")) is not None
