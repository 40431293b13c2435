"""The turn of an account: what is due is looked at, and sent one after the other.

Looking is free: it takes leads over pauses and branches, and puts those that want to act into the
queue of their kind. Acting asks LinkedIn about the person, decides anew, plans one action in one
transaction, and lets the ledger deliver it. A turn works until nothing can go within its time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncflow_dagster.core import leaving
from syncflow_dagster.core.leaving import Left
from syncflow_dagster.ledger.worker import Busy, only_one
from syncflow_dagster.nodes.linkedin.accounts import Account, AccountStore
from syncflow_dagster.nodes.linkedin.admission import LOOK_AGAIN, Admission
from syncflow_dagster.nodes.linkedin.caps import ACTION_BUCKETS, Caps
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.report import TurnReport
from syncflow_dagster.nodes.linkedin.turn_act import Actor
from syncflow_dagster.nodes.linkedin.turn_dry import tell
from syncflow_dagster.nodes.linkedin.turn_due import DueLeads
from syncflow_dagster.nodes.linkedin.turn_look import Looker
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

#: What a dry run says of itself; it is not looked at again before it is asked to.
DRY = "dry run"
#: Actions that wait to be sent.
_UNSENT = frozenset({"PLANNED", "RETRY", "CLAIMED"})
_A_DAY = timedelta(days=1)


def turn(run: OutreachRun, account: str, *, longest_s: float) -> TurnReport:
    """Work with one account.

    Args:
        run: The node's run.
        account: The account, by its name in the node or in the ledger.
        longest_s: Seconds it may take, waits included.
    """
    name = ledger_account(run.connection, run.account(account))
    report = TurnReport(name)
    try:
        with only_one(run.database, f"outreach with {name}"):
            _Turn(run, name, report, longest_s).run()
    except Busy as error:
        report.stopped = str(error)
    return report


class _Turn:
    """One turn of one account."""

    def __init__(
        self, run: OutreachRun, account: str, report: TurnReport, longest_s: float
    ) -> None:
        self._run = run
        self._account = account
        self._report = report
        self._began = run.clock.now()
        self._ends = self._began + timedelta(seconds=longest_s)
        settings = run.account(account)
        api, buckets = run.asking(account)
        caps = Caps(settings)
        self._accounts = AccountStore(run.database)
        self._admission = Admission(run, account, settings, caps, buckets)
        self._due = DueLeads(run.database, account, run.workflow.workflow, run.node.name)
        self._looker = Looker(run, settings, self._due, report)
        self._actor = Actor(
            run, account, settings, self._due, api, buckets, caps, self._admission, report
        )
        self._queries = sql.load("outreach_turn")
        self._reason: str | None = None

    def run(self) -> None:
        """Work until nothing can go within the time."""
        if self._accounts.read(self._account) is None:
            self._report.stopped = "nobody is enrolled with this account"
        elif self._run.node.dry_run:
            tell(self._run, self._account, self._report)
            self._report.stopped = self._reason = DRY
            self._report.next_at = self._began + _A_DAY
            self._end()
        else:
            try:
                self._work()
            except Left as left:
                self._report.left = self._reason = left.reason
                self._report.next_at = self._next_at(self._run.clock.now())
            self._end()

    def _work(self) -> None:
        leave = self._run.options.leave
        while True:
            leaving.check(leave)
            self._looker.look()
            self._check_status()
            done = self._see_to() or self._act()
            now = self._run.clock.now()
            if now >= self._ends:
                self._report.next_at = self._next_at(now)
                return
            if done:
                if self._gives_way(now):
                    return
                continue
            self._report.next_at = at = self._next_at(now)
            if at is None or at >= self._ends or at <= now:
                return
            leaving.wait(self._run.clock, (at - now).total_seconds(), leave)

    def _see_to(self) -> bool:
        """Bring on what is under way and due; tell whether that has changed anything."""
        now = self._run.clock.now()
        due = [row for row in self._due.acting(now) if row["at"] <= now]
        return bool(due) and self._actor.deliver()

    def _check_status(self) -> None:
        """Ask for the state of an account that was down, if nobody has for a while."""
        now = self._run.clock.now()
        account = self._accounts.read(self._account)
        assert account is not None
        asked = account.status_at is not None and now - account.status_at < LOOK_AGAIN
        if account.status not in {"OK", "UNKNOWN"} and not asked:
            self._actor.ask_status()

    def _act(self) -> bool:
        """Send something if anything may go; tell whether something was tried."""
        now = self._run.clock.now()
        if any(row["state"] in _UNSENT for row in self._due.acting(now)):
            # One after the other: it waits for the service, and so does all the rest.
            return False
        first = {bucket: self._due.first(bucket, now) for bucket in ACTION_BUCKETS}
        self._report.stopped = self._reason = None
        if not any(first.values()):
            return False
        with self._run.database.transaction() as conn:
            account = self._read(conn)
            barred = self._admission.barred(conn, account, now)
            if barred is not None:
                self._report.stopped = self._reason = barred.reason
                return False
            free = self._admission.free_at(conn, account, now)
        for bucket, lead_id in first.items():
            if lead_id is None:
                continue
            at, why = self._actor.free_with_reads(bucket, free)
            if at > now:
                self._report.held[why] += 1
                self._reason = why
                continue
            self._actor.act(lead_id, bucket)
            return True
        return False

    def _next_at(self, now: datetime) -> datetime | None:
        """Return when something can go next, as far as that can be told."""
        with self._run.database.transaction() as conn:
            account = self._read(conn)
            barred = self._admission.barred(conn, account, now)
            free = self._admission.free_at(conn, account, now)
        times = [max(row["at"], self._actor.paused_until or now) for row in self._due.acting(now)]
        for queue, at in self._due.dates().items():
            waits = [at]
            if queue != "look":
                waits.append(self._actor.free_with_reads(queue, free)[0])
                waits += [] if barred is None else [barred.until]
            times.append(max(waits))
        return min(times, default=None)

    def _gives_way(self, now: datetime) -> bool:
        """Tell whether another node of the account was served longer ago and has something due."""
        rows = self._due.rows("others_due", since=self._began, now=now)
        if not rows:
            return False
        self._report.stopped = self._reason = f"it is the turn of {rows[0]['name']}"
        self._report.next_at = self._next_at(now)
        return True

    def _end(self) -> None:
        given = {
            **self._due.names,
            "now": self._run.clock.now(),
            "next_at": self._report.next_at,
            "reason": self._reason,
        }
        end = self._queries["end_turn"]
        retry_transient(lambda: self._run.database.execute(end, given), self._run.clock)

    def _read(self, conn: Connection) -> Account:
        account = self._accounts.read_in(conn, self._account)
        assert account is not None
        return account
