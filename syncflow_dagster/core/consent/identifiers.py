"""What a person is known by, made comparable, and kept only as a keyed hash.

Comparing errs on the side of the person: two phone numbers are the same when their last digits
are, however the country is written.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from enum import StrEnum

from syncflow_dagster.core.soql.record_ids import BadIdError, long_id

#: Digits that tell phone numbers apart: a national number without its prefix has seldom fewer.
PHONE_DIGITS = 9
_FEWEST_DIGITS = 5
_EXTENSION = re.compile(r"(?:ext|x|#|;|,).*$", re.IGNORECASE | re.DOTALL)
_NO_DIGIT = re.compile(r"[^0-9]")
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

    An e-mail address without case, a phone number's last nine digits without an extension, a
    Salesforce id with its 18 characters, any other id as it is.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    if kind is Kind.EMAIL:
        return text.casefold() if "@" in text else None
    if kind is Kind.PHONE:
        digits = _NO_DIGIT.sub("", _EXTENSION.sub("", text)).lstrip("0")
        return digits[-PHONE_DIGITS:] if len(digits) >= _FEWEST_DIGITS else None
    try:
        return long_id(text)
    except BadIdError:
        return text or None


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
