"""What a person is known by, made comparable, and kept only as a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import re
from enum import StrEnum

from syncflow_dagster.core.matching import contacts
from syncflow_dagster.core.outreach import slugs

#: Characters a key has at least; 32 hexadecimal digits are 128 bits.
SHORTEST_KEY = 32
#: What stands between several addresses or numbers in one field.
_BETWEEN = re.compile(r"[/;,|\n]")
#: An extension is no number of its own. (The rule by which numbers are matched takes all behind
#: a `;` for one, where we look for another number.)
_EXTENSION = re.compile(
    r"\s*(?:\bext(?:ension)?\b|\bx(?=[\s.]*\d)|#|\bdurchwahl\b).*$", re.IGNORECASE
)
#: Words between digits: nobody can tell how many numbers that is.
_WORDS_WITHIN = re.compile(r"\d[^\d]*[^\W\d_][^\d]*\d")
#: Scheme and `www.` before a domain, and what may follow it in an address.
_BEFORE_DOMAIN = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:www\.)?", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]+")
#: E.164 allows 15 digits; two more for `00` in front.
_MOST_DIGITS = 17


class Kind(StrEnum):
    """What sort of identifier it is."""

    EMAIL = "email"
    PHONE = "phone"
    RECORD = "record"
    #: A profile at LinkedIn: its address, the name in it, or the member's id.
    LINKEDIN = "linkedin"
    #: A company, by the domain of its addresses.
    DOMAIN = "domain"


class WeakKeyError(ValueError):
    """A key for hashes that could be guessed; the text says what would be right."""


def comparable(kind: Kind, value: str) -> str | None:
    """Return an identifier in the form in which it is compared; None if it is none.

    The same form by which people are matched: a phone number's last nine digits, a Salesforce id
    with its 18 characters.
    """
    match kind:
        case Kind.EMAIL:
            return contacts.email(value)
        case Kind.PHONE:
            # Without leading zeros it is the same when it is made comparable once more.
            return (contacts.phone(value) or "").lstrip("0") or None
        case Kind.RECORD:
            return contacts.record_id(value)
        case Kind.LINKEDIN:
            found = slugs.normalise(value)
            return None if isinstance(found, slugs.SalesNavigator | None) else found.value
        case Kind.DOMAIN:
            return _domain(value)


def _domain(value: str) -> str | None:
    """Return a domain in small letters, without what an address has around it."""
    host = _BEFORE_DOMAIN.sub("", value.strip()).partition("/")[0].rstrip(".").casefold()
    return host if _DOMAIN.fullmatch(host) else None


def domains_of(email: str) -> list[str]:
    """Return the domains an e-mail address is under, the longest first."""
    labels = email.rpartition("@")[2].strip().casefold().split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def all_of(kind: Kind, value: object) -> list[str] | None:
    """Return the identifiers a field holds, comparable; it may hold several, as `a / b`.

    Args:
        kind: What the field holds.
        value: What stands there; none where it is empty.

    Returns:
        None if any part of it cannot be told: looked up without that part, somebody who is listed
        by it would seem to be in no list.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    if not isinstance(value, str):
        return None
    found = [_form(kind, one) for one in _parts(kind, value)]
    known = [one for one in found if one is not None]
    return list(dict.fromkeys(known)) if known and len(known) == len(found) else None


def _parts(kind: Kind, value: str) -> list[str]:
    if kind in (Kind.RECORD, Kind.LINKEDIN, Kind.DOMAIN):
        return [value]
    if (
        kind is Kind.EMAIL
        and value.count("@") == 1
        and not _BETWEEN.search(value.partition("@")[2])
    ):
        # A slash may be part of the name before the @.
        return [value] if not re.search(r"[;,|\n]", value) else _BETWEEN.split(value)
    parts = [one for one in _BETWEEN.split(value) if one.strip()]
    if kind is Kind.PHONE:
        parts = [one for one in (_EXTENSION.sub("", part) for part in parts) if one.strip()]
        area_code = len(parts) == 2 and "/" in value and _form(kind, parts[0]) is None
        if area_code and _form(kind, parts[1]) is not None:
            return [" ".join(parts)]
    return parts


def _form(kind: Kind, part: str) -> str | None:
    if kind is Kind.PHONE:
        digits = sum(one.isdigit() for one in part)
        if digits > _MOST_DIGITS or _WORDS_WITHIN.search(part):
            return None
    return comparable(kind, part)


class PrivacyKey:
    """Hashes identifiers so that only who has the key can tell whose they are.

    Args:
        secret: At least 32 characters.

    Raises:
        WeakKeyError: It is shorter.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_KEY:
            msg = (
                f"the key for hashes of persons has {len(secret)} characters; right would be "
                f"{SHORTEST_KEY} or more that cannot be guessed (openssl rand -hex 32)"
            )
            raise WeakKeyError(msg)
        self._secret = secret.encode()

    @property
    def name(self) -> str:
        """What tells this key from another without giving it away."""
        return self._mac(b"name of this key").hex()[:16]

    def hash(self, kind: Kind, value: str) -> bytes | None:
        """Return the keyed hash (HMAC-SHA256, 32 bytes) of an identifier; None if it is none."""
        text = comparable(kind, value)
        return None if text is None else self._mac(f"{kind}\0{text}".encode())

    def seal(self, what: str, text: str) -> bytes:
        """Return a keyed hash (32 bytes) of a text that is no identifier.

        Args:
            what: What sort of text it is; the same text of another sort has another hash.
            text: The text.
        """
        return self._mac(f"sealed {what}\0{text}".encode())

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, hashlib.sha256)
