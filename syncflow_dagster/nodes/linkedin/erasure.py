"""Leads of a person who is erased, or asks what is held; and texts that are kept long enough.

Of an erased person's leads stay hashes and counts: that there was a lead, what became of it, how
many actions there were and when, and hashes of texts and keys by which the person is known again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.consent.identifiers import Kind, comparable
from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.nodes.linkedin.suppression import HASH, identifiers_of, identity_of
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point
from syncflow_dagster.workflows.models import LinkedInStepNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.core.consent.identifiers import PrivacyKey
    from syncflow_dagster.nodes.compliance.lists import Identifier
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.store.database import Database
    from syncflow_dagster.workflows.models import Workflow

    Connection = psycopg.Connection[DictRow]

#: Leads, or events, whose texts go in one transaction.
_BATCH = 500


@dataclass(slots=True)
class HeldLeads:
    """What outreach holds about one person.

    Attributes:
        persons: Its numbers; several if nobody knew that they are one.
        leads: Its leads.
        keys: What it is known by, by number.
        profiles: Names in its addresses, and its ids.
        inbox: Events that are about it.
        effects: Its actions in the ledger.
        rows: The rows themselves, by table.
    """

    persons: list[int] = field(default_factory=list)
    leads: list[int] = field(default_factory=list)
    keys: dict[int, list[str]] = field(default_factory=dict)
    profiles: list[str] = field(default_factory=list)
    inbox: list[int] = field(default_factory=list)
    effects: list[int] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def identifiers(self) -> list[Identifier]:
        """What the person is known by."""
        return identifiers_of(key for of_one in self.keys.values() for key in of_one)

    @property
    def identities(self) -> list[UUID]:
        """Its persons of identity nodes."""
        found = [identity_of(key) for of_one in self.keys.values() for key in of_one]
        return [one for one in found if one is not None]


def find_persons(
    conn: Connection,
    known: Iterable[Identifier],
    records: Sequence[tuple[str | None, str]],
    persons: Iterable[Any],
) -> HeldLeads:
    """Find a person's numbers and keys.

    Args:
        conn: A transaction.
        known: What it is known by.
        records: Table and business key of its records, or None and an id: leads come from records.
        persons: Its persons of identity nodes.
    """
    keys = [key for one in known if (key := _key(one)) is not None]
    keys += [f"person:{one}" for one in persons]
    queries = sql.load("outreach_privacy")
    given = {
        "keys": keys,
        "tables": [table for table, _ in records],
        "records": [record for _, record in records],
    }
    rows = conn.execute(queries["persons"], given).fetchall()
    found = HeldLeads([row["person_id"] for row in rows])
    if found.persons:
        held = defaultdict(list)
        for row in conn.execute(queries["keys_of"], {"persons": found.persons}).fetchall():
            held[row["person_id"]].append(row["key"])
        found.keys = dict(held)
    return found


def find_rows(conn: Connection, found: HeldLeads) -> None:
    """Find all that is held of a person who was found."""
    if not found.persons:
        return
    queries = sql.load("outreach_privacy")
    rows = conn.execute(queries["lead_ids"], {"persons": found.persons}).fetchall()
    found.leads = [row["lead_id"] for row in rows]
    found.profiles = [one.value for one in found.identifiers if one.kind is Kind.LINKEDIN]
    given = {
        "leads": found.leads,
        "outreach_persons": found.persons,
        "profiles": found.profiles,
    }
    for row in conn.execute(queries["held"], given).fetchall():
        found.rows.setdefault(row["name"], []).append(row["held"])
    found.inbox = [row["inbox_id"] for row in found.rows.get("outreach_inbox", [])]
    effects = conn.execute(queries["effects"], given).fetchall()
    found.effects = [row["effect_id"] for row in effects]


def end(conn: Connection, found: HeldLeads, now: datetime) -> None:
    """End a person's leads: nothing that is queued is sent any more."""
    queries = sql.load("outreach_privacy")
    conn.execute(queries["lock_effects"], {"leads": found.leads})
    conn.execute(queries["end_leads"], {"leads": found.leads, "now": now})


