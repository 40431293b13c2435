"""Whether somebody asks not to be written to any more, in the languages of `optout_words`.

Precise before complete: any answer stops a sequence by itself, an opt-out closes every campaign to
this person for ever. So only explicit wording counts, and `no thanks` is an answer.

A text is compared without case, accents, punctuation, emoji and joiners, sentence by sentence. A
sentence is an opt-out if it says nothing but one of the words of a language ("Stop, please!"), or
if one of its phrases is in it and no word before turns it round ("don't stop messaging me").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from syncflow_dagster.core.matching.names import fold
from syncflow_dagster.core.outreach.optout_words import FILLERS, GREETINGS, LANGUAGES

#: A word alone is one only in a short text that asks nothing; a phrase is one in any.
_SHORT_WORDS = 14
_SENTENCES = re.compile(r"[.!?\n;:\u061f\u061b\u3002\u2026\u2013\u2014]+|\s-+\s")
_QUESTION = re.compile(r"[?\u061f]")
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
# Letters that are written in several ways: Arabic yeh, kaf, teh marbuta, and marks on them.
_ARABIC_MARKS = re.compile("[\u064b-\u065f\u0670\u0640]")
_ARABIC = str.maketrans(
    {"\u064a": "\u06cc", "\u0649": "\u06cc", "\u0643": "\u06a9", "\u0629": "\u0647"}
)
#: Longest text that is read, in characters; an opt-out stands in the beginning or nowhere.
_READ = 4000


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody asks not to be written to.

    Attributes:
        language: Two letters (ISO 639-1).
        words: What was found, folded: only words of ours, nothing personal.
    """

    language: str
    words: str


@dataclass(frozen=True, slots=True)
class _Rules:
    language: str
    alone: frozenset[str]
    phrases: tuple[re.Pattern[str], ...]
    turned: re.Pattern[str]


def is_opt_out(text: str | None) -> OptOut | None:
    """Return what makes an inbound text an opt-out; None if it is an answer like others.

    Args:
        text: As it came in.
    """
    plain = _QUOTED.sub("", (text or "")[:_READ])
    sentences = [folded for one in _SENTENCES.split(plain) if (folded := folded_text(one))]
    short = sum(len(one.split()) for one in sentences) <= _SHORT_WORDS
    alone = short and not _QUESTION.search(plain)
    for sentence in sentences:
        if alone and (found := _alone(sentence)):
            return found
        if found := _phrase(sentence):
            return found
    return None


def folded_text(text: str) -> str:
    """Return a text as phrases are compared with it."""
    return fold(_ARABIC_MARKS.sub("", fold(text)).translate(_ARABIC))


def _alone(sentence: str) -> OptOut | None:
    words = sentence.split()
    # "Hi Anna, stop": a greeting may have a name behind it.
    for some in [words[1:], words[2:]] if words and words[0] in GREETINGS else [words]:
        said = " ".join(dict.fromkeys(word for word in some if word not in FILLERS))
        for rules in _rules():
            if said in rules.alone:
                return OptOut(rules.language, said)
    return None


def _phrase(sentence: str) -> OptOut | None:
    for rules in _rules():
        for phrase in rules.phrases:
            found = phrase.search(sentence)
            if found and not rules.turned.search(sentence[: found.start()]):
                return OptOut(rules.language, found[0].strip())
    return None


@lru_cache(maxsize=1)
def _rules() -> tuple[_Rules, ...]:
    return tuple(
        _Rules(
            words.code,
            frozenset(folded_text(one) for one in words.alone),
            tuple(re.compile(rf"(?<!\w)(?:{one})(?!\w)") for one in words.phrases),
            re.compile(rf"(?<!\w)(?:{'|'.join(words.turned)})\s*$"),
        )
        for words in LANGUAGES
    )
