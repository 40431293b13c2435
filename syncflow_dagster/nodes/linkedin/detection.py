"""Who an event is about, and connections: found, confirmed, and taken over by the lead.

Names never tell who is meant (see `core.outreach.matching`). What was told on another account than
the lead's says that somebody was connected with somebody: the lead's own account is asked then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach import slugs
from syncflow_dagster.core.outreach.matching import (
    Ambiguous,
    Candidate,
    Match,
    Sighting,
    keys_of,
    match,
)
from syncflow_dagster.core.outreach.states import ACTING_STATES, LeadState
from syncflow_dagster.nodes.linkedin.inbox_report import Word
from syncflow_dagster.nodes.linkedin.leads import HELD_STATES, lead_of
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.workflows.models import LinkedInStepNode

    Connection = psycopg.Connection[DictRow]

#: Where a lead stands while nobody knows of a connection.
UNCONNECTED = frozenset({LeadState.PENDING_INVITE, LeadState.INVITE_SENT, LeadState.COOLDOWN})
#: Ends after which an invitation may still be accepted.
LATE_STATES = frozenset({LeadState.DECLINED_OR_EXPIRED, LeadState.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Found:
    """Whose event it is.

    Attributes:
        lead: The lead as it was read, not locked; None: nobody, or nobody knows who.
        word: What became of the event, where there is no lead.
        is_elsewhere: It was told on another account than the lead's.
        maybe: Leads one of which is meant, where nobody knows which.
    """

    lead: Lead | None
    word: Word = Word.NOBODY
    is_elsewhere: bool = False
    maybe: tuple[Lead, ...] = ()


class Detection:
    """Finds leads and moves them; each method works in the caller's transaction.

    Args:
        run: The node's run; leads of the whole tenant are found.

    Attributes:
        leads: The leads.
        tenant: How the names of the tenant's accounts begin.
        service_ids: Unipile's ids of the workflow's accounts at the tenant, by their names.
    """

    def __init__(self, run: OutreachRun) -> None:
        self.leads = run.leads
        self._run = run
        self.tenant = f"unipile:{run.connection.account}/"
        self.service_ids = _service_ids(run)
        self._queries = sql.load("outreach_inbox")

    def name_accounts(self) -> None:
        """Write down which of Unipile's accounts those of the workflow are."""
        names = self.service_ids
        given = {"accounts": list(names), "service_ids": list(names.values())}
        self._run.database.execute(self._queries["name_accounts"], given)

    def find(self, conn: Connection, seen: Sighting, now: datetime) -> Found:
        """Find the lead somebody is; `seen.account` is Unipile's id of the account."""
        keys = [one.partition(":") for one in keys_of(seen)]
        given = {
            "provider_ids": [value for kind, _, value in keys if kind == "provider"],
            "slugs": [value for kind, _, value in keys if kind == "slug"],
            "tenant": self.tenant,
        }
        rows = conn.execute(self._queries["candidates"], given).fetchall()
        leads = {row["lead_id"]: lead_of(row) for row in rows}
        accounts = {row["lead_id"]: row["service_id"] or row["account"] for row in rows}
        found = match(seen, [_candidate(lead, accounts[lead.lead_id]) for lead in leads.values()])
        if isinstance(found, Match):
            return Found(leads[found.lead_id], is_elsewhere=found.other_account)
        if isinstance(found, Ambiguous):
            maybe = tuple(leads[one] for one in found.lead_ids)
            for lead in maybe:
                self.leads.note(conn, lead, "ambiguous", now, {}, reason=found.reason)
            return Found(None, Word.AMBIGUOUS, maybe=maybe)
        return Found(None)

    def refresh(self, conn: Connection, lead: Lead, seen: Sighting) -> None:
        """Keep the keys by which a lead's person was seen on the lead's own account."""
        told = slugs.provider_id(seen.provider_id), slugs.slug(seen.slug)
        facts = dict(zip(("provider_id", "slug"), told, strict=True))
        news = {name: one for name, one in facts.items() if one and one != getattr(lead, name)}
        if news:
            self.leads.keep_facts(conn, lead, news)

    def related(
        self, conn: Connection, seen: Sighting, at: datetime, now: datetime, via: str
    ) -> Word:
        """Take over that somebody is connected with an account.

        Args:
            conn: The transaction.
            seen: Who, and on which account it was told.
            at: Since when.
            now: Database time.
            via: How it became known: `webhook`, `relations` and so on.
        """
        found = self.find(conn, seen, now)
        if found.lead is None:
            return found.word
        if found.is_elsewhere:
            return self.ask_soon(conn, found.lead, now)
        lead = self.leads.lock(conn, found.lead.lead_id)
        if lead is None:
            return Word.NOBODY
        self.refresh(conn, lead, seen)
        return self.connect(conn, lead, at, now, via)

    def ask_soon(self, conn: Connection, lead: Lead, now: datetime) -> Word:
        """Have the connections of a lead's own account looked at with the next poll."""
        if lead.connected_at is not None or lead.standing not in UNCONNECTED:
            return Word.KNOWN
        conn.execute(self._queries["ask_soon"], {"account": lead.account, "now": now})
        return Word.ELSEWHERE

    def connect(self, conn: Connection, lead: Lead, at: datetime, now: datetime, via: str) -> Word:
        """Let a locked lead be connected, wherever it stands.

        What was queued for somebody who is not connected (an invitation, its withdrawal) falls
        away. What may have been sent is settled first, and the lead goes on as connected then.
        """
        facts: dict[str, Any] = {"gone_since": None}
        if lead.connected_at is None:
            facts |= {"connected_at": at, "connected_via": via}
        elif lead.standing not in UNCONNECTED | LATE_STATES:
            return Word.KNOWN
        if lead.state in LATE_STATES and not self.may_go_on(conn, lead):
            return self._only_noted(conn, lead, facts, now, via)
        if lead.state in UNCONNECTED | LATE_STATES:
            self.leads.move(conn, lead, LeadState.CONNECTED, now, None, facts=facts)
        elif lead.state in HELD_STATES and lead.standing in UNCONNECTED:
            self._stay(conn, lead, facts, now)
        else:
            self.leads.keep_facts(conn, lead, facts)
        if lead.connected_at is None:
            self.leads.note(conn, lead, "connected", now, {"via": via, "at": at.isoformat()})
        return Word.CONNECTED

    def may_go_on(self, conn: Connection, lead: Lead) -> bool:
        """Tell whether the campaign of a lead at its end still sends, and nobody else has it."""
        node = self.node_of(lead)
        if node is None or node.dry_run:
            return False
        row = conn.execute(self._queries["may_go_on"], {"lead_id": lead.lead_id}).fetchone()
        return bool(row and row["may"])

    def node_of(self, lead: Lead) -> LinkedInStepNode | None:
        """Return a lead's node, if it is one of this workflow."""
        if lead.workflow != self._run.workflow.workflow:
            return None
        nodes = {one.name: one for one in self._run.workflow.linkedin_steps}
        return nodes.get(lead.node)

    def leads_of(self, conn: Connection, lead: Lead, *, ended: bool) -> list[Lead]:
        """Lock the leads of a lead's person, in their order: this one, and those that live.

        Args:
            conn: The transaction.
            lead: One of them.
            ended: Those that are at their end, too.
        """
        given = {"person_id": lead.person_id, "tenant": self.tenant}
        ids = [
            row["lead_id"]
            for row in conn.execute(self._queries["of_person"], given)
            if ended or row["terminal_at"] is None or row["lead_id"] == lead.lead_id
        ]
        locked = (self.leads.lock(conn, one) for one in ids)
        return [one for one in locked if one is not None]

    def _stay(self, conn: Connection, lead: Lead, facts: Mapping[str, Any], now: datetime) -> None:
        """Let a held or acting lead come back as connected; what is only queued falls away."""
        row = conn.execute(self._queries["action_out"], {"lead_id": lead.lead_id}).fetchone()
        if lead.state in ACTING_STATES and not (row and row["is_out"]):
            self.leads.move(conn, lead, LeadState.CONNECTED, now, None, facts=facts)
            return
        back = LeadState.CONNECTED
        self.leads.move(conn, lead, lead.state, now, lead.reason, resume_state=back, facts=facts)

    def _only_noted(
        self, conn: Connection, lead: Lead, facts: Mapping[str, Any], now: datetime, via: str
    ) -> Word:
        if lead.connected_at is not None:
            return Word.KNOWN
        self.leads.keep_facts(conn, lead, facts)
        self.leads.note(conn, lead, "connected", now, {"via": via}, reason="its campaign is over")
        return Word.LATE


def _service_ids(run: OutreachRun) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in run.workflow.linkedin_steps:
        connection = run.workflow.connections[node.connection]
        if connection.type == "unipile" and connection.account == run.connection.account:
            found |= {ledger_account(connection, one): one.id for one in node.accounts}
    return found


def _candidate(lead: Lead, account: str) -> Candidate:
    return Candidate(
        lead.lead_id,
        lead.person_id,
        account,
        lead.terminal_at is None,
        provider_id=lead.provider_id,
        slug=lead.slug,
    )
