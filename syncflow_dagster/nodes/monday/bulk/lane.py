"""Bulk jobs as the ledger knows a destination: effects that go in one, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from syncflow_dagster.core.budget import Reading
from syncflow_dagster.core.outcomes import Outcome, Reject, Retry, Stop, Unknown, outage_of
from syncflow_dagster.ledger.budgets import LONGEST_WAIT_S
from syncflow_dagster.ledger.ports import (
    Ambiguous,
    BulkJob,
    Finding,
    Found,
    JobLook,
    NotApplied,
    Reply,
    Untold,
    Upload,
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
    Started,
    Uploaded,
)
from syncflow_dagster.nodes.monday.bulk.file import most_fitting, write
from syncflow_dagster.nodes.monday.bulk.fit import misfit
from syncflow_dagster.nodes.monday.bulk.jobs import start_cost, state_cost
from syncflow_dagster.nodes.monday.bulk.report import INVALID, SUCCESS, ReportRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from syncflow_dagster.ledger.ports import Effect, OpenJob
    from syncflow_dagster.nodes.monday.bulk.fit import FileColumns
    from syncflow_dagster.nodes.monday.bulk.jobs import BulkJobs
    from syncflow_dagster.workflows.models import MondayConnection

#: Seconds between two looks at a job, as monday advises ("importing items in bulk"); they grow to
#: a sixth of the job's age, and to five minutes.
POLL_S, LONGEST_POLL_S, _AGE_SHARE = 10.0, 300.0, 6
#: Seconds after which a stored job that has not ended is left to a person.
LONGEST_JOB_S = 86_400.0
#: Looks at a job that has ended, until its effects are looked up without its report.
_LOOKS_FOR_REPORT = 5
#: Times a job that cannot be opened, or gets no file, is tried again.
_MOST_TRIES = 2


class BulkLane:
    """Sends creates of one group as a file, and reads off the job what became of each.

    Args:
        jobs: The account's bulk jobs.
        connection: The account.
        columns: What of the board decides whether an item can be made from a file; without it,
            jobs are only looked at.
    """

    def __init__(
        self, jobs: BulkJobs, connection: MondayConnection, columns: FileColumns | None
    ) -> None:
        self._jobs = jobs
        self._columns = columns
        self._settle_s = connection.settle_s
        self._valid_s = connection.upload_valid_s
        self._poll_s = min(POLL_S, connection.settle_s)

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what one job with these effects costs, by budget."""
        return {**start_cost(), costs.INGEST_ITEMS_BUDGET: len(effects)}

    def look_cost(self) -> Mapping[str, int]:
        """Return what asking for a job costs, by budget."""
        return state_cost()

    def send(self, effects: Sequence[Effect], request_id: UUID) -> Reply:
        """Open a job for creates of one group; its file goes up when the job is written down."""
        assert self._columns is not None
        types, labels = self._columns.types, self._columns.labels
        unfit = {one.effect_id: misfit(one.payload, types, labels) for one in effects}
        if any(unfit.values()):
            return _sorted_out(unfit)
        if (most := most_fitting(effects, types)) < len(effects):
            long = {one.effect_id: "a file of it is too long" for one in effects[most:]}
            return _sorted_out({**unfit, **long})
        payload, group = effects[0].payload, effects[0].parent_id
        assert group is not None
        opened = self._jobs.start(payload["board_id"], group, payload["key_column"], request_id)
        if not isinstance(opened, Started):
            spent = {**opened.spent, costs.INGEST_ITEMS_BUDGET: 0}
            outcome = _not_opened(opened, effects[0].tries)
            return Reply(dict.fromkeys(unfit, outcome), opened.readings, spent)
        waiting = Unknown(f"bulk job {opened.job_id} has no file yet")
        job = BulkJob(
            opened.job_id,
            {costs.INGEST_ITEMS_BUDGET: len(effects)},
            partial(self._upload, effects, opened.job_id, opened.upload_url),
        )
        return Reply(dict.fromkeys(unfit, waiting), opened.readings, opened.spent, job=job)

    def _upload(self, effects: Sequence[Effect], job_id: str, url: str) -> Upload:
        assert self._columns is not None
        types = self._columns.types
        result = self._jobs.upload(url, write(effects, types))
        outcome: Outcome
        if isinstance(result, Uploaded):
            outcome = Unknown(f"in bulk job {job_id}", self._poll_s)
        elif isinstance(result, NotStored):
            outcome = Retry(result.reason, no_job=effects[0].tries >= _MOST_TRIES)
        else:
            outcome = Unknown(result.reason)
        outcomes = dict.fromkeys((one.effect_id for one in effects), outcome)
        rows = 0 if isinstance(result, NotStored) else len(effects)
        stored = isinstance(result, Uploaded)
        return Upload(outcomes, stored, {costs.INGEST_ITEMS_BUDGET: rows}, self._poll_s)

    def look(self, job: OpenJob) -> JobLook:
        """Ask how far a job is; where it has ended, what became of each line."""
        state = self._jobs.state(job.job_id)
        look = self._unread(job, state) if isinstance(state, NotRead) else self._seen(job, state)
        said = [*state.readings, *_full(state)]
        return replace(look, readings=said, spent=state.spent)

    def _unread(self, job: OpenJob, state: NotRead) -> JobLook:
        outcome = state.outcome
        if isinstance(outcome, Reject):
            # It may be at work all the same: only its age tells.
            return self._no_end(job, f"monday does not know bulk job {job.job_id}")
        if isinstance(outcome, Retry) and not outcome.outage and job.age_s > LONGEST_JOB_S:
            return _left_to_a_person(job, outcome.reason)
        stopped = outcome.reason if isinstance(outcome, Stop) and outcome.limit is None else None
        after_s = outcome.after_s or self._interval(job)
        return JobLook(
            reason=outcome.reason, after_s=after_s, outage=outage_of(outcome), stopped=stopped
        )

    def _seen(self, job: OpenJob, state: JobState) -> JobLook:
        name = f"bulk job {job.job_id}"
        if state.status is Progress.UPLOAD_PENDING:
            return self._no_end(job, f"{name} has not begun on its file")
        if state.status is Progress.PROCESSING:
            return self._no_end(replace(job, stored=True), f"{name} is at work")
        if state.status is not Progress.COMPLETED and not _has_applied(state):
            why = state.failure_message or state.failure_reason or state.status
            return _all(job, NotApplied(f"{name} made nothing: {why}"))
        report = self._jobs.report(state.report_url) if state.report_url else None
        if isinstance(report, Mapping) and _is_whole(report, job, state):
            return JobLook({line: _told(name, report[line]) for line in report})
        reason = report.reason if isinstance(report, ReportUnreadable) else "it is not there"
        reason = f"the report of {name} cannot be used: {reason}"
        if job.failures >= _LOOKS_FOR_REPORT:
            return _all(job, Untold(reason))
        return JobLook(reason=reason, after_s=self._poll_s, failed=True)

    def _no_end(self, job: OpenJob, reason: str) -> JobLook:
        """Return what a job that has not ended means, by its age.

        The address of its file is valid for ten minutes: of a job that monday has not confirmed to
        have its file, nothing can come later.
        """
        if not job.stored and job.age_s > self._valid_s + self._settle_s:
            return _all(job, NotApplied(f"{reason}, and none can come any more", no_job=False))
        if job.age_s > LONGEST_JOB_S:
            return _left_to_a_person(job, reason)
        return JobLook(reason=reason, after_s=self._interval(job))

    def _interval(self, job: OpenJob) -> float:
        return min(LONGEST_POLL_S, max(self._poll_s, job.age_s / _AGE_SHARE))


