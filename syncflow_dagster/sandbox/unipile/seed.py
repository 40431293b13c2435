"""Seeds of the fake Unipile.

A document `{"service": "unipile", ...}` has

- `accounts`: `id`, `name` (the owner's first and last name), `tier`, and optionally `slug`,
  `email`, `inmail_credits`, `language`;
- `members`: people with `slug`, `first_name`, `last_name`, and optionally the other fields of
  `Member`;
- `deeds`: what they did before, see `settings.Deed`;
- `people`: people who are made up and behave, see `people`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from syncflow_dagster.sandbox.unipile.model import Account, Person
from syncflow_dagster.sandbox.unipile.settings import Deed, first_fault

if TYPE_CHECKING:
    from syncflow_dagster.sandbox.unipile.store import UnipileStore

#: InMails that a subscription gives in a month.
_CREDITS = {"free": 0, "premium": 5, "sales_navigator": 50, "recruiter": 150}


class UnipileSeedError(ValueError):
    """A seed document is not valid; the text says where."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Member(_Part):
    """A member of LinkedIn; see `model.Person`."""

    slug: str = Field(min_length=1)
    first_name: str
    last_name: str
    provider_id: str | None = Field(default=None, pattern="^ACo")
    headline: str = ""
    company: str = ""
    position: str = ""
    location: str = ""
    language: str = "en"
    open_profile: bool = False
    premium: bool = False
    reachable: bool = True
    blocks: bool = False
    locked: bool = False
    past: list[tuple[str, str]] = []

    def person(self) -> Person:
        """The member; an id that is not given follows from the slug."""
        given = self.model_dump(exclude={"provider_id", "past"})
        return Person(
            provider_id=self.provider_id or provider_id(self.slug),
            member_number=member_number(self.slug),
            past=tuple(self.past),
            **given,
        )


class AccountSeed(_Part):
    """An account and its owner; see `model.Account`."""

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    tier: Literal["free", "premium", "sales_navigator", "recruiter"] = "free"
    slug: str | None = None
    email: str | None = None
    language: str = "en"
    inmail_credits: int | None = Field(default=None, ge=0)

    def owner(self) -> Member:
        """The member who owns it."""
        first, _, last = self.name.partition(" ")
        slug = self.slug or self.name.casefold().replace(" ", "-")
        premium = self.tier != "free"
        return Member(
            slug=slug, first_name=first, last_name=last, language=self.language, premium=premium
        )


class Seed(_Part):
    """A seed document; see the module."""

    service: Literal["unipile"] = "unipile"
    accounts: list[AccountSeed] = []
    members: list[Member] = []
    deeds: list[Deed] = []
    people: dict[str, Any] | None = None


def provider_id(slug: str) -> str:
    """LinkedIn's id of the member who had this slug first: 39 characters from `ACoAA` on."""
    digest = hashlib.sha256(f"member:{slug}".encode()).digest()
    return "ACoAA" + base64.urlsafe_b64encode(digest)[:34].decode()


def member_number(slug: str) -> int:
    """LinkedIn's number of the member who had this slug first."""
    return int.from_bytes(hashlib.sha256(f"number:{slug}".encode()).digest()[:4], "big")


def parse_seed(document: object, source: str) -> Seed:
    """Read a seed document.

    Raises:
        UnipileSeedError: It is not valid.
    """
    # As JSON has no tuples.
    try:
        return Seed.model_validate(document, strict=False)
    except ValidationError as error:
        msg = f"{source}: {first_fault(error)}"
        raise UnipileSeedError(msg) from error


def plant(seed: Seed, store: UnipileStore) -> None:
    """Add a seed's accounts and members.

    Raises:
        ValueError: An id or a slug is taken.
    """
    for one in seed.accounts:
        person = store.add_person(one.owner().person())
        credits_left = _CREDITS[one.tier] if one.inmail_credits is None else one.inmail_credits
        store.add_account(
            Account(
                id=one.id,
                name=one.name,
                tier=one.tier,
                person=person,
                created_at=store.now(),
                email=one.email or f"{person.slug}@example.com",
                inmail_credits=credits_left,
            )
        )
    for member in seed.members:
        store.add_person(member.person())
