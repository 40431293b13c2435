"""Tags by Bulk API 2.0: many records in one file, and what became of each of them.

A job is made first and written down; then its records are read, and the gate is asked about those
that show what was approved. Only those go into the file for which it has said yes in the last
seconds; the others wait for another job. A job without a file, or not closed, changes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from syncflow_dagster.core.outcomes import Done, Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.ledger.ports import (
    BulkJob,
    Finding,
    Found,
    JobLook,
    NotApplied,
    Reply,
    Untold,
    Upload,
)
from syncflow_dagster.nodes.pull.ports import SourceError, SourceUnavailableError
from syncflow_dagster.nodes.salesforce import ingest
from syncflow_dagster.nodes.salesforce.errors import JobGone, QuotaReached
from syncflow_dagster.nodes.salesforce.ingest_csv import NotSendable, file_of, key_of
from syncflow_dagster.nodes.salesforce.quota import DAILY
from syncflow_dagster.nodes.tag import costs
from syncflow_dagster.nodes.tag.writes import Writer, junction_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from syncflow_dagster.ledger.ports import Effect, OpenJob
    from syncflow_dagster.nodes.salesforce.client import SalesforceClient
    from syncflow_dagster.nodes.salesforce.ingest import JobState
    from syncflow_dagster.nodes.tag.screening import Screen
    from syncflow_dagster.nodes.tag.showing import Shown

    #: Gives what tells each line of a job's file from the others, by the job's id.
    Lines = Callable[[str], Mapping[int, str]]

#: Records of one job: about as many as the gate can be asked about within `screening.YOUNG_S`, with
#: ten times six requests. Fewer than Salesforce takes, as its yes must not get old.
MOST_LINES = 2_000
#: Seconds between two looks at a job; they grow to a sixth of its age, and to five minutes.
POLL_S, LONGEST_POLL_S, _AGE_SHARE = 5.0, 300.0, 6
#: Looks at a job that has ended, until its records are looked up one by one.
_LOOKS_FOR_RESULTS = 5
#: Requests a look takes at the most: the state, three files of results, a job that is ended.
_LOOK = 5


@dataclass(frozen=True, slots=True)
class BulkLane:
    """Sends effects in bulk jobs.

    Attributes:
        client: The org.
        screen: Asked about each record before it goes into a file.
        lines: Tells which line of a job is whose.
        size: Records of one job at most.
    """

    client: SalesforceClient
    screen: Screen
    lines: Lines
    size: int = MOST_LINES

    @property
    def _poll_s(self) -> float:
        return min(POLL_S, self.client.connection.settle_s)

    def cost(self, effects: Sequence[Effect]) -> Mapping[str, int]:
        """Return what one job with these effects costs, the questions before included."""
        # Whose yes has got old is asked about a second time.
        gate = 2 * costs.GATE * costs.batches(len(effects))
        return costs.requests(4 + gate + self.screen.most_queries(effects))

    def look_cost(self) -> Mapping[str, int]:
        """Return what asking for a job costs."""
        return costs.requests(_LOOK)

    def send(self, effects: Sequence[Effect], _request_id: UUID) -> Reply:
        """Open a job for the most of the effects that can go in one file."""
        before = self.client.usage.sent
        shape = Counter(map(_shape, effects)).most_common(1)[0][0]
        ours = [one for one in effects if _shape(one) == shape]
        payload = ours[0].payload
        opened = (
            ingest.open_job(self.client, payload["tagged"], "update")
            if ours[0].kind == "set_fields"
            else ingest.open_job(self.client, payload["object"], "upsert", payload["external_id"])
        )
        sent = {DAILY: self.client.usage.sent - before}
        if not isinstance(opened, str):
            # Requests are another way, and a trouble of jobs is no fault of the records.
            outcome = _by_requests(opened)
            outcomes = dict.fromkeys((one.effect_id for one in effects), outcome)
            return Reply(outcomes, costs.readings(self.client.usage, [outcome]), sent)
        waiting = Unknown(f"bulk job {opened} has no file yet")
        file_cost = {DAILY: self.cost(effects)[DAILY] - 1}
        job = BulkJob(opened, file_cost, partial(self._upload, opened, effects, ours))
        outcomes = dict.fromkeys((one.effect_id for one in effects), waiting)
        return Reply(outcomes, costs.readings(self.client.usage, ()), sent, job=job)

    def _upload(self, job: str, effects: Sequence[Effect], ours: Sequence[Effect]) -> Upload:
        """Ask about the records now, and give the job those that may be written."""
        before = self.client.usage.sent
        alone = len(effects) - len(ours) < costs.BATCH
        later = Retry("goes in another file than most of its job", counts=False, no_job=alone)
        outcomes: dict[int, Outcome] = dict.fromkeys((one.effect_id for one in effects), later)
        screened = self.screen.screen(ours)
        outcomes |= screened.outcomes
        stored = False
        if screened.ready:
            outcome = self._store(job, screened.ready, screened.shown)
            stored = outcome is None
            in_job = outcome or Unknown(f"in bulk job {job}", self._poll_s)
            outcomes |= dict.fromkeys((one.effect_id for one in screened.ready), in_job)
        if not any(isinstance(one, Unknown) for one in outcomes.values()):
            ingest.abort(self.client, job)
        return Upload(outcomes, stored, {DAILY: self.client.usage.sent - before}, self._poll_s)

    def _store(self, job: str, effects: Sequence[Effect], shown: Shown) -> Outcome | None:
        """Give a job its file and let it begin; None once Salesforce has confirmed both."""
        try:
            content = self._file(effects, shown)
        except NotSendable as error:
            return Retry(str(error), no_job=True)
        not_stored = ingest.upload(self.client, job, content)
        if not_stored is not None:
            return _by_requests(not_stored)
        outcome = ingest.close(self.client, job)
        # Refused, it has not begun; where nothing is heard, it may have.
        return _by_requests(outcome) if isinstance(outcome, Reject) else outcome

    def _file(self, effects: Sequence[Effect], shown: Shown) -> bytes:
        writer = Writer(self.client, self.screen.looker.tagged, self.screen.looker.topics)
        records: list[Mapping[str, Any]] = [
            writer.fields(one, shown) if one.kind == "set_fields" else junction_record(one)
            for one in effects
        ]
        names = list(records[0])
        return file_of(names, ([record[name] for name in names] for record in records))

    def look(self, job: OpenJob) -> JobLook:
        """Ask how far a job is; where it has ended, what became of each line."""
        before = self.client.usage.sent
        try:
            look = self._seen(job, ingest.look(self.client, job.job_id))
        except JobGone as error:
            look = _all(job, Untold(str(error)))
        except SourceError as error:
            look = _not_seen(error, self._interval(job))
        spent = {DAILY: self.client.usage.sent - before}
        said = costs.readings(self.client.usage, ())
        return JobLook(
            look.findings, look.reason, look.after_s, look.failed, look.outage, look.stopped,
            said, spent,
        )  # fmt: skip

    def _seen(self, job: OpenJob, state: JobState) -> JobLook:
        name = f"bulk job {job.job_id}"
        if state.state == ingest.OPEN:
            return self._unused(job, name)
        if not state.ended:
            return JobLook(reason=f"{name} is at work", after_s=self._interval(job))
        lines = self.lines(job.job_id)
        (column, keys) = _keys(lines)
        if job.failures >= _LOOKS_FOR_RESULTS:
            return _all(job, Untold(f"the results of {name} cannot be read"))
        outcomes = ingest.results(self.client, job.job_id, [column], keys.values())
        return JobLook({line: _finding(name, outcomes[key]) for line, key in keys.items()})

    def _interval(self, job: OpenJob) -> float:
        return min(LONGEST_POLL_S, max(self._poll_s, job.age_s / _AGE_SHARE))

    def _unused(self, job: OpenJob, name: str) -> JobLook:
        """Return what a job without a file means: once nobody can be at work on it, it is ended."""
        connection = self.client.connection
        if not job.stored and job.age_s <= connection.timeout_s * 3 + connection.settle_s:
            return JobLook(reason=f"{name} has not begun", after_s=self._interval(job))
        ingest.abort(self.client, job.job_id)
        if ingest.look(self.client, job.job_id).state == ingest.ABORTED:
            return _all(job, NotApplied(f"{name} got no file", no_job=False))
        return JobLook(reason=f"{name} has begun after all", after_s=self._interval(job))


def _shape(effect: Effect) -> tuple[str, ...]:
    """Return what effects of one file have in common: an empty cell would empty a field."""
    payload = effect.payload
    if effect.kind == "set_fields":
        return (effect.kind, *sorted(payload["after"]))
    return (effect.kind, payload["object"], payload["external_id"], *payload["shown"])


def line_key(kind: str, payload: Mapping[str, Any]) -> str:
    """Return what tells a line of a file: its column and its cell."""
    if kind == "set_fields":
        return f"Id={payload['record_id']}"
    return f"{payload['external_id']}={payload['key']}"


def _keys(lines: Mapping[int, str]) -> tuple[str, dict[int, tuple[str, ...]]]:
    split = {line: text.partition("=") for line, text in lines.items()}
    column = next((one[0] for one in split.values()), "Id")
    return column, {line: key_of([one[2]]) for line, one in split.items()}


def _by_requests(outcome: Outcome) -> Outcome:
    """Return what becomes of records whose job was refused: nothing was changed."""
    match outcome:
        case Reject(reason):
            return Retry(reason, no_job=True)
        case Stop(reason, limit=None):
            # A user that may not use jobs may still write.
            return Retry(reason, no_job=True)
        case _:
            return outcome


def _finding(name: str, outcome: Outcome) -> Finding:
    match outcome:
        case Done(remote_id):
            return Found(remote_id)
        case Unknown(reason):
            return Untold(reason)
        case _:
            # By a request of its own Salesforce says what is wrong with it, and what to do.
            return NotApplied(f"{name}: {getattr(outcome, 'reason', outcome)}")


def _not_seen(error: SourceError, after_s: float) -> JobLook:
    passing = isinstance(error, SourceUnavailableError)
    quota = isinstance(error, QuotaReached)
    return JobLook(
        reason=str(error),
        after_s=3600.0 if quota else after_s,
        failed=True,
        outage=str(error) if passing and not quota else None,
        stopped=None if passing else str(error),
    )


def _all(job: OpenJob, finding: Finding) -> JobLook:
    return JobLook(dict.fromkeys(range(1, job.lines + 1), finding))
