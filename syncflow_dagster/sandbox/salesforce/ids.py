"""Record Ids: 15 characters that know upper and lower case, and 18 that need not.

The last three of 18 characters say, five bits each, which of the first fifteen are upper-case
letters; documented under "Field Types: ID Field Type" in the Object Reference.
"""

from __future__ import annotations

import string

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
# The instance's part of an Id, the same in all Ids of one org.
_INSTANCE = "Hn0"
_KNOWN = frozenset(_DIGITS)


def suffix(id15: str) -> str:
    """The three characters that 15 characters are told apart by without case."""
    chunks = (id15[start : start + 5] for start in (0, 5, 10))
    return "".join(
        _SUFFIX[sum(1 << place for place, one in enumerate(chunk) if one.isupper())]
        for chunk in chunks
    )


def make_id(prefix: str, number: int) -> str:
    """The 18-character Id of an object's record with this number."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    id15 = prefix + _INSTANCE + digits.rjust(9, "0")
    return id15 + suffix(id15)


def normalise(text: object) -> str | None:
    """The 18-character form of an Id of 15 or 18 characters; None when it is no Id."""
    if not isinstance(text, str) or len(text) not in (15, 18) or not _KNOWN.issuperset(text):
        return None
    if len(text) == 15:
        return text + suffix(text)
    restored = _restored(text[:15], text[15:].upper())
    return None if restored is None else restored + text[15:].upper()


def _restored(id15: str, check: str) -> str | None:
    """The first fifteen characters with the case that the last three say."""
    letters = list(id15.lower())
    for chunk, one in enumerate(check):
        bits = _SUFFIX.find(one)
        if bits < 0:
            return None
        for place in range(5):
            if bits >> place & 1:
                at = chunk * 5 + place
                letters[at] = letters[at].upper()
    restored = "".join(letters)
    return restored if suffix(restored) == check else None
