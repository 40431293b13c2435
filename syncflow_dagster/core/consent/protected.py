"""Fields and objects of Salesforce in which persons' wishes are kept: read, never written.

Names as in Salesforce's Object Reference (Contact, Lead, Individual, and person accounts, whose
fields begin with `Person`).
"""

from __future__ import annotations

import re

#: Fields that refuse when they are true.
_OPT_OUT = re.compile(r"(person)?(hasoptedout[a-z]*|donotcall)|shouldforget", re.IGNORECASE)
#: Further fields that say whose wish something is, or how it stands.
_WISHES = re.compile(
    r"(person)?individualid|sendindividualdata|canstorepiielsewhere|privacyconsentstatus",
    re.IGNORECASE,
)
#: Standard objects that hold consents, such as ContactPointTypeConsent; an own one ends in `__c`.
_OBJECTS = re.compile(r"individual|(?![a-z0-9_]*__)[a-z]*consent[a-z]*", re.IGNORECASE)


def is_opt_out(field: str) -> bool:
    """Tell whether a field refuses something when it is true; names in any case."""
    return _OPT_OUT.fullmatch(field) is not None


def is_protected(object_name: str, field: str) -> bool:
    """Tell whether a field of an object says what a person wants; names in any case."""
    return (
        _OBJECTS.fullmatch(object_name) is not None
        or is_opt_out(field)
        or _WISHES.fullmatch(field) is not None
    )
