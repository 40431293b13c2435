"""Looking at leads that are due: over pauses and branches, up to the next action."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.advance import (
    Action,
    AskProfile,
    Complete,
    LeadView,
    Review,
    WaitUntil,
    advance,
)
from syncflow_dagster.core.outreach.states import DUE_STATES, LeadState
from syncflow_dagster.core.outreach.tiers import BUCKET_OF_KIND
from syncflow_dagster.nodes.linkedin.sequence import calendar_of
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach.advance import Due
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.report import TurnReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.nodes.linkedin.turn_due import DueLeads
    from syncflow_dagster.workflows.models import LinkedInAccount

    Connection = psycopg.Connection[DictRow]

#: Leads read at a time.
_AT_ONCE = 200
#: When a lead is looked at again whose last action nobody knows the end of.
_LATER = timedelta(minutes=10)


def decide(run: OutreachRun, settings: LinkedInAccount, lead: Lead, now: datetime) -> Due:
    """Tell what is due for a lead that is in one of `DUE_STATES`.

    An invitation that the account's owner made is the owner's: only a step takes it back.
    """
    is_ours = lead.invite_origin != "external"
    view = LeadView(
        state=lead.state,
        step=lead.current_step,
        step_since=lead.step_since,
        invited_at=lead.invited_at,
        connected_at=lead.connected_at,
        replied_at=lead.replied_at,
        withdrawn_at=lead.withdrawn_at,
        open_profile=lead.open_profile,
    )
    return advance(
        view,
        run.versions.sequence(lead.sequence_id),
        calendar_of(settings),
        now,
        first_message_after_h=run.node.first_message_after_h,
        withdraw_after_days=run.node.withdraw_after_days if is_ours else None,
    )


class Looker:
    """Looks at the due leads of one node and account.

    Args:
        run: The node's run.
        settings: The account in the workflow file.
        due: The leads.
        report: Counts.
    """

    def __init__(
        self, run: OutreachRun, settings: LinkedInAccount, due: DueLeads, report: TurnReport
    ) -> None:
        self._run = run
        self._settings = settings
        self._due = due
        self._report = report
        self._queries = sql.load("outreach_turn")

    def look(self) -> None:
        """Look at all that are due."""
        seen: set[int] = set()
        while True:
            found = self._due.to_look_at(self._run.clock.now(), _AT_ONCE)
            news = [lead_id for lead_id in found if lead_id not in seen]
            if not news:
                return
            for lead_id in news:
                retry_transient(lambda one=lead_id: self._look_at(one), self._run.clock)  # type: ignore[misc]
            seen.update(news)

    def _look_at(self, lead_id: int) -> None:
        now = self._run.clock.now()
        with self._run.database.transaction() as conn:
            lead = self._run.leads.lock(conn, lead_id)
            if lead is None or lead.state not in DUE_STATES or lead.next_due_at is None:
                return
            self._report.looked_at += 1
            if self._run.leads.has_action(conn, lead_id):
                # It was moved on while nobody knows what became of its action: that comes first.
                self._run.leads.wait(conn, lead, now + _LATER)
                return
            self.take_on(conn, lead, now)
            crash_point("turn.looked")

    def take_on(self, conn: Connection, lead: Lead, now: datetime) -> None:
        """Take a locked lead as far as it goes without an action."""
        leads = self._run.leads
        if lead.state == LeadState.COOLDOWN:
            if lead.hold_until is not None and now < lead.hold_until:
                leads.wait(conn, lead, lead.hold_until)
                return
            lead = leads.move(conn, lead, LeadState.PENDING_INVITE, now, None)
        match decide(self._run, self._settings, lead, now):
            case Action() as due:
                self._queue(conn, lead, BUCKET_OF_KIND[due.kind])
            case AskProfile() as due:
                leads.wait(conn, lead, lead.next_due_at, step=due.step, since=due.since)
                self._queue(conn, lead, "profile")
            case WaitUntil() as due:
                leads.wait(conn, lead, due.at, step=due.step, since=due.since)
                self._report.waiting += 1
            case Complete() as due:
                leads.move(conn, lead, LeadState.COMPLETED, now, None, step=due.step)
                self._report.completed += 1
            case Review() as due:
                leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, due.reason, step=due.step)
                self._report.found["review"] += 1

    def _queue(self, conn: Connection, lead: Lead, queue: str) -> None:
        conn.execute(self._queries["enqueue"], {"lead_id": lead.lead_id, "queue": queue})
