"""Enrolment: changes of the source become leads, one person in one campaign at a time.

A batch of changes is taken up in one transaction, so that a kill leaves nothing half-enrolled, and
what is taken up again comes out the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql as compose

from syncflow_dagster.core.outreach.tokens import parse
from syncflow_dagster.core.states import DeltaState
from syncflow_dagster.nodes.delta.tables import delta_id, prepare
from syncflow_dagster.nodes.linkedin.accounts import AccountRenamed, AccountStore
from syncflow_dagster.nodes.linkedin.api import ReadFailed
from syncflow_dagster.nodes.linkedin.enrol_leads import Enrolment, Fate
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.people import People
from syncflow_dagster.nodes.linkedin.report import NAMED, EnrolReport
from syncflow_dagster.nodes.linkedin.sequence import compile_sequence
from syncflow_dagster.nodes.linkedin.texts import SENDER
from syncflow_dagster.nodes.linkedin.versions import keep_version
from syncflow_dagster.store import sql
from syncflow_dagster.store.database import retry_transient
from syncflow_dagster.testing.crash import crash_point
from syncflow_dagster.workflows.models import DeltaNode

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

#: What the database says of values it does not take; a repeat does not mend that.
_REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded)


def enrol(run: OutreachRun) -> EnrolReport:
    """Take up what has changed in the source of a node.

    Raises:
        TypeError: The node's source is no delta node.
        AccountRenamed: An account has leads under another name.
    """
    source = run.workflow.node(run.node.source)
    if not isinstance(source, DeltaNode):
        msg = f"the source {source.name!r} of node {run.node.name!r} is no delta node"
        raise TypeError(msg)
    prepare(run.database, run.workflow.workflow, [source])
    batches = _Batches(run, source)
    retry_transient(batches.begin, run.clock)
    report = EnrolReport()
    _ask_owners(run, report)
    while retry_transient(batches.renew_drafts, run.clock):
        crash_point("enrol.committed")
    while True:
        part = retry_transient(batches.next, run.clock)
        if not part.rows:
            return report
        crash_point("enrol.committed")
        report.add(part)


def _ask_owners(run: OutreachRun, report: EnrolReport) -> None:
    """Ask once whom an account belongs to, where texts say it.

    Texts of an account that does not tell wait for it; the others go on.
    """
    texts = [text for _, act in compile_sequence(run.node).acts() for text in act.texts]
    columns = run.node.lead.columns
    said = (one for text in texts for one in (text.text, text.subject or ""))
    if not any(SENDER in parse(one, columns).tokens for one in said):
        return
    accounts = AccountStore(run.database)
    for settings in run.node.accounts:
        name = ledger_account(run.connection, settings)
        if accounts.knows_owner(name):
            continue
        api, sink = run.asking(name)
        try:
            owner = api.me()
        except ReadFailed as error:
            report.why.append((name, f"its owner's name is not known yet: {error.reason}"))
            if error.signal is not None:
                sink.heard(name, error.signal, run.clock.now())
            continue
        accounts.keep_owner(name, owner.provider_id, owner.first_name)


class _Batches:
    """Changes of a source, batch by batch."""

    def __init__(self, run: OutreachRun, source: DeltaNode) -> None:
        self._run = run
        self._source = source
        self._queries = sql.load("outreach_enrol")
        self._version = 0

    def begin(self) -> None:
        """Write down the node's accounts and version, and take up again what was to wait."""
        run, now = self._run, self._run.clock.now()
        with run.database.transaction() as conn:
            People(conn, now).hold()
            for account in run.node.accounts:
                name = ledger_account(run.connection, account)
                given = {"account": name, "service_id": account.id, "tier": account.tier}
                before = conn.execute(self._queries["named_before"], given).fetchone()
                if before is not None:
                    raise AccountRenamed(name, before["account"])
                conn.execute(self._queries["keep_account"], given)
            names = (run.workflow.workflow, run.node.name)
            self._version = keep_version(conn, *names, compile_sequence(run.node), now)
            self._on(conn, "look_again", {"now": now})

    def renew_drafts(self) -> int:
        """Give some leads whose texts nobody has approved the version of now; tell how many."""
        now = self._run.clock.now()
        with self._run.database.transaction() as conn:
            return self._enrolment(conn, now, EnrolReport()).renew_drafts()

    def next(self) -> EnrolReport:
        """Take up some changes; none are left where the report counts none."""
        now = self._run.clock.now()
        report = EnrolReport()
        with self._run.database.transaction() as conn:
            enrolment = self._enrolment(conn, now, report)
            limit = {"limit": self._run.options.batch_rows}
            text: Any = sql.load("identity")["take_rows"]
            rows = conn.execute(self._on_table(text), limit).fetchall()
            crash_point("enrol.rows_taken")
            fates = {row["delta_id"]: self._fate(enrolment, row) for row in rows}
            fates |= enrolment.finish()
            for row in rows:
                self._settle(conn, row, fates[row["delta_id"]], report, now)
            crash_point("enrol.leads_written")
        return report

    def _enrolment(self, conn: Connection, now: datetime, report: EnrolReport) -> Enrolment:
        people = People(conn, now)
        people.hold()
        return Enrolment(self._run, conn, people, now, self._version, self._source.table, report)

    def _fate(self, enrolment: Enrolment, row: DictRow) -> Fate:
        try:
            with enrolment.conn.transaction():
                return enrolment.take(row)
        except _REFUSALS as error:
            about = error.diag.constraint_name or error.sqlstate
            why = f"the database does not take what it says ({type(error).__name__}, {about})"
            return Fate(DeltaState.DEAD, "not taken", f"{why}: mend the record at its source")

    def _settle(
        self, conn: Connection, row: DictRow, fate: Fate, report: EnrolReport, now: datetime
    ) -> None:
        given = {
            "delta_id": row["delta_id"],
            "state": fate.state,
            "reason": fate.reason,
            "not_before": fate.not_before,
            "now": now,
        }
        self._on(conn, "settle_row", given)
        report.rows += 1
        if fate.state == DeltaState.HELD:
            report.held[fate.sort] += 1
        elif fate.state == DeltaState.DEAD:
            report.dead[fate.sort] += 1
        if fate.reason is not None and len(report.why) < NAMED:
            # Its key may be somebody's address, and reports are kept where nothing is erased.
            report.why.append((f"delta {row['delta_id']}", fate.reason))

    def _on(self, conn: Connection, name: str, given: dict[str, Any]) -> None:
        text: Any = self._queries[name]
        conn.execute(self._on_table(text), given)

    def _on_table(self, text: Any) -> compose.Composed:
        return compose.SQL(text).format(table=delta_id(self._source))
