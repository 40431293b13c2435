"""Who a LinkedIn address names: the name in the address (slug), or one of LinkedIn's ids.

A slug is compared without case, and in one Unicode form. A member's id (`ACo…`) is compared as it
is, case included. Sales Navigator has another id for the same person (`ACw…`), which has to be
looked up before anything can be compared.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

#: A member's id, and Sales Navigator's id of a member.
_PROVIDER_ID = re.compile(r"ACoA[A-Za-z0-9_-]{2,}")
_SALES_ID = re.compile(r"ACwA[A-Za-z0-9_-]{2,}")
_URN = re.compile(r"urn:li:(?:fsd_profile|fsd_connection|fs_miniProfile|member):(?P<id>.+)")
_HOST = re.compile(r"(?:[a-z0-9-]+\.)?linkedin\.com", re.IGNORECASE)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
#: What no slug has: it is an address of something else, a mail address, or a name.
_NO_SLUG = re.compile(r"[\s/@?#:.,;%\"'<>()\[\]{}|\\^&=+\x00-\x1f\x7f]")
#: Parts of an address behind which a slug, or an id of Sales Navigator stands.
_PROFILE, _SALES = "in", ("lead", "people")


@dataclass(frozen=True, slots=True)
class Slug:
    """The name in a member's address, comparable.

    Attributes:
        value: Decoded, without case, in NFC.
    """

    value: str

    @property
    def key(self) -> str:
        """Key of a person, `slug:` in front."""
        return f"slug:{self.value}"


@dataclass(frozen=True, slots=True)
class ProviderId:
    """A member's id.

    Attributes:
        value: As LinkedIn writes it; its case counts.
    """

    value: str

    @property
    def key(self) -> str:
        """Key of a person, `provider:` in front."""
        return f"provider:{self.value}"


@dataclass(frozen=True, slots=True)
class SalesNavigator:
    """Sales Navigator's id of a member; nothing else knows it, so it has to be looked up.

    Attributes:
        value: As LinkedIn writes it; its case counts.
    """

    value: str

    @property
    def key(self) -> str:
        """Key of a person, `sales:` in front."""
        return f"sales:{self.value}"


Address: TypeAlias = Slug | ProviderId | SalesNavigator


def normalise(text: str | None) -> Address | None:
    """Tell whom an address names.

    Args:
        text: An address of a profile, in whatever form people copy it, a slug, an id or a URN.

    Returns:
        None if it names no member: another site's address, a company's page, a mail address, a
        name, or a text that is not well encoded.
    """
    text = (text or "").strip()
    urn = _URN.fullmatch(text)
    if urn is not None:
        return _id(urn["id"])
    bare = _bare(text)
    if bare is None:
        return None
    decoded = _decode(bare)
    return None if decoded is None else _id(decoded) or _slug(decoded)


def provider_id(text: str | None) -> str | None:
    """Return the member's id in an id or a URN; None if there is none."""
    found = normalise(text)
    return found.value if isinstance(found, ProviderId) else None


def slug(text: str | None) -> str | None:
    """Return the slug in an address, comparable; None if there is none."""
    found = normalise(text)
    return found.value if isinstance(found, Slug) else None


def _bare(text: str) -> str | None:
    """Return what names the member in an address; a text without slashes is taken as it is."""
    if "/" not in text:
        return re.split(r"[?#]", text, maxsplit=1)[0]
    try:
        address = urlsplit(text if _SCHEME.match(text) else f"//{text}".replace("///", "//", 1))
    except ValueError:
        return None  # brackets that are no IPv6 address
    parts = [part for part in address.path.split("/") if part]
    if address.netloc in (_PROFILE, "mwlite"):
        parts.insert(0, address.netloc)
    elif _HOST.fullmatch(address.netloc.rpartition("@")[2].partition(":")[0]) is None:
        return None
    for before, part in pairwise(parts):
        if before.lower() == _PROFILE:
            return part
        if before.lower() in _SALES and parts[0].lower() == "sales":
            return part.partition(",")[0]
    return None


def _decode(text: str) -> str | None:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _id(text: str) -> ProviderId | SalesNavigator | None:
    if _PROVIDER_ID.fullmatch(text):
        return ProviderId(text)
    return SalesNavigator(text) if _SALES_ID.fullmatch(text) else None


def _slug(text: str) -> Slug | None:
    # Taken apart first, so that the same text comes out however its marks were written.
    folded = unicodedata.normalize("NFD", text).casefold()
    value = unicodedata.normalize("NFC", folded)
    return None if not value or _NO_SLUG.search(value) else Slug(value)
