"""How long a text is for monday, and where it may be cut."""

from __future__ import annotations

import unicodedata

#: Ends a text that was cut.
MARK = "…"

_JOINER = "\u200d"
#: Belong to the character before them, beside accents and vowel signs: the joiner of pictures,
#: skin tones, and the tags of regions' flags (Unicode UAX #29, "Extend").
_JOINED = frozenset(
    {_JOINER, *map(chr, range(0x1F3FB, 0x1F400)), *map(chr, range(0xE0020, 0xE0080))}
)
#: Two of these are one flag.
_FLAG_HALVES = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def length(text: str, *, cut: bool) -> int:
    """Return a text's length as it is held against a limit.

    monday does not say what its limits count. A text that may be cut is measured in UTF-16 code
    units, of which an emoji has two: what fits by them fits by any count. Any other is measured in
    characters, so that nothing is refused that monday may take.

    Args:
        text: The text.
        cut: Whether it is cut where it is too long.
    """
    return _units(text) if cut else len(text)


def beginning(text: str, most: int) -> str:
    """Return as much of a text as has at most `most` UTF-16 code units.

    What belongs together on the screen, such as a letter and its accent, is not torn apart.
    """
    end = _room(text, most)
    while 0 < end < len(text) and _tears(text, end):
        end -= 1
    return text[:end]


def shortened(text: str, longest: int) -> str:
    """Return a text of at most `longest` UTF-16 code units, with a mark where it was cut."""
    if _units(text) <= longest:
        return text
    return beginning(text, longest - len(MARK)).rstrip() + MARK


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _room(text: str, most: int) -> int:
    """Return how many characters have at most `most` units together."""
    used = 0
    for end, character in enumerate(text):
        used += _units(character)
        if used > most:
            return end
    return len(text)


def _tears(text: str, end: int) -> bool:
    """Whether a cut before the character at `end` tears something apart."""
    before, after = text[end - 1], text[end]
    if after in _FLAG_HALVES:
        halves = end - len(text[:end].rstrip(_FLAG_HALVES))
        return halves % 2 == 1
    return before == _JOINER or after in _JOINED or unicodedata.category(after).startswith("M")
