"""What requests tell of their account, kept: breakers per kind of action, stops, facts of leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach.advance import INVITE_AGAIN_AFTER
from syncflow_dagster.core.outreach.circuits import (
    AT_ONCE,
    IN_A_ROW,
    LOOKED_AT,
    Circuit,
    after_failure,
    after_limit,
    after_success,
    all_stop,
    begin_trial,
    verdict,
)
from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.nodes.linkedin.accounts import AccountStore
from syncflow_dagster.nodes.linkedin.detection import Detection
from syncflow_dagster.nodes.linkedin.signals import LeadFact, Signal, SignalKind
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.core.outreach.tiers import Bucket
    from syncflow_dagster.nodes.linkedin.leads import Lead
    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

#: Buckets of what is read before an action.
READS: tuple[Bucket, ...] = ("read", "profile")
#: State of an account that Unipile has not told, but that its answers show.
DOWN = "DOWN"


class Buckets:
    """The breakers of accounts; a `SignalSink`.

    Args:
        run: The node whose requests are heard.
    """

    def __init__(self, run: OutreachRun) -> None:
        self._run = run
        self._database = run.database
        self._accounts = AccountStore(run.database)
        self._queries = sql.load("outreach_turn")

    def circuits(self, conn: Connection, account: str) -> dict[Bucket, Circuit]:
        """Return the circuits of an account; a bucket without one is closed."""
        rows = conn.execute(self._queries["circuits"], {"account": account}).fetchall()
        return {row["bucket"]: _circuit_of(row) for row in rows}

    def keep(self, conn: Connection, account: str, bucket: Bucket, circuit: Circuit) -> None:
        """Write a circuit down as it is now."""
        _, recent = self._lock(conn, account, bucket)
        self._write(conn, account, bucket, circuit, recent)

    def on_trial(self, account: str, buckets: Iterable[Bucket], now: datetime) -> list[Bucket]:
        """Return which of some buckets were open and may be tried again."""
        with self._database.transaction() as conn:
            circuits = self.circuits(conn, account)
        return [one for one in buckets if verdict(circuits.get(one, Circuit()), now) == "trial"]

    def reads_went_well(self, account: str, now: datetime) -> None:
        """Close the circuits of reads; where nothing has failed, nothing is written."""
        with self._database.transaction() as conn:
            circuits = self.circuits(conn, account)
        for bucket in READS:
            if circuits.get(bucket, Circuit()) != Circuit():
                self.heard(account, Signal(SignalKind.OK, "bucket", bucket, ""), now)

    def all_stop(self, conn: Connection, now: datetime) -> bool:
        """Tell whether so many accounts fail at once that none may go on."""
        rows = conn.execute(self._queries["failed_at"], {"since": now - AT_ONCE}).fetchall()
        return all_stop({row["account"]: row["failed_at"] for row in rows}, now)

    def heard(self, account: str, signal: Signal, now: datetime) -> None:
        """Take in what a request told."""
        match signal.kind:
            case SignalKind.OK:
                self._turned(account, signal.bucket, now, signal, failed=False)
                self._keep_chat(signal)
            case SignalKind.FAILURE:
                self._turned(account, signal.bucket, now, signal, failed=True)
            case SignalKind.LIMIT:
                self._limited(account, signal, now)
            case SignalKind.DOWN:
                self._down(account, signal, now)
            case SignalKind.RESTRICTED | SignalKind.CONFIG | SignalKind.UNRECOGNISED:
                self._accounts.stop(self._scope_of(account, signal), signal.reason, now)
            case SignalKind.LEAD:
                self._learnt(signal, now)

    def _turned(
        self, account: str, bucket: Bucket, now: datetime, signal: Signal, *, failed: bool
    ) -> None:
        with self._database.transaction() as conn:
            if failed:
                # The account before its buckets, as in an admission.
                conn.execute(self._queries["failed"], {"account": account, "now": now})
            circuit, recent = self._lock(conn, account, bucket)
            recent = (recent + ("x" if failed else "."))[-LOOKED_AT:]
            if verdict(circuit, now) == "trial":
                # It was due to be tried, and this was it.
                circuit = begin_trial(circuit, now)
            if failed:
                flags = [one == "x" for one in recent]
                circuit = after_failure(circuit, flags, signal.reason, now)
            else:
                circuit = after_success(circuit)
            self._write(conn, account, bucket, circuit, recent)

    def _keep_chat(self, signal: Signal) -> None:
        if signal.chat_id is None or signal.lead_id is None:
            return
        with self._database.transaction() as conn:
            lead = self._run.leads.lock(conn, signal.lead_id)
            if lead is not None and lead.chat_id is None:
                self._run.leads.keep_facts(conn, lead, {"chat_id": signal.chat_id})

    def _limited(self, account: str, signal: Signal, now: datetime) -> None:
        at_least = timedelta(seconds=signal.after_s or 0)
        with self._database.transaction() as conn:
            circuit, recent = self._lock(conn, account, signal.bucket)
            # Several requests may hear of the same limit: it is one refusal.
            is_open = circuit.open_until is not None and now < circuit.open_until
            if circuit.probing or not is_open:
                circuit = after_limit(circuit, signal.reason, now, at_least)
                self._write(conn, account, signal.bucket, circuit, recent)

    def _down(self, account: str, signal: Signal, now: datetime) -> None:
        self._accounts.note_status(account, DOWN, now)
        # Its state may be said to be OK while its requests are refused: ever longer pauses.
        with self._database.transaction() as conn:
            conn.execute(self._queries["failed"], {"account": account, "now": now})
            circuit, recent = self._lock(conn, account, signal.bucket)
            if circuit.open_until is None or now >= circuit.open_until or circuit.probing:
                near = replace(circuit, failures=max(circuit.failures, IN_A_ROW - 1))
                circuit = after_failure(near, (), signal.reason, now)
                self._write(conn, account, signal.bucket, circuit, recent)

    def _scope_of(self, account: str, signal: Signal) -> str:
        match signal.scope:
            case "tenant":
                return account.partition("/")[0]
            case "sequence":
                return f"{self._run.workflow.workflow}.{self._run.node.name}"
            case _:
                return account

    def _learnt(self, signal: Signal, now: datetime) -> None:
        """Take over what an action told of its lead, before the action is dropped."""
        assert signal.lead_id is not None
        with self._database.transaction() as conn:
            lead = self._run.leads.lock(conn, signal.lead_id)
            if lead is None or lead.terminal_at is not None or signal.fact is None:
                return
            self._move(conn, lead, signal.fact, signal.reason, now)

    def _move(
        self, conn: Connection, lead: Lead, fact: LeadFact, reason: str, now: datetime
    ) -> None:
        leads = self._run.leads
        facts: dict[str, Any]
        match fact:
            case LeadFact.CONNECTED:
                Detection(self._run).connect(conn, lead, now, now, "refusal")
            case LeadFact.INVITED:
                facts = {"invite_origin": lead.invite_origin or "external"}
                back = LeadState.INVITE_SENT
                leads.move(conn, lead, lead.state, now, reason, resume_state=back, facts=facts)
            case LeadFact.COOLDOWN if lead.hold_until is not None:
                why = f"{reason}: refused again after its cooldown"
                leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, why)
            case LeadFact.COOLDOWN:
                facts = {"hold_until": now + INVITE_AGAIN_AFTER}
                back = LeadState.COOLDOWN
                leads.move(conn, lead, lead.state, now, reason, resume_state=back, facts=facts)
            case LeadFact.NOT_CONNECTED:
                facts = {"connected_at": None, "connected_via": None}
                out = lead.invite_origin is not None and lead.withdrawn_at is None
                back = LeadState.INVITE_SENT if out else LeadState.PENDING_INVITE
                leads.move(conn, lead, lead.state, now, reason, resume_state=back, facts=facts)
            case LeadFact.RECEIVED | LeadFact.WRONG_PROFILE:
                leads.move(conn, lead, LeadState.NEEDS_REVIEW, now, reason)

    def _lock(self, conn: Connection, account: str, bucket: Bucket) -> tuple[Circuit, str]:
        given = {"account": account, "bucket": bucket}
        row = conn.execute(self._queries["lock_circuit"], given).fetchone()
        assert row is not None
        return _circuit_of(row), row["recent"]

    def _write(
        self, conn: Connection, account: str, bucket: Bucket, circuit: Circuit, recent: str
    ) -> None:
        given: dict[str, Any] = {"account": account, "bucket": bucket, "recent": recent}
        for name in _CIRCUIT:
            given[name] = getattr(circuit, name)
        conn.execute(self._queries["keep_circuit"], given)


_CIRCUIT = ("level", "open_until", "probing", "failures", "reason", "since")


def _circuit_of(row: DictRow) -> Circuit:
    return Circuit(**{name: row[name] for name in _CIRCUIT})
