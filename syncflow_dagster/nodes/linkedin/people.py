"""Who a change of the source is about: one person over all campaigns and accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.matching import contacts
from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.core.outreach.slugs import ProviderId, Slug
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import IdentityNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.workflows.models import LinkedInStepNode

    Connection = psycopg.Connection[DictRow]

#: Fields of a lead that its texts, and rules about people, are made of.
_FIELDS = (
    "email",
    "first_name",
    "last_name",
    "full_name",
    "company",
    "position",
    "headline",
    "location",
    "country",
)
#: Mailboxes that several people read: who has one is not told by it.
_SHARED = frozenset(
    IdentityNode.model_fields["shared_mailboxes"].get_default(call_default_factory=True)
)


class NotALead(ValueError):
    """A record that cannot be a lead; it says why, and what would be right.

    Attributes:
        stops: Whether somebody who is a lead already has to be let go for it.
    """

    def __init__(self, reason: str, *, stops: bool = False) -> None:
        super().__init__(reason)
        self.stops = stops


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody the source wants to be a lead.

    Attributes:
        keys: What the person is known by: `slug:…`, `provider:…`, `email:…`, `person:…`.
        slug: Name in the LinkedIn address, if that is given.
        provider_id: LinkedIn's id, if that is given.
        fields: What texts are made of, by name.
        account: Name of the account that shall act, if the source says.
    """

    keys: tuple[str, ...]
    slug: str | None
    provider_id: str | None
    fields: Mapping[str, str]
    account: str | None


def candidate_of(node: LinkedInStepNode, row: Mapping[str, Any]) -> Candidate:
    """Return whom a delta row names.

    Raises:
        NotALead: The record cannot be a lead.
    """
    source = node.lead

    def text(name: str | None) -> str | None:
        value = None if name is None else row[name]
        return None if value is None else str(value).strip() or None

    fields = {name: value for name in _FIELDS if (value := text(getattr(source, name)))}
    fields |= {name: value for name in source.columns if (value := text(name))}
    _check_country(node, fields.get("country"))
    keys, slug, provider_id = _address(node, text(source.linkedin), text(source.provider_id))
    email = contacts.email(fields.get("email"))
    if email is not None and not contacts.is_shared_mailbox(email, _SHARED):
        keys.append(f"email:{email}")
    if person := text(source.person_id):
        keys.append(f"person:{person}")
    account = text(source.account)
    if account is not None and account not in {one.name for one in node.accounts}:
        names = ", ".join(one.name for one in node.accounts)
        msg = f"{source.account} names no account of the node; those are: {names}"
        raise NotALead(msg)
    return Candidate(tuple(dict.fromkeys(keys)), slug, provider_id, fields, account)


def _check_country(node: LinkedInStepNode, country: str | None) -> None:
    if not node.blocked_countries or country is None:
        return
    code = country.upper()
    if len(code) != 2 or not code.isalpha():
        field = node.lead.country
        msg = f"{field} holds no country of two letters, so nobody knows if it is blocked"
        raise NotALead(msg)
    if code in node.blocked_countries:
        msg = f"its country, {code}, is among blocked_countries"
        raise NotALead(msg, stops=True)


def _address(
    node: LinkedInStepNode, linkedin: str | None, provider: str | None
) -> tuple[list[str], str | None, str | None]:
    """Return the keys of the addresses, the slug, and the provider's id."""
    keys: list[str] = []
    slug = provider_id = None
    for field, given in ((node.lead.linkedin, linkedin), (node.lead.provider_id, provider)):
        if given is None:
            continue
        found = slugs.normalise(given)
        if found is None:
            msg = (
                f"{field} holds no address of a LinkedIn profile; right would be "
                "https://www.linkedin.com/in/NAME, or an id that begins with ACo"
            )
            raise NotALead(msg)
        keys.append(found.key)
        match found:
            case Slug():
                slug = found.value
            case ProviderId():
                provider_id = found.value
            case _:
                msg = (
                    f"{field} holds an address of Sales Navigator, which nobody is known by "
                    "elsewhere; right would be the one of the profile, linkedin.com/in/NAME"
                )
                raise NotALead(msg)
    if not keys:
        names = [one for one in (node.lead.linkedin, node.lead.provider_id) if one]
        msg = f"{' and '.join(names) or 'no field'} holds no LinkedIn address"
        raise NotALead(msg)
    return keys, slug, provider_id


@dataclass(frozen=True, slots=True)
class Known:
    """A person by number.

    Attributes:
        person_id: The person, from now on.
        others: Persons who turned out to be the same one.
    """

    person_id: int
    others: tuple[int, ...] = ()


class People:
    """Persons within one transaction.

    Args:
        conn: The transaction; it holds the right to change persons, see `hold`.
        now: Database time.
    """

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn = conn
        self._now = now
        self._queries = sql.load("outreach_enrol")

    def hold(self) -> None:
        """Wait for the right to find and make persons: two at once might make one twice."""
        self._conn.execute(self._queries["hold_people"])

    def known_by(self, keys: Sequence[str]) -> Known:
        """Return the person who has any of these keys, and give it all of them.

        Where several persons have them, they are one from now on: the one known longest.
        """
        rows = self._conn.execute(self._queries["find_persons"], {"keys": list(keys)}).fetchall()
        found = [row["person_id"] for row in rows]
        if not found:
            row = self._conn.execute(self._queries["make_person"], {"now": self._now}).fetchone()
            assert row is not None
            found = [row["person_id"]]
        first, *others = found
        if others:
            self._conn.execute(self._queries["merge_keys"], {"into": first, "others": others})
        self._conn.execute(self._queries["add_keys"], {"person_id": first, "keys": list(keys)})
        return Known(first, tuple(others))
