"""Bulk jobs as the ledger knows a destination: effects that go in one, and what became of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.core.outcomes import Outcome, Reject, Retry, Stop, Unknown, outage_of
from syncflow_dagster.ledger.ports import (
    Absent,
    BulkJob,
    Finding,
    Found,
    Lookup,
    Refused,
    Reply,
    Unreadable,
    Untold,
)
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.bulk.answers import (
    JobState,
    NotOffered,
    NotRead,
    NotStarted,
    NotStored,
    Progress,
    ReportUnreadable,
    Uploaded,
)
from syncflow_dagster.nodes.monday.bulk.file import most_fitting, write
from syncflow_dagster.nodes.monday.bulk.fit import misfit
from syncflow_dagster.nodes.monday.bulk.jobs import start_cost, state_cost
from syncflow_dagster.nodes.monday.bulk.report import INVALID, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.ledger.ports import Effect
    from syncflow_dagster.nodes.monday.bulk.fit import FileColumns
    from syncflow_dagster.nodes.monday.bulk.jobs import BulkJobs

#: Seconds between two looks at a job, as monday advises ("importing items in bulk").
POLL_S = 10.0
#: Looks at a job that has ended, until its effects are looked up without its report.
_LOOKS_FOR_REPORT = 5


class BulkLane:
    """Sends creates of one group as a file, and reads off the job what became of each.

    Args:
        jobs: The account's bulk jobs.
        settle_s: Seconds until monday's reads show whatever a request will still bring about.
        columns: What of the board decides whether an item can be made from a file; without it,
            jobs are only looked up.
    """

    def __init__(self, jobs: BulkJobs, settle_s: float, columns: FileColumns | None) -> None:
        self._jobs = jobs
        self._settle_s = settle_s
        self._columns = columns
        self._poll_s = min(POLL_S, settle_s)

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what one job with these effects costs, by budget."""
        return {**start_cost(), costs.INGEST_ITEMS_BUDGET: len(effects)}

    def lookup_cost(self) -> Mapping[str, int]:
        """Return what asking for a job costs, by budget."""
        return state_cost()

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:
        """Open a job for creates of one group; its file goes up when the job is written down."""
        assert self._columns is not None
        columns = self._columns
        unfit = {
            one.effect_id: misfit(one.payload, columns.types, columns.labels) for one in effects
        }
        if any(unfit.values()):
            return _sorted_out(unfit)
        payload = effects[0].payload
        group = effects[0].parent_id
        assert group is not None
        opened = self._jobs.start(payload["board_id"], group, payload["key_column"], request_id)
        if isinstance(opened, NotOffered | NotStarted):
            outcome: Outcome = (
                Retry(opened.reason, no_job=True)
                if isinstance(opened, NotOffered)
                else opened.outcome
            )
            spent = {**opened.spent, costs.INGEST_ITEMS_BUDGET: 0}
            return Reply(dict.fromkeys(unfit, outcome), opened.readings, spent)
        upload = partial(self._upload, effects, opened.job_id, opened.upload_url)
        waiting = Unknown(f"bulk job {opened.job_id} has no file yet")
        spent = {**opened.spent, costs.INGEST_ITEMS_BUDGET: len(effects)}
        job = BulkJob(opened.job_id, upload)
        return Reply(dict.fromkeys(unfit, waiting), opened.readings, spent, job=job)

    def _upload(
        self, effects: Sequence[Effect], job_id: str, url: str
    ) -> tuple[Mapping[int, Outcome], bool]:
        assert self._columns is not None
        types = self._columns.types
        fitting = most_fitting(effects, types)
        result = self._jobs.upload(url, write(effects[:fitting], types))
        outcome: Outcome
        if isinstance(result, Uploaded):
            outcome = Unknown(f"in bulk job {job_id}", self._poll_s)
        elif isinstance(result, NotStored):
            outcome = Retry(result.reason, no_job=True)
        else:
            outcome = Unknown(result.reason)
        full = Retry("the file is full; it goes in the next one", counts=False)
        outcomes = {
            one.effect_id: outcome if number < fitting else full
            for number, one in enumerate(effects)
        }
        return outcomes, isinstance(result, Uploaded)

    def lookup(self, effects: Sequence[Effect]) -> Lookup:
        """Ask what became of effects that are in one job."""
        job_id = effects[0].job
        assert job_id is not None
        state = self._jobs.state(job_id)
        if isinstance(state, NotRead):
            return self._not_read(effects, job_id, state)
        findings = self._findings(effects, job_id, state)
        return Lookup(findings, 1, [*state.readings, *_full(state)], spent=state.spent)

    def _not_read(self, effects: Sequence[Effect], job_id: str, state: NotRead) -> Lookup:
        outcome = state.outcome
        finding: Finding
        if isinstance(outcome, Reject):
            finding = Untold(f"monday does not know bulk job {job_id}: {outcome.reason}")
        else:
            outage = outage_of(outcome) is not None
            finding = Unreadable(outcome.reason, outcome.after_s, outage)
        stopped = outcome.reason if isinstance(outcome, Stop) and outcome.limit is None else None
        return Lookup(_all(effects, finding), 1, state.readings, stopped, state.spent)

    def _findings(
        self, effects: Sequence[Effect], job_id: str, state: JobState
    ) -> Mapping[int, Finding]:
        name = f"bulk job {job_id}"
        if state.status is Progress.UPLOAD_PENDING:
            return self._without_file(effects, name)
        if state.status is Progress.PROCESSING:
            return _all(effects, Unreadable(f"{name} is at work", self._poll_s, counts=False))
        if state.status is not Progress.COMPLETED and not _has_applied(state):
            why = state.failure_message or state.failure_reason or state.status
            return _all(effects, Refused(f"{name} made nothing: {why}"))
        report = self._jobs.report(state.report_url) if state.report_url else None
        if report is None or isinstance(report, ReportUnreadable):
            reason = f"{name} has ended without a report" if report is None else report.reason
            if effects[0].lookups < _LOOKS_FOR_REPORT:
                return _all(effects, Unreadable(reason, self._poll_s))
            return _all(effects, Untold(reason))
        findings: dict[int, Finding] = {}
        for effect in effects:
            row = report.get(effect.line or 0)
            if row is not None and row.status == SUCCESS and row.item_id:
                findings[effect.effect_id] = Found(row.item_id)
            elif row is not None and row.status == INVALID:
                findings[effect.effect_id] = Refused(f"{name}: {row.error}")
            else:
                findings[effect.effect_id] = Untold(f"the report of {name} does not tell of it")
        return findings

    def _without_file(self, effects: Sequence[Effect], name: str) -> Mapping[int, Finding]:
        if effects[0].stored:
            return _all(effects, Unreadable(f"{name} has not begun on its file", self._poll_s))
        if effects[0].lookups:
            # Whatever was on its way when we last sent has come by now.
            return _all(effects, Absent())
        return _all(effects, Unreadable(f"{name} has no file", self._settle_s))


def _sorted_out(unfit: Mapping[int, str | None]) -> Reply:
    """Return the reply to effects of which some do not fit in a file: nothing is sent yet."""
    others = Retry("others of its file go by a mutation first", counts=False)
    outcomes: dict[int, Outcome] = {
        effect_id: others if why is None else Retry(why, no_job=True)
        for effect_id, why in unfit.items()
    }
    return Reply(outcomes, spent=dict.fromkeys(costs.JOB_BUDGETS, 0))


def _has_applied(state: JobState) -> bool:
    """Tell whether a job may have applied rows."""
    counts = state.counts
    return state.status is not Progress.REJECTED or bool(counts.created or counts.updated)


def _full(state: JobState) -> list[Reading]:
    """Read off a job that there is no room for more items in the hour."""
    if state.failure_reason == "ACCOUNT_CAPACITY_EXCEEDED":
        return [Reading(costs.INGEST_ITEMS_BUDGET, remaining=0)]
    return []


def _all(effects: Sequence[Effect], finding: Finding) -> dict[int, Finding]:
    return dict.fromkeys((effect.effect_id for effect in effects), finding)