def erase(conn: Connection, found: HeldLeads, key: PrivacyKey, now: datetime) -> None:
    """Empty a person's leads, texts, events and keys; hashes stay.

    Args:
        conn: The erasure's transaction, in which `end` was called.
        found: What is held.
        key: Makes the hashes.
        now: Database time.
    """
    queries = sql.load("outreach_privacy")
    given = {"leads": found.leads, "inbox": found.inbox, "now": now}
    for name in ("erase_leads", "erase_texts", "erase_events", "erase_inbox"):
        conn.execute(queries[name], given)
    conn.execute(queries["erase_relations"], {"profiles": found.profiles})
    _forget_keys(conn, found.keys, key)


def forget_again(conn: Connection, lead: Lead, key: PrivacyKey) -> None:
    """Empty a new lead of somebody who was erased, and whom its source still has.

    Args:
        conn: The transaction that has enrolled it.
        lead: The lead.
        key: Makes the hashes that stay.
    """
    queries = sql.load("outreach_privacy")
    rows = conn.execute(queries["keys_of"], {"persons": [lead.person_id]}).fetchall()
    _forget_keys(conn, {lead.person_id: [row["key"] for row in rows]}, key)
    conn.execute(queries["empty_lead"], {"lead_id": lead.lead_id})


def forget_texts(
    database: Database, clock: Clock, workflow: Workflow, *, dry_run: bool = False
) -> int:
    """Let go texts of leads that ended long enough ago, and of events that were read then.

    Args:
        database: A migrated database.
        clock: Its time.
        workflow: The workflow; each of its LinkedIn steps says how long texts are kept.
        dry_run: Only count the leads whose texts would go.

    Returns:
        How many leads had texts that went.
    """
    number = 0
    for node in workflow.nodes:
        if isinstance(node, LinkedInStepNode):
            given = {
                "workflow": workflow.workflow,
                "node": node.name,
                "accounts": [one.id for one in node.accounts],
                "before": clock.now() - timedelta(days=node.keep_texts_days),
                "limit": None if dry_run else _BATCH,
            }
            number += _forget(database, clock, given, dry_run=dry_run)
    return number


def _forget_keys(conn: Connection, keys: Mapping[int, Iterable[str]], key: PrivacyKey) -> None:
    """Put hashes in the place of what persons are known by."""
    queries = sql.load("outreach_privacy")
    for person, of_one in keys.items():
        hashes = [_hashed(key, one) for one in of_one if not one.startswith(HASH)]
        conn.execute(queries["keep_hashes"], {"person_id": person, "keys": hashes})
    conn.execute(queries["forget_keys"], {"outreach_persons": list(keys)})


def _forget(database: Database, clock: Clock, given: Mapping[str, Any], *, dry_run: bool) -> int:
    queries = sql.load("outreach_privacy")
    if dry_run:
        return len(database.fetch_all(queries["old_texts"], given))

    def batch() -> tuple[int, int]:
        with database.transaction() as conn:
            rows = conn.execute(queries["old_texts"], given).fetchall()
            leads = {"leads": [row["lead_id"] for row in rows]}
            conn.execute(queries["forget_payloads"], leads)
            conn.execute(queries["erase_texts"], leads)
            events = conn.execute(queries["old_inbox"], given).rowcount
        return len(rows), events

    number = 0
    while (gone := retry_transient(batch, clock)) != (0, 0):
        crash_point("retain.batch_committed")
        number += gone[0]
    return number


def _key(one: Identifier) -> str | None:
    """Return the key of a person that an identifier is; None if persons are not known by it."""
    if one.kind is Kind.LINKEDIN:
        address = slugs.normalise(one.value)
        return None if address is None else address.key
    if one.kind is Kind.EMAIL:
        return f"email:{comparable(Kind.EMAIL, one.value)}"
    return None


def _hashed(key: PrivacyKey, text: str) -> str:
    """Return what stands for a key of a person that is erased."""
    found = identifiers_of([text])
    digest = key.hash(found[0].kind, found[0].value) if found else None
    return f"{HASH}{(digest or key.seal('key of a person', text)).hex()}"
