"""Names of people: when two of them are the same name, differently written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from itertools import product

from syncflow_dagster.core.matching.nicknames import names_meant

# Letters that Unicode does not take apart into a base letter and a mark.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "\u0131": "i",
        "ħ": "h",
    }
)
# What stands inside a word: O'Brien is Obrien.
_INSIDE = re.compile(r"['`\u00b4\u2018\u2019\u02bc.]")
_NO_LETTERS = re.compile(r"[\W_]+")
#: Given names whose short forms are looked up, so that one name has few spellings.
_EXPANDED = 2
#: Words a name needs to be told from others by.
_LEAST_WORDS = 2


class Agreement(IntEnum):
    """How far two names agree.

    Attributes:
        DIFFERENT: They contradict each other.
        UNKNOWN: One of them is missing.
        COMPATIBLE: One is a part of the other, or has an initial where it has a word.
        EQUAL: The same name: in other letters, another order, or with a short form.
    """

    DIFFERENT = 0
    UNKNOWN = 1
    COMPATIBLE = 2
    EQUAL = 3


@dataclass(frozen=True, slots=True)
class Name:
    """A name.

    Attributes:
        shown: As people write it.
        words: Its words, folded.
        keys: Two names are equal if they share one; none where the name says too little.
    """

    shown: str
    words: tuple[str, ...]
    keys: frozenset[str]


def fold(text: str) -> str:
    """Return a text without case, accents and punctuation, its words one blank apart."""
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    text = "".join(
        one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)
    )
    return _NO_LETTERS.sub(" ", _INSIDE.sub("", text)).strip()


@lru_cache(maxsize=65_536)
def name_of(first: str | None, last: str | None) -> Name:
    """Read a name.

    Args:
        first: First names.
        last: Last name, or the whole name, where it may also be written `Last, First`.
    """
    first, last = first or "", last or ""
    shown = " ".join(f"{first} {last}".split())
    if not first.strip() and "," in last:
        last, _, first = last.partition(",")
    given, family = fold(first).split(), fold(last).split()
    if not given and len(family) > 1:
        given, family = family[:-1], family[-1:]
    words = (*given, *family)
    if len(words) < _LEAST_WORDS:
        return Name(shown, words, frozenset())
    choices = [sorted(names_meant(word)) for word in given[:_EXPANDED]]
    choices += [[word] for word in (*given[_EXPANDED:], *family)]
    return Name(shown, words, frozenset(" ".join(sorted(one)) for one in product(*choices)))


def agreement(one: Name, other: Name) -> Agreement:
    """Tell how far two names agree."""
    if not one.words or not other.words:
        return Agreement.UNKNOWN
    if one.keys & other.keys:
        return Agreement.EQUAL
    short, long = sorted((one.words, other.words), key=len)
    left = list(long)
    for word in sorted(short, key=len, reverse=True):
        fitting = next((each for each in left if _same_word(word, each)), None)
        if fitting is None:
            return Agreement.DIFFERENT
        left.remove(fitting)
    return Agreement.COMPATIBLE


def _same_word(one: str, other: str) -> bool:
    if len(one) == 1 or len(other) == 1:
        return one[0] == other[0]
    return bool(names_meant(one) & names_meant(other))
