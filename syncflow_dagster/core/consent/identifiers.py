"""What a person is known by, made comparable, and kept only as a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

from syncflow_dagster.core.matching import contacts

#: Characters a key has at least; 32 hexadecimal digits are 128 bits.
SHORTEST_KEY = 32


class Kind(StrEnum):
    """What sort of identifier it is."""

    EMAIL = "email"
    PHONE = "phone"
    RECORD = "record"


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

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, hashlib.sha256)
