"""Addresses, telephone numbers and profiles, brought to one spelling each."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

from syncflow_dagster.core.soql.record_ids import BadIdError, long_id

if TYPE_CHECKING:
    from collections.abc import Collection

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PROFILE = re.compile(r"(?:^|[/.@])linkedin\.com/(?:in|pub)/([^/?#\s]+)", re.IGNORECASE)
_EXTENSION = re.compile(r"\s*(?:;|\bext\b|\bx(?=[\s.]*\d)|#|\bdurchwahl\b).*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d")
#: Digits at the end of a number that are compared: the subscriber's, with or without country code.
_COMPARED_DIGITS = 9
_LEAST_DIGITS = 7


def record_id(text: str | None) -> str | None:
    """Return a record's id, a Salesforce id with its 18 characters; None for an empty one."""
    text = (text or "").strip()
    if not text:
        return None
    try:
        return long_id(text)
    except BadIdError:
        return text


def email(text: str | None) -> str | None:
    """Return an e-mail address in small letters; None for what is none.

    An address is not made equal to others beyond that: what a host does with dots or `+` is its
    own affair.
    """
    address = unicodedata.normalize("NFKC", text or "").strip().casefold()
    address = address.removeprefix("mailto:").strip("<>")
    if _EMAIL.fullmatch(address) is None:
        return None
    local, _, domain = address.rpartition("@")
    # A domain that no host can have is compared as it is written.
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"


def is_shared_mailbox(address: str | None, shared: Collection[str]) -> bool:
    """Tell whether several people read a mailbox, by the part before the `@`.

    Args:
        address: A normalised address.
        shared: Such parts, in any case.
    """
    local = (address or "").partition("@")[0].partition("+")[0]
    return local in {one.casefold() for one in shared}


def linkedin(text: str | None) -> str | None:
    """Return the name of a personal LinkedIn profile out of its address; None for what is none."""
    found = _PROFILE.search((text or "").strip())
    return unicodedata.normalize("NFKC", unquote(found[1])).casefold() if found else None


def phone(text: str | None) -> str | None:
    """Return the digits of a telephone number that numbers are compared by.

    Those are its last nine, which are the same with and without country code, trunk zero and
    punctuation; extensions are left out. None for what is too short or made up of one digit.
    """
    number = unicodedata.normalize("NFKC", text or "")
    digits = "".join(_DIGITS.findall(_EXTENSION.sub("", number.replace("(0)", ""))))
    digits = digits.lstrip("0")[-_COMPARED_DIGITS:]
    if len(digits) < _LEAST_DIGITS or len(set(digits)) == 1:
        return None
    return digits
