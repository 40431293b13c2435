"""Who may not be written to: on a list, erased, opted out, or in a country that is blocked.

A person is looked up by everything it is known by: its profile, its member's id, its addresses and
their domains, its record, and what identity nodes know of it. Lists and erasures are kept as keyed
hashes, so that they hold when everything else about the person is gone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from uuid import UUID

from syncflow_dagster.core.consent.identifiers import Kind, domains_of
from syncflow_dagster.nodes.compliance.key import VARIABLE, PrivacyKeyError
from syncflow_dagster.nodes.compliance.lists import Entry, Identifier, Lists
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

#: Kinds of identifiers behind the keys of a person (`slug:…`).
_KINDS = {
    "slug": Kind.LINKEDIN,
    "provider": Kind.LINKEDIN,
    "email": Kind.EMAIL,
}
#: Why somebody who was erased is not written to.
ERASED = "an erasure was requested"
#: Key of a person that was erased, before the hash.
HASH = "hash:"


def standing(run: OutreachRun, conn: Connection, leads: Sequence[Lead]) -> dict[int, str]:
    """Return why leads may not be written to, by lead; who may be is not among them.

    Args:
        run: The node's run. Without a key for hashes nobody can be looked up in lists: that is
            harmless in a dry run only.
        conn: A transaction; what is written in it counts already.
        leads: The leads.

    Raises:
        PrivacyKeyError: There is no key, and the node is to send.
    """
    key = run.options.privacy_key
    if key is None and not run.node.dry_run:
        msg = (
            f"{VARIABLE} is not set, so nobody could be told from the suppression lists: nothing "
            f"is sent by {run.workflow.workflow}.{run.node.name} without it"
        )
        raise PrivacyKeyError(msg)
    persons = {lead.person_id for lead in leads}
    queries = sql.load("outreach_privacy")
    rows = conn.execute(queries["opted_out"], {"persons": list(persons)}).fetchall()
    opted_out = {row["person_id"] for row in rows}
    found: dict[int, str] = {}
    for lead in leads:
        country = str(lead.fields.get("country") or "").strip().upper()
        if lead.person_id in opted_out:
            found[lead.lead_id] = "has opted out"
        elif country and country in run.node.blocked_countries:
            found[lead.lead_id] = f"its country, {country}, is among blocked_countries"
    if key is not None:
        found = _listed(run, conn, leads, key) | found
    return found


def known_by(conn: Connection, leads: Iterable[Lead]) -> dict[int, list[Identifier]]:
    """Return what the person of each lead is known by, by lead."""
    leads = list(leads)
    queries = sql.load("outreach_privacy")
    persons = list({lead.person_id for lead in leads})
    keys: dict[int, list[str]] = defaultdict(list)
    for row in conn.execute(queries["keys_of"], {"persons": persons}).fetchall():
        keys[row["person_id"]].append(row["key"])
    told = _identities(conn, [key for of_one in keys.values() for key in of_one])
    found: dict[int, list[Identifier]] = {}
    for lead in leads:
        own = [Identifier(Kind.RECORD, lead.source_key)]
        own += [Identifier(Kind.LINKEDIN, one) for one in (lead.slug, lead.provider_id) if one]
        own += [Identifier(Kind.EMAIL, str(one)) for one in (lead.fields.get("email"),) if one]
        for key in keys[lead.person_id]:
            own += identifiers_of([key]) + told.get(key, [])
        domains = [name for one in own if one.kind is Kind.EMAIL for name in domains_of(one.value)]
        own += [Identifier(Kind.DOMAIN, one) for one in domains]
        found[lead.lead_id] = list(dict.fromkeys(own))
    return found


def identifiers_of(keys: Iterable[str]) -> list[Identifier]:
    """Return the identifiers that keys of persons are made of; some keys have none."""
    parts = (key.partition(":") for key in keys)
    return [Identifier(_KINDS[kind], value) for kind, _, value in parts if kind in _KINDS]


def identity_of(key: str) -> UUID | None:
    """Return the person of an identity node that a key names; None if it names none."""
    kind, _, value = key.partition(":")
    try:
        return UUID(value) if kind == "person" else None
    except ValueError:
        return None


def list_opt_out(
    database: Database, key: PrivacyKey, conn: Connection, leads: Sequence[Lead], now: datetime
) -> int:
    """Put persons who opted out on `do_not_contact`, by their profiles; return the entries made.

    An address they share with others is no reason not to write to these.

    Args:
        database: A migrated database.
        key: Makes the hashes.
        conn: A transaction in which the persons' keys are read, and the entries are made.
        leads: Leads of the persons.
        now: Database time.
    """
    entries = 0
    by = Entry("syncflow", "has opted out on LinkedIn", now)
    for identifiers in known_by(conn, leads).values():
        profiles = [one for one in identifiers if one.kind is Kind.LINKEDIN]
        entries += Lists(database, key).enter("do_not_contact", profiles, "add", by, conn)
    return entries


def _listed(
    run: OutreachRun, conn: Connection, leads: Sequence[Lead], key: PrivacyKey
) -> dict[int, str]:
    known = known_by(conn, leads)
    people = list(known.values())
    stands = Lists(run.database, key).standing(run.node.suppression_lists, people, conn)
    found = {}
    for lead_id, stand in zip(known, stands, strict=True):
        if stand.erased:
            found[lead_id] = ERASED
        elif stand.lists:
            found[lead_id] = f"on the suppression list {', '.join(stand.lists)}"
    return found


def _identities(conn: Connection, keys: Iterable[str]) -> Mapping[str, list[Identifier]]:
    """Return what identity nodes know about persons, by the key (`person:…`) that names each."""
    asked: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if (number := identity_of(key)) is not None:
            asked[str(number)].append(key)
    if not asked:
        return {}
    found: dict[str, list[Identifier]] = defaultdict(list)
    given = {"persons": list(asked)}
    for row in conn.execute(sql.load("outreach_privacy")["known_by"], given).fetchall():
        for key in asked[row["person"]]:
            found[key].append(Identifier(Kind(row["kind"]), row["value"]))
    return found
