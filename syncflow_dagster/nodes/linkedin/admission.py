"""Whether an action may go now: asked last, in the transaction that commits its intent.

What is counted here is reserved here: the account's row is locked, so two workers never find the
same room. What may not go is cancelled and its lead goes back to where it stood, because everything
that was asked about the person is stale by the time it may.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core.outreach.circuits import begin_trial, verdict
from syncflow_dagster.core.outreach.spacing import gap
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.core.outreach.tiers import BUCKET_OF_KIND
from syncflow_dagster.ledger.admission import Held
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.approval import is_approved
from syncflow_dagster.nodes.linkedin.sequence import calendar_of
from syncflow_dagster.nodes.linkedin.suppression import standing
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.linkedin.accounts import Account
    from syncflow_dagster.nodes.linkedin.buckets import Buckets
    from syncflow_dagster.nodes.linkedin.caps import Caps
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun
    from syncflow_dagster.workflows.models import LinkedInAccount

    Connection = psycopg.Connection[DictRow]

#: How old what was asked about a person may be.
FRESH = timedelta(seconds=120)
#: When an account is looked at again that may do nothing: what holds it up ends by an event.
LOOK_AGAIN = timedelta(minutes=2)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Barred:
    """Why an account may do nothing, or nothing of one kind, for now.

    Attributes:
        reason: For people.
        until: When to ask again.
    """

    reason: str
    until: datetime


class Admission:
    """Asked for one account of one node; see `ledger.admission.Admission`.

    Args:
        run: The node's run.
        account: The account, as the ledger knows it.
        settings: The account in the workflow file.
        caps: Its limits.
        buckets: Its breakers.
    """

    def __init__(
        self,
        run: OutreachRun,
        account: str,
        settings: LinkedInAccount,
        caps: Caps,
        buckets: Buckets,
    ) -> None:
        self._run = run
        self._account = account
        self._settings = settings
        self._caps = caps
        self._buckets = buckets
        self._accounts = AccountStore(run.database)
        self._calendar = calendar_of(settings)
        self._queries = sql.load("outreach_turn")

    def admit(
        self, conn: Connection, effects: Sequence[Effect], now: datetime
    ) -> Mapping[int, Held]:
        """Return which of these may not go, and why; the others are counted from now on."""
        account = self._accounts.lock(conn, self._account)
        assert account is not None
        held: dict[int, Held] = {}
        for effect in effects:
            why = self._why_not(conn, account, effect, now)
            if why is not None:
                held[effect.effect_id] = Held(why.reason, why.until, cancel=True)
            else:
                self._reserve(conn, effect, now)
                account = self._accounts.lock(conn, self._account)
                assert account is not None
        return held

    def seen_ok(self, account: str, now: datetime) -> None:
        """Write down that the account's state was asked for and is OK."""
        given = {"account": account, "now": now}
        self._run.database.execute(self._queries["seen_ok"], given)

    def barred(self, conn: Connection, account: Account, now: datetime) -> Barred | None:
        """Tell why the account may do nothing at all; None if it may."""
        if self._run.node.dry_run:
            return Barred("dry run", now + LOOK_AGAIN)
        if account.acknowledged_at is None:
            return Barred("nobody has acknowledged the account's risk", now + LOOK_AGAIN)
        given = {"scopes": self._scopes()}
        stop = conn.execute(self._queries["stops"], given).fetchone()
        if stop is not None:
            return Barred(f"{stop['scope']} is stopped: {stop['reason']}", now + LOOK_AGAIN)
        if account.status not in {"OK", "UNKNOWN"}:
            return Barred(f"the account is {account.status}", now + LOOK_AGAIN)
        if self._buckets.all_stop(conn, now):
            return Barred("several accounts fail at once", now + LOOK_AGAIN)
        reads = self._buckets.circuits(conn, account.account).get("read")
        if reads is not None and verdict(reads, now) == "wait":
            assert reads.open_until is not None
            return Barred(f"reads fail: {reads.reason}", reads.open_until)
        if not self._calendar.is_open(now):
            return Barred("outside of working hours", self._calendar.next_open(now))
        if account.next_action_at is not None and now < account.next_action_at:
            return Barred("the pause between two actions", account.next_action_at)
        return None

    def free_at(
        self, conn: Connection, account: Account, now: datetime
    ) -> dict[Bucket, tuple[datetime, str]]:
        """Return when each bucket has room by limits and breakers, and what holds it up."""
        circuits = self._buckets.circuits(conn, account.account)
        free: dict[Bucket, tuple[datetime, str]] = {}
        for bucket, at in self._caps.free_at(conn, account, now).items():
            free[bucket] = (at, f"the limit of {bucket}" if at > now else "")
            circuit = circuits.get(bucket)
            if circuit is not None and verdict(circuit, now) == "wait":
                assert circuit.open_until is not None
                if circuit.open_until > at:
                    free[bucket] = (circuit.open_until, f"{bucket} is open: {circuit.reason}")
        return free

    def unapproved(self, conn: Connection, lead: Lead, now: datetime) -> Barred | None:
        """Tell that nobody has approved a lead's texts, or no longer does; None if it is so."""
        if lead.approval_id is not None and is_approved(conn, lead.sequence_id, lead.account):
            return None
        return Barred("nobody has approved its texts", now + _A_DAY)

    def _scopes(self) -> list[str]:
        node = f"{self._run.workflow.workflow}.{self._run.node.name}"
        return ["*", node, self._account, self._account.partition("/")[0]]

    def _why_not(
        self, conn: Connection, account: Account, effect: Effect, now: datetime
    ) -> Barred | None:
        barred = self.barred(conn, account, now)
        if barred is not None:
            return barred
        if account.status != "OK":
            return Barred("nobody has asked for the account's state", now + LOOK_AGAIN)
        at, why = self.free_at(conn, account, now)[BUCKET_OF_KIND[effect.kind]]
        if at > now:
            return Barred(why, at)
        if effect.kind == "invite" and effect.payload.get("text"):
            notes = self._caps.note_free_at(conn, account, now)
            if notes > now:
                return Barred("the limit of notes", now)
        assert effect.lead_id is not None
        lead = self._run.leads.lock(conn, effect.lead_id)
        assert lead is not None
        return self._about(conn, lead, effect, now)

    def _about(self, conn: Connection, lead: Lead, effect: Effect, now: datetime) -> Barred | None:
        """Tell why it may not go to this lead."""
        if lead.state != LeadState.IN_FLIGHT or lead.current_step > effect.payload["step"]:
            return Barred(f"the lead is {lead.state} at step {lead.current_step}", now)
        unapproved = self.unapproved(conn, lead, now)
        if unapproved is not None:
            return unapproved
        if lead.checked_at is None or now - lead.checked_at > FRESH:
            return Barred("what was asked about the person is stale", now)
        why = standing(self._run, conn, [lead]).get(lead.lead_id)
        if why is not None:
            # Its queued action, this one, ends with it.
            self._run.leads.move(conn, lead, LeadState.SUPPRESSED, now, why)
            return Barred(why, now)
        return None

    def _reserve(self, conn: Connection, effect: Effect, now: datetime) -> None:
        """Let the next action wait, and count this one as the breaker's trial if it is that."""
        limits = self._settings.limits
        pause = gap(self._run.options.chance, limits.gap_min_s, limits.gap_max_s)
        given = {"account": self._account, "next_at": now + pause, "now": now}
        conn.execute(self._queries["act"], given)
        bucket = BUCKET_OF_KIND[effect.kind]
        circuit = self._buckets.circuits(conn, self._account).get(bucket)
        if circuit is not None and verdict(circuit, now) == "trial":
            self._buckets.keep(conn, self._account, bucket, begin_trial(circuit, now))
