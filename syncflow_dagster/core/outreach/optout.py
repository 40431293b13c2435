"""Whether somebody asks not to be written to any more, in the languages of `optout_words`.

Precise before complete: any answer stops a sequence by itself, an opt-out closes every campaign to
this person for ever. So only explicit wording counts, and `no thanks` is an answer.

A text is compared without case, accents, punctuation, emoji and joiners, sentence by sentence. A
sentence is an opt-out if it says nothing but one of the words of a language ("Stop, please!"), or
if one of its phrases is in it and nothing before turns it round ("don't stop messaging me").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from syncflow_dagster.core.matching.names import fold
from syncflow_dagster.core.outreach.optout_words import FILLERS, GREETINGS, LANGUAGES
from syncflow_dagster.core.outreach.optout_words_more import MORE_LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Words of a text that may be an opt-out by a word alone; it asks nothing, either.
_SHORT_WORDS = 14
#: Words behind a greeting that may be a name.
_NAME_WORDS = 3
_SENTENCES = re.compile(r"\.(?=\s|$)|[!?\n;:\u061f\u061b\u3002\u2026\u2013\u2014()\"]+|\s-+\s")
_CLAUSES = re.compile(r"[,\u060c]")
_QUESTION = re.compile(r"[?\u061f]")
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
# What is written in several ways: Arabic yeh, kaf and teh marbuta, digits, marks on letters, and
# the Persian prefixes that may stand apart.
_ARABIC_MARKS = re.compile("[\u064b-\u065f\u0670\u0640]")
_ARABIC = str.maketrans(
    {"\u064a": "\u06cc", "\u0649": "\u06cc", "\u0643": "\u06a9", "\u0629": "\u0647"}
    | {chr(zero + digit): str(digit) for zero in (0x660, 0x6F0) for digit in range(10)}
)
_PREFIX = re.compile("(?<!\\S)(\u0646?\u0645\u06cc) ")
#: How words of being interested begin: beside "not interested" a word is meant as it stands.
_INTEREST = ("interes", "zainteres", "ilgilen", "علاقه", "интерес", "مهتم")
#: Longest text that is read, in characters; an opt-out stands in the beginning or nowhere.
_READ = 4000


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody asks not to be written to.

    Attributes:
        language: Two letters (ISO 639-1); of a word that several have, the first's.
        words: What was found, folded.
    """

    language: str
    words: str


@dataclass(frozen=True, slots=True)
class _Rules:
    language: str
    alone: frozenset[str]
    phrases: tuple[re.Pattern[str], ...]
    turned: tuple[re.Pattern[str], ...]


def is_opt_out(text: str | None) -> OptOut | None:
    """Return what makes an inbound text an opt-out; None if it is an answer like others.

    Args:
        text: As it came in.
    """
    plain = _QUOTED.sub("", (text or "")[:_READ])
    sentences = [one for one in _SENTENCES.split(plain) if one.strip()]
    short = sum(len(folded_text(one).split()) for one in sentences) <= _SHORT_WORDS
    alone = short and not _QUESTION.search(plain)
    for sentence in sentences:
        clauses = [sentence, *_CLAUSES.split(sentence)]
        found = (_alone(sentence) if alone else None) or _phrase(map(folded_text, clauses))
        if found:
            return found
    return None


def folded_text(text: str) -> str:
    """Return a text as phrases are compared with it."""
    text = _ARABIC_MARKS.sub("", fold(text)).translate(_ARABIC)
    return _PREFIX.sub(r"\1", text)


def _alone(sentence: str) -> OptOut | None:
    """Find a word alone: in all of a sentence, or in a clause with next to nothing beside it."""
    if found := _word(folded_text(sentence).split()):
        return found
    clauses = [clause for one in _CLAUSES.split(sentence) if (clause := folded_text(one).split())]
    for clause in clauses:
        others = [one for one in clauses if one is not clause]
        if (found := _word(clause)) and all(map(_says_nothing, others)):
            return found
    return None


def _says_nothing(clause: list[str]) -> bool:
    said = [word for word in clause if word not in _fillers()]
    greets = clause[0] in _greetings() and len(clause) <= 1 + _NAME_WORDS
    return len(said) <= 1 or greets or any(word.startswith(_INTEREST) for word in said)


def _word(words: list[str]) -> OptOut | None:
    greeted = bool(words) and words[0] in _greetings()
    for start in range(1 + _NAME_WORDS) if greeted else (0,):
        said = words[start:]
        plain = [word for word in said if word not in _fillers()]
        for text in (" ".join(said), " ".join(plain), " ".join(dict.fromkeys(plain))):
            for rules in _rules():
                if text in rules.alone:
                    return OptOut(rules.language, text)
    return None


def _phrase(sentences: Iterable[str]) -> OptOut | None:
    for text, rules in product([f"{one} " for one in sentences], _rules()):
        for phrase in rules.phrases:
            found = phrase.search(text)
            if found and not any(one.search(text[: found.start()]) for one in rules.turned):
                return OptOut(rules.language, found[0].strip())
    return None


@lru_cache(maxsize=1)
def _fillers() -> frozenset[str]:
    return frozenset(folded_text(FILLERS).split())


@lru_cache(maxsize=1)
def _greetings() -> frozenset[str]:
    return frozenset(folded_text(GREETINGS).split())


@lru_cache(maxsize=1)
def _rules() -> tuple[_Rules, ...]:
    return tuple(
        _Rules(
            words.code,
            frozenset(folded_text(one) for one in words.alone.split(",")),
            tuple(map(compiled, _lines(words.phrases))),
            tuple(compiled(f"{line} $") for line in _lines(words.turned)),
        )
        for words in (*LANGUAGES, *MORE_LANGUAGES)
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def compiled(phrase: str) -> re.Pattern[str]:
    """Return the pattern of a phrase, over folded words with a blank behind each."""
    return re.compile(r"(?<!\S)" + "".join(map(_place, phrase.split())))


def _place(place: str) -> str:
    if place in ("^", "$"):
        return place
    if place.startswith(".."):
        return rf"(?:\S+ ){{0,{int(place[2:])}}}"
    if place.startswith("<"):
        return "".join(rf"(?<!\b{one} )" for one in _choices(place[1:]))
    if place.startswith("!"):
        return f"(?!(?:{'|'.join(_choices(place[1:]))}) )"
    once = f"(?:{'|'.join(_choices(place.removesuffix('?')))}) "
    return f"(?:{once})?" if place.endswith("?") else once


def _choices(place: str) -> list[str]:
    found = []
    for one in place.split("|"):
        parts = [re.escape(folded_text(part.replace("_", " "))) for part in one.split("*")]
        found.append(r"\S*".join(parts))
    return found
