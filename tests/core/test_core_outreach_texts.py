"""Templates become texts that may be sent, or say what is wrong with them."""

# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.outreach.names import clean_first_name
from syncflow_dagster.core.outreach.render import (
    check_text,
    length,
    longest,
    text_hash,
)
from syncflow_dagster.core.outreach.tokens import Rendered, parse, render
from syncflow_dagster.core.templates import TemplateError


@pytest.mark.parametrize(
    "token",
    [
        "{{first_name}}",
        "{{ first_name }}",
        "{{firstName}}",
        "{{FirstName}}",
        "{first_name}",
        "{{FIRST_NAME}}",
        "%FIRSTNAME%",
        "%FIRST_NAME%",
    ],
)
def test_a_token_may_be_written_as_other_tools_do(token: str) -> None:
    assert render(parse(f"Hi {token}!"), {"first_name": "Anna"}).text == "Hi Anna!"


def test_columns_are_tokens_and_percentages_are_none() -> None:
    template = parse("{{deal size}} saves 20% of 100%", ["deal_size"])
    assert template.tokens == ("deal_size",)
    assert render(template, {"deal_size": "8"}).text == "8 saves 20% of 100%"


@pytest.mark.parametrize(
    ("text", "position", "word"),
    [
        ("Hi {{nickname}}", 3, "no token"),
        ("Hi {{first_name}", 3, "never closed"),
        ("Hi first_name}}", 13, "closes nothing"),
        ("Hi {{}}", 3, "no token"),
        ("%DISCOUNT% off", 0, "no token"),
    ],
)
def test_what_is_no_token_is_an_error_with_its_place(text: str, position: int, word: str) -> None:
    with pytest.raises(TemplateError, match=word) as error:
        parse(text)
    assert error.value.position == position


@pytest.mark.parametrize("value", [None, "", "  ", "None", "null", "NaN", "nan", "n/a"])
def test_a_value_that_says_nothing_is_missing(value: str | None) -> None:
    template = parse("Hi {{first_name|there}}, {{company}}")
    found = render(template, {"first_name": value, "company": value})
    assert found == Rendered("Hi there,", ("company",), ("first_name",))


def test_an_empty_fallback_leaves_no_gap() -> None:
    found = render(parse("As {{position|}} at  {{company}}\n\nyou …"), {"company": "A\nB"})
    assert found.text == "As at A B\n\nyou …"


@given(st.dictionaries(st.sampled_from(["first_name", "company"]), st.text(max_size=20)))
def test_no_value_is_read_as_a_template(values: dict[str, str]) -> None:
    found = render(parse("{{first_name|x}}{{company|y}}"), {**values, "last_name": "SECRET"})
    assert "SECRET" not in found.text


@pytest.mark.parametrize(
    ("kind", "text", "tier", "faults"),
    [
        ("message", "Hi Anna", "free", []),
        ("message", " \n ", "free", ["empty"]),
        ("message", "Hi {first_name}", "free", ["braces"]),
        ("message", "Hi None,", "free", ["printed_nothing"]),
        ("message", "Hi null,", "free", ["printed_nothing"]),
        ("message", "None of us knows, Annan", "free", []),
        ("message", "Hi \x00", "free", ["unreadable"]),
        ("note", "x" * 200, "free", []),
        ("note", "x" * 201, "free", ["too_long"]),
        ("note", "x" * 201, None, ["too_long"]),
        ("note", "x" * 300, "premium", []),
        ("note", "x" * 301, "recruiter", ["too_long"]),
        # An emoji is two UTF-16 units: 101 are 202 of them.
        ("note", "🚀" * 100, "free", []),
        ("note", "🚀" * 101, "free", ["too_long"]),
        ("message", "x" * 8001, "premium", ["too_long"]),
        ("subject", "x" * 201, "premium", ["too_long"]),
        ("note", "see https://example.com", "free", ["link"]),
        ("note", "see www.example.dev/x", "free", ["link"]),
        ("note", "see example.com", "free", ["link"]),
        ("note", "HTTPS://EXAMPLE.COM", "free", ["link"]),
        ("note", "Thanks.It was good, write to ann@example.com", "free", []),
        ("note", "e.g. Node.js 2.0 at 10.30, i.e. later", "free", []),
    ],
)
def test_faults_of_texts(kind: str, text: str, tier: str | None, faults: list[str]) -> None:
    found = check_text(kind, text, tier, links_allowed=False)  # type: ignore[arg-type]
    assert [one.fault for one in found] == faults


def test_a_text_is_said_once_however_it_is_spaced() -> None:
    earlier = {text_hash("Hi  Anna,\nhow are you?")}
    assert [
        one.fault for one in check_text("message", "hi Anna, how are you?", None, earlier=earlier)
    ]
    assert not check_text("message", "Hi Anna, how is it going?", None, earlier=earlier)


@given(st.text(max_size=50))
def test_the_stricter_unit_counts(text: str) -> None:
    if text.isprintable():
        assert length(text) == max(len(text), len(text.encode("utf-16-le")) // 2)
    assert longest("note", None) == longest("note", "free") < longest("note", "premium")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna", "Anna"),
        ("ANNA", "Anna"),
        ("anna maria", "Anna Maria"),
        ("JEAN-PIERRE", "Jean-Pierre"),
        ("d'angelo", "D'Angelo"),
        ("MacKenzie", "MacKenzie"),
        ("AJ", "AJ"),
        ("DR. JANE 🚀, MBA", "Jane"),
        ("Prof. Dr. Müller", "Müller"),
        ("Robert (Bob)", "Robert"),
        ("👩\u200d💻 Anna ✨", "Anna"),
        ("𝓙𝓪𝓷𝓮", "Jane"),
        ("FATİH", "Fatih"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("李", "李"),
        ("Don", "Don"),
        ("J. Peter", "J. Peter"),
        ("Dr.", None),
        ("J.", None),
        ("🚀", None),
        ("", None),
        (None, None),
    ],
)
def test_first_names_are_as_in_a_letter(text: str | None, expected: str | None) -> None:
    assert clean_first_name(text) == expected


@given(st.text(max_size=30))
def test_a_clean_name_stays(text: str) -> None:
    once = clean_first_name(text)
    assert clean_first_name(once) == once
