"""Planning one action of a lead: its text, its effect, and the lead on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach.ops import Act
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.ports import PlannedEffect
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.own_messages import comparable
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach.advance import Action
    from syncflow_dagster.nodes.linkedin.caps import Caps
    from syncflow_dagster.nodes.linkedin.guards import Facts
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.workflows.models import LinkedInAccount

    Connection = psycopg.Connection[DictRow]

#: Times an action is sent that turns out not to have happened, until a person has looked.
_MOST_ABSENT = 5
#: The pass of the ledger that actions belong to.
PASS = 1


class Planner:
    """Plans actions of one node and account, in the caller's transaction.

    Args:
        run: The node's run.
        account: The account, as the ledger knows it.
        settings: The account in the workflow file.
        caps: Limits, for notes.
    """

    def __init__(
        self, run: OutreachRun, account: str, settings: LinkedInAccount, caps: Caps
    ) -> None:
        self._run = run
        self._account = account
        self._settings = settings
        self._caps = caps
        self._effects = EffectStore(run.database)
        self._queries = sql.load("outreach_turn")

    def plan(
        self, conn: Connection, lead: Lead, action: Action, facts: Facts, now: datetime
    ) -> str | None:
        """Plan an action of a locked lead; returns why not, as a word, if it is not planned."""
        given = {"lead_id": lead.lead_id, "kind": action.kind, "step": action.step}
        earlier = conn.execute(self._queries["earlier"], given).fetchone()
        assert earlier is not None
        if earlier["absent"] >= _MOST_ABSENT:
            why = f"sent {earlier['absent']} times, and each time it had not happened"
            self._run.leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
            return "never happens"
        op = self._run.versions.sequence(lead.sequence_id).ops[action.step]
        withdrawing = not isinstance(op, Act) or action.kind == "withdraw"
        text: dict[str, Any] = {"text": None, "subject": None, "variant": None}
        if isinstance(op, Act) and op.texts and not withdrawing:
            given = {"lead_id": lead.lead_id, "step": action.step}
            row = conn.execute(self._queries["text_of"], given).fetchone()
            if row is None or not row["text"]:
                why = f"step {action.step} has no text for it"
                self._run.leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
                return "no text"
            text = dict(row)
        if comparable(text["text"]) in facts.said:
            why = f"the chat shows the text of step {action.step} already: is it to be left out?"
            self._run.leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
            return "said already"
        if action.kind == "invite" and text["text"]:
            assert isinstance(op, Act)
            put_off = self._note(conn, lead, op, action, text, now)
            if put_off is not None:
                return put_off
        return self._write(conn, lead, action, facts, text, earlier["effects"] + 1, now)

    def _note(
        self,
        conn: Connection,
        lead: Lead,
        op: Act,
        action: Action,
        text: dict[str, Any],
        now: datetime,
    ) -> str | None:
        """Do what the step says where the account may send no more notes for now."""
        account = AccountStore(self._run.database).read_in(conn, self._account)
        assert account is not None
        free_at = self._caps.note_free_at(conn, account, now)
        if free_at <= now:
            return None
        match op.note_exhausted:
            case "defer":
                self._run.leads.wait(conn, lead, free_at)
                return "no notes left: waits"
            case "skip":
                self._leave_out(conn, lead, action, now)
                return "no notes left: left out"
            case _:
                text["text"] = None
                return None

    def _leave_out(self, conn: Connection, lead: Lead, action: Action, now: datetime) -> None:
        step = action.following
        if step < lead.n_steps:
            self._run.leads.wait(conn, lead, now, step=step, since=now)
        else:
            self._run.leads.move(conn, lead, LeadState.COMPLETED, now, None, step=step)

    def _write(
        self,
        conn: Connection,
        lead: Lead,
        action: Action,
        facts: Facts,
        text: dict[str, Any],
        number: int,
        now: datetime,
    ) -> str | None:
        payload = {
            "step": action.step,
            "next": action.following,
            "after": str(action.after),
            "account": self._settings.id,
            "provider_id": facts.provider_id or lead.provider_id,
            "slug": lead.slug,
            "chat_id": facts.chat_id,
            "invitation_id": lead.invitation_id if action.kind == "withdraw" else None,
            **text,
            "planned_at": now.isoformat(),
            "label": f"lead {lead.lead_id}",
        }
        effect = self._effect(lead, action, number, payload)
        # Before the effect: whatever else a lead has queued would be withdrawn.
        self._run.leads.move(conn, lead, LeadState.IN_FLIGHT, now, None)
        scope = Scope(self._run.workflow.workflow, self._run.node.name, PASS, self._account)
        new = self._effects.insert(conn, [effect], scope=scope, account=self._account)
        if effect.effect_key in new:
            return None
        why = f"step {action.step} was sent to it already, or is on its way"
        locked = self._run.leads.lock(conn, lead.lead_id)
        assert locked is not None
        self._run.leads.move(conn, locked, LeadState.NEEDS_REVIEW, now, why)
        return "sent already"

    def _effect(
        self, lead: Lead, action: Action, number: int, payload: dict[str, Any]
    ) -> PlannedEffect:
        version = self._run.versions.number(lead.sequence_id)
        place = f"{lead.lead_id}:{lead.sequence_id}:{action.step}:{action.kind}"
        return PlannedEffect(
            effect_key=f"lead:{lead.lead_id}:{version}:{action.step}:{action.kind}:{number}",
            kind=action.kind,
            pass_number=PASS,
            object_key=f"outreach:{place}",
            creates=True,
            payload=payload,
            lead_id=lead.lead_id,
        )
