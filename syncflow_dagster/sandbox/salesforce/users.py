"""The org's users, and what each may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce.ids import make_id

if TYPE_CHECKING:
    from collections.abc import Iterable

# Standard fields that an administrator's profile shows and many an integration's does not.
_OFTEN_HIDDEN = (
    "Contact.HasOptedOutOfEmail",
    "Contact.HasOptedOutOfFax",
    "Contact.DoNotCall",
    "Lead.HasOptedOutOfEmail",
    "Lead.HasOptedOutOfFax",
    "Lead.DoNotCall",
    "Individual.*",
)


@dataclass(frozen=True)
class Viewer:
    """A user, as a request's token names one.

    Attributes:
        id: The user's Id.
        username: The name to log in with.
        hidden: What field-level security hides, as lower-case `object.field`; `object.*` hides
            the whole object.
        views_all: Whether the user has "View All Data", without which topic assignments can be
            queried a few at a time only.
        reads_privacy: Whether the user has "Allow User Access to Privacy Data" or "View All
            Data", which the Consent API asks for.
    """

    id: str
    username: str
    hidden: frozenset[str] = frozenset()
    views_all: bool = True
    reads_privacy: bool = True

    def hides(self, object_name: str, field_name: str = "*") -> bool:
        """Whether the user cannot see a field, or (without one) a whole object."""
        owner = object_name.lower()
        return f"{owner}.*" in self.hidden or f"{owner}.{field_name.lower()}" in self.hidden

    def without(self, fields: Iterable[str]) -> Viewer:
        """The same user with more fields hidden, as `Object.Field`."""
        return replace(self, hidden=self.hidden | {one.lower() for one in fields})


ADMIN = Viewer(make_id("005", 1), "admin@sandbox.example")
INTEGRATION = Viewer(make_id("005", 2), "integration@sandbox.example")
RESTRICTED = Viewer(
    make_id("005", 3), "restricted@sandbox.example", views_all=False, reads_privacy=False
).without(_OFTEN_HIDDEN)
USERS = (ADMIN, INTEGRATION, RESTRICTED)
