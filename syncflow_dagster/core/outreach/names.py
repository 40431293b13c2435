"""First names as somebody would write them in a letter, from what people put into their profile."""

from __future__ import annotations

import re
import unicodedata

_DOTS = str.maketrans("", "", ".-")
#: Titles and forms of address, without dots and case; they stand before a name.
_TITLES = frozenset(
    """
    dr dra drs dott dottssa dottoressa prof profssa professor mr mrs ms miss mister sir madam mme
    mlle m herr frau hr fr dipl dipling diplkfm ing ir mag univ habil priv doz med phil rer nat phd
    iur jur eng engr sr sra srta don doña dhr mw pan pani bay bayan rev capt col gen lt maj hon
    دکتر مهندس د. г-н г-жа
    """.translate(_DOTS).split()  # noqa: RUF001 - Russian
)
#: Those that are somebody's name where nothing follows.
_NAMES_TOO = frozenset({"don", "ing", "bay", "pan", "gen"})
#: What is in brackets or quotes beside a name, and what follows a comma or a bar.
_ASIDE = re.compile(
    r"\([^)]*\)|\[[^\]]*\]|\"[^\"]*\"|\u201c[^\u201d]*\u201d|\u201e[^\u201c]*\u201c"
)
_BEHIND = re.compile(r"\s*[,|/\u2022\u00b7\u2013\u2014].*$", re.DOTALL)
_JOINERS = "\u200c\u200d"
_INSIDE = "'\u2019\u02bc-.\u2010\u2011"
#: Marks that only say how an emoji is drawn.
_EMOJI_MARKS = frozenset([*map(chr, range(0xFE00, 0xFE10)), "\u20e3"])
#: Capitals so few may be initials that are somebody's name, as AJ.
_INITIALS = 2


def clean_first_name(text: str | None) -> str | None:
    """Return a first name without titles, emoji and other decoration, in ordinary case.

    Args:
        text: As somebody wrote it, such as `DR. JANE 🚀, MBA`.

    Returns:
        For example `Jane`; None if no name is left, or an initial only.
    """
    plain = unicodedata.normalize("NFKC", text or "")
    plain = _BEHIND.sub("", _ASIDE.sub(" ", plain))
    words = _letters_only(plain).split()
    while words and _is_title(words[0]) and (len(words) > 1 or words[0].lower() not in _NAMES_TOO):
        words = words[1:]
    words = [word for word in map(_word, words) if word]
    if not words or all(len(word.rstrip(".")) == 1 and word.isascii() for word in words):
        return None
    return " ".join(words)


def _letters_only(text: str) -> str:
    """Leave letters with their marks, and what joins them."""
    kept: list[str] = []
    for index, one in enumerate(text):
        beside = text[index - 1 : index] + text[index + 1 : index + 2]
        if one in _JOINERS:
            # They shape letters of some scripts, and elsewhere tie emoji together.
            kept.append(one if len(beside) == 2 and all(map(_is_letter, beside)) else "")
        else:
            kept.append(one if _is_letter(one) or one in _INSIDE else " ")
    return "".join(kept)


def _is_letter(one: str) -> bool:
    return unicodedata.category(one)[0] in "LM" and one not in _EMOJI_MARKS


def _is_title(word: str) -> bool:
    return word.translate(_DOTS).casefold() in _TITLES


def _word(word: str) -> str:
    word = word.strip("'\u2019\u02bc-\u2010\u2011").lstrip(".")
    if len(word) > 1 and not (len(word) == _INITIALS and "." in word):
        word = word.rstrip(".") if word.count(".") == 1 else word
    if word.isupper() and sum(map(str.isalpha, word)) > _INITIALS and "." not in word:
        return _capitalised(word)
    return _capitalised(word) if word.islower() else word


def _capitalised(word: str) -> str:
    """Give each part of a word one capital: `Jean-Pierre`, `D'Angelo`."""
    parts = re.split(r"([-\u2010\u2011]|(?<=^\w)['\u2019])", word)
    # A Turkish capital I with a dot becomes an i and a dot of its own otherwise.
    return "".join(part[:1].upper() + part[1:].lower().replace("i\u0307", "i") for part in parts)
