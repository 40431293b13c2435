"""monday's bulk jobs: start one, give it its file, ask how far it is, read its report.

Source: developer.monday.com, pages "importing items in bulk" and "ingest items".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import requests
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema

from syncflow_dagster.core.outcomes import Outcome, Reject, Retry, Stop, Unknown
from syncflow_dagster.nodes.monday import costs
from syncflow_dagster.nodes.monday.bulk import report
from syncflow_dagster.nodes.monday.bulk.answers import (
    Counts,
    JobState,
    NotOffered,
    NotRead,
    NotStarted,
    NotStored,
    Progress,
    ReportUnreadable,
    Started,
    Unclear,
    Uploaded,
)
from syncflow_dagster.nodes.monday.classify import (
    alias_error,
    code_of,
    silence,
    was_replayed,
    whole_answer,
)
from syncflow_dagster.nodes.monday.client import Answer, NoAnswer
from syncflow_dagster.nodes.monday.headers import readings_of, spent_of, told
from syncflow_dagster.nodes.transport import DeadlineAdapter, failure, never_left

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from syncflow_dagster.nodes.monday.client import MondayClient
    from syncflow_dagster.workflows.models import MondayConnection

_START = """mutation ($board: ID!, $group: ID!, $match: OnMatchInput) {
  complexity { query after reset_in_x_seconds }
  ingest_items(board_id: $board, group_id: $group, on_match: $match) { job_id upload_url }
}"""
_STATE = """query ($job: ID!) {
  complexity { query after reset_in_x_seconds }
  fetch_job_status(job_id: $job) {
    ... on ItemsJobStatus {
      status
      counts { submitted invalid skipped created updated failed }
      failure_reason
      failure_message
      report_url
    }
  }
}"""
#: Code of an account that has started too many jobs, which tells its wait in milliseconds.
_LIMIT = "ratelimitexceeded"
#: Rights that other mutations may not need.
_OF_THE_LANE = frozenset(
    {
        "userunauthorizedexception",
        "useraccessdenied",
        "missingrequiredpermissions",
        "unauthorizedfieldortype",
    }
)
#: monday failed, and did not refuse.
_PASSING = frozenset({"internalservererror", "timeoutexceeded"})
_OK = 200
_REFUSED = range(300, 500)


def start_cost() -> Mapping[str, int]:
    """Return what starting a job costs, by budget; its rows come on top."""
    points = costs.MUTATION + 2 * costs.OBJECT + 2 * costs.SCALAR
    return {**costs.request(points), costs.INGEST_JOBS_BUDGET: 1}


def state_cost() -> Mapping[str, int]:
    """Return what asking for a job's state costs, by budget, at the dearest."""
    return costs.request(costs.READ)