def _not_opened(answer: NotOffered | NotStarted, tries: int) -> Outcome:
    """Return what becomes of effects whose job was not opened: nothing was applied."""
    if isinstance(answer, NotOffered):
        return Retry(answer.reason, no_job=True)
    outcome = answer.outcome
    if not isinstance(outcome, Retry):
        return outcome
    if outcome.limit is None:
        # Requests are another way, and a trouble of jobs is no fault of the records.
        return replace(outcome, counts=True, no_job=tries >= _MOST_TRIES)
    return replace(outcome, no_job=(outcome.after_s or 0.0) > LONGEST_WAIT_S)


def _sorted_out(unfit: Mapping[int, str | None]) -> Reply:
    """Return the reply to effects of which some do not fit in a file: nothing is sent yet."""
    others = Retry("others of its file go by a mutation first", counts=False)
    outcomes: dict[int, Outcome] = {
        effect_id: others if why is None else Retry(why, no_job=True)
        for effect_id, why in unfit.items()
    }
    return Reply(outcomes, spent=dict.fromkeys(costs.JOB_BUDGETS, 0), asked=False)


def _has_applied(state: JobState) -> bool:
    """Tell whether a job may have applied rows."""
    counts = state.counts
    return state.status is not Progress.REJECTED or bool(counts.created or counts.updated)


def _is_whole(report: Mapping[int, ReportRow], job: OpenJob, state: JobState) -> bool:
    """Tell whether a report's lines are those of the file: only then is a line whose it seems."""
    submitted = state.counts.submitted
    return report.keys() == set(range(1, job.lines + 1)) and submitted in {None, job.lines}


def _told(name: str, row: ReportRow) -> Finding:
    if row.status == SUCCESS and row.item_id:
        return Found(row.item_id)
    if row.status == INVALID and not row.item_id:
        return NotApplied(f"{name}: {row.error}")
    return Untold(f"the report of {name} tells of it as {row.status!r}")


def _full(state: JobState | NotRead) -> list[Reading]:
    """Read off a job that there is no room for more items in the hour."""
    if isinstance(state, JobState) and state.failure_reason == "ACCOUNT_CAPACITY_EXCEEDED":
        return [Reading(costs.INGEST_ITEMS_BUDGET, remaining=0)]
    return []


def _left_to_a_person(job: OpenJob, reason: str) -> JobLook:
    text = f"{reason}, for more than a day; see what bulk job {job.job_id} made, then decide"
    return _all(job, Ambiguous(text))


def _all(job: OpenJob, finding: Finding) -> JobLook:
    return JobLook(dict.fromkeys(range(1, job.lines + 1), finding))
