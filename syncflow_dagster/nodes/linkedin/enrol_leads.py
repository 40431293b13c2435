"""What becomes of one change of the source: a lead, news of a lead, or neither, and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncflow_dagster.core.outreach.states import LeadState
from syncflow_dagster.core.states import DeltaState
from syncflow_dagster.nodes.linkedin.erasure import forget_again
from syncflow_dagster.nodes.linkedin.leads import Lead, lead_of
from syncflow_dagster.nodes.linkedin.names import ledger_account
from syncflow_dagster.nodes.linkedin.people import Candidate, NotALead, candidate_of
from syncflow_dagster.nodes.linkedin.sequence import compile_sequence
from syncflow_dagster.nodes.linkedin.suppression import ERASED, standing
from syncflow_dagster.nodes.linkedin.texts import render_leads
from syncflow_dagster.store import sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg
    from psycopg.rows import DictRow

    from syncflow_dagster.nodes.linkedin.people import Known, People
    from syncflow_dagster.nodes.linkedin.report import EnrolReport
    from syncflow_dagster.nodes.linkedin.run import OutreachRun

    Connection = psycopg.Connection[DictRow]

#: States in which nobody has approved a lead's texts.
_UNAPPROVED = frozenset({LeadState.DRAFT, LeadState.AWAITING_APPROVAL})
#: How soon a change is looked at again whose person is in another campaign.
_SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a change.

    Attributes:
        state: State of the delta row.
        sort: What sort of fate it is, for counting.
        reason: Why it is no lead, for people; None where nothing is to be said.
        not_before: When it is looked at again, where it is held.
    """

    state: DeltaState
    sort: str
    reason: str | None = None
    not_before: datetime | None = None


_TAKEN = Fate(DeltaState.SYNCED, "taken")


