"""Writing by Bulk API 2.0: a job is made, gets its file, is closed, and tells of each record.

Bulk API 2.0 and Bulk API Developer Guide, chapter "Bulk API 2.0 Ingest". A job without a file, or
one that was not closed, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from syncflow_dagster.core.outcomes import Done, Outcome, Retry, Unknown
from syncflow_dagster.nodes.pull.ports import QueryFailedError
from syncflow_dagster.nodes.salesforce.answers import Answer, ApiError, NoAnswer
from syncflow_dagster.nodes.salesforce.asking import ask
from syncflow_dagster.nodes.salesforce.client import resource
from syncflow_dagster.nodes.salesforce.errors import JobGone, NotThere, row_outcome, whole_answer
from syncflow_dagster.nodes.salesforce.ingest_csv import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syncflow_dagster.nodes.salesforce.client import SalesforceClient

Operation = Literal["insert", "update", "upsert", "delete"]
OPEN, UPLOADED, COMPLETE = "Open", "UploadComplete", "JobComplete"
FAILED, ABORTED = "Failed", "Aborted"
ENDED = frozenset({COMPLETE, FAILED, ABORTED})
_CREATED = 201
_CSV = "text/csv; charset=UTF-8"
_SUCCESSFUL, _FAILED, _UNPROCESSED = "successfulResults", "failedResults", "unprocessedrecords"


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a job is.

    Attributes:
        state: Salesforce's word: `Open`, `UploadComplete`, `InProgress`, `JobComplete`, `Failed`,
            `Aborted`.
        processed: Records looked at so far.
        failed: Those of them that were refused.
        error: Why the job as a whole failed, if it did.
    """

    state: str
    processed: int
    failed: int
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ENDED


def open_job(
    client: SalesforceClient, name: str, operation: Operation, external_id: str | None = None
) -> str | Outcome:
    """Make a job and return its id, or what became of the try: none of it changes a record.

    Args:
        client: Where to write.
        name: API name of the records' object.
        operation: What the job does.
        external_id: Of an upsert: the object's external id field, not `Id`.

    Raises:
        ValueError: An upsert without an external id.
    """
    job: dict[str, Any] = {
        "object": name,
        "operation": operation,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    if operation == "upsert":
        if external_id is None or external_id.lower() == "id":
            raise ValueError("an upsert needs an external id field; by Id it would make records")
        job["externalIdFieldName"] = external_id
    answer = client.post(resource("jobs", "ingest"), job)
    outcome = whole_answer(answer)
    body = answer.body if outcome is None and isinstance(answer, Answer) else None
    if isinstance(body, dict) and body.get("id"):
        return str(body["id"])
    return _unsent(outcome or Unknown("Salesforce makes a bulk job and does not name it"))


def upload(client: SalesforceClient, job: str, content: bytes) -> Outcome | None:
    """Give a job its file; None once Salesforce has it. Until it is closed nothing is changed.

    Args:
        client: Where to write.
        job: The job's id.
        content: What `ingest_csv.file_of` gives.
    """
    answer = client.put(resource("jobs", "ingest", job, "batches"), content, _CSV)
    if isinstance(answer, Answer) and answer.status == _CREATED:
        return None
    return _unsent(whole_answer(answer) or Retry("Salesforce does not confirm a job's file"))


def close(client: SalesforceClient, job: str) -> Outcome | None:
    """Let a job begin; None once Salesforce says so, `Unknown` where it may have begun."""
    answer = client.patch(resource("jobs", "ingest", job), {"state": UPLOADED})
    return whole_answer(answer)


def abort(client: SalesforceClient, job: str) -> Answer | NoAnswer:
    """End a job; records it has changed stay changed."""
    return client.patch(resource("jobs", "ingest", job), {"state": ABORTED})


def look(client: SalesforceClient, job: str) -> JobState:
    """Ask how far a job is.

    Raises:
        JobGone: There is no such job any more.
        SourceUnavailableError: Salesforce does not answer.
        QueryFailedError: It refuses.
    """
    try:
        body = ask(client, resource("jobs", "ingest", job), f"the state of bulk job {job}").body
    except NotThere as error:
        raise JobGone(str(error)) from None
    told = body if isinstance(body, dict) else {}
    return JobState(
        state=str(told.get("state") or ""),
        processed=int(told.get("numberRecordsProcessed") or 0),
        failed=int(told.get("numberRecordsFailed") or 0),
        error=str(told.get("errorMessage") or ""),
    )


def results(
    client: SalesforceClient,
    job: str,
    key: Sequence[str],
    wanted: Iterable[tuple[str, ...]],
) -> dict[tuple[str, ...], Outcome]:
    """Return what became of each record of a job that has ended.

    Args:
        client: Where to read.
        job: The job's id.
        key: Columns of its file whose cells tell one record from all others.
        wanted: Cells of these columns of each record, by `ingest_csv.key_of`.

    Returns:
        One outcome for each that is wanted: `Retry` where Salesforce did not get to it, `Unknown`
        where none of the three result files names it, or one names it twice.

    Raises:
        JobGone: The job's results are gone: they are kept for seven days.
        SourceUnavailableError: Salesforce does not answer.
        QueryFailedError: It refuses, or a file is no CSV.
    """
    found: dict[tuple[str, ...], Outcome] = {}
    twice: set[tuple[str, ...]] = set()
    for kind in (_SUCCESSFUL, _FAILED, _UNPROCESSED):
        for row in _lines(client, job, kind):
            at = tuple(str(row.get(name, "")) for name in key)
            twice |= {at} & found.keys()
            found[at] = _outcome(kind, row)
    untold = Unknown(f"bulk job {job} has ended without a word on this record")
    return {
        one: Unknown(f"bulk job {job} names this record twice") if one in twice else
        found.get(one, untold)
        for one in wanted
    }  # fmt: skip


def _lines(client: SalesforceClient, job: str, kind: str) -> Iterator[Mapping[str, str]]:
    what = f"{kind} of bulk job {job}"
    path = f"{resource('jobs', 'ingest', job, kind)}/"
    try:
        answer = ask(client, path, what, headers={"Accept": "text/csv"})
    except NotThere as error:
        raise JobGone(str(error)) from None
    if answer.content is None:
        if answer.body is None:
            return  # an empty file
        msg = f"{what}: Salesforce answers with something that is no CSV"
        raise QueryFailedError(msg)
    try:
        yield from rows_of(answer.content, answer.headers.get("Content-Encoding", ""))
    except ValueError as error:
        msg = f"{what}: {error}"
        raise QueryFailedError(msg) from error


def _outcome(kind: str, row: Mapping[str, str]) -> Outcome:
    if kind == _SUCCESSFUL:
        return Done(remote_id=row.get("sf__Id") or None)
    if kind == _UNPROCESSED:
        return Retry("the bulk job ended before this record")
    code, _, text = str(row.get("sf__Error") or "").partition(":")
    message, _, fields = text.rpartition(":")
    named = tuple(one for one in fields.strip().split() if one != "--")
    return row_outcome(ApiError(code, message or text, named))


def _unsent(outcome: Outcome) -> Outcome:
    """Return what a step means that changes no record: what it may have done does no harm."""
    if isinstance(outcome, Unknown):
        return Retry(outcome.reason, outcome.after_s, counts=False, outage=outcome.outage)
    return outcome
