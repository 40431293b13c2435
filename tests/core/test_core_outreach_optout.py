"""Opt-outs are told from answers, in the languages of people who are written to."""

# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncflow_dagster.core.outreach.optout import is_opt_out

_TEXTS = Path(__file__).parent / "texts"
_OPT_OUTS = [
    tuple(line.split(": ", 1)) for line in (_TEXTS / "opt_outs.txt").read_text("utf-8").splitlines()
]
_ANSWERS = (_TEXTS / "answers.txt").read_text("utf-8").splitlines()
_LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "fa", "ar", "ru", "sv"}


def test_explicit_wording_is_an_opt_out_in_every_language() -> None:
    missed = [text for _, text in _OPT_OUTS if is_opt_out(text) is None]
    assert missed == []
    per_language = Counter(code for code, _ in _OPT_OUTS)
    assert {code for code, number in per_language.items() if number >= 15} == _LANGUAGES


def test_any_other_answer_is_none() -> None:
    wrong = {text: found for text in _ANSWERS if (found := is_opt_out(text))}
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "STOP 🛑🛑",
        "  s\u0323top!!".replace("\u0323", ""),
        "DÉSABONNEZ-MOI",
        "De\u0301sabonnez-moi",
        "desabonnez moi",
        "Bitte loeschen Sie meine Daten",
        "LÜTFEN BANA MESAJ ATMAYIN",
        "نمی\u200cخواهم پیام دریافت کنم",
        "نمی خواهم پیام دریافت کنم",
        "لغو\u06f1\u06f1",
        "لا أُريدُ المَزيدَ مِنَ الرَّسائل",
        "don\u2019t contact me",
        "Thanks for reaching out. I'm not interested.\nPlease don't contact me again.\n\nAnna",
    ],
)
def test_case_accents_emoji_joiners_and_spelling_do_not_matter(text: str) -> None:
    assert is_opt_out(text) is not None


def test_what_is_quoted_is_not_said() -> None:
    assert is_opt_out("> reply STOP to opt out\nSounds great, tell me more") is None


def test_a_word_alone_counts_only_in_a_short_text_that_asks_nothing() -> None:
    assert is_opt_out("Stop. I have enough of it.")
    assert is_opt_out("Stop? Why, I like it.") is None
    assert is_opt_out("Stop. " + "I was only joking of course, " * 4) is None


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    found = is_opt_out(text)
    assert found is None or found.words


def test_no_text_is_none() -> None:
    assert is_opt_out(None) is None
    assert is_opt_out("🙂") is None