@dataclass(slots=True)
class BulkJobs:
    """The bulk jobs of one account.

    The addresses of files and reports let anybody in: they are in no reason and no log of ours.

    Args:
        client: Sends the GraphQL requests; it is not closed here.
        connection: The account; files and reports have its time-out.
    """

    client: MondayClient
    connection: MondayConnection
    _session: requests.Session = field(default_factory=requests.Session, init=False, repr=False)

    def __post_init__(self) -> None:
        """Hold the time-out for whole answers."""
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, DeadlineAdapter(self.connection.timeout_s))

    def start(
        self, board_id: str, group_id: str, key_column: str, idempotency_key: UUID
    ) -> Started | NotStarted | NotOffered:
        """Start a job whose rows change the item with the same key, or make one in the group.

        Args:
            board_id: The board.
            group_id: Where new items go; an item that is there already stays in its group.
            key_column: Id of the text column that carries the record.
            idempotency_key: With the same one, monday gives the same job for 30 minutes.
        """
        match = {"match_column_id": key_column, "behaviour": "UPSERT"}
        variables = {"board": board_id, "group": group_id, "match": match}
        answer = self.client.execute(_START, variables, idempotency_key)
        if isinstance(answer, NoAnswer):
            return NotStarted(_again(silence(answer)))
        # Only starts that go well count.
        said, spent = readings_of(answer), {**spent_of(answer), costs.INGEST_JOBS_BUDGET: 0}
        job = (answer.data or {}).get("ingest_items") or {}
        if job.get("job_id") and job.get("upload_url"):
            replayed = was_replayed(answer)
            spent[costs.INGEST_JOBS_BUDGET] = 0 if replayed else 1
            return Started(
                str(job["job_id"]), str(job["upload_url"]), replayed, readings=said, spent=spent
            )
        error = answer.errors[0] if answer.errors else {}
        outcome = _meaning(answer)
        if _is_of_the_lane(outcome, code_of(error)):
            return NotOffered(getattr(outcome, "reason", ""), readings=said, spent=spent)
        outcome = _named(outcome, error)
        return NotStarted(_again(outcome), readings=[*said, *told(outcome, said)], spent=spent)

    def upload(self, url: str, content: bytes) -> Uploaded | NotStored | Unclear:
        """Give a job its file.

        Args:
            url: `Started.upload_url`.
            content: The file.
        """
        try:
            answer = self._session.put(
                url,
                data=content,
                # With a checksum header beside it, the address answers 403.
                headers={"Content-Type": "text/csv"},
                timeout=self.connection.timeout_s,
                # What follows a redirect may be a GET, whose 200 would be no answer to this.
                allow_redirects=False,
            )
        except (InvalidSchema, InvalidURL, MissingSchema):
            return NotStored("monday's address for the file is none")
        except requests.RequestException as error:
            reason = f"the file's upload failed: {failure(error)}"
            return NotStored(reason) if never_left(error) else Unclear(reason)
        if answer.status_code == _OK:
            return Uploaded()
        reason = f"the file's upload was answered with HTTP {answer.status_code}"
        return NotStored(reason) if answer.status_code in _REFUSED else Unclear(reason)

    def state(self, job_id: str) -> JobState | NotRead:
        """Ask how far a job is."""
        answer = self.client.execute(_STATE, {"job": job_id})
        if isinstance(answer, NoAnswer):
            return NotRead(_again(silence(answer)))
        said, spent = readings_of(answer), spent_of(answer)
        found = (answer.data or {}).get("fetch_job_status") or {}
        if found.get("status") in set(Progress):
            return _state(found, said, spent)
        if found:
            status = f"monday tells an unknown state of a job: {found.get('status')!r}"
            return NotRead(Retry(status), readings=said, spent=spent)
        outcome = _meaning(answer)
        ends = outcome if isinstance(outcome, Reject) else _again(outcome)
        return NotRead(ends, readings=[*said, *told(outcome, said)], spent=spent)

    def report(self, url: str) -> Mapping[int, report.ReportRow] | ReportUnreadable:
        """Return what became of the rows a job's report tells of, by their number, from 1.

        Args:
            url: `JobState.report_url`.
        """
        try:
            answer = self._session.get(url, timeout=self.connection.timeout_s)
            if answer.status_code != _OK:
                return ReportUnreadable(f"its report answers with HTTP {answer.status_code}")
            return report.read(answer.content)
        except requests.RequestException as error:
            return ReportUnreadable(f"its report cannot be had: {failure(error)}")
        except report.NoReport as error:
            return ReportUnreadable(str(error))

    def close(self) -> None:
        """Close the connections to files and reports."""
        self._session.close()


def _meaning(answer: Answer) -> Outcome:
    """Return what an answer without what was asked for means; it was one single field."""
    whole = whole_answer(answer)
    is_outage = isinstance(whole, Unknown) and (whole.outage or whole.same_key)
    if whole is not None and (is_outage or not isinstance(whole, Unknown)):
        return whole
    if answer.errors:
        return alias_error(answer.errors[0], answer)
    return Retry("monday says nothing of the job")


def _again(outcome: Outcome) -> Retry | Stop:
    """Return what to do about a request that applied nothing, whatever became of it."""
    if isinstance(outcome, Retry | Stop):
        return outcome
    reason = getattr(outcome, "reason", "")
    if not isinstance(outcome, Unknown):
        return Retry(reason)
    counts = outcome.counts and not outcome.outage
    return Retry(reason, outcome.after_s, counts, outage=outcome.outage)


def _is_of_the_lane(outcome: Outcome, code: str) -> bool:
    """Tell whether monday refuses the job itself, which a mutation need not meet."""
    if isinstance(outcome, Stop):
        return code in _OF_THE_LANE
    if isinstance(outcome, Unknown):
        return not (outcome.outage or outcome.same_key or code in _PASSING)
    return isinstance(outcome, Reject)


def _named(outcome: Outcome, error: Mapping[str, Any]) -> Outcome:
    """Name the budget where too many jobs were started in the hour."""
    in_milliseconds = "retryAfterMs" in (error.get("extensions") or {})
    if isinstance(outcome, Retry) and code_of(error) == _LIMIT and in_milliseconds:
        return replace(outcome, limit=costs.INGEST_JOBS_BUDGET)
    return outcome


def _state(found: Mapping[str, Any], said: list[Any], spent: Mapping[str, int]) -> JobState:
    given = found.get("counts") or {}
    counts = {name: given.get(name) for name in Counts.__dataclass_fields__}
    return JobState(
        Progress(found["status"]),
        Counts(**counts),
        found.get("failure_reason"),
        found.get("failure_message"),
        found.get("report_url"),
        readings=said,
        spent=spent,
    )
