"""The sweep: what does not go on by itself is repaired where that is safe, and else reported."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outreach.states import ACTING_STATES, DUE_STATES
from syncflow_dagster.ledger.effects import EffectStore, Scope
from syncflow_dagster.ledger.worker import worker
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.report import NAMED, SweepReport, Trouble
from syncflow_dagster.nodes.linkedin.turn_plan import PASS
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient

if TYPE_CHECKING:
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.run import OutreachRun

#: Longer than this a lead that is due is not left alone, if its account is free to act.
DUE_FOR = timedelta(days=1)
#: Longer than this no action is on its way, and nobody is asked whether it arrived.
FLYING_FOR, UNKNOWN_FOR = timedelta(hours=6), timedelta(days=1)
#: Longer than this an account is not out of order without somebody being told.
DOWN_FOR = timedelta(hours=12)
#: Reads older than this count in no limit.
_READS_FOR = timedelta(days=8)


def sweep(run: OutreachRun) -> SweepReport:
    """Look for leads, actions and accounts that do not go on."""
    sweeper = _Sweeper(run)
    sweeper.leases()
    retry_transient(sweeper.actions, run.clock)
    retry_transient(sweeper.dates, run.clock)
    sweeper.wrong()
    sweeper.stuck()
    sweeper.accounts()
    return sweeper.report


def stuck_leads(run: OutreachRun, now: datetime, limit: int = 100) -> list[DictRow]:
    """Return leads that should go on and do not, the oldest first."""
    given = {
        "workflow": run.workflow.workflow,
        "node": run.node.name,
        "due_before": now - DUE_FOR,
        "flying_before": now - FLYING_FOR,
        "unknown_before": now - UNKNOWN_FOR,
        "limit": limit,
    }
    return run.database.fetch_all(sql.load("outreach_care")["stuck"], given)


class _Sweeper:
    """One sweep of one node."""

    def __init__(self, run: OutreachRun) -> None:
        self._run = run
        self._now = run.clock.now()
        self._queries = sql.load("outreach_care")
        self.report = SweepReport()

    def leases(self) -> None:
        """Take actions back whose worker is gone: what was sent becomes a question."""
        scope = Scope(self._run.workflow.workflow, self._run.node.name, PASS)
        with worker(self._run.database) as me:
            effects = EffectStore(self._run.database)
            settle_s = self._run.connection.settle_s
            lost = effects.take_up(scope, me.number, self._now, settle_s=settle_s)
        for _ in range(lost):
            self._tell("lease lost", None, None, "the worker stopped after it had sent", mend=True)

    def actions(self) -> None:
        """Bring leads and their actions together again."""
        with self._run.database.transaction() as conn:
            given = {**self._names, "now": self._now}
            stray = conn.execute(self._queries["withdraw_stray"], given).fetchall()
            rows = conn.execute(self._queries["without_action"], self._names).fetchall()
            mended = []
            for row in rows:
                lead = self._run.leads.lock(conn, row["lead_id"])
                if lead is None or lead.state not in ACTING_STATES:
                    continue
                if self._run.leads.has_action(conn, lead.lead_id):
                    continue
                why = "nothing was on its way"
                mended.append(self._run.leads.move(conn, lead, lead.standing, self._now, why))
        for row in stray:
            detail = f"{row['kind']} was queued for a lead that is not in flight"
            self._tell("stray action", row["lead_id"], row["account"], detail, mend=True)
        for lead in mended:
            detail = "it was in flight, and nothing was on its way"
            self._tell("no action", lead.lead_id, lead.account, detail, mend=True)

    def dates(self) -> None:
        """Have leads looked at that nothing would ever look at."""
        given = {**self._names, "withdraws": self._run.node.withdraw_after_days is not None}
        with self._run.database.transaction() as conn:
            rows = conn.execute(self._queries["without_date"], given).fetchall()
            mended = []
            for row in rows:
                lead = self._run.leads.lock(conn, row["lead_id"])
                if lead is None or lead.next_due_at is not None or lead.state not in DUE_STATES:
                    continue
                self._run.leads.wait(conn, lead, self._now)
                mended.append(lead)
        for lead in mended:
            detail = f"it was {lead.state} with no date to look at it"
            self._tell("no date", lead.lead_id, lead.account, detail, mend=True)

    def wrong(self) -> None:
        """Report what the database should not have let happen."""
        for row in self._rows("without_invitation"):
            detail = "an invitation is said to be ours, and none is confirmed"
            self._tell("no invitation", row["lead_id"], row["account"], detail)
        for row in self._rows("not_complete"):
            detail = "completed and its last step do not fit"
            self._tell("not complete", row["lead_id"], row["account"], detail)

    def stuck(self) -> None:
        """Report leads that should go on and do not."""
        for row in stuck_leads(self._run, self._now):
            detail = f"{row['state']} since {row['since']:%Y-%m-%d %H:%M} UTC"
            self._tell("stuck", row["lead_id"], row["account"], detail)

    def accounts(self) -> None:
        """Report accounts that are out of order for long, and forget old reads."""
        names = [ledger_account(self._run.connection, one) for one in self._run.node.accounts]
        given = {"accounts": names, "before": self._now - DOWN_FOR}
        for row in self._run.database.fetch_all(self._queries["not_ok"], given):
            detail = f"{row['status']} since {row['status_at']:%Y-%m-%d %H:%M} UTC"
            self._tell("account down", None, row["account"], detail)
        before = {"before": self._now - _READS_FOR}
        self._run.database.execute(self._queries["forget_reads"], before)

    def _tell(
        self,
        what: str,
        lead_id: int | None,
        account: str | None,
        detail: str,
        *,
        mend: bool = False,
    ) -> None:
        (self.report.repaired if mend else self.report.open)[what] += 1
        if len(self.report.troubles) < NAMED:
            self.report.troubles.append(Trouble(what, lead_id, account, detail, mend))

    def _rows(self, name: str) -> list[DictRow]:
        return self._run.database.fetch_all(self._queries[name], self._names)

    @property
    def _names(self) -> dict[str, Any]:
        return {"workflow": self._run.workflow.workflow, "node": self._run.node.name}