@dataclass
class Enrolment:
    """One batch of changes.

    Attributes:
        run: The node's run.
        conn: The batch's transaction.
        people: Persons, held by the transaction.
        now: Database time.
        version: The sequence's version of now.
        table: Delta table of the source.
        report: Counts.
    """

    run: OutreachRun
    conn: Connection
    people: People
    now: datetime
    version: int
    table: str
    report: EnrolReport
    _drafts: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count how much the accounts have to do."""
        self._queries = sql.load("outreach_enrol")
        self._n_steps = compile_sequence(self.run.node).n_steps
        accounts = self.run.node.accounts
        self._accounts = {one.name: ledger_account(self.run.connection, one) for one in accounts}
        given = {"accounts": list(self._accounts.values())}
        rows = self._do("loads", **given).fetchall()
        self._loads = Counter({row["account"]: row["leads"] for row in rows})

    def take(self, row: DictRow) -> Fate:
        """Take up one change."""
        lead = self._lead_of(row)
        if row["operation"] == "DELETE":
            return self._gone(lead, row)
        try:
            candidate = candidate_of(self.run.node, row)
        except NotALead as error:
            return self._unfit(lead, error)
        if lead is not None and lead.state != LeadState.CANCELLED:
            return self._refresh(lead, candidate, row)
        return self._enrol(candidate, row)

    def renew_drafts(self) -> int:
        """Give leads whose texts nobody has approved the version of now; tell how many."""
        given = {**self._names, "sequence_id": self.version, "limit": self.run.options.batch_rows}
        rows = self._do("old_drafts", **given).fetchall()
        for row in rows:
            lead = self.run.leads.lock(self.conn, row["lead_id"])
            assert lead is not None
            self._rewrite(lead, lead.fields, lead.slug, lead.provider_id, lead.delta_id)
        self.finish()
        return len(rows)

    def finish(self) -> dict[int, Fate]:
        """Render the texts of new leads, and let go who may not be written to.

        Returns:
            What becomes of changes after all, by delta id.
        """
        fates: dict[int, Fate] = {}
        found = self.run.leads.read_in(self.conn, list(self._drafts))
        barred = standing(self.run, self.conn, list(found.values())) if found else {}
        for lead_id, why in barred.items():
            self.run.leads.move(self.conn, found[lead_id], LeadState.SUPPRESSED, self.now, why)
            if why == ERASED and (key := self.run.options.privacy_key) is not None:
                forget_again(self.conn, found[lead_id], key)
            number = self._drafts[lead_id]
            if number is not None:
                fates[number] = Fate(DeltaState.DEAD, "suppressed", why)
        # Some may have turned out, later in the batch, to be the same person as another lead.
        drafts = [lead for lead in found.values() if lead.state is LeadState.DRAFT]
        free = [lead for lead in drafts if lead.lead_id not in barred]
        if free:
            render_leads(self.run, self.conn, free, self.now)
        self._drafts.clear()
        return fates

    def _gone(self, lead: Lead | None, row: DictRow) -> Fate:
        """A record is no longer in the source."""
        if lead is None or lead.terminal_at is not None:
            self.report.unchanged += 1
        elif self.run.node.on_delete == "cancel":
            lead = self._locked(lead)
            self.run.leads.move(
                self.conn, lead, LeadState.CANCELLED, self.now, "it is gone from the source"
            )
            self.report.cancelled += 1
        else:
            evidence = {"delta_id": row["delta_id"]}
            self.run.leads.note(self.conn, lead, "gone_from_source", self.now, evidence)
            self.report.unchanged += 1
        return _TAKEN

    def _unfit(self, lead: Lead | None, error: NotALead) -> Fate:
        """A record cannot be a lead; one that is a lead already goes on if that is harmless."""
        if lead is not None and lead.terminal_at is None:
            lead = self._locked(lead)
            unapproved = lead.standing in _UNAPPROVED
            if error.stops or unapproved:
                # One that nobody has approved is enrolled anew once its record is mended.
                ends = LeadState.CANCELLED if unapproved else LeadState.FAILED
                self.run.leads.move(self.conn, lead, ends, self.now, str(error))
        return Fate(DeltaState.DEAD, "blocked" if error.stops else "unusable", str(error))

    def _refresh(self, lead: Lead, candidate: Candidate, row: DictRow) -> Fate:
        lead = self._locked(lead)
        # One whose texts could not be made is as good as a draft: its record may be mended now.
        unmade = lead.state == LeadState.NEEDS_REVIEW and lead.standing == LeadState.DRAFT
        if unmade or lead.state in _UNAPPROVED:
            known = self.people.known_by(candidate.keys)
            self._meet(known)
            lead = self._locked(lead)
            if lead.person_id != known.person_id and lead.terminal_at is None:
                why = "its record names somebody else now"
                self.run.leads.move(self.conn, lead, LeadState.CANCELLED, self.now, why)
                return self._enrol(candidate, row)
            if lead.state in _UNAPPROVED or (unmade and lead.terminal_at is None):
                told = (candidate.fields, candidate.slug, candidate.provider_id)
                self._rewrite(lead, *told, row["delta_id"])
                self.report.refreshed += 1
            return _TAKEN
        # What was approved is what is sent, whatever the source says since.
        evidence = {"delta_id": row["delta_id"], "fields": sorted(row["changed_columns"])}
        self.run.leads.note(self.conn, lead, "source_changed", self.now, evidence)
        self.report.unchanged += 1
        return _TAKEN

    def _rewrite(self, lead: Lead, fields: Any, slug: Any, provider: Any, delta_id: Any) -> None:
        if lead.state != LeadState.DRAFT:
            why = "its texts are rendered anew"
            self.run.leads.move(self.conn, lead, LeadState.DRAFT, self.now, why)
        self._do("drop_texts", lead_id=lead.lead_id)
        self._do(
            "refresh",
            lead_id=lead.lead_id,
            fields=Jsonb(dict(fields)),
            slug=slug,
            provider_id=provider,
            delta_id=delta_id,
            sequence_id=self.version,
            n_steps=self._n_steps,
        )
        self._drafts[lead.lead_id] = delta_id

    def _enrol(self, candidate: Candidate, row: DictRow) -> Fate:
        known = self.people.known_by(candidate.keys)
        self._meet(known)
        given = {**self._names, "person_id": known.person_id}
        history = self._do("history", **given).fetchall()
        fate = in_the_way(self.run, history, self.now)
        if fate is not None:
            return fate
        account = self._account(candidate, known.person_id, history)
        new = self._do(
            "enrol",
            **self._names,
            person_id=known.person_id,
            account=account,
            sequence_id=self.version,
            n_steps=self._n_steps,
            delta_table=self.table,
            delta_id=row["delta_id"],
            source_key=row["business_key"],
            slug=candidate.slug,
            provider_id=candidate.provider_id,
            fields=Jsonb(dict(candidate.fields)),
            now=self.now,
        ).fetchone()
        assert new is not None
        self._drafts[new["lead_id"]] = row["delta_id"]
        self._loads[account] += 1
        self.report.enrolled += 1
        self.report.by_account[account] += 1
        return _TAKEN

    def _account(self, candidate: Candidate, person_id: int, history: list[DictRow]) -> str:
        """Return the account that acts: the one named, one the person knows, or one with room."""
        if candidate.account is not None:
            return self._accounts[candidate.account]
        for past in history:
            if past["contacted_at"] is not None and past["account"] in self._accounts.values():
                return str(past["account"])

        def place(account: str) -> tuple[int, bytes]:
            by_chance = hashlib.sha256(f"{person_id}:{account}".encode()).digest()
            return self._loads[account], by_chance

        return min(self._accounts.values(), key=place)

    def _meet(self, known: Known) -> None:
        self.people.meet(self.run.leads, known, is_sure=False)
        self.report.merged += len(known.others)

    def _locked(self, lead: Lead) -> Lead:
        locked = self.run.leads.lock(self.conn, lead.lead_id)
        assert locked is not None
        return locked

    def _lead_of(self, row: DictRow) -> Lead | None:
        given = {**self._names, "source_key": row["business_key"]}
        found = self._do("lead_of_record", **given).fetchone()
        return None if found is None else lead_of(found)

    @property
    def _names(self) -> dict[str, str]:
        return {"workflow": self.run.workflow.workflow, "node": self.run.node.name}

    def _do(self, name: str, **given: Any) -> psycopg.Cursor[DictRow]:
        return self.conn.execute(self._queries[name], given)


def in_the_way(run: OutreachRun, history: Iterable[DictRow], now: datetime) -> Fate | None:
    """Tell why a person may not be a lead, by what it has been through; None if it may.

    Args:
        run: The node's run.
        history: Rows of the statement `history`.
        now: Database time.
    """
    again_after = timedelta(days=run.node.contact_again_after_days)
    for past in history:
        who = f"lead {past['lead_id']} of {past['workflow']}.{past['node']}"
        if past["here"] and past["by_hand"]:
            why = f"somebody has taken the person out as {who}"
            return Fate(DeltaState.SYNCED, "taken out", why)
        if past["here"] and past["state"] != LeadState.CANCELLED:
            why = f"the same person is {who}"
            return Fate(DeltaState.SYNCED, "same person", why)
        contacted = past["contacted_at"]
        free_at = now if contacted is None else contacted + again_after
        if past["live"]:
            why = f"the person is on its way as {who}"
            until = max(now + _SOON, free_at)
            return Fate(DeltaState.HELD, "in another campaign", why, until)
        if free_at > now:
            why = f"the person was written to as {who}, and not again before {free_at:%Y-%m-%d}"
            return Fate(DeltaState.HELD, "contacted lately", why, free_at)
    return None
