"""One action: ask about the person, decide anew, plan it, and let the ledger deliver it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.advance import Action, AskProfile
from syncflow_dagster.core.outreach.states import DUE_STATES, LeadState
from syncflow_dagster.core.states import EffectState
from syncflow_dagster.ledger.deliver import Delivery
from syncflow_dagster.ledger.delivery_report import DeliveryOptions
from syncflow_dagster.ledger.effects import Scope
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.api import ReadFailed
from syncflow_dagster.nodes.linkedin.buckets import DOWN, READS
from syncflow_dagster.nodes.linkedin.destination import OutreachDestination
from syncflow_dagster.nodes.linkedin.errors import ErrorClass
from syncflow_dagster.nodes.linkedin.guards import check_before
from syncflow_dagster.nodes.linkedin.own_messages import own_messages
from syncflow_dagster.nodes.linkedin.signals import Signal, SignalKind
from syncflow_dagster.nodes.linkedin.turn_facts import take_in
from syncflow_dagster.nodes.linkedin.turn_look import decide
from syncflow_dagster.nodes.linkedin.turn_plan import Planner
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.nodes.linkedin.admission import Admission
    from syncflow_dagster.nodes.linkedin.api import LinkedIn
    from syncflow_dagster.nodes.linkedin.buckets import Buckets
    from syncflow_dagster.nodes.linkedin.caps import Caps
    from syncflow_dagster.nodes.linkedin.guards import Facts
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.report import TurnReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.nodes.linkedin.turn_due import DueLeads
    from syncflow_dagster.workflows.models import LinkedInAccount

    Connection = psycopg.Connection[DictRow]

#: When a lead is asked about again whose person could not be read; profiles are limited.
_AGAIN, _SOON = timedelta(minutes=10), timedelta(minutes=1)
#: What ends with the account's state, its breakers or its stops, and not with the lead.
_OF_THE_ACCOUNT = frozenset(
    {
        ErrorClass.ACCOUNT_DOWN,
        ErrorClass.ACCOUNT_LIMIT,
        ErrorClass.CONFIG,
        ErrorClass.UNRECOGNISED,
    }
)
#: Tries after which an action that itself keeps failing is dead.
_TRIES = 5
#: Seconds one delivery may take.
_DELIVERY_S = 120.0
_NOTHING_READ: Bucket = "message"


@dataclass
class Actor:
    """Acts for the leads of one node and account.

    Attributes:
        run: The node's run.
        account: The account, as the ledger knows it.
        settings: The account in the workflow file.
        due: The leads.
        api: Asks LinkedIn.
        buckets: Told what answers say.
        caps: Limits.
        admission: Asked last.
        report: Counts.
        paused_until: Until when the service is left alone, as it does not work as a whole.
    """

    run: OutreachRun
    account: str
    settings: LinkedInAccount
    due: DueLeads
    api: LinkedIn
    buckets: Buckets
    caps: Caps
    admission: Admission
    report: TurnReport
    paused_until: datetime | None = None

    def free_with_reads(
        self, bucket: Bucket, free: Mapping[Bucket, tuple[datetime, str]]
    ) -> tuple[datetime, str]:
        """Return when a bucket has room, the profile included that is read before its actions."""
        if bucket == _NOTHING_READ:
            return free[bucket]
        return max(free[bucket], free["profile"])

    def act(self, lead_id: int, bucket: Bucket) -> None:
        """Act for a lead, or find out why not."""
        if not self._trial_is_fine(bucket):
            return
        lead = self.run.leads.read([lead_id]).get(lead_id)
        if lead is None or lead.state not in DUE_STATES or lead.next_due_at is None:
            return
        self.report.looked_at += 1
        due = decide(self.run, self.settings, lead, self.run.clock.now())
        if not isinstance(due, Action | AskProfile):
            self._look_again(lead_id)
            return
        if self._is_unapproved(lead_id):
            return
        kind = due.kind if isinstance(due, Action) else "view_profile"
        facts = self._ask(lead, kind)
        if facts is None:
            return
        crash_point("turn.asked")
        if retry_transient(lambda: self._plan(lead, kind, facts), self.run.clock):
            crash_point("turn.planned")
            self.deliver()

    def deliver(self) -> bool:
        """Bring on what is with the ledger; tell whether anything has changed."""
        before = {row["effect_id"]: row for row in self.due.acting(self.run.clock.now())}
        if not before:
            return False
        reached = Delivery(
            self.run.database,
            self.run.clock,
            self._destination(),
            Scope(self.run.workflow.workflow, self.run.node.name, 1, self.account),
            DeliveryOptions(
                patience_s=0.0,
                longest_s=_DELIVERY_S,
                most_tries=_TRIES,
                chance=self.run.options.chance,
                leave=self.run.options.leave,
            ),
            admission=self.admission,
        ).run()
        self.paused_until = None if reached.paused is None else reached.paused.until
        self.report.requests += reached.requests
        self.report.reads += reached.lookups
        return self._count(before)

    def ask_status(self) -> None:
        """Ask for the account's state, and write it down."""
        now = self.run.clock.now()
        self.report.reads += 1
        try:
            status = self.api.account().status
        except ReadFailed as error:
            # Nobody knows any better: it is asked again after a while.
            self._heard(error)
            status = DOWN
        AccountStore(self.run.database).note_status(self.account, status, now)

    def _destination(self) -> OutreachDestination:
        return OutreachDestination(
            self.account,
            self.api,
            settle_s=self.run.connection.settle_s,
            clock=self.run.clock,
            sink=self.buckets,
            own=lambda lead_id: own_messages(self.run.database, lead_id),
        )

    def _count(self, before: Mapping[int, DictRow]) -> bool:
        """Tell what became of actions; whether any of them is not as it was."""
        given = {"effect_ids": list(before)}
        rows = self.run.database.fetch_all(sql.load("outreach_turn")["became"], given)
        changed = False
        for row in rows:
            was = before[row["effect_id"]]
            if (row["state"], row["not_before"]) == (was["state"], was["not_before"]):
                continue
            changed = True
            if row["state"] == EffectState.DONE:
                self.report.sent[row["kind"]] += 1
            else:
                self.report.outcomes[row["state"].lower()] += 1
            if row["state"] == EffectState.CANCELLED:
                self.report.held[row["reason"] or ""] += 1
        return changed

    def _trial_is_fine(self, bucket: Bucket) -> bool:
        """Ask a read that costs nothing before anything is tried in a bucket that was open."""
        now = self.run.clock.now()
        tried = self.buckets.on_trial(self.account, (bucket, *READS), now)
        if not tried:
            return True
        try:
            self.api.me()
        except ReadFailed as error:
            for one in tried:
                failed = Signal(SignalKind.FAILURE, "bucket", one, error.reason)
                self.buckets.heard(self.account, failed, now)
            if "read" not in tried:
                self._heard(error)
            return False
        return True

    def _is_unapproved(self, lead_id: int) -> bool:
        """Put off a lead whose texts nobody approves, before anything is asked about the person."""
        now = self.run.clock.now()
        with self.run.database.transaction() as conn:
            lead = self.run.leads.lock(conn, lead_id)
            assert lead is not None
            why = self.admission.unapproved(conn, lead, now)
            if why is not None:
                self.run.leads.wait(conn, lead, why.until)
                self.report.held[why.reason] += 1
        return why is not None

    def _ask(self, lead: Lead, kind: str) -> Facts | None:
        """Ask about a person; None if it could not be read."""
        self.report.reads += 1
        try:
            facts = check_before(
                self.api, lead, kind, own_messages(self.run.database, lead.lead_id)
            )
        except ReadFailed as error:
            self._heard(error)
            self._unread(lead, error)
            return None
        now = self.run.clock.now()
        self.buckets.reads_went_well(self.account, now)
        self.admission.seen_ok(self.account, now)
        return facts

    def _unread(self, lead: Lead, error: ReadFailed) -> None:
        """Put a lead off whose person could not be read, unless it is the account's affair."""
        now = self.run.clock.now()
        self.report.held[error.reason] += 1
        if error.kind in _OF_THE_ACCOUNT and error.signal is not None:
            return
        again = _SOON if error.signal is not None and error.signal.bucket == "read" else _AGAIN
        until = now + max(again, timedelta(seconds=error.after_s or 0))
        with self.run.database.transaction() as conn:
            locked = self.run.leads.lock(conn, lead.lead_id)
            if locked is None or locked.state not in DUE_STATES:
                return
            if error.kind is ErrorClass.LEAD_PERMANENT:
                self.run.leads.move(conn, locked, LeadState.FAILED, now, error.reason)
                self.report.found["no such member"] += 1
            else:
                self.run.leads.wait(conn, locked, until)

    def _plan(self, lead: Lead, kind: str, facts: Facts) -> bool:
        """Take in what was learnt, and plan the action that it was asked for; tell whether so."""
        now = self.run.clock.now()
        with self.run.database.transaction() as conn:
            locked = self.run.leads.lock(conn, lead.lead_id)
            if locked is None or locked.state not in DUE_STATES:
                return False
            if self.run.leads.has_action(conn, lead.lead_id):
                self.run.leads.wait(conn, locked, now + _AGAIN)
                return False
            found = take_in(self.run, conn, locked, facts, now)
            if found is not None:
                self.report.found[found] += 1
                return False
            again = self.run.leads.lock(conn, lead.lead_id)
            assert again is not None
            due = decide(self.run, self.settings, again, now)
            if not isinstance(due, Action) or due.kind != kind:
                # What was asked for is known now, or other things are to be asked for what is due.
                self.run.leads.wait(conn, again, now)
                conn.execute(sql.load("outreach_turn")["look_now"], {"lead_id": lead.lead_id})
                return False
            planner = Planner(self.run, self.account, self.settings, self.caps)
            planned = planner.plan(conn, again, due, facts, now)
            crash_point("turn.effect_written")
            if planned is not None:
                self.report.found[planned] += 1
            return planned is None

    def _look_again(self, lead_id: int) -> None:
        given = {"lead_id": lead_id}
        self.run.database.execute(sql.load("outreach_turn")["look_now"], given)

    def _heard(self, error: ReadFailed) -> None:
        if error.signal is not None:
            signal = replace(error.signal, lead_id=None)
            self.buckets.heard(self.account, signal, self.run.clock.now())
