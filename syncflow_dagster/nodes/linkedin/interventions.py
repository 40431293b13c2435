"""What people do about leads by hand; each is noted with who and why.

What is done and the note of it are one transaction. What the state of a lead does not allow is
refused, with the reason and what to do instead.
"""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Never

import psycopg
from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.states import DUE_STATES, LeadState, lead_may_become
from syncflow_dagster.core.states import UNSENT_EFFECTS, EffectState
from syncflow_dagster.ledger.decisions import Decisions, NotDecidable
from syncflow_dagster.nodes.linkedin.leads import LeadStore
from syncflow_dagster.nodes.linkedin.versions import Versions
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.core.clock import Clock
    from syncflow_dagster.ledger.decisions import Answer, By
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.store.database import Database

    Connection = psycopg.Connection[DictRow]


class NotPossible(RuntimeError):
    """Something cannot be done as things stand; the text says why, and what could be."""


class Interventions:
    """Carries out what a person wants of a lead; each method is one transaction.

    Args:
        database: Where leads and ledger are.
        clock: Database time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._leads = LeadStore(database)
        self._versions = Versions(database)

    def requeue(self, lead_id: int, by: By) -> str:
        """Let a lead go on that waits for a person or has failed: its step is looked at anew.

        An action in question is taken as not sent. Before it is sent again the chat is read, as
        before every message.

        Raises:
            NotPossible: It waits for nobody.
        """
        with self._on(lead_id, "requeue", by) as at:
            if at.action is not None and at.action["state"] == EffectState.NEEDS_PERSON:
                # Whatever the lead is by now: one that is paused stays so.
                self.answer(at, "not_applied", by)
                return f"the {at.action['kind']} of lead {lead_id} counts as not sent"
            if at.lead.state == LeadState.FAILED:
                state = LeadState.CONNECTED if at.lead.connected_at else LeadState.PENDING_INVITE
                self._leads.move(at.conn, at.lead, state, at.now, None)
                return f"lead {lead_id} is {state} again"
            if at.lead.state != LeadState.NEEDS_REVIEW:
                at.refuse("only a lead that needs review or has failed is put back")
            at.must_be_settled()
            self._leads.move(at.conn, at.lead, at.lead.standing, at.now, None)
            return f"lead {lead_id} is {at.lead.standing} again"

    def mark_sent(self, lead_id: int, by: By, remote_id: str | None = None) -> str:
        """Say that the action of a lead that is in question was sent.

        Args:
            lead_id: The lead.
            by: Who says so, and why.
            remote_id: Unipile's id of the invitation or message, if it is known.

        Raises:
            NotPossible: None of its actions is in question.
        """
        with self._on(lead_id, "mark-sent", by) as at:
            if at.action is None or at.action["state"] != EffectState.NEEDS_PERSON:
                at.refuse("none of its actions waits for an answer")
            self.answer(at, "applied", by, remote_id or f"said-by-{by.actor}:{at.effect_id}")
            return f"the {at.action['kind']} of lead {lead_id} counts as sent"

    def skip(self, lead_id: int, by: By) -> str:
        """Leave the step out at which a lead stands; behind the last one it is completed.

        Raises:
            NotPossible: The lead is not at a step, or its action is on its way.
        """
        with self._on(lead_id, "skip", by) as at:
            lead = at.lead
            may = DUE_STATES | {LeadState.NEEDS_REVIEW}
            if lead.state not in may or lead.standing not in DUE_STATES:
                at.refuse("it stands at no step that could be left out")
            at.must_be_settled()
            step = self._versions.sequence(lead.sequence_id).behind(lead.current_step)
            ends = step >= lead.n_steps
            state = LeadState.COMPLETED if ends else lead.standing
            at.details |= {"step": lead.current_step, "to": step}
            self._leads.move(at.conn, lead, state, at.now, None, step=step)
            what = "is completed" if ends else f"stands at step {step} now"
            return f"lead {lead_id} {what}"

    def pause(self, lead_id: int, by: By) -> str:
        """Hold a lead; what it has queued is not sent.

        Raises:
            NotPossible: It is at its end, held already, or not approved yet.
        """
        with self._on(lead_id, "pause", by) as at:
            if at.lead.state == LeadState.PAUSED or not lead_may_become(
                at.lead.state, LeadState.PAUSED
            ):
                at.refuse("it cannot be paused")
            self._leads.move(at.conn, at.lead, LeadState.PAUSED, at.now, by.reason)
            return f"lead {lead_id} is paused; it was {at.lead.state}"

    def resume(self, lead_id: int, by: By) -> str:
        """Let a paused lead go on where it stood.

        Raises:
            NotPossible: It is not paused, or its action is not settled.
        """
        with self._on(lead_id, "resume", by) as at:
            if at.lead.state != LeadState.PAUSED:
                at.refuse("only a paused lead is resumed; `requeue` is for one that needs review")
            at.must_be_settled()
            self._leads.move(at.conn, at.lead, at.lead.standing, at.now, None)
            return f"lead {lead_id} is {at.lead.standing} again"

    def cancel(self, lead_id: int, by: By) -> str:
        """Take a lead out for good; what it has queued is not sent.

        Raises:
            NotPossible: It is at its end.
        """
        with self._on(lead_id, "cancel", by) as at:
            if at.lead.terminal_at is not None:
                at.refuse("it is at its end")
            self._leads.move(at.conn, at.lead, LeadState.CANCELLED, at.now, by.reason)
            return f"lead {lead_id} is cancelled; it was {at.lead.state}"

    def answer(self, at: OnLead, answer: Answer, by: By, remote_id: str | None = None) -> None:
        """Answer the question an action has become, in the transaction in which it was locked."""
        at.details |= {"effect": at.effect_id, "answer": answer}
        try:
            self._decisions.resolve_in(at.conn, at.effect_id, answer, by, at.now, remote_id)
        except NotDecidable as error:
            raise NotPossible(str(error)) from error

    @property
    def _decisions(self) -> Decisions:
        return Decisions(self._database)

    @contextmanager
    def _on(self, lead_id: int, action: str, by: By) -> Iterator[OnLead]:
        with on_lead(self._database, self._clock, lead_id, action, by) as at:
            yield at


@dataclass(slots=True)
class OnLead:
    """A lead that is locked with its action, in a transaction.

    Attributes:
        conn: The transaction.
        lead: The lead.
        action: Its action that is not settled: effect_id, kind, state, reason, remote_id, step.
        now: Database time.
        details: What is noted beside who and why.
    """

    conn: Connection
    lead: Lead
    action: DictRow | None
    now: datetime
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def effect_id(self) -> int:
        """The number of its action."""
        assert self.action is not None
        found: int = self.action["effect_id"]
        return found

    def refuse(self, why: str) -> Never:
        """Raise `NotPossible` with where the lead stands."""
        lead = self.lead
        msg = f"lead {lead.lead_id} is {lead.state} ({lead.reason or 'no reason given'}): {why}"
        raise NotPossible(msg)

    def must_be_settled(self) -> None:
        """Refuse where an action of the lead may have been sent and nobody knows."""
        action = self.action
        if action is None or action["state"] in UNSENT_EFFECTS | {EffectState.CLAIMED}:
            return
        if action["state"] == EffectState.NEEDS_PERSON:
            hint = "`mark-sent` says that it was sent, `requeue` that it was not"
        else:
            hint = "`reconcile` has LinkedIn asked at once"
        self.refuse(f"its {action['kind']} ({self.effect_id}) is {action['state']}; {hint}")


@contextmanager
def on_lead(
    database: Database, clock: Clock, lead_id: int, action: str, by: By
) -> Iterator[OnLead]:
    """Lock a lead for what a person wants; it is noted in the same transaction.

    Raises:
        NotPossible: There is no such lead, or it cannot be put where it should go.
    """
    now = clock.now()
    queries = sql.load("outreach_tools")
    try:
        with database.transaction() as conn:
            lead = LeadStore(database).lock(conn, lead_id)
            if lead is None:
                msg = f"there is no lead {lead_id}; `syncflow outreach leads WORKFLOW` lists them"
                raise NotPossible(msg)
            row = conn.execute(queries["open_action"], {"lead_id": lead_id}).fetchone()
            at = OnLead(conn, lead, row, now)
            yield at
            note(conn, action, by, now, at.details | {"state": str(lead.state)}, lead)
    except psycopg.errors.UniqueViolation as error:
        msg = f"lead {lead_id} cannot go on: another lead of the same person lives"
        raise NotPossible(msg) from error
    except psycopg.errors.CheckViolation as error:
        msg = f"lead {lead_id}: {error.diag.message_primary}"
        raise NotPossible(msg) from error


def note(
    conn: Connection,
    action: str,
    by: By,
    now: datetime,
    details: Mapping[str, Any],
    lead: Lead | None = None,
) -> None:
    """Write down what a person did, in the transaction in which it was done."""
    conn.execute(
        sql.load("outreach_tools")["note_intervention"],
        {
            "now": now,
            "action": action,
            "workflow": lead and lead.workflow,
            "node": lead and lead.node,
            "account": lead and lead.account,
            "lead_id": lead and lead.lead_id,
            "actor": by.actor,
            "os_user": getpass.getuser(),
            "reason": by.reason,
            "details": Jsonb(dict(details)),
        },
    )
