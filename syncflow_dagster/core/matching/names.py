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
# Accents, which are often left out: they stand on letters of any script. Marks of one script alone
# (vowels of Hindi or Thai, voicing of Kana) are letters of their own.
_ACCENT = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
#: Given names whose short forms are looked up, so that one name has few spellings.
_EXPANDED = 2
#: Words a name needs to be told from others by.
_LEAST_WORDS = 2


class Agreement(IntEnum):
    """How far two names agree.

    Attributes:
        DIFFERENT: They contradict each other.
        UNKNOWN: One of them is missing.
        COMPATIBLE: One is a part of the other, has an initial where it has a word, or has the
            same words in another order.
        EQUAL: The same name: in other letters, or with a short form.
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
        keys: Names are looked up by these, and equal if they share one and have their words in
            one order; none where the name says too little.
        families: Words of the last name.
    """

    shown: str
    words: tuple[str, ...]
    keys: frozenset[str]
    families: tuple[str, ...] = ()


def fold(text: str) -> str:
    """Return a text without case, accents and punctuation, its words one blank apart."""
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    text = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    return " ".join("".join(map(_letter, _INSIDE.sub("", text))).split())


def _letter(one: str) -> str:
    """Return what is left of a character: itself, nothing if nobody sees it, or a blank."""
    category = unicodedata.category(one)
    if one.isalnum() or category in ("Mn", "Mc"):
        return one
    return "" if category == "Cf" else " "


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
    elif first.rstrip().endswith(","):
        first, last = last, first
    given, family = fold(first).split(), fold(last).split()
    if not given and len(family) > 1:
        given, family = family[:-1], family[-1:]
    words = (*given, *family)
    if len(words) < _LEAST_WORDS:
        return Name(shown, words, frozenset(), tuple(family))
    choices = [sorted(names_meant(word)) for word in given[:_EXPANDED]]
    choices += [[word] for word in (*given[_EXPANDED:], *family)]
    keys = frozenset(" ".join(sorted(one)) for one in product(*choices))
    return Name(shown, words, keys, tuple(family))


def agreement(one: Name, other: Name) -> Agreement:
    """Tell how far two names agree."""
    if not one.words or not other.words:
        return Agreement.UNKNOWN
    if one.keys & other.keys:
        # James Thomas may be Thomas James, and may be another one.
        in_order = all(map(_same_word, one.words, other.words))
        return Agreement.EQUAL if in_order else Agreement.COMPATIBLE
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
