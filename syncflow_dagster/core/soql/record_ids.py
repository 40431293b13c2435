"""Record ids of Salesforce: 15 characters that differ by case, or 18 with a checksum of the case.

Source: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
"""

from __future__ import annotations

import re

_SHORT, _LONG = 15, 18
_ID = re.compile(r"[A-Za-z0-9]+")
_CHECKS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class BadIdError(ValueError):
    """A text that is no record id; it says why."""


def long_id(text: str) -> str:
    """Return a record id with its 18 characters.

    Args:
        text: An id of 15 or 18 characters.

    Raises:
        BadIdError: It is none, or its last three characters contradict the others' case.
    """
    if _ID.fullmatch(text) is None or len(text) not in {_SHORT, _LONG}:
        msg = f"{text!r} is no record id: one has 15 or 18 letters and digits"
        raise BadIdError(msg)
    right = text[:_SHORT] + "".join(
        _CHECKS[sum(one.isupper() << at for at, one in enumerate(text[part : part + 5]))]
        for part in range(0, _SHORT, 5)
    )
    if len(text) == _LONG and text[_SHORT:].upper() != right[_SHORT:]:
        msg = f"the last three characters of {text!r} do not fit: the case of a letter was changed"
        raise BadIdError(msg)
    return right
