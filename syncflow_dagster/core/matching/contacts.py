"""Addresses, telephone numbers and profiles, brought to one spelling each."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

from syncflow_dagster.core.soql.record_ids import BadIdError, long_id

if TYPE_CHECKING:
    from collections.abc import Collection

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PROFILE = re.compile(r"(?:^|[/.@])linkedin\.com/(in|pub)/([^?#\s]+)", re.IGNORECASE)
#: What follows the name in an old address of a profile; without all three it names a list.
_PUB_NUMBERS = re.compile(r"/[0-9a-f]{1,3}/[0-9a-f]{1,3}/[0-9a-f]{1,3}(?=/|$)")
#: Pages that are nobody's profile.
_NO_PROFILES = frozenset({"dir", "me", "unavailable", "company", "school", "in", "pub", "profile"})
#: What is written where there is no id.
_NO_IDS = frozenset(
    {"n/a", "n.a", "n.a.", "#n/a", "na", "nan", "nil", "no", "none", "null", "undefined"}
    | {"unknown", "unbekannt", "not available", "empty", "tbd", "todo", "test", "testing", "dummy"}
    | {"x", "xx", "xxx", "false"}
)
_EXTENSION = re.compile(r"\s*(?:;|\bext\b|\bx(?=[\s.]*\d)|#|\bdurchwahl\b).*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d")
#: Digits at the end of a number that are compared: the subscriber's, with or without country code.
_COMPARED_DIGITS = 9
_LEAST_DIGITS = 7
#: Digits that tell one telephone from all others: a number with its area, or with its country.
_TELLING_DIGITS = 10
_NO_NUMBERS = frozenset({"1234567890"})
#: Longer texts are no identifiers, and would not fit into an index.
_LONGEST = 300
#: Hosts where people have addresses of their own, which they keep in a new job.
_FREE_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com"}
    | {"hotmail.co.uk", "hotmail.fr", "hotmail.de", "outlook.de", "outlook.fr", "live.co.uk"}
    | {"yahoo.com", "ymail.com", "rocketmail.com", "yahoo.co.uk", "yahoo.de", "yahoo.fr"}
    | {"yahoo.co.in", "yahoo.co.jp", "icloud.com", "me.com", "mac.com", "aol.com", "gmx.de"}
    | {"gmx.net", "gmx.com", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de"}
    | {"proton.me", "protonmail.com", "pm.me", "tutanota.com", "fastmail.com", "hey.com"}
    | {"mail.com", "mail.ru", "yandex.ru", "yandex.com", "qq.com", "163.com", "126.com"}
    | {"naver.com", "orange.fr", "free.fr", "wanadoo.fr", "laposte.net", "libero.it"}
    | {"comcast.net", "verizon.net", "att.net", "sbcglobal.net", "btinternet.com", "zoho.com"}
)


def record_id(text: str | None) -> str | None:
    """Return a record's id, a Salesforce id with its 18 characters; None for an empty one."""
    text = _telling(text)
    if text is None:
        return None
    try:
        return long_id(text)
    except BadIdError:
        return text


def external_id(text: str | None) -> str | None:
    """Return an id that another system gave, as it is written; None for what is none.

    `n/a`, `unknown`, `-`, `0`, `test` and the like stand where somebody had no id.
    """
    text = _telling(text)
    if text is None or text.lower() in _NO_IDS:
        return None
    return text if any(one.isalnum() and one != "0" for one in text) else None


def email(text: str | None) -> str | None:
    """Return an e-mail address in small letters; None for what is none.

    An address is not made equal to others beyond that: what a host does with dots or `+` is its
    own affair. Domains in other letters than ASCII are written as hosts do (RFC 3492), where `ß`
    is not `ss`.
    """
    address = unicodedata.normalize("NFKC", text or "").strip().lower()
    address = address.removeprefix("mailto:").strip("<>")
    if _EMAIL.fullmatch(address) is None:
        return None
    local, _, domain = address.rpartition("@")
    return _telling(f"{local}@{'.'.join(map(_label, domain.split('.')))}")


def is_free_mail(address: str) -> bool:
    """Tell whether a normalised address is at a host where people have addresses of their own."""
    return address.rpartition("@")[2] in _FREE_MAIL


def is_shared_mailbox(address: str | None, shared: Collection[str]) -> bool:
    """Tell whether several people read a mailbox, by the part before the `@`.

    Args:
        address: A normalised address.
        shared: Such parts, in any case.
    """
    local = (address or "").partition("@")[0].partition("+")[0]
    return local in {one.lower() for one in shared}


def linkedin(text: str | None) -> str | None:
    """Return the name of a personal LinkedIn profile out of its address; None for what is none.

    An old address has numbers behind the name, which belong to it: many people share the name.
    """
    found = _PROFILE.search((text or "").strip())
    if found is None:
        return None
    way, rest = found[1].lower(), unicodedata.normalize("NFKC", unquote(found[2])).lower()
    name, _, _ = rest.partition("/")
    if name in _NO_PROFILES or name in _NO_IDS or "\ufffd" in name:
        return None
    if way == "pub":
        numbers = _PUB_NUMBERS.match(rest, len(name))
        return None if numbers is None else _telling(name + numbers[0])
    return _telling(name)


def phone(text: str | None) -> str | None:
    """Return the digits of a telephone number that lists of numbers are searched by.

    Those are its last nine, which are the same with and without country code, trunk zero and
    punctuation; extensions are left out. None for what is too short or made up of one digit. A
    list that finds a number too many is right where nobody may be called; who is who is told by
    :func:`own_phone`.
    """
    number = unicodedata.normalize("NFKC", text or "")
    digits = "".join(_DIGITS.findall(_EXTENSION.sub("", number.replace("(0)", ""))))
    digits = digits.lstrip("0")[-_COMPARED_DIGITS:]
    if len(digits) < _LEAST_DIGITS or len(set(digits)) == 1:
        return None
    return digits


def own_phone(text: str | None) -> str | None:
    """Return the digits of a number that tell one telephone from all others.

    Those are its last ten, so the number is whole with its area or its country. None for what is
    shorter, as many places have the same, and for a number with an extension: all of a house have
    it.
    """
    number = unicodedata.normalize("NFKC", text or "")
    if _EXTENSION.search(number):
        return None
    digits = "".join(_DIGITS.findall(number.replace("(0)", ""))).lstrip("0")[-_TELLING_DIGITS:]
    if len(digits) < _TELLING_DIGITS or len(set(digits)) == 1 or digits in _NO_NUMBERS:
        return None
    return digits


def _label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _telling(text: str | None) -> str | None:
    """Return a text without blanks around it; None where it can be no identifier."""
    text = (text or "").strip()
    if not text or len(text) > _LONGEST:
        return None
    return None if any(unicodedata.category(one) in ("Cc", "Cs") for one in text) else text
