"""What a rendered text has to be before anybody approves it, and what makes two texts the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

TextKind = Literal["note", "message", "inmail", "subject"]
Fault = Literal["empty", "braces", "printed_nothing", "too_long", "link", "repeated", "unreadable"]

#: Tiers whose notes may be longer.
_PAID = frozenset({"premium", "sales_navigator", "recruiter"})
#: Characters at most: notes as LinkedIn's help (a550555) and Unipile's page on limits have them,
#: messages as Unipile's API. Of InMails LinkedIn's help says 2000 and 200 (a554514), others 1900.
_NOTE_FREE, _NOTE_PAID = 200, 300
_LONGEST = {"message": 8000, "inmail": 1900, "subject": 200}

_BRACES = re.compile(r"[{}]")
#: What programs print for a value that is not there; `None of us` is English.
_PRINTED = re.compile(r"(?<!\w)(?:None(?! of\b)|null|NULL|NaN|nan|undefined)(?!\w)")
#: An address with its scheme, or a domain as people write them: small letters behind the last dot,
#: as `Thanks.It` is no link.
_LINK = re.compile(
    r"(?i:https?://|www\.)\S+|(?<![\w@.])(?:[A-Za-z0-9-]+\.)+(?:com|net|org|io|ai|co|de|at|ch|fr|es"
    r"|it|nl|pl|pt|se|ru|tr|ir|uk|eu|us|app|dev|me|ly|link|page|site|info|biz)(?![\w.]*@)(?:/\S*)?\b"
)


@dataclass(frozen=True, slots=True)
class TextFault:
    """Why a text may not be sent.

    Attributes:
        fault: What is wrong, as a word.
        reason: The same for people.
    """

    fault: Fault
    reason: str


def length(text: str) -> int:
    """Return the length of a text in UTF-16 units or code points, whichever is more.

    LinkedIn does not say which of the two it counts.
    """
    return max(len(text), len(text.encode("utf-16-le")) // 2)


def longest(kind: TextKind, tier: str | None) -> int:
    """Return how long a text may be, in the units of `length`; an unknown tier counts as free."""
    if kind == "note":
        return _NOTE_PAID if tier in _PAID else _NOTE_FREE
    return _LONGEST[kind]


def same_text(text: str) -> str:
    """Return what is equal for texts that read the same: NFC, single blanks, no case."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def text_hash(text: str) -> str:
    """Return the SHA-256 (hex) by which texts to one person are compared."""
    return hashlib.sha256(same_text(text).encode()).hexdigest()


def check_text(
    kind: TextKind,
    text: str,
    tier: str | None,
    *,
    links_allowed: bool = True,
    earlier: Collection[str] = (),
) -> list[TextFault]:
    """Tell what is wrong with a text as it would be sent.

    Args:
        kind: What it is.
        text: Rendered.
        tier: The account's subscription; None where it is not known.
        links_allowed: Whether links may be in it.
        earlier: `text_hash` of all that was, or will be said to this person before.
    """
    if not text.strip():
        return [TextFault("empty", "it is empty")]
    faults = []
    if _BRACES.search(text):
        faults.append(TextFault("braces", "braces are left in it"))
    if found := _PRINTED.search(text):
        faults.append(TextFault("printed_nothing", f"it says {found[0]!r} where a value belongs"))
    if any(unicodedata.category(one) in ("Cc", "Cs") and one != "\n" for one in text):
        faults.append(TextFault("unreadable", "it has control characters"))
    has, most = length(text), longest(kind, tier)
    if has > most:
        what = f"it has {has:,} characters, a {kind} of this account {most:,} at most"
        faults.append(TextFault("too_long", what))
    if not links_allowed and _LINK.search(text):
        faults.append(TextFault("link", "it has a link, which this node does not allow"))
    if text_hash(text) in earlier:
        faults.append(TextFault("repeated", "the same was said to this person before"))
    return faults
