"""Leads: their rows, locked and moved through their states.

Whoever moves a lead takes it with `LeadStore.lock` first. It locks the lead's open effects before
the lead, in the order in which the ledger does, so that nothing is sent in between and nobody
waits for each other in a circle.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.states import (
    ACTING_STATES,
    DUE_STATES,
    TERMINAL_STATES,
    LeadState,
)
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]

#: States out of which a lead comes back to another one, its `resume_state`.
HELD_STATES = ACTING_STATES | {LeadState.PAUSED, LeadState.NEEDS_REVIEW}


@dataclass(frozen=True, slots=True)
class Lead:
    """A person on the way through the sequence of one node; a row of `outreach_lead`.

    Attributes:
        person_id: The person, over all campaigns and accounts.
        account: Account of the ledger it is sent from, for good.
        sequence_id: Version of the sequence it was enrolled under, for good.
        n_steps: Steps of that version.
        delta_table: Table of the delta row it came from.
        delta_id: The last delta row that was taken up for it.
        source_key: The record's business key.
        slug: Name in the person's LinkedIn address, normalised.
        provider_id: The provider's id, `ACo…`.
        fields: What its texts are made of.
        resume_state: State it comes back to from one in which it is held or acting.
        current_step: Index of its next step; `n_steps` once completed.
        step_since: Since when it stands there.
        next_due_at: When its step is to be looked at; None where only an event can change it.
        checked_at: When the service was last asked about the person, before an action.
        connected_via: How the connection became known.
        messages_sent: Messages and InMails that are confirmed.
        gone_since: Since when its invitation is neither pending nor accepted.
        hold_until: When a cooldown ends.
    """

    lead_id: int
    workflow: str
    node: str
    person_id: int
    account: str
    sequence_id: int
    n_steps: int
    delta_table: str | None
    delta_id: int | None
    source_key: str
    slug: str | None
    provider_id: str | None
    fields: Mapping[str, Any]
    state: LeadState
    resume_state: LeadState | None
    state_since: datetime
    reason: str | None
    current_step: int
    step_since: datetime
    next_due_at: datetime | None
    checked_at: datetime | None
    approval_id: int | None
    invited_at: datetime | None
    invite_origin: str | None
    invitation_id: str | None
    connected_at: datetime | None
    connected_via: str | None
    replied_at: datetime | None
    opted_out_at: datetime | None
    withdrawn_at: datetime | None
    last_action_at: datetime | None
    messages_sent: int
    chat_id: str | None
    open_profile: bool | None
    gone_since: datetime | None
    hold_until: datetime | None
    enrolled_at: datetime
    terminal_at: datetime | None

    @property
    def standing(self) -> LeadState:
        """The state it has, or comes back to from where it is held or acting."""
        if self.state in HELD_STATES and self.resume_state is not None:
            return self.resume_state
        return self.state


#: What may be written down about a lead beside its state.
FACTS = frozenset(
    {
        "slug",
        "provider_id",
        "checked_at",
        "approval_id",
        "invited_at",
        "invite_origin",
        "invitation_id",
        "connected_at",
        "connected_via",
        "replied_at",
        "opted_out_at",
        "withdrawn_at",
        "chat_id",
        "open_profile",
        "gone_since",
        "hold_until",
    }
)


class LeadStore:
    """Reads and writes leads; what changes them is in the caller's transaction.

    Args:
        database: Where the leads are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queries = sql.load("outreach")

    def lock(self, conn: Connection, lead_id: int) -> Lead | None:
        """Lock a lead's open effects and the lead; None if there is none of this number."""
        conn.execute(self._queries["lock_effects"], {"lead_id": lead_id})
        row = conn.execute(self._queries["lock_lead"], {"lead_id": lead_id}).fetchone()
        return None if row is None else lead_of(row)

    def read(self, lead_ids: Iterable[int]) -> dict[int, Lead]:
        """Return leads by their numbers, as they are now."""
        with self._database.transaction() as conn:
            return self.read_in(conn, lead_ids)

    def read_in(self, conn: Connection, lead_ids: Iterable[int]) -> dict[int, Lead]:
        """Return leads by their numbers, as a transaction sees them."""
        rows = conn.execute(self._queries["read_leads"], {"lead_ids": list(lead_ids)}).fetchall()
        return {row["lead_id"]: lead_of(row) for row in rows}

    def move(
        self,
        conn: Connection,
        lead: Lead,
        state: LeadState,
        now: datetime,
        reason: str | None,
        *,
        step: int | None = None,
        next_due_at: datetime | None = None,
        resume_state: LeadState | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Lead:
        """Put a locked lead into a state, with all that belongs to it.

        What the lead has queued is cancelled by the database if the state is an end; the change is
        written into `outreach_event` by the database, too.

        Args:
            conn: The transaction in which the lead was locked.
            lead: The lead, as `lock` gave it.
            state: The new state; the old one if only facts change.
            now: Database time.
            reason: Why, for people.
            step: The step it stands at from now on; left out: as before.
            next_due_at: When its step is looked at next, where it is in a state that can be due;
                left out: at once.
            resume_state: State it comes back to, where it is held; left out: where it stands now,
                or as a draft where its texts are not approved.
            facts: Columns of `FACTS` to be written, too.

        Returns:
            The lead as it is now.

        Raises:
            ValueError: `facts` has a column that is no fact.
            psycopg.errors.CheckViolation: A lead may not go from its state into this one.
        """
        given = {
            "lead_id": lead.lead_id,
            **_of_state(state, next_due_at or now, resume_state or _back(lead.standing)),
            "reason": reason,
            "now": now,
            "step": step,
            "facts": _jsonb(facts),
        }
        row = conn.execute(self._queries["move_lead"], given).fetchone()
        assert row is not None
        return lead_of(row)

    def has_action(self, conn: Connection, lead_id: int) -> bool:
        """Tell whether an action of a lead is with the ledger and not at its end."""
        found = conn.execute(self._queries["has_action"], {"lead_id": lead_id}).fetchone()
        return found is not None

    def wait(
        self,
        conn: Connection,
        lead: Lead,
        until: datetime | None,
        *,
        step: int | None = None,
        since: datetime | None = None,
    ) -> None:
        """Say when a lead is looked at next, and at which step it stands since when.

        Args:
            conn: The transaction in which the lead was locked.
            lead: The lead.
            until: When it is looked at; None: once an event has changed it.
            step: Its step; left out: as before.
            since: Since when it stands there; left out: as before.
        """
        given = {
            "lead_id": lead.lead_id,
            "next_due_at": until,
            "step": lead.current_step if step is None else step,
            "since": since or lead.step_since,
        }
        conn.execute(self._queries["let_wait"], given)

    def keep_facts(self, conn: Connection, lead: Lead, facts: Mapping[str, Any]) -> None:
        """Write facts about a lead without moving it.

        Raises:
            ValueError: `facts` has a column that is no fact.
        """
        given = {"lead_id": lead.lead_id, "facts": _jsonb(facts)}
        conn.execute(self._queries["keep_facts"], given)
        kinds = (("provider_id", "provider"), ("slug", "slug"))
        keys = [f"{kind}:{facts[name]}" for name, kind in kinds if facts.get(name)]
        if keys:
            # Another campaign may know the person by what was learnt here.
            known = {"person_id": lead.person_id, "keys": keys}
            conn.execute(sql.load("outreach_enrol")["add_keys"], known)

    def note(
        self,
        conn: Connection,
        lead: Lead,
        event: str,
        now: datetime,
        evidence: Mapping[str, Any],
        *,
        reason: str | None = None,
        effect_id: int | None = None,
    ) -> None:
        """Write down something worth reading about a lead; JSON values, no texts of messages."""
        conn.execute(
            self._queries["note"],
            {
                "lead_id": lead.lead_id,
                "event": event,
                "now": now,
                "step": lead.current_step,
                "effect_id": effect_id,
                "reason": reason,
                "evidence": Jsonb(dict(evidence)),
            },
        )


def _of_state(state: LeadState, due: datetime, back: LeadState) -> dict[str, Any]:
    """Return a state with what only some states have: a due time, a state to come back to."""
    return {
        "state": state,
        "terminal": state in TERMINAL_STATES,
        "next_due_at": due if state in DUE_STATES else None,
        "resume_state": back if state in HELD_STATES else None,
    }


def _back(standing: LeadState) -> LeadState:
    """Return the state a held lead comes back to: what nobody has approved is shown anew."""
    return LeadState.DRAFT if standing is LeadState.AWAITING_APPROVAL else standing


_COLUMNS = tuple(one.name for one in fields(Lead))


def lead_of(row: DictRow) -> Lead:
    """Return a row of `outreach_lead` as a lead; further columns are left out."""
    values = {name: row[name] for name in _COLUMNS}
    values["state"] = LeadState(row["state"])
    resume = row["resume_state"]
    values["resume_state"] = None if resume is None else LeadState(resume)
    return Lead(**values)


def _jsonb(facts: Mapping[str, Any] | None) -> Jsonb:
    """Return facts as one JSON object; times as ISO texts, which PostgreSQL reads exactly.

    Raises:
        ValueError: One of them is no fact.
    """
    given = facts or {}
    if unknown := set(given) - FACTS:
        msg = f"{min(unknown)} is no fact of a lead; the facts are: {', '.join(sorted(FACTS))}"
        raise ValueError(msg)
    return Jsonb(
        {name: one.isoformat() if hasattr(one, "isoformat") else one for name, one in given.items()}
    )
