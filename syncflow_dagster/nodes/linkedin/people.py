"""Who a change of the source is about: one person over all campaigns and accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.matching import contacts
from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.core.outreach.slugs import ProviderId, SalesNavigator, Slug
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.store import sql
from syncflow_dagster.workflows.models import IdentityNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.leads import LeadStore
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
        keys: What the person is known by: `slug:…`, `provider:…`, `sales:…`, `email:…`, `person:…`.
        slug: Name in the LinkedIn address, if that is given.
        provider_id: LinkedIn's id, if that is given, or Sales Navigator's own.
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
            case SalesNavigator():
                # What it stands for is asked with the first look at the profile.
                provider_id = provider_id or found.value
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

    def known_by(self, keys: Sequence[str], person_id: int | None = None) -> Known:
        """Return the person who has any of these keys, and give it all of them.

        Where several persons have them, they are one from now on: the one known longest.

        Args:
            keys: The keys.
            person_id: A person who has them, too, as has just become known.
        """
        rows = self._conn.execute(self._queries["find_persons"], {"keys": list(keys)}).fetchall()
        told = [] if person_id is None else [person_id]
        found: list[int] = sorted({*told, *(row["person_id"] for row in rows)})
        if not found:
            row = self._conn.execute(self._queries["make_person"], {"now": self._now}).fetchone()
            assert row is not None
            found = [row["person_id"]]
        first, *others = found
        if others:
            self._conn.execute(self._queries["merge_keys"], {"into": first, "others": others})
        self._conn.execute(self._queries["add_keys"], {"person_id": first, "keys": list(keys)})
        return Known(first, tuple(others))

    def meet(self, leads: LeadStore, known: Known, *, is_sure: bool) -> None:
        """Let persons be one who turned out to be one: of several live leads one goes on.

        The others are taken out. The one that goes on is shown to a person, unless it is sure that
        it is the same member and nothing was sent to the others.

        Args:
            leads: Moves leads.
            known: The persons.
            is_sure: LinkedIn itself says that they are the same.
        """
        if not known.others:
            return
        conn, now = self._conn, self._now
        given = {"persons": [known.person_id, *known.others]}
        rows = conn.execute(self._queries["live_leads"], given).fetchall()
        first, *others = [leads.lock(conn, row["lead_id"]) for row in rows] or [None]
        for lead in others:
            assert first is not None
            assert lead is not None
            why = f"it is the same person as lead {first.lead_id}"
            leads.move(conn, lead, LeadState.CANCELLED, now, why)
        sent = any(one is not None and one.last_action_at is not None for one in others)
        if first is not None and others and (sent or not is_sure):
            numbers = ", ".join(str(one.lead_id) for one in others if one is not None)
            why = f"it was known as another person, too: lead {numbers}, which is taken out"
            leads.move(conn, first, LeadState.NEEDS_REVIEW, now, why)
        merged = {"into": known.person_id, "others": list(known.others)}
        conn.execute(self._queries["merge_leads"], merged)
